/* Finding hips: what boxes have in common, parts of pictures, views and their truth, the network's file, and
 * that training finds what there is to find. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/rng.h"
#include "tests/unit/scratch.h"
#include "trainer/data/resample.h"
#include "trainer/localise/hip_measure.h"
#include "trainer/localise/hip_training.h"

static void iou_is_the_shared_over_the_covered_area(void **state)
{
    (void)state;
    const struct tr_place a = {0, 0, 2, 2};
    static const struct {
        struct tr_place b;
        double iou;
    } cases[] = {
        {{0, 0, 2, 2}, 1},        {{1, 0, 2, 2}, 2.0 / 6}, {{1, 1, 2, 2}, 1.0 / 7},
        {{0.5, 0.5, 1, 1}, 0.25}, {{2, 0, 2, 2}, 0},       {{5, 5, 1, 1}, 0},
        {{-1, -1, 4, 4}, 0.25},   {{0, 0, 2, 1}, 0.5},     {{0, 0, 0, 0}, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_float_equal((float)tr_place_iou(&a, &cases[i].b), (float)cases[i].iou, 1e-6f);
        assert_float_equal((float)tr_place_iou(&cases[i].b, &a), (float)cases[i].iou, 1e-6f);
    }
    const struct tr_place none = {1, 1, 0, 0};
    assert_true(tr_place_iou(&none, &none) == 0);
}

/* ---- parts of pictures -------------------------------------------------------------------------------- */

static void part(const uint8_t *pixels, int width, int height, double x, double y, double side, bool mirror,
                 int size, uint8_t *to)
{
    const struct nn_image picture = {width, height, 8, (void *)(uintptr_t)pixels};
    struct nn_image out = {size, size, 8, to};
    const struct tr_part wanted = {x, y, side, side, .mirror = mirror};
    assert_int_equal(tr_resample(&picture, &wanted, &out, (struct tr_rectangle){0, 0, size, size}, NULL),
                     NN_OK);
}

static void a_part_is_means_of_boxes_fractions_and_all(void **state)
{
    (void)state;
    static const uint8_t pixels[] = {0, 40, 80, 120, 0, 40, 80, 120, 10, 50, 90, 130, 10, 50, 90, 130};
    uint8_t out[16];
    part(pixels, 4, 4, 0, 0, 4, false, 2, out);
    assert_memory_equal(out, ((uint8_t[]){20, 100, 30, 110}), 4);
    part(pixels, 4, 4, 0, 0, 4, true, 2, out);
    assert_memory_equal(out, ((uint8_t[]){100, 20, 110, 30}), 4);
    part(pixels, 4, 4, 0, 0, 4, false, 4, out);
    assert_memory_equal(out, pixels, 16);
    part(pixels, 4, 4, 0.5, 0, 1.5, false, 1,
         out);                    /* half of 0, all of 40; all of the first row, half the next */
    assert_int_equal(out[0], 27); /* 40 / 1.5 */
    part(pixels, 4, 4, 0.5, 0, 1, false, 1, out); /* between the middles of 0 and 40 */
    assert_int_equal(out[0], 20);
}

static void beyond_the_picture_it_is_black(void **state)
{
    (void)state;
    uint8_t pixels[16], out[16];
    memset(pixels, 200, sizeof pixels);
    part(pixels, 4, 4, -2, 2, 4, false, 4, out);
    assert_memory_equal(out, ((uint8_t[]){0, 0, 200, 200, 0, 0, 200, 200, 0, 0, 0, 0, 0, 0, 0, 0}), 16);
    part(pixels, 4, 4, -1, -1, 2, false, 1, out);
    assert_int_equal(out[0], 50);
    part(pixels, 4, 4, 100, -50, 4, false, 2, out);
    assert_memory_equal(out, ((uint8_t[]){0, 0, 0, 0}), 4);
}

/* ---- films that are easy ------------------------------------------------------------------------------ */

enum { SIDE = 64, FILMS = 48, HELD_OUT = 16 };

