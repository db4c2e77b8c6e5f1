/* The parts of `roentgym evaluate`. Each gets its own argv (argv[0] is "roentgym evaluate PART") and returns
 * the exit status, as in trainer/commands.h. */
#ifndef TR_PARTS_H
#define TR_PARTS_H

/* trainer/evaluate */
int tr_evaluate_swd(int argc, char **argv);
int tr_evaluate_labels(int argc, char **argv);
int tr_evaluate_all(int argc, char **argv);
/* trainer/experiments */
int tr_evaluate_table1(int argc, char **argv);
int tr_evaluate_low_data(int argc, char **argv);
int tr_evaluate_boundary(int argc, char **argv);
/* trainer/neighbours */
int tr_evaluate_neighbours(int argc, char **argv);
int tr_evaluate_tsne(int argc, char **argv);

#endif
