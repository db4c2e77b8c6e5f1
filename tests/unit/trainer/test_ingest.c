/* Parts of `roentgym ingest` that need no files of others: pseudonyms, turning, the square, greys, looks, and
 * processes that crash. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "trainer/data/picture_hash.h"
#include "trainer/ingest/field.h"
#include "trainer/ingest/grey_map.h"
#include "trainer/ingest/pseudonym.h"
#include "trainer/ingest/turn.h"
#include "trainer/ingest/worker_pool.h"

/* RFC 4231, cases 1, 2 and 6. */
static void keyed_hashes_are_those_of_the_rfc(void **state)
{
    (void)state;
    uint8_t first[20], long_key[131];
    char hex[65];
    memset(first, 0x0b, sizeof first);
    memset(long_key, 0xaa, sizeof long_key);
    tr_hmac_sha256(first, sizeof first, "Hi There", 8, hex);
    assert_string_equal(hex, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    tr_hmac_sha256((const uint8_t *)"Jefe", 4, "what do ya want for nothing?", 28, hex);
    assert_string_equal(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    tr_hmac_sha256(long_key, sizeof long_key, "Test Using Larger Than Block-Size Key - Hash Key First", 54,
                   hex);
    assert_string_equal(hex, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void turns_follow_each_other_as_one(void **state)
{
    enum { SIDE = 5, COUNT = SIDE * SIDE };
    uint16_t picture[COUNT], once[COUNT], twice[COUNT], both[COUNT];
    (void)state;
    for (int i = 0; i < COUNT; i++) picture[i] = (uint16_t)i;
    for (int a = 1; a <= 8; a++)
        for (int b = 1; b <= 8; b++) {
            tr_turn_apply(tr_turn_exif(a), picture, once, SIDE);
            tr_turn_apply(tr_turn_exif(b), once, twice, SIDE);
            tr_turn_apply(tr_turn_then(tr_turn_exif(a), tr_turn_exif(b)), picture, both, SIDE);
            assert_memory_equal(twice, both, sizeof both);
        }
    tr_turn_apply(tr_turn_clockwise(90), picture, once, SIDE);
    assert_int_equal(once[SIDE - 1], picture[0]); /* the upper left corner goes to the upper right */
}

static struct nn_image ramp(int width, int height)
{
    struct nn_image image;
    assert_int_equal(nn_image_init(&image, width, height, 16, NULL), NN_OK);
    for (int i = 0; i < width * height; i++)
        ((uint16_t *)image.pixels)[i] = (uint16_t)(1000 + 40 * (i % width));
    return image;
}

/* Whatever the sizes: black bars of the right width, and a ramp that stays one within a grey level. */
static void the_square_keeps_proportions_and_greys(void **state)
{
    static const int sizes[][3] = {{64, 64, 32}, {100, 37, 64},   {33, 90, 64},
                                   {20, 20, 64}, {640, 470, 128}, {1, 7, 16}};
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int width = sizes[i][0], height = sizes[i][1], side = sizes[i][2];
        struct nn_image image = ramp(width, height);
        uint16_t *square = malloc((size_t)side * (size_t)side * sizeof *square);
        assert_int_equal(
            tr_field_fit(&image, (struct tr_rectangle){0, 0, width, height}, 1, side, square, NULL), NN_OK);
        double scale = (double)side / (width > height ? width : height);
        int columns = (int)(width * scale + 0.5), left = (side - columns) / 2;
        const uint16_t *middle = square + (size_t)(side / 2) * (size_t)side;
        for (int x = 0; x < side; x++) {
            double at = (x - left + 0.5) / columns * width - 0.5, wanted = 1000 + 40 * at;
            if (x < left || x >= left + columns)
                assert_int_equal(middle[x], 0);
            else if (at > 0 && at < width - 1)
                assert_true(abs(middle[x] - (int)wanted) <= 40);
        }
        free(square);
        nn_image_release(&image);
    }
}

static void bright_tissue_at_an_edge_is_no_margin(void **state)
{
    enum { SIDE = 512 };
    struct nn_image image;
    (void)state;
    assert_int_equal(nn_image_init(&image, SIDE, SIDE, 16, NULL), NN_OK);
    uint16_t *pixels = image.pixels;
    for (int y = 0; y < SIDE; y++) /* white below a bowed line, and black above row 100 */
        for (int x = 0; x < SIDE; x++) {
            int line = 380 - (x - 256) * (x - 256) / 2000;
            pixels[y * SIDE + x] = y < 100    ? 0
                                   : y > line ? 65000
                                              : (uint16_t)(9000 + 97 * ((x * 7 + y * 13) % 211));
        }
    struct tr_rectangle field = tr_field_find(&image);
    assert_int_equal(field.top, 100);
    assert_int_equal(field.bottom, SIDE);
    for (int y = 400; y < SIDE; y++) /* now a straight one */
        for (int x = 0; x < SIDE; x++) pixels[y * SIDE + x] = 65000;
    for (int y = 100; y < 400; y++)
        for (int x = 0; x < SIDE; x++)
            pixels[y * SIDE + x] = (uint16_t)(9000 + 97 * ((x * 7 + y * 13) % 211));
    assert_int_equal(tr_field_find(&image).bottom, 400);
    nn_image_release(&image);
}

static void looks_tell_copies_from_other_pictures(void **state)
{
    enum { SIDE = 128 };
    struct nn_image image, other;
    struct tr_picture_hash hash, copy, stranger;
    (void)state;
    assert_int_equal(nn_image_init(&image, SIDE, SIDE, 8, NULL), NN_OK);
    assert_int_equal(nn_image_init(&other, SIDE, SIDE, 8, NULL), NN_OK);
    uint8_t *a = image.pixels, *b = other.pixels;
    unsigned long random = 1;
    uint8_t cells[2][32][32];
    for (int i = 0; i < 2 * 32 * 32; i++) {
        random = random * 6364136223846793005UL + 1442695040888963407UL;
        (&cells[0][0][0])[i] = (uint8_t)(random >> 56);
    }
    for (int i = 0; i < SIDE * SIDE; i++) a[i] = cells[0][i / SIDE / 4][i % SIDE / 4];
    tr_picture_hash(&image, &hash);
    for (int i = 0; i < SIDE * SIDE; i++)
        b[i] = (uint8_t)(255 - a[i - i % SIDE + SIDE - 1 - i % SIDE] * 3 / 4);
    tr_picture_hash(&other, &copy); /* mirrored, black and white exchanged, of less contrast */
    assert_true(tr_picture_distance(&hash, &copy) <= 4);
    for (int i = 0; i < SIDE * SIDE; i++) b[i] = cells[1][i / SIDE / 4][i % SIDE / 4];
    tr_picture_hash(&other, &stranger);
    assert_true(tr_picture_distance(&hash, &stranger) > 2 * TR_PICTURE_HASH_NEAR);
    nn_image_release(&image);
    nn_image_release(&other);
}

static void a_window_without_padding_fills_the_range(void **state)
{
    static uint16_t pixels[4000], table[TR_GREY_VALUES];
    struct tr_dicom d = {.width = 4000,
                         .height = 1,
                         .pixels = pixels,
                         .bits = 12,
                         .is_signed = true,
                         .slope = -2,
                         .has_padding = true,
                         .padding_low = -2048,
                         .padding_high = -2000};
    (void)state;
    for (int i = 0; i < 4000; i++) pixels[i] = (uint16_t)(i < 1000 ? -2048 : i - 2500);
    tr_grey_map_dicom(&d, table);
    assert_int_equal(table[(uint16_t)-2048], 0);
    assert_int_equal(table[(uint16_t)-1500], 65535); /* a falling rescale: the lowest is the brightest */
    assert_int_equal(table[1499], 0);
    assert_in_range(table[0], 32700, 32850);
}

/* ---- processes ------------------------------------------------------------------------------------ */

struct tally {
    int ends[TR_WORKER_TOO_LONG + 1], sum;
};

static void misbehave(void *context, int job, void *result)
{
    (void)context;
    if (job % 5 == 3) abort();
    if (job == 7) raise(SIGKILL);
    if (job == 6) pause();
    *(int *)result = job * job;
}

static bool count_end(void *context, int job, enum tr_worker_end end, const void *result)
{
    struct tally *tally = context;
    tally->ends[end]++;
    if (end == TR_WORKER_DONE) assert_int_equal(*(const int *)result, job * job);
    return tally->sum++ < 1000;
}

static void a_job_that_crashes_hangs_or_is_killed_costs_itself_alone(void **state)
{
    struct tally tally = {{0}, 0};
    struct tr_worker_pool pool = {.workers = 3,
                                  .count = 20,
                                  .limit_s = 0.5,
                                  .result_bytes = sizeof(int),
                                  .work = misbehave,
                                  .done = count_end,
                                  .context = &tally};
    (void)state;
    assert_int_equal(tr_worker_pool_run(&pool, NULL), NN_OK);
    assert_int_equal(tally.ends[TR_WORKER_CRASHED], 4);
    assert_int_equal(tally.ends[TR_WORKER_KILLED], 1);
    assert_int_equal(tally.ends[TR_WORKER_TOO_LONG], 1);
    assert_int_equal(tally.ends[TR_WORKER_DONE], 14);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keyed_hashes_are_those_of_the_rfc),
        cmocka_unit_test(turns_follow_each_other_as_one),
        cmocka_unit_test(the_square_keeps_proportions_and_greys),
        cmocka_unit_test(bright_tissue_at_an_edge_is_no_margin),
        cmocka_unit_test(looks_tell_copies_from_other_pictures),
        cmocka_unit_test(a_window_without_padding_fills_the_range),
        cmocka_unit_test(a_job_that_crashes_hangs_or_is_killed_costs_itself_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
