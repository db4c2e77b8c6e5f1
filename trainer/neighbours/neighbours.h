/* The parts of `roentgym evaluate` that look at features; as in trainer/evaluate/evaluate.h. */
#ifndef TR_NEIGHBOURS_H
#define TR_NEIGHBOURS_H

int tr_evaluate_neighbours(int argc, char **argv);
int tr_evaluate_tsne(int argc, char **argv);

#endif
