/* Philox against the known answers published with Random123 (kat_vectors), and what is built on it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "engine/rng.h"

static void philox_gives_the_known_answers(void **state)
{
    (void)state;
    static const struct {
        uint32_t counter[4], key[2], answer[4];
    } known[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        uint32_t out[4];
        nn_philox(known[i].counter, known[i].key, out);
        assert_memory_equal(out, known[i].answer, sizeof out);
    }
}

static void words_come_from_blocks_keyed_by_seed_and_stream(void **state)
{
    (void)state;
    const uint64_t seed = 0x123456789abcdef0, stream = 0xfedcba9876543210;
    const uint64_t index = (uint64_t)5 << 34 | 2; /* reaches the counter's second word */
    const uint32_t counter[4] = {0, 5, 0x76543210, 0xfedcba98}, key[2] = {0x9abcdef0, 0x12345678};
    uint32_t block[4];
    nn_philox(counter, key, block);
    for (uint64_t lane = 0; lane < 4; lane++)
        assert_int_equal(nn_random_u32(seed, stream, index - 2 + lane), block[lane]);
}

static void streams_and_seeds_are_unrelated(void **state)
{
    (void)state;
    int same = 0;
    for (uint64_t i = 0; i < 1000; i++) {
        uint32_t word = nn_random_u32(1, 2, i);
        same += word == nn_random_u32(1, 3, i);
        same += word == nn_random_u32(2, 2, i);
        same += word == nn_random_u32(2, 1, i);
    }
    assert_int_equal(same, 0);
}

static void uniforms_are_uniform(void **state)
{
    (void)state;
    enum { COUNT = 100000, BINS = 20 };
    int bins[BINS] = {0};
    double sum = 0, squares = 0;
    for (uint64_t i = 0; i < COUNT; i++) {
        float u = nn_random_uniform(7, 1, i);
        assert_true(u >= 0 && u < 1);
        sum += u;
        squares += (double)u * u;
        bins[(int)(u * BINS)]++;
    }
    double mean = sum / COUNT, variance = squares / COUNT - mean * mean, chi2 = 0;
    assert_true(fabs(mean - 0.5) < 4 * sqrt(1.0 / 12 / COUNT));
    assert_true(fabs(variance - 1.0 / 12) < 0.001);
    for (int b = 0; b < BINS; b++) chi2 += pow(bins[b] - (double)COUNT / BINS, 2) / ((double)COUNT / BINS);
    assert_true(chi2 < 43.8); /* 19 degrees of freedom, p = 0.001 */
}

static void normals_have_the_moments_of_a_normal(void **state)
{
    (void)state;
    enum { COUNT = 200000 };
    static float z[COUNT];
    double moments[5] = {0}, neighbours = 0;
    nn_random_normals(11, 4, 0, COUNT, z);
    for (int i = 0; i < COUNT; i++) {
        for (int k = 1; k <= 4; k++) moments[k] += pow(z[i], k) / COUNT;
        if (i) neighbours += (double)z[i] * z[i - 1] / COUNT;
    }
    assert_true(fabs(moments[1]) < 0.01);
    assert_true(fabs(moments[2] - 1) < 0.015);
    assert_true(fabs(moments[3]) < 0.03);
    assert_true(fabs(moments[4] - 3) < 0.1);
    assert_true(fabs(neighbours) < 0.01);
}

static void normals_are_the_same_wherever_one_starts(void **state)
{
    (void)state;
    float whole[64], part[64];
    nn_random_normals(5, 9, 1000, 64, whole);
    for (size_t first = 0; first < 16; first++)
        for (size_t count = 0; first + count <= 32; count++) {
            memset(part, 0, sizeof part);
            nn_random_normals(5, 9, 1000 + first, count, part);
            assert_memory_equal(part, whole + first, count * sizeof part[0]);
            assert_true(part[count] == 0);
        }
}

static void a_cursor_reads_its_stream_in_order(void **state)
{
    (void)state;
    struct nn_rng r = {.seed = 3, .stream = 8};
    for (uint64_t i = 0; i < 100; i++) {
        uint64_t high = nn_random_u32(3, 8, 2 * i), low = nn_random_u32(3, 8, 2 * i + 1);
        assert_true(nn_rng_uniform(&r) == (double)((high << 32 | low) >> 11) * 0x1p-53);
    }
    assert_int_equal(r.index, 200);
}

static void ranges_and_normals_of_a_cursor_keep_their_bounds_and_moments(void **state)
{
    (void)state;
    enum { COUNT = 50000 };
    struct nn_rng r = {.seed = 21, .stream = 1};
    double sum = 0, squares = 0;
    for (int i = 0; i < COUNT; i++) {
        double x = nn_rng_range(&r, -3, 5), z = nn_rng_normal(&r, 10, 2);
        assert_true(x >= -3 && x < 5);
        sum += z / COUNT;
        squares += (z - 10) * (z - 10) / COUNT;
    }
    assert_true(fabs(sum - 10) < 0.05);
    assert_true(fabs(squares - 4) < 0.15);
}

static void integers_below_a_limit_are_equally_likely(void **state)
{
    (void)state;
    enum { COUNT = 70000, LIMIT = 7 };
    struct nn_rng r = {.seed = 99};
    int counts[LIMIT] = {0};
    for (int i = 0; i < COUNT; i++) {
        uint32_t n = nn_rng_below(&r, LIMIT);
        assert_true(n < LIMIT);
        counts[n]++;
    }
    for (int n = 0; n < LIMIT; n++) assert_in_range(counts[n], COUNT / LIMIT - 400, COUNT / LIMIT + 400);
    assert_int_equal(nn_rng_below(&r, 1), 0);
    /* Of a limit of 3/4 of all words, the lowest third would come up half of the time without rejection. */
    int low = 0;
    for (int i = 0; i < 30000; i++) low += nn_rng_below(&r, 3u << 30) < 1u << 30;
    assert_in_range(low, 9700, 10300);
}

/* Each of the 24 orders of four items as often as any other. */
static void a_shuffle_favours_no_order(void **state)
{
    (void)state;
    enum { COUNT = 48000, ORDERS = 24 };
    struct nn_rng r = {.seed = 7};
    int counts[256] = {0}, seen = 0;
    for (int i = 0; i < COUNT; i++) {
        int items[4] = {0, 1, 2, 3};
        nn_rng_shuffle(&r, items, 4);
        counts[items[0] | items[1] << 2 | items[2] << 4 | items[3] << 6]++;
    }
    for (int k = 0; k < 256; k++) {
        seen += counts[k] > 0;
        if (counts[k]) assert_in_range(counts[k], COUNT / ORDERS - 200, COUNT / ORDERS + 200);
    }
    assert_int_equal(seen, ORDERS);
    nn_rng_shuffle(&r, NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_gives_the_known_answers),
        cmocka_unit_test(words_come_from_blocks_keyed_by_seed_and_stream),
        cmocka_unit_test(streams_and_seeds_are_unrelated),
        cmocka_unit_test(uniforms_are_uniform),
        cmocka_unit_test(normals_have_the_moments_of_a_normal),
        cmocka_unit_test(normals_are_the_same_wherever_one_starts),
        cmocka_unit_test(a_cursor_reads_its_stream_in_order),
        cmocka_unit_test(ranges_and_normals_of_a_cursor_keep_their_bounds_and_moments),
        cmocka_unit_test(integers_below_a_limit_are_equally_likely),
        cmocka_unit_test(a_shuffle_favours_no_order),
    };
    return cmocka_run_group_tests_name("rng", tests, NULL, NULL);
}
