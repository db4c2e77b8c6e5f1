/* The backend that a test program is about: the CPU's, or the one that ROENTGYM_TEST_DEVICE=cuda asks for,
 * on a GPU or played by the host (tests/cuda_host). */
#ifndef TESTED_BACKEND_H
#define TESTED_BACKEND_H

#include "engine/backend.h"

nn_status test_backend_open(struct nn_backend **be, enum nn_type map_type, struct nn_error *err);
bool test_backend_has_bf16(void);

/* Whether the host plays the GPU. */
bool test_backend_is_slow(void);

/* Whether it does, or a checker slows the GPU down. */
bool test_is_hurried(void);

/* Skips the running test then, with the reason: shapes of full size take minutes, and cuDNN, which they are
 * about, is absent where the host plays the GPU. */
void test_skip_where_slow(void);

#endif
