/* The X-ray physics and the film: attenuation, scatter, noise, tone, collimator and marker. */
#include "trainer/phantom/film.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "trainer/phantom/anatomy.h"
#include "trainer/phantom/exposure.h"

enum { SIDE = 128, COUNT = SIDE * SIDE };

/* A slab of the same material everywhere, in cm. */
static void slab(struct phantom_maps *m, float bone, float soft, float fat)
{
    assert_int_equal(phantom_maps_init(m, SIDE, NULL), NN_OK);
    m->pitch_mm = 0.148f;
    for (int i = 0; i < COUNT; i++) {
        m->bone[i] = bone;
        m->soft[i] = soft;
        m->fat[i] = fat;
    }
}

/* No scatter, no blur, no noise to speak of. */
static const struct phantom_exposure ideal = {.dose_ugy = 1e12f, .scatter_mm = 30};

static float signal_of(const struct phantom_exposure *e, float bone, float soft, float fat)
{
    static float signal[COUNT];
    struct phantom_maps m;
    slab(&m, bone, soft, fat);
    assert_int_equal(phantom_expose(e, &m, 1, 2, signal, NULL), NN_OK);
    phantom_maps_release(&m);
    return signal[COUNT / 2 + SIDE / 2];
}

static void expose_slab(const struct phantom_exposure *e, uint64_t stream, float *signal)
{
    struct phantom_maps m;
    slab(&m, 0, 15, 5);
    assert_int_equal(phantom_expose(e, &m, 1, stream, signal, NULL), NN_OK);
    phantom_maps_release(&m);
}

static float relative_sd(const float *x)
{
    double sum = 0, squares = 0;
    for (int i = 0; i < COUNT; i++) sum += (double)x[i];
    for (int i = 0; i < COUNT; i++)
        squares += ((double)x[i] * COUNT / sum - 1) * ((double)x[i] * COUNT / sum - 1);
    return (float)sqrt(squares / COUNT);
}

/* ---- exposure ----------------------------------------------------------------------------------- */

static void the_beam_behind_20_cm_is_that_of_75_kv(void **state)
{
    (void)state;
    float body = signal_of(&ideal, 0, 15, 5);
    assert_float_equal(-logf(body) / 20, 0.231f, 0.002f); /* 3/4 soft tissue, 1/4 fat: per cm */
    /* 1 cm of cortex in place of soft tissue: 0.44 neper */
    assert_float_equal(logf(body / signal_of(&ideal, 1, 14, 5)), 0.44f, 0.02f);
}

static void the_beam_hardens(void **state)
{
    (void)state;
    float first = -logf(signal_of(&ideal, 0, 1, 0)),
          twentieth = logf(signal_of(&ideal, 0, 19, 0) / signal_of(&ideal, 0, 20, 0));
    assert_true(twentieth < 0.9f * first);
    assert_float_equal(-logf(signal_of(&ideal, 0, 0, 0)), 0, 1e-3f);
}

static void scatter_adds_its_ratio_to_the_primary(void **state)
{
    (void)state;
    struct phantom_exposure e = ideal;
    float primary = signal_of(&e, 0, 15, 5);
    e.scatter_ratio = 0.6f;
    assert_float_equal(signal_of(&e, 0, 15, 5) / primary, 1.6f, 0.01f);
}

/* 2.5 uGy: 63,650 quanta/mm2, 1,394 in a pixel of 0.148 mm: 2.7 % rms. */
static void noise_is_that_of_the_absorbed_quanta(void **state)
{
    (void)state;
    struct phantom_exposure e = ideal;
    float signal[COUNT];
    e.dose_ugy = 2.5f;
    expose_slab(&e, 2, signal);
    assert_float_equal(relative_sd(signal), 0.0268f, 0.0006f);
    e.dose_ugy = 10;
    expose_slab(&e, 2, signal);
    assert_float_equal(relative_sd(signal), 0.0134f, 0.0004f);
}

static void the_detector_blurs_noise(void **state)
{
    (void)state;
    struct phantom_exposure e = ideal;
    float signal[COUNT], white;
    e.dose_ugy = 2.5f;
    expose_slab(&e, 2, signal);
    white = relative_sd(signal);
    e.noise_blur_px = 0.6f * 1024 / SIDE;
    expose_slab(&e, 2, signal);
    assert_true(relative_sd(signal) < 0.7f * white);
}

