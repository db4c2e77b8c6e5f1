/* The sliced Wasserstein distance: what it must tell apart and what it must not see. The numbers themselves
 * are held to NumPy and SciPy in tests/oracle/test_swd.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/rng.h"
#include "trainer/data/image_split.h"
#include "trainer/swd/descriptors.h"
#include "trainer/swd/float_sort.h"
#include "trainer/swd/swd.h"

enum { SIDE = 32, LEVELS = 2 };

/* Noise, of which sets 1 and 2 may be changed. */
struct scene {
    int brighter;    /* added to the grey of set 1 */
    int contrast;    /* of set 1, in percent */
    bool smoother;   /* set 1: pairs of pixels alike */
    int stop_after;  /* calls of the progress function; 0: never */
    int fail_at_set; /* of the source; 0: never */
};

static nn_status give(void *context, int set, int first, int count, uint8_t *pixels, struct nn_error *err)
{
    const struct scene *scene = context;
    if (scene->fail_at_set && set == scene->fail_at_set) return nn_fail(err, NN_ERR_IO, "no such image");
    for (size_t i = 0; i < (size_t)count * SIDE * SIDE; i++) {
        size_t at = (size_t)first * SIDE * SIDE + i;
        uint32_t word = nn_random_u32(7, 100 + (uint64_t)set, set == 1 && scene->smoother ? at / 2 : at);
        int grey = 64 + (int)(word >> 25);
        if (set == 1) grey = grey * scene->contrast / 100 + scene->brighter;
        pixels[i] = (uint8_t)grey;
    }
    return NN_OK;
}

static bool show(void *context, bool comparing, int done, int total)
{
    struct scene *scene = context;
    assert_in_range(done, 1, total);
    (void)comparing;
    return scene->stop_after == 0 || --scene->stop_after > 0;
}

static struct tr_swd_request request_of(struct scene *scene, int images)
{
    if (!scene->contrast) scene->contrast = 100;
    return (struct tr_swd_request){.side = SIDE,
                                   .images = images,
                                   .sets = 3,
                                   .forms = {true, true},
                                   .seed = 1,
                                   .source = give,
                                   .progress = show,
                                   .context = scene};
}

