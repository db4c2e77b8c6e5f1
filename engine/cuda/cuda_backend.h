/* The one function that the CUDA library exports; engine/cuda_library.c looks it up by name. No CUDA header
 * is needed here, so the engine is built alike with and without it. */
#ifndef NN_CUDA_BACKEND_H
#define NN_CUDA_BACKEND_H

#include "engine/backend.h"

/* `table_bytes` is the caller's sizeof(struct nn_backend): a library of another build is refused. `name`
 * receives the GPU's. NN_ERR_DEVICE says what is missing: driver, GPU, a new enough one of either. */
__attribute__((visibility("default"))) nn_status nn_cuda_open(size_t table_bytes, struct nn_backend **be,
                                                              enum nn_type map_type, char name[256],
                                                              struct nn_error *err) NN_MUST_CHECK;

#endif
