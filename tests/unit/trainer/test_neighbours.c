/* Nearest neighbours and copies: distances against plain loops, verdicts on distances made by hand, and
 * planted copies through a whole network. t-SNE's quality is for tests/oracle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <unistd.h>

#include "engine/rng.h"
#include "tests/unit/scratch.h"
#include "trainer/neighbours/distance_table.h"
#include "trainer/neighbours/layer_distances.h"
#include "trainer/neighbours/nearness.h"
#include "trainer/neighbours/principal.h"
#include "trainer/neighbours/tsne.h"

static void check(nn_status status, const struct nn_error *err)
{
    if (status) fail_msg("status %d: %s", (int)status, err->text);
}

/* ---- distances ---------------------------------------------------------------------------------------- */

static void distances_are_mean_absolute_differences_whatever_the_counts(void **state)
{
    (void)state;
    enum { A = 19, B = 17, SIZE = 4099 };
    static float wide[A + B][SIZE], out[A][B + 3];
    static uint16_t narrow[A + B][SIZE];
    for (int i = 0; i < A + B; i++) {
        nn_random_normals(1, (uint64_t)i, 0, SIZE, wide[i]);
        tr_to_bf16(wide[i], SIZE, narrow[i]);
    }
    tr_layer_distances(narrow[0], A, narrow[A], B, SIZE, out[0], B + 3);
    for (int i = 0; i < A; i++)
        for (int k = 0; k < B; k++) {
            double sum = 0;
            for (int j = 0; j < SIZE; j++) sum += fabs((double)wide[i][j] - (double)wide[A + k][j]);
            assert_true(fabs((double)out[i][k] - sum / SIZE) < 1e-3);
        }
}

static void numbers_become_the_nearest_of_bf16(void **state)
{
    (void)state;
    const float from[] = {0, 1, -2.5f, 1.00390625f, 1.01171875f, 3.1415927f};
    uint16_t to[6];
    tr_to_bf16(from, 6, to);
    assert_memory_equal(to, ((uint16_t[]){0, 0x3f80, 0xc020, 0x3f80, 0x3f82, 0x4049}), sizeof to);
}

/* ---- verdicts ----------------------------------------------------------------------------------------- */

enum { LAYERS = 2, SAMPLES = 5, HELD_OUT = 20, QUERIES = SAMPLES + HELD_OUT, TRAININGS = 6 };
static const int patients[TRAININGS] = {0, 0, 1, 2, 3, 4};
static int query_patients[QUERIES]; /* fill: all -1 */
typedef float table[LAYERS][QUERIES][TR_VARIANTS][TRAININGS];

static void fill(table t)
{
    for (int q = 0; q < QUERIES; q++) query_patients[q] = -1;
    for (int l = 0; l < LAYERS; l++)
        for (int q = 0; q < QUERIES; q++)
            for (int v = 0; v < TR_VARIANTS; v++)
                for (int k = 0; k < TRAININGS; k++)
                    t[l][q][v][k] = (l ? 10 : 1) * (1 + 0.01f * (float)((q * 7 + v * 5 + k * 3) % 11));
}

static void scale(table t, int query, int variant, int training, float factor)
{
    for (int l = 0; l < LAYERS; l++) t[l][query][variant][training] *= factor;
}

static struct tr_nearness judge(table t)
{
    struct tr_nearness result;
    struct nn_error err;
    const struct tr_nearness_input in = {&t[0][0][0][0], LAYERS,         QUERIES, HELD_OUT,
                                         TRAININGS,      query_patients, patients};
    check(tr_nearness(&result, &in, &err), &err);
    return result;
}