/* A bright disc is the right hip, a bright frame the left one, in places and sizes that vary. */
static void draw(uint64_t number, struct tr_hip_film *film)
{
    struct nn_rng r = {.seed = 9, .stream = number};
    for (int i = 0; i < SIDE * SIDE; i++) film->pixels[i] = (uint8_t)(60 + nn_rng_below(&r, 30));
    for (int hip = 0; hip < TR_HIPS; hip++) {
        int side = 14 + (int)nn_rng_below(&r, 9), x = 4 + hip * 30 + (int)nn_rng_below(&r, 5);
        int y = 16 + (int)nn_rng_below(&r, 20);
        film->there[hip] = true;
        film->place[hip] =
            (struct tr_place){(double)x / SIDE, (double)y / SIDE, (double)side / SIDE, (double)side / SIDE};
        for (int i = 0; i < side * side; i++) {
            int u = i % side, v = i / side, dx = 2 * u + 1 - side, dy = 2 * v + 1 - side;
            bool disc = dx * dx + dy * dy <= side * side;
            bool frame = u < 3 || v < 3 || u >= side - 3 || v >= side - 3;
            if (hip == TR_RIGHT ? disc : frame) film->pixels[(y + v) * SIDE + x + u] = 220;
        }
    }
}

static void films_make(struct tr_hip_films *f)
{
    *f = (struct tr_hip_films){.count = FILMS, .train_count = FILMS - HELD_OUT, .side = SIDE};
    f->films = calloc(FILMS, sizeof *f->films);
    f->pixels = malloc(FILMS * SIDE * SIDE);
    assert_true(f->films && f->pixels);
    for (int i = 0; i < FILMS; i++) {
        f->films[i].pixels = f->pixels + i * SIDE * SIDE;
        draw((uint64_t)i, &f->films[i]);
    }
}

static void films_free(struct tr_hip_films *f)
{
    free(f->films);
    free(f->pixels);
}

static void a_view_is_a_pure_function_and_its_truth_goes_with_it(void **state)
{
    (void)state;
    struct tr_hip_films f;
    struct tr_hip_view a, b;
    float x[SIDE * SIDE], y[SIDE * SIDE];
    int there = 0, nowhere = 0, unsaid = 0, brighter = 0;
    films_make(&f);
    for (uint64_t n = 0; n < 300; n++) {
        tr_hip_view_draw(&f.films[n % FILMS], SIDE, 3, n, SIDE, x, &a);
        tr_hip_view_draw(&f.films[n % FILMS], SIDE, 3, n, SIDE, y, &b);
        assert_memory_equal(x, y, sizeof x);
        for (int i = 0; i < SIDE * SIDE; i++) assert_true(isfinite(x[i]));
        for (int hip = 0; hip < TR_HIPS; hip++) {
            assert_int_equal(a.truth[hip], b.truth[hip]);
            unsaid += a.truth[hip] == TR_HIP_UNSAID;
            nowhere += a.truth[hip] == TR_HIP_NOWHERE;
            if (a.truth[hip] != TR_HIP_THERE) continue;
            double sum = 0, all = 0; /* what is in the box is brighter than the rest, mostly */
            int inside = 0;
            const struct tr_place *p = &a.place[hip];
            for (int i = 0; i < SIDE * SIDE; i++) {
                double u = (i % SIDE + 0.5) / SIDE - p->x, v = (i / SIDE + 0.5) / SIDE - p->y;
                all += (double)x[i];
                if (u < 0 || v < 0 || u > p->width || v > p->height) continue;
                sum += (double)x[i];
                inside++;
            }
            there++;
            brighter += inside > 0 && sum / inside > all / (SIDE * SIDE) + 0.2;
        }
    }
    assert_true(there > 300 && nowhere > 40 && unsaid > 0);
    assert_true(brighter > 0.85 * there);
    films_free(&f);
}