static void a_stream_names_its_noise(void **state)
{
    (void)state;
    struct phantom_exposure e = ideal;
    float one[COUNT], again[COUNT], other[COUNT];
    e.dose_ugy = 2.5f;
    expose_slab(&e, 2, one);
    expose_slab(&e, 2, again);
    expose_slab(&e, 3, other);
    assert_memory_equal(one, again, sizeof one);
    assert_memory_not_equal(one, other, sizeof one);
}

/* ---- film --------------------------------------------------------------------------------------- */

static const struct phantom_film plain = {
    .contrast = 170, .middle_grey = 85, .enhancement_mm = 2, .collimator = {-1, -1, -1, -1}};

static const uint8_t *develop(const struct phantom_film *f, float *signal, struct nn_image *image)
{
    assert_int_equal(nn_image_init(image, SIDE, SIDE, 8, NULL), NN_OK);
    assert_int_equal(phantom_develop(f, signal, SIDE, 0.2f, image, NULL), NN_OK);
    return image->pixels;
}

static void fill(float *signal, float value)
{
    for (int i = 0; i < COUNT; i++) signal[i] = value;
}

static void the_median_of_the_hip_gets_the_middle_grey(void **state)
{
    (void)state;
    for (float value = 1e-4f; value < 1; value *= 10) {
        struct nn_image image;
        float signal[COUNT];
        fill(signal, value);
        assert_int_equal(develop(&plain, signal, &image)[COUNT / 2], 85);
        nn_image_release(&image);
    }
}

static void less_signal_is_brighter_with_the_stated_contrast(void **state)
{
    (void)state;
    struct nn_image image;
    float signal[COUNT];
    for (int i = 0; i < COUNT; i++) /* dense at the left edge, within a border of 20 of 128 columns */
        signal[i] = i % SIDE < 20 ? 0.01f * expf(-0.1f) : i % SIDE >= SIDE - 20 ? 0.01f * expf(0.1f) : 0.01f;
    const uint8_t *grey = develop(&plain, signal, &image) + (size_t)SIDE * SIDE / 2;
    assert_in_range(grey[5], 85 + 13, 85 + 20);
    assert_in_range(grey[SIDE - 5], 85 - 20, 85 - 12);
    nn_image_release(&image);
}

static void a_border_of_either_colour_surrounds_the_collimated_field(void **state)
{
    (void)state;
    for (int white = 0; white <= 1; white++) {
        struct phantom_film f = plain;
        struct nn_image image;
        float signal[COUNT];
        f.collimated = true;
        f.white_border = white;
        f.collimator[1] = 0.1f;
        fill(signal, 0.01f);
        const uint8_t *grey = develop(&f, signal, &image);
        assert_true(white ? grey[5 * SIDE + 64] > 210 : grey[5 * SIDE + 64] < 10);
        assert_int_equal(grey[40 * SIDE + 64], 85);
        assert_int_equal(grey[(SIDE - 2) * SIDE + 64], 85);
        nn_image_release(&image);
    }
}

/* Ink left and right of the middle of the letter's box. */
static void marker_ink(bool left, bool mirrored, int ink[2])
{
    struct phantom_film f = plain;
    struct nn_image image;
    float signal[COUNT];
    f.marker = true;
    f.marker_left = left;
    f.marker_mirrored = mirrored;
    f.marker_size = 0.5f;
    f.marker_x = f.marker_y = 0.25f;
    f.marker_grey = 240;
    fill(signal, 0.01f);
    const uint8_t *grey = develop(&f, signal, &image);
    ink[0] = ink[1] = 0;
    for (int i = 0; i < COUNT; i++) ink[i % SIDE >= SIDE / 2] += grey[i] > 150;
    nn_image_release(&image);
}

