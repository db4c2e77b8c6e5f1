/* One element of a map of a type that the compiler knows: a loop over it vectorises for each type by itself.
 */
#ifndef NN_MAP_ELEMENT_H
#define NN_MAP_ELEMENT_H

#include "engine/cpu/bf16.h"
#include "engine/tensor.h"

#define MAP_INLINE static inline __attribute__((always_inline))

MAP_INLINE float map_load(const void *data, enum nn_type type, size_t i)
{
    return type == NN_BF16 ? bf16_to_float(((const uint16_t *)data)[i]) : ((const float *)data)[i];
}

MAP_INLINE void map_store(void *data, enum nn_type type, size_t i, float value)
{
    if (type == NN_BF16)
        ((uint16_t *)data)[i] = bf16_from_float(value);
    else
        ((float *)data)[i] = value;
}

#endif
