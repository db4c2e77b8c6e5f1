/* The form in which images of the library are kept, and how they are fitted to a model's size. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/rng.h"
#include "server/library/library_pixels.h"

static uint8_t *noise(int width, uint64_t stream)
{
    uint8_t *grey = malloc((size_t)width * (size_t)width);
    assert_non_null(grey);
    for (int i = 0; i < width * width; i++) grey[i] = (uint8_t)nn_random_u32(9, stream, (uint64_t)i);
    return grey;
}

/* How much of [a, a + 1) lies in [from, to). */
static double share(int a, double from, double to)
{
    double left = a > from ? a : from, right = a + 1 < to ? a + 1 : to;
    return right > left ? right - left : 0;
}

static double area_mean(const uint8_t *from, int width, int to_width, int x, int y)
{
    double s = (double)width / to_width, sum = 0;
    for (int j = 0; j < width; j++)
        for (int i = 0; i < width; i++)
            sum += share(i, x * s, (x + 1) * s) * share(j, y * s, (y + 1) * s) * from[j * width + i];
    return sum / (s * s);
}

static void shrinking_takes_the_means_of_areas(void **state)
{
    static const int widths[][2] = {{16, 8}, {15, 4}, {9, 8}, {37, 16}};
    (void)state;
    for (size_t k = 0; k < sizeof widths / sizeof *widths; k++) {
        int from = widths[k][0], to = widths[k][1];
        uint8_t *grey = noise(from, k), *small = malloc((size_t)to * (size_t)to);
        assert_int_equal(srv_library_fit(grey, from, small, to, NULL), NN_OK);
        for (int i = 0; i < to * to; i++)
            assert_true(fabs(small[i] - area_mean(grey, from, to, i % to, i / to)) < 0.5001);
        free(grey);
        free(small);
    }
}

/* Along one axis a slope of 16 a pixel, whose middles lie at (i + 1/2) / width. */
static void growing_goes_straight_between_the_middles_of_pixels(void **state)
{
    enum { FROM = 8, TO = 32 };
    uint8_t grey[FROM * FROM], large[TO * TO];
    (void)state;
    for (int i = 0; i < FROM * FROM; i++) grey[i] = (uint8_t)(16 * (i % FROM));
    assert_int_equal(srv_library_fit(grey, FROM, large, TO, NULL), NN_OK);
    for (int i = 0; i < TO * TO; i++) {
        double at = (i % TO + 0.5) * FROM / TO - 0.5;
        at = at < 0 ? 0 : at > FROM - 1 ? FROM - 1 : at;
        assert_true(fabs(large[i] - 16 * at) < 0.5001);
    }
}

static void the_same_width_changes_nothing(void **state)
{
    uint8_t *grey = noise(64, 1), same[64 * 64];
    (void)state;
    assert_int_equal(srv_library_fit(grey, 64, same, 64, NULL), NN_OK);
    assert_memory_equal(grey, same, sizeof same);
    free(grey);
}

static void one_grey_stays_one_grey_at_every_width(void **state)
{
    (void)state;
    for (int width = LIBRARY_SIDE_MIN; width < 70; width += 3)
        for (int to = 4; to <= 128; to *= 2) {
            uint8_t grey[70 * 70], other[128 * 128];
            memset(grey, 201, sizeof grey);
            assert_int_equal(srv_library_fit(grey, width, other, to, NULL), NN_OK);
            for (int i = 0; i < to * to; i++) assert_int_equal(other[i], 201);
        }
}

static void an_image_that_is_not_square_gets_black_on_both_sides(void **state)
{
    uint8_t pixels[4 * 6];
    const struct nn_image image = {4, 6, 8, pixels};
    struct srv_library_pixels out;
    (void)state;
    memset(pixels, 77, sizeof pixels);
    assert_int_equal(srv_library_normalise(&image, (struct srv_grey_range){0}, &out, NULL), NN_OK);
    assert_int_equal(out.width, 6);
    for (int i = 0; i < 36; i++) assert_int_equal(out.grey[i], i % 6 == 0 || i % 6 == 5 ? 0 : 77);
    free(out.grey);
}

static void sixteen_bits_become_eight_by_the_range(void **state)
{
    uint16_t pixels[16];
    const struct nn_image image = {4, 4, 16, pixels};
    struct srv_library_pixels out;
    (void)state;
    for (int i = 0; i < 16; i++) pixels[i] = (uint16_t)(i * 4369);
    assert_int_equal(srv_library_normalise(&image, (struct srv_grey_range){0}, &out, NULL), NN_OK);
    for (int i = 0; i < 16; i++) assert_int_equal(out.grey[i], i * 17);
    free(out.grey);
    assert_int_equal(srv_library_normalise(&image, (struct srv_grey_range){4369, 3 * 4369}, &out, NULL),
                     NN_OK);
    assert_int_equal(out.grey[0], 0);
    assert_int_equal(out.grey[2], 128);
    assert_int_equal(out.grey[3], 255);
    assert_int_equal(out.grey[15], 255);
    free(out.grey);
}

static void a_narrow_image_and_a_range_beyond_its_depth_are_refused(void **state)
{
    uint8_t pixels[3 * 8] = {0};
    const struct nn_image narrow = {3, 8, 8, pixels}, fine = {4, 4, 8, pixels};
    struct srv_library_pixels out;
    struct nn_error err = {0};
    (void)state;
    assert_int_equal(srv_library_normalise(&narrow, (struct srv_grey_range){0}, &out, &err), NN_ERR_FORMAT);
    assert_null(out.grey);
    assert_int_equal(srv_library_normalise(&fine, (struct srv_grey_range){0, 256}, &out, &err),
                     NN_ERR_FORMAT);
    assert_null(out.grey);
}

static void a_wide_image_is_shrunk_to_the_largest_width(void **state)
{
    struct nn_image image;
    struct srv_library_pixels out;
    (void)state;
    assert_int_equal(nn_image_init(&image, 1500, 20, 8, NULL), NN_OK);
    memset(image.pixels, 255, 1500 * 20);
    assert_int_equal(srv_library_normalise(&image, (struct srv_grey_range){0}, &out, NULL), NN_OK);
    assert_int_equal(out.width, LIBRARY_SIDE_MAX);
    assert_int_equal(out.grey[LIBRARY_SIDE_MAX * (LIBRARY_SIDE_MAX / 2) + 7], 255);
    assert_int_equal(out.grey[7], 0);
    free(out.grey);
    nn_image_release(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shrinking_takes_the_means_of_areas),
        cmocka_unit_test(growing_goes_straight_between_the_middles_of_pixels),
        cmocka_unit_test(the_same_width_changes_nothing),
        cmocka_unit_test(one_grey_stays_one_grey_at_every_width),
        cmocka_unit_test(an_image_that_is_not_square_gets_black_on_both_sides),
        cmocka_unit_test(sixteen_bits_become_eight_by_the_range),
        cmocka_unit_test(a_narrow_image_and_a_range_beyond_its_depth_are_refused),
        cmocka_unit_test(a_wide_image_is_shrunk_to_the_largest_width),
    };
    return cmocka_run_group_tests_name("library_pixels", tests, NULL, NULL);
}
