/* A share that was counted, with Wilson's score interval of 95 % (Wilson 1927), which stays within 0..1 and
 * keeps a width at 0 and at 1. */
#ifndef NN_WILSON_H
#define NN_WILSON_H

struct nn_share {
    double value, low, high; /* NAN when nothing was counted */
};

struct nn_share nn_wilson(int part, int whole);

#endif
