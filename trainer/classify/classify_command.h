/* The parts of `roentgym classify`. Each gets its own argv (argv[0] is the part's name) and returns the exit
 * status, as in commands.h. */
#ifndef TR_CLASSIFY_COMMAND_H
#define TR_CLASSIFY_COMMAND_H

int tr_classify_train_main(int argc, char **argv);
int tr_classify_score_main(int argc, char **argv);

#endif