static void only_what_is_near_to_one_patient_alone_is_a_copy(void **state)
{
    (void)state;
    static table t;
    fill(t);
    scale(t, 0, TR_AS_IT_IS, 3, 0.5f);                                     /* a copy */
    scale(t, 1, TR_MIRRORED, 4, 0.5f);                                     /* a mirrored one */
    for (int k = 0; k < TRAININGS; k++) scale(t, 2, TR_AS_IT_IS, k, 0.5f); /* near to all: smooth */
    for (int k = 0; k < 2; k++) scale(t, 3, TR_AS_IT_IS, k, 0.5f);         /* both images of a patient */
    for (int k = 0; k < TRAININGS; k++) scale(t, 4, TR_AS_IT_IS, k, 4);    /* unlike any but one */
    for (int k = 0; k < TRAININGS; k++) scale(t, 4, TR_MIRRORED, k, 4);
    scale(t, 4, TR_AS_IT_IS, 3, 0.5f);
    struct tr_nearness r = judge(t);
    const bool flagged[SAMPLES] = {true, true, false, true, true};
    for (int q = 0; q < SAMPLES; q++) assert_int_equal(r.copy[q].flagged, flagged[q]);
    assert_int_equal(r.copy[0].training, 3);
    assert_false(r.copy[0].mirrored);
    assert_int_equal(r.copy[1].training, 4);
    assert_true(r.copy[1].mirrored);
    assert_true(r.copy[1].ratio < 0.6);
    assert_int_equal(r.flagged_samples.part, 4);
    assert_int_equal(r.flagged_held_out.part, 0);
    assert_true(fabs(r.chance - 1.0 / (HELD_OUT + 1)) < 1e-12);
    assert_int_equal(r.nearest[0].training, 3); /* in the first layer */
    tr_nearness_release(&r);
}

static void a_held_out_image_like_a_copy_is_flagged_by_the_others(void **state)
{
    (void)state;
    static table t;
    fill(t);
    scale(t, SAMPLES + 4, TR_AS_IT_IS, 2, 0.5f);
    struct tr_nearness r = judge(t);
    assert_int_equal(r.flagged_held_out.part, 1);
    assert_int_equal(r.flagged_samples.part, 0);
    tr_nearness_release(&r);
}

/* Held-out images come in pairs of copies: as pairs of one patient they promise less than as two patients. */
static void held_out_patients_are_counted_and_not_their_images(void **state)
{
    (void)state;
    static table t;
    fill(t);
    for (int q = 0; q < QUERIES; q++) {
        float nearer = 1 - 0.004f * (float)((q < SAMPLES ? q : (q - SAMPLES) / 2 * 2) * 5 % 17);
        for (int k = 0; k < TRAININGS; k++)
            for (int v = 0; v < TR_VARIANTS; v++) t[0][q][v][k] = t[1][q][v][k] = nearer;
    }
    struct tr_nearness images = judge(t);
    for (int i = 0; i < HELD_OUT; i++) query_patients[SAMPLES + i] = i / 2;
    struct tr_nearness whole = judge(t);
    double wide = whole.all.interval.high - whole.all.interval.low;
    double narrow = images.all.interval.high - images.all.interval.low;
    assert_true(whole.all.effect == images.all.effect);
    assert_true(whole.all.interval.low < whole.all.effect && whole.all.effect < whole.all.interval.high);

    assert_true(wide > 1.02 * narrow);
    assert_true(whole.flagged_held_out.high > images.flagged_held_out.high + 0.05); /* of 10, not of 20 */
    tr_nearness_release(&images);
    tr_nearness_release(&whole);
}

static void nothing_to_compare_is_refused(void **state)
{
    (void)state;
    static table t;
    struct tr_nearness r;
    struct nn_error err;
    struct tr_nearness_input in = {&t[0][0][0][0], LAYERS,         QUERIES, QUERIES,
                                   TRAININGS,      query_patients, patients};
    assert_int_equal(tr_nearness(&r, &in, &err), NN_ERR_ARGUMENT);
    in.held_out = 0;
    assert_int_equal(tr_nearness(&r, &in, &err), NN_ERR_ARGUMENT);
}

/* ---- planted copies ----------------------------------------------------------------------------------- */

/* Images with structures of all sizes, as radiographs have: waves of 1/f amplitude, and noise. */
enum { SIDE = 64, PLANTED = 12, REAL_HELD_OUT = 48, REAL_TRAINING = 48, WAVES = 40, NOISE = 3 };