static void a_right_hips_letter_is_mirrored_with_its_picture(void **state)
{
    (void)state;
    struct phantom_film film;
    int l[2], r[2], upright[2];
    marker_ink(true, false, l);
    marker_ink(false, true, r);
    marker_ink(false, false, upright);
    assert_true(l[0] > l[1]); /* the stem of the L is on its left */
    assert_true(r[1] > r[0]); /* that of the mirrored R on its right */
    assert_true(r[0] + r[1] > l[0] + l[1]);
    assert_true(upright[0] == r[1] && upright[1] == r[0]);
    phantom_film_draw(3, 7, false, &film);
    assert_true(film.marker_mirrored && !film.marker_left);
    phantom_film_draw(3, 7, true, &film);
    assert_true(!film.marker_mirrored && film.marker_left);
}

/* R stands on the left of the picture, L on the right, none in the way of the hips. */
static void a_pelvis_marker_is_never_mirrored_and_stands_on_its_side(void **state)
{
    (void)state;
    int letters[2] = {0};
    for (uint64_t k = 0; k < 400; k++) {
        struct phantom_film f;
        phantom_film_draw_pelvis(11, k, &f);
        assert_false(f.marker_mirrored);
        assert_true(f.marker_left ? f.marker_x > 0.8f && f.marker_x + f.marker_size < 0.98f
                                  : f.marker_x > 0.02f && f.marker_x < 0.12f);
        letters[f.marker_left] += f.marker;
    }
    assert_true(letters[0] > letters[1] && letters[1] > 50);
}

/* ---- draws -------------------------------------------------------------------------------------- */

enum { TRAITS = 9 };

static void read_traits(const struct phantom_patient *p, double trait[TRAITS])
{
    struct phantom_exposure e;
    struct phantom_film f;
    phantom_exposure_draw(p->seed, phantom_stream(p->index, p->hip, PHANTOM_STREAM_EXPOSURE), &e);
    phantom_film_draw(p->seed, phantom_stream(p->index, p->hip, PHANTOM_STREAM_FILM), p->left, &f);
    const double all[TRAITS] = {(double)e.dose_ugy,   (double)e.scatter_ratio, (double)e.blur_mm,
                                (double)f.contrast,   (double)f.middle_grey,   (double)f.sharpening,
                                (double)f.collimated, (double)f.marker,        (double)f.marker_y};
    memcpy(trait, all, sizeof all);
}

/* The mean of every trait over the fractured against the others, in standard errors. */
static void neither_exposure_nor_film_tells_the_class(void **state)
{
    (void)state;
    double n[2] = {0}, sum[2][TRAITS] = {{0}}, squares[2][TRAITS] = {{0}};
    for (uint64_t k = 0; k < 4000; k++) {
        struct phantom_patient p;
        double trait[TRAITS];
        phantom_patient_draw(5, k, 0, &p);
        read_traits(&p, trait);
        int class = p.fracture.type != PHANTOM_FRACTURE_NONE;
        n[class]++;
        for (int t = 0; t < TRAITS; t++) {
            sum[class][t] += trait[t];
            squares[class][t] += trait[t] * trait[t];
        }
    }
    for (int t = 0; t < TRAITS; t++) {
        double mean[2], variance = 0;
        for (int c = 0; c < 2; c++) {
            mean[c] = sum[c][t] / n[c];
            variance += (squares[c][t] / n[c] - mean[c] * mean[c]) / n[c];
        }
        double z = (mean[1] - mean[0]) / sqrt(variance);
        if (fabs(z) > 4) fail_msg("trait %d differs between the classes by %.1f standard errors", t, z);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_beam_behind_20_cm_is_that_of_75_kv),
        cmocka_unit_test(the_beam_hardens),
        cmocka_unit_test(scatter_adds_its_ratio_to_the_primary),
        cmocka_unit_test(noise_is_that_of_the_absorbed_quanta),
        cmocka_unit_test(the_detector_blurs_noise),
        cmocka_unit_test(a_stream_names_its_noise),
        cmocka_unit_test(the_median_of_the_hip_gets_the_middle_grey),
        cmocka_unit_test(less_signal_is_brighter_with_the_stated_contrast),
        cmocka_unit_test(a_border_of_either_colour_surrounds_the_collimated_field),
        cmocka_unit_test(a_right_hips_letter_is_mirrored_with_its_picture),
        cmocka_unit_test(a_pelvis_marker_is_never_mirrored_and_stands_on_its_side),
        cmocka_unit_test(neither_exposure_nor_film_tells_the_class),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