static struct tr_swd_result compare(struct scene scene, int images)
{
    struct tr_swd_request request = request_of(&scene, images);
    struct tr_swd_result result;
    struct nn_error err = {0};
    if (tr_swd(&request, &result, &err) != NN_OK) fail_msg("%s", err.text);
    assert_int_equal(result.level_count, LEVELS);
    assert_int_equal(result.sides[0], SIDE);
    assert_int_equal(result.sides[1], SIDE / 2);
    return result;
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void the_sort_agrees_with_qsort(void **state)
{
    (void)state;
    enum { COUNT = 5000 };
    float values[COUNT], wanted[COUNT];
    uint32_t scratch[COUNT];
    nn_random_normals(1, 2, 0, COUNT, values);
    for (int i = 0; i < COUNT; i += 7) values[i] *= 1e30f;
    for (int i = 0; i < COUNT; i += 11) values[i] *= 1e-38f; /* denormal */
    for (int i = 0; i < COUNT; i += 13) values[i] = i % 2 ? 0.0f : -0.0f;
    memcpy(wanted, values, sizeof values);
    for (int count = 0; count < COUNT; count = 2 * count + 1) {
        memcpy(values, wanted, sizeof values);
        tr_float_sort(values, (size_t)count, scratch);
        float by_qsort[COUNT];
        memcpy(by_qsort, wanted, sizeof by_qsort);
        qsort(by_qsort, (size_t)count, sizeof *by_qsort, by_value);
        for (int i = 0; i < COUNT; i++) assert_true(values[i] == by_qsort[i]);
    }
}

static void sets_of_the_same_kind_are_nearer_the_more_images_there_are(void **state)
{
    (void)state;
    double before[TR_SWD_FORMS] = {1e9, 1e9};
    for (int images = 2; images <= 128; images *= 8) {
        struct tr_swd_result result = compare((struct scene){0}, images);
        for (int f = 0; f < TR_SWD_FORMS; f++) {
            assert_true(result.mean[0][f] > 0 && result.mean[0][f] < 0.6 * before[f]);
            before[f] = result.mean[0][f];
        }
    }
    assert_true(before[TR_SWD_3X] < 20);
}

static void brightness_and_contrast_of_a_whole_set_are_no_difference(void **state)
{
    (void)state;
    struct tr_swd_result same = compare((struct scene){0}, 24);
    struct tr_swd_result brighter = compare((struct scene){.brighter = 60}, 24);
    struct tr_swd_result doubled = compare((struct scene){.contrast = 200, .brighter = -127}, 24);

    for (int k = 0; k < LEVELS; k++) {
        assert_float_equal(brighter.distance[0][TR_SWD_3X][k], same.distance[0][TR_SWD_3X][k], 1e-2);
        assert_float_equal(doubled.distance[0][TR_SWD_3X][k], same.distance[0][TR_SWD_3X][k], 1e-2);
    }
}

static void another_texture_is_far_and_most_so_where_it_differs(void **state)
{
    (void)state;
    struct tr_swd_result result = compare((struct scene){.smoother = true}, 64);
    for (int f = 0; f < TR_SWD_FORMS; f++) {
        assert_true(result.distance[0][f][0] > 2 * result.distance[1][f][0]); /* set 2 is of set 0's kind */
        assert_true(result.distance[0][f][0] > result.distance[0][f][1]);
        assert_float_equal(result.mean[0][f], (result.distance[0][f][0] + result.distance[0][f][1]) / 2,
                           1e-9);
    }
    double ratio = result.distance[0][TR_SWD_3X][0] / result.distance[0][TR_SWD_1][0];
    assert_true(ratio > 0.9 && ratio < 1.1); /* close, not equal: other directions */
    assert_true(ratio != 1);
}

static void a_set_is_nowhere_from_itself(void **state)
{
    (void)state;
    enum { IMAGES = 3 };
    float level[SIDE * SIDE], projected[2][IMAGES * TR_PATCHES_PER_IMAGE];
    float direction[1][TR_PATCH_SIZE];
    nn_random_normals(3, 4, 0, SIDE * SIDE, level);
    nn_random_normals(3, 5, 0, TR_PATCH_SIZE, direction[0]);
    for (int s = 0; s < 2; s++) {
        struct tr_descriptors d = {.values = aligned_alloc(64, tr_descriptors_bytes(IMAGES)),
                                   .images = IMAGES};
        for (int i = 0; i < IMAGES; i++) tr_descriptors_take(&d, i, level, SIDE, 1, 2);
        tr_descriptors_normalise(&d);
        tr_descriptors_project(&d, direction, 1, projected[s]);
        free(d.values);
    }
    assert_memory_equal(projected[0], projected[1], sizeof projected[0]);
}

static void constant_images_stay_finite(void **state)
{
    (void)state;
    enum { IMAGES = 2 };
    float level[SIDE * SIDE];
    struct tr_descriptors d = {.values = aligned_alloc(64, tr_descriptors_bytes(IMAGES)), .images = IMAGES};
    for (int i = 0; i < SIDE * SIDE; i++) level[i] = 17;
    for (int i = 0; i < IMAGES; i++) tr_descriptors_take(&d, i, level, SIDE, 1, 2);
    tr_descriptors_normalise(&d);
    for (size_t i = 0; i < tr_descriptors_bytes(IMAGES) / sizeof(float); i++) assert_true(d.values[i] == 0);
    free(d.values);
}

static void the_random_order_of_images_is_a_permutation_by_its_seed(void **state)
{
    (void)state;
    enum { COUNT = 1000 };
    int order[COUNT], again[COUNT], other[COUNT], alike = 0;
    bool seen[COUNT] = {false};
    tr_image_split(1, COUNT, order);
    tr_image_split(1, COUNT, again);
    tr_image_split(2, COUNT, other);
    assert_memory_equal(order, again, sizeof order);
    for (int i = 0; i < COUNT; i++) {
        assert_in_range(order[i], 0, COUNT - 1);
        assert_false(seen[order[i]]);
        seen[order[i]] = true;
        alike += order[i] == other[i] || order[i] == i;
    }
    assert_true(alike < 15); /* 2 are expected */
}

static void what_cannot_be_compared_is_refused(void **state)
{
    (void)state;
    struct scene scene = {0};
    const struct tr_swd_request good = request_of(&scene, 2);
    struct tr_swd_request wrong[6] = {good, good, good, good, good, good};
    wrong[0].side = 8, wrong[1].side = 48, wrong[2].side = 2048, wrong[3].images = 0, wrong[4].sets = 1;
    wrong[5].sets = 4;
    for (int i = 0; i < 6; i++) {
        struct tr_swd_result result;
        struct nn_error err = {0};
        assert_int_equal(tr_swd(&wrong[i], &result, &err), NN_ERR_ARGUMENT);
        assert_true(strlen(err.text) > 10);
    }
}

static void a_source_that_fails_and_a_stop_end_it(void **state)
{
    (void)state;
    struct tr_swd_result result;
    struct nn_error err = {0};
    struct scene scene = {.fail_at_set = 2};
    struct tr_swd_request request = request_of(&scene, 2);
    assert_int_equal(tr_swd(&request, &result, &err), NN_ERR_IO);
    assert_string_equal(err.text, "no such image");
    for (int calls = 1; calls <= 7; calls++) { /* 3 sets, then 2 levels in 2 forms */
        scene = (struct scene){.contrast = 100, .stop_after = calls};
        assert_int_equal(tr_swd(&request, &result, &err), NN_STOPPED);
    }
    scene = (struct scene){.contrast = 100, .stop_after = 8};
    assert_int_equal(tr_swd(&request, &result, &err), NN_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sort_agrees_with_qsort),
        cmocka_unit_test(a_set_is_nowhere_from_itself),
        cmocka_unit_test(constant_images_stay_finite),
        cmocka_unit_test(sets_of_the_same_kind_are_nearer_the_more_images_there_are),
        cmocka_unit_test(brightness_and_contrast_of_a_whole_set_are_no_difference),
        cmocka_unit_test(another_texture_is_far_and_most_so_where_it_differs),
        cmocka_unit_test(the_random_order_of_images_is_a_permutation_by_its_seed),
        cmocka_unit_test(what_cannot_be_compared_is_refused),
        cmocka_unit_test(a_source_that_fails_and_a_stop_end_it),
    };
    return cmocka_run_group_tests_name("swd", tests, NULL, NULL);
}