static void draw_image(uint64_t seed, uint8_t *pixels)
{
    struct nn_rng r = {seed, 1, 0};
    double waves[WAVES][4];
    for (int w = 0; w < WAVES; w++) {
        double pitch = nn_rng_range(&r, 1, 12), angle = nn_rng_range(&r, 0, 3.14159265);
        waves[w][0] = 6.2831853 / SIDE * pitch * cos(angle);
        waves[w][1] = 6.2831853 / SIDE * pitch * sin(angle);
        waves[w][2] = nn_rng_range(&r, 0, 6.2831853);
        waves[w][3] = 20 / pitch;
    }
    for (int i = 0; i < SIDE * SIDE; i++) {
        double value = 128 + NOISE * nn_rng_normal(&r, 0, 1);
        for (int w = 0; w < WAVES; w++)
            value += waves[w][3] * cos(waves[w][0] * (i % SIDE) + waves[w][1] * (i / SIDE) + waves[w][2]);
        pixels[i] = (uint8_t)fmin(fmax(value, 0), 255);
    }
}

/* The k-th way of copying: noise on it, moved by a pixel, mirrored. */
static void copy_image(const uint8_t *from, int k, uint8_t *to)
{
    struct nn_rng r = {99, (uint64_t)k, 0};
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            int column = k % 3 == 1 ? (x + 1 < SIDE ? x + 1 : x) : k % 3 == 2 ? SIDE - 1 - x : x;
            double value = from[y * SIDE + column] + (k % 3 == 0 ? nn_rng_normal(&r, 0, 4) : 0);
            to[y * SIDE + x] = (uint8_t)fmin(fmax(value, 0), 255);
        }
}

static struct tr_cases some_cases(int count)
{
    return (struct tr_cases){
        .side = SIDE, .count = count, .pixels = calloc((size_t)count, (size_t)SIDE * SIDE)};
}

/* A ResNet-18 of random weights, kept as a file: what `--weights` is given. */
static void open_network(void **state, struct tr_feature_network *network, struct nn_device *device)
{
    struct tr_classifier net;
    struct nn_error err;
    const char *path = scratch_path(state, "net.safetensors");
    check(tr_classifier_init(&net, TR_RESNET18, SIDE, 1, &err), &err);
    float *values = malloc(net.value_count * sizeof *values);
    float *moments = malloc(net.moment_count * sizeof *moments);
    assert_true(values && moments);
    tr_classifier_init_values(&net, 1, values, moments);
    check(tr_classifier_save(&net, path, values, moments, NULL, 0, &err), &err);
    const struct tr_feature_choice choice = {
        .training = {.architecture = TR_RESNET18, .pretrained = path}, .side = SIDE, .device = device};
    check(tr_classify_open_device(device, "cpu", SIDE, &err), &err);
    check(tr_feature_network_open(network, &choice, NULL, "", &err), &err);
    free(values);
    free(moments);
    tr_classifier_release(&net);
}

static float *measure(void **state, struct tr_feature_network *network, const struct tr_cases *queries,
                      const struct tr_cases *trainings, size_t memory_bytes)
{
    struct tr_float_journal journal;
    struct nn_error err;
    float *value;
    json_t *settings = json_pack("{s:I}", "memory", (json_int_t)memory_bytes);
    const struct tr_part part = {.name = "test", .folder = *state, .settings = settings};
    check(tr_float_journal_open(&journal, &part, &err), &err);
    check(tr_distance_table(network, queries, trainings, memory_bytes, &journal, &value, &err), &err);
    tr_float_journal_close(&journal);
    json_decref(settings);
    return value;
}

