/* `roentgymd library`: the operator's commands for the library. */
#ifndef SRV_LIBRARY_COMMAND_H
#define SRV_LIBRARY_COMMAND_H

/* argv[0] is "library". Returns the process's exit status. Works beside a running daemon or without one. */
int srv_library_command(int argc, char **argv);

#endif