static void training_finds_the_boxes_of_films_it_has_not_seen(void **state)
{
    (void)state;
    const struct tr_hip_settings settings = {SIDE, 16, 360, 0.003f, 1};
    struct tr_hip_films f;
    struct tr_hip_training tr;
    struct tr_hip_measure m;
    struct tr_hip_found found[HELD_OUT][TR_HIPS];
    films_make(&f);
    assert_int_equal(tr_hip_training_init(&tr, &settings, &f, NULL), NN_OK);
    while (tr.step < settings.steps) assert_int_equal(tr_hip_training_step(&tr, NULL), NN_OK);
    assert_int_equal(tr_hip_measure(&tr.finder, &f, f.train_count, HELD_OUT, found, &m, NULL), NN_OK);
    assert_int_equal(m.hips, 2 * HELD_OUT);
    assert_true(m.found >= 2 * HELD_OUT - 2);
    assert_true(m.iou > 0.6);
    tr_hip_training_release(&tr);
    films_free(&f);
}

/* ---- the network's file ------------------------------------------------------------------------------- */

static void a_network_is_read_as_it_was_written(void **state)
{
    struct tr_hip_net net, read;
    char sha256[65];
    const char *path = scratch_path(state, "net.safetensors");
    assert_int_equal(tr_hip_net_init(&net, 64, 5, NULL), NN_OK);
    assert_int_equal(tr_hip_net_save(&net, path, NULL, 0, NULL), NN_OK);
    assert_int_equal(tr_hip_net_load(&read, path, sha256, NULL), NN_OK);
    assert_int_equal(read.side, 64);
    assert_memory_equal(read.values, net.values, net.value_count * sizeof *net.values);
    tr_hip_net_release(&read);
    net.values[7] = NAN;
    assert_int_equal(tr_hip_net_save(&net, path, NULL, 0, NULL), NN_OK);
    struct nn_error err;
    assert_int_equal(tr_hip_net_load(&read, path, sha256, &err), NN_ERR_FORMAT);
    assert_non_null(strstr(err.text, "not finite"));
    tr_hip_net_release(&net);
    assert_int_equal(tr_hip_net_init(&net, 96, 5, &err), NN_ERR_ARGUMENT);
}

static void other_files_are_no_network(void **state)
{
    struct tr_hip_net net;
    struct nn_error err;
    char sha256[65];
    const char *path = scratch_path(state, "other.safetensors");
    const float values[4] = {0};
    const struct nn_st_tensor tensor = {"down1.weight", NN_ST_F32, 1, {4}, values};
    const struct nn_st_text format = {"format", "roentgym hip localiser 1"},
                            sides[] = {format, {"side", "64"}};
    assert_int_equal(nn_st_write(path, &tensor, 1, NULL, 0, NULL), NN_OK);
    assert_int_equal(tr_hip_net_load(&net, path, sha256, &err), NN_ERR_FORMAT);
    assert_non_null(strstr(err.text, "is no localiser"));
    assert_int_equal(nn_st_write(path, &tensor, 1, &format, 1, NULL), NN_OK);
    assert_int_equal(tr_hip_net_load(&net, path, sha256, &err), NN_ERR_FORMAT);
    assert_non_null(strstr(err.text, "pixels"));
    assert_int_equal(nn_st_write(path, &tensor, 1, sides, 2, NULL), NN_OK);
    assert_int_equal(tr_hip_net_load(&net, path, sha256, &err), NN_ERR_FORMAT);
    assert_non_null(strstr(err.text, "1 tensors"));
    assert_null(net.values);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(iou_is_the_shared_over_the_covered_area),
        cmocka_unit_test(a_part_is_means_of_boxes_fractions_and_all),
        cmocka_unit_test(beyond_the_picture_it_is_black),
        cmocka_unit_test(a_view_is_a_pure_function_and_its_truth_goes_with_it),
        cmocka_unit_test(training_finds_the_boxes_of_films_it_has_not_seen),
        cmocka_unit_test_setup_teardown(a_network_is_read_as_it_was_written, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(other_files_are_no_network, scratch_setup, scratch_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
