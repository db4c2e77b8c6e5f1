#include "trainer/swd/float_sort.h"

#include <string.h>

enum { PASSES = 3, DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS };

/* IEEE 754 orders like sign and magnitude; as integers, positive numbers need their sign bit set and negative
 * ones all bits turned over. */
static uint32_t key_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits ^ ((uint32_t)((int32_t)bits >> 31) | 0x80000000u);
}

static float value_of(uint32_t key)
{
    uint32_t bits = key ^ (key & 0x80000000u ? 0x80000000u : 0xffffffffu);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint32_t digit(uint32_t key, int pass)
{
    return key >> pass * DIGIT_BITS & (DIGITS - 1);
}

void tr_float_sort(float *values, size_t count, uint32_t *scratch)
{
    uint32_t starts[PASSES][DIGITS] = {{0}}, sums[PASSES] = {0};
    for (size_t i = 0; i < count; i++) {
        uint32_t key = key_of(values[i]);
        for (int p = 0; p < PASSES; p++) starts[p][digit(key, p)]++;
    }
    for (int d = 0; d < DIGITS; d++)
        for (int p = 0; p < PASSES; p++) {
            uint32_t here = starts[p][d];
            starts[p][d] = sums[p];
            sums[p] += here;
        }
    /* values -> scratch -> values -> scratch, as keys in between, then back as numbers. */
    for (size_t i = 0; i < count; i++) {
        uint32_t key = key_of(values[i]);
        scratch[starts[0][digit(key, 0)]++] = key;
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t key = scratch[i];
        memcpy(&values[starts[1][digit(key, 1)]++], &key, sizeof key);
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t key;
        memcpy(&key, &values[i], sizeof key);
        scratch[starts[2][digit(key, 2)]++] = key;
    }
    for (size_t i = 0; i < count; i++) values[i] = value_of(scratch[i]);
}
