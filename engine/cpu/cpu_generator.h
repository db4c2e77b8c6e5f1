/* A whole generator on the host: the first layer as a product of a matrix and a vector, the layers of many
 * channels by oneDNN with weights packed once, the last levels as one pass over planes. */
#ifndef NN_CPU_GENERATOR_H
#define NN_CPU_GENERATOR_H

#include "engine/backend.h"

extern const struct nn_generator cpu_generator; /* contracts in engine/backend.h */

#endif
