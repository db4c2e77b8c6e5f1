/* `roentgymd replay`: makes images of the log again and compares them with what was sent. */
#ifndef SRV_REPLAY_LOG_H
#define SRV_REPLAY_LOG_H

/* `argv` begins with "replay". Prints one line for each image and a sum, and returns the program's exit
 * status: 0 when all that was sent came out the same, 1 when not, 2 for wrong usage. */
int srv_replay(int argc, char **argv);

#endif
