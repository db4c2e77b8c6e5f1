/* The three commands of `roentgym localise`. Each gets its own argv and returns the exit status
 * (trainer/commands.h). */
#ifndef TR_LOCALISE_H
#define TR_LOCALISE_H

int tr_localise_train(int argc, char **argv);
int tr_localise_apply(int argc, char **argv);
int tr_localise_evaluate(int argc, char **argv);

#endif
