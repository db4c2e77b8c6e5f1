/* The parts of `roentgym evaluate`. Each gets its own argv (argv[0] is the part's name) and returns the exit
 * status, as in commands.h. */
#ifndef TR_EVALUATE_H
#define TR_EVALUATE_H

int tr_evaluate_swd(int argc, char **argv);
int tr_evaluate_table1(int argc, char **argv);
int tr_evaluate_low_data(int argc, char **argv);
int tr_evaluate_boundary(int argc, char **argv);
int tr_evaluate_labels(int argc, char **argv);
int tr_evaluate_all(int argc, char **argv);

#endif
