/* Sorting many finite floats: a radix sort, 3 passes of 11 bits, several times as fast as qsort. */
#ifndef TR_FLOAT_SORT_H
#define TR_FLOAT_SORT_H

#include <stddef.h>
#include <stdint.h>

/* Ascending, in place. `scratch` has room for `count` words, and `count` is below 2^32. */
void tr_float_sort(float *values, size_t count, uint32_t *scratch);

#endif