static void planted_copies_are_found_and_held_out_images_are_not(void **state)
{
    struct tr_feature_network network;
    struct nn_device device;
    struct nn_error err;
    struct tr_cases trainings = some_cases(REAL_TRAINING), queries = some_cases(2 * PLANTED + REAL_HELD_OUT);
    int patient[REAL_TRAINING], nobody[2 * PLANTED + REAL_HELD_OUT];
    size_t size = (size_t)SIDE * SIDE;
    assert_true(trainings.pixels && queries.pixels);
    for (int i = 0; i < REAL_TRAINING; i++) {
        draw_image((uint64_t)i, trainings.pixels + (size_t)i * size);
        patient[i] = i;
    }
    for (int i = 0; i < queries.count; i++) nobody[i] = -1;
    for (int i = 0; i < PLANTED; i++)
        copy_image(trainings.pixels + 3 * (size_t)i * size, i, queries.pixels + (size_t)i * size);
    for (int i = PLANTED; i < queries.count; i++)
        draw_image(1000 + (uint64_t)i, queries.pixels + (size_t)i * size);
    open_network(state, &network, &device);
    float *value = measure(state, &network, &queries, &trainings, (size_t)1 << 30);
    const struct tr_nearness_input in = {
        value, network.layer_count, queries.count, REAL_HELD_OUT, REAL_TRAINING, nobody, patient};
    struct tr_nearness r;
    check(tr_nearness(&r, &in, &err), &err);
    for (int i = 0; i < PLANTED; i++) {
        if (!r.copy[i].flagged) fail_msg("copy %d: ratio %g of %g", i, r.copy[i].ratio, r.threshold);
        assert_int_equal(r.copy[i].training, 3 * i);
        assert_int_equal(r.copy[i].mirrored, i % 3 == 2);
    }
    assert_int_equal(r.flagged_samples.part, PLANTED); /* and none of the new images */
    assert_true(r.flagged_held_out.part <= 1);
    tr_nearness_release(&r);

    /* In blocks, for want of memory, and from the journal alone it is the same. */
    size_t count = (size_t)network.layer_count * (size_t)queries.count * TR_VARIANTS * REAL_TRAINING;
    size_t little = (TR_FEATURE_BATCH + 50) * network.values_per_image * sizeof(uint16_t);
    for (int again = 0; again < 2; again++) {
        float *other = measure(state, &network, &queries, &trainings, again ? (size_t)1 << 30 : little);
        assert_memory_equal(other, value, count * sizeof *value);
        free(other);
    }
    free(value);
    tr_feature_network_close(&network);
    device.backend->close(device.backend);
    free(trainings.pixels);
    free(queries.pixels);
}

/* ---- journal ------------------------------------------------------------------------------------------ */

static void flip(int fd, off_t at)
{
    uint8_t byte;
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
}

static void a_journal_gives_back_what_is_whole_and_goes_on_behind_it(void **state)
{
    const float rows[3][4] = {{1, 2, 3, 4}, {5, 6, 7, 8}, {9, 10, 11, 12}};
    struct tr_float_journal j;
    struct nn_error err;
    float got[4];
    json_t *settings = json_pack("{s:i}", "a", 1);
    const struct tr_part part = {.name = "x", .folder = *state, .settings = settings};
    check(tr_float_journal_open(&j, &part, &err), &err);
    assert_false(tr_float_journal_read(&j, got, 4));
    for (int i = 0; i < 2; i++) check(tr_float_journal_write(&j, rows[i], 4, &err), &err);
    assert_int_equal(ftruncate(j.fd, (off_t)j.at - 4), 0);
    tr_float_journal_close(&j);

    check(tr_float_journal_open(&j, &part, &err), &err);
    assert_true(tr_float_journal_read(&j, got, 4));
    assert_memory_equal(got, rows[0], sizeof got);
    assert_false(tr_float_journal_read(&j, got, 4));
    for (int i = 1; i < 3; i++) check(tr_float_journal_write(&j, rows[i], 4, &err), &err);
    tr_float_journal_close(&j);

    check(tr_float_journal_open(&j, &part, &err), &err);
    for (int i = 0; i < 3; i++) {
        assert_true(tr_float_journal_read(&j, got, 4));
        assert_memory_equal(got, rows[i], sizeof got);
    }
    off_t stretch = (off_t)j.at / 3;
    flip(j.fd, 2 * stretch - 1); /* the last byte of the second one */
    tr_float_journal_close(&j);

    check(tr_float_journal_open(&j, &part, &err), &err);
    assert_true(tr_float_journal_read(&j, got, 4));
    assert_false(tr_float_journal_read(&j, got, 4));
    assert_false(tr_float_journal_read(&j, got, 4)); /* nor what follows */
    tr_float_journal_remove(&j);
    assert_int_equal(scratch_count(*state), 0);
    json_decref(settings);
}

