/* The network that comes with the program. */
#ifndef TR_DEFAULT_WEIGHTS_H
#define TR_DEFAULT_WEIGHTS_H

#include "trainer/localise/hip_net.h"

/* Loads `path`, or where it is NULL deploy/localiser/hips.safetensors of the folder above the program's, or
 * above that. tr_hip_net_load has the errors. */
nn_status tr_localiser_load(struct tr_hip_net *net, const char *path, char sha256[65],
                            struct nn_error *err) NN_MUST_CHECK;

#endif