/* ---- t-SNE -------------------------------------------------------------------------------------------- */

enum { POINTS = 60, WIDTH = 12, COMPONENTS = 5 };

static void place(double *places)
{
    static float points[POINTS * WIDTH];
    double components[POINTS * COMPONENTS];
    const struct tr_tsne_settings settings = {.perplexity = 10, .steps = 300};
    struct nn_error err;
    nn_random_normals(7, 1, 0, POINTS * WIDTH, points);
    for (int i = 0; i < POINTS; i++) points[i * WIDTH] += 8.0f * (float)(i % 3);
    check(tr_principal(points, POINTS, WIDTH, COMPONENTS, 1, components, &err), &err);
    check(tr_tsne(components, POINTS, COMPONENTS, &settings, places, NULL, NULL, &err), &err);
}

static void places_do_not_depend_on_the_threads(void **state)
{
    (void)state;
    static double one[2 * POINTS], two[2 * POINTS];
    int before = omp_get_max_threads();
    omp_set_num_threads(1);
    place(one);
    omp_set_num_threads(3);
    place(two);
    omp_set_num_threads(before);
    assert_memory_equal(one, two, sizeof one);
    int torn = 0; /* whose nearest in the plane is of another cluster */
    for (int i = 0; i < POINTS; i++) {
        int best = i ? 0 : 1;
        for (int k = 0; k < POINTS; k++)
            if (k != i && hypot(one[2 * k] - one[2 * i], one[2 * k + 1] - one[2 * i + 1]) <
                              hypot(one[2 * best] - one[2 * i], one[2 * best + 1] - one[2 * i + 1]))
                best = k;
        torn += best % 3 != i % 3;
    }
    assert_true(torn <= 2);
}

static bool stop(void *context, int step, int steps)
{
    (void)steps;
    *(int *)context = step;
    return false;
}

static void too_few_points_are_refused_and_a_stop_is_heard(void **state)
{
    (void)state;
    double points[POINTS * 2] = {0}, places[POINTS * 2];
    struct tr_tsne_settings settings = {.perplexity = POINTS / 3.0, .steps = 1000};
    struct nn_error err;
    int step = 0;
    assert_int_equal(tr_tsne(points, POINTS, 2, &settings, places, NULL, NULL, &err), NN_ERR_ARGUMENT);
    settings.perplexity = 5;
    for (int i = 0; i < 2 * POINTS; i++) points[i] = i % 7;
    assert_int_equal(tr_tsne(points, POINTS, 2, &settings, places, stop, &step, &err), NN_STOPPED);
    assert_true(step > 0 && step < 100);
}

#define in_folder(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distances_are_mean_absolute_differences_whatever_the_counts),
        cmocka_unit_test(numbers_become_the_nearest_of_bf16),
        cmocka_unit_test(only_what_is_near_to_one_patient_alone_is_a_copy),
        cmocka_unit_test(a_held_out_image_like_a_copy_is_flagged_by_the_others),
        cmocka_unit_test(held_out_patients_are_counted_and_not_their_images),
        cmocka_unit_test(nothing_to_compare_is_refused),
        in_folder(planted_copies_are_found_and_held_out_images_are_not),
        in_folder(a_journal_gives_back_what_is_whole_and_goes_on_behind_it),
        cmocka_unit_test(places_do_not_depend_on_the_threads),
        cmocka_unit_test(too_few_points_are_refused_and_a_stop_is_heard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
