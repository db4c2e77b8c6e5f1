/* Phantoms beside real hips: grey, noise, texture, spectrum and edges of a fixed set at 1024x1024, against
 * the ranges measured on public hip radiographs (hip crops of 1200 pixels resampled to 1024). Prints where
 * each stands. What is asserted holds for the mean over the set. */
#include "trainer/phantom/anatomy.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/trainer/film_measures.h"
#include "trainer/phantom/exposure.h"
#include "trainer/phantom/film.h"

enum { SIDE = 1024, COUNT = SIDE * SIDE, PHANTOMS = 5, SEED = 1 };

enum measure {
    MEAN,
    SD,
    P1,
    P5,
    P25,
    P50,
    P75,
    P95,
    P99,
    NOISE_30,
    NOISE_50,
    NOISE_70,
    NOISE_115,
    LAG_1,
    LAG_2,
    SLOPE_8,
    SLOPE_64,
    SLOPE_200,
    THIGH_1,
    THIGH_2,
    THIGH_4,
    HEAD_1,
    HEAD_2,
    HEAD_4,
    SHAFT_EDGE,
    MEASURES
};

static const struct {
    const char *name;
    double low, high;
    bool asserted; /* false: known to lie outside, or near the range's end */
} real[MEASURES] = {
    [MEAN] = {"grey mean", 67, 82, true},
    [SD] = {"grey sd", 33, 48, true},
    [P1] = {"grey p1", 1, 16, true},
    [P5] = {"grey p5", 9, 25, false},
    [P25] = {"grey p25", 34, 58, true},
    [P50] = {"grey p50", 54, 96, true},
    [P75] = {"grey p75", 92, 117, true},
    [P95] = {"grey p95", 126, 148, true},
    [P99] = {"grey p99", 147, 176, true},
    [NOISE_30] = {"noise sd at 25-40", 0.6, 1.7, true},
    [NOISE_50] = {"noise sd at 40-60", 0.9, 2.4, true},
    [NOISE_70] = {"noise sd at 60-80", 1.4, 4.0, true},
    [NOISE_115] = {"noise sd at 100-130", 2.5, 6.4, true},
    [LAG_1] = {"noise lag-1 correlation", 0.4, 0.5, false},
    [LAG_2] = {"noise lag-2 correlation", -0.1, 0.2, true},
    [SLOPE_8] = {"spectral slope 8-64", -3.0, -2.4, false},
    [SLOPE_64] = {"spectral slope 64-200", -3.4, -2.3, true},
    [SLOPE_200] = {"spectral slope 200-480", -2.1, -1.3, false},
    [THIGH_1] = {"thigh texture 1-2 px", 0.4, 0.9, true},
    [THIGH_2] = {"thigh texture 2-4 px", 0.3, 0.6, true},
    [THIGH_4] = {"thigh texture 4-8 px", 0.3, 0.7, true},
    [HEAD_1] = {"head texture 1-2 px", 1.2, 3.5, true},
    [HEAD_2] = {"head texture 2-4 px", 1.1, 3.5, true},
    [HEAD_4] = {"head texture 4-8 px", 1.3, 2.3, false},
    [SHAFT_EDGE] = {"shaft border width, px", 4.0, 7.0, false},
};

struct phantom {
    struct phantom_patient patient;
    struct phantom_maps maps;
    struct nn_image image;
    double measures[MEASURES];
};

/* A disc of a quarter of the head's diameter about its centre: no outline in it. */
static void mark_head(const struct phantom *p, bool *inside)
{
    float x0 = SIDE / 2 + p->patient.frame_x_mm / p->maps.pitch_mm,
          y0 = SIDE / 2 + p->patient.frame_y_mm / p->maps.pitch_mm,
          radius = p->patient.head_mm / 4 / p->maps.pitch_mm;
    for (int i = 0; i < COUNT; i++)
        inside[i] = hypotf((float)(i % SIDE) - x0, (float)(i / SIDE) - y0) < radius;
}

/* Soft tissue below the hip, well away from bone and from the picture's border. */
static void mark_thigh(const struct phantom *p, bool *inside)
{
    enum { AWAY = 40, TOP = SIDE * 3 / 4, END = SIDE * 15 / 16 };
    for (int i = 0; i < COUNT; i++) {
        int x = i % SIDE, y = i / SIDE;
        inside[i] = y >= TOP && y < END && x >= AWAY && x < SIDE - AWAY && p->maps.soft[i] > 8;
        for (int k = -AWAY; k <= AWAY && inside[i]; k += 8)
            if (p->maps.bone[i + k] > 0 || p->maps.bone[(y + k) * SIDE + x] > 0) inside[i] = false;
    }
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Width of the shaft's lateral border, the median over rows near the lower end. */
static double shaft_edge(const struct phantom *p)
{
    enum { ROWS = 60, HALF = 14 };
    double widths[ROWS];
    const uint8_t *grey = p->image.pixels;
    int found = 0;
    for (int row = SIDE - 120; row < SIDE - 120 + ROWS; row++) {
        int edge = SIDE - 1;
        while (edge > 0 && p->maps.bone[row * SIDE + edge] < 0.2f) edge--;
        if (edge < HALF || edge >= SIDE - HALF) continue;
        double profile[2 * HALF + 1] = {0}; /* three rows together: less noise, no blur worth the name */
        for (int k = -HALF; k <= HALF; k++)
            for (int y = -1; y <= 1; y++) profile[k + HALF] += grey[(row + y) * SIDE + edge + k];
        widths[found++] = film_edge_width(profile, 2 * HALF + 1);
    }
    if (!found) return (double)NAN;
    qsort(widths, (size_t)found, sizeof *widths, compare_doubles);
    return widths[found / 2];
}

static void measure(struct phantom *p)
{
    static const double shares[] = {0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99},
                        greys[][2] = {{25, 40}, {40, 60}, {60, 80}, {100, 130}};
    static const int bands[][2] = {{8, 64}, {64, 200}, {200, 480}};
    double power[SIDE / 2];
    const uint8_t *grey = p->image.pixels;
    double *m = p->measures;
    bool *head = malloc(2 * COUNT * sizeof *head), *thigh = head + COUNT;
    mark_head(p, head);
    mark_thigh(p, thigh);
    m[MEAN] = film_mean(grey, SIDE);
    m[SD] = film_sd(grey, SIDE);
    for (int k = 0; k < 7; k++) m[P1 + k] = film_percentile(grey, SIDE, shares[k]);
    for (int k = 0; k < 4; k++) m[NOISE_30 + k] = film_noise(grey, SIDE, greys[k][0], greys[k][1]);
    for (int k = 0; k < 2; k++) m[LAG_1 + k] = film_noise_correlation(grey, SIDE, 1 + k);
    film_power(grey, SIDE, power);
    for (int k = 0; k < 3; k++) m[SLOPE_8 + k] = film_spectral_slope(power, bands[k][0], bands[k][1]);
    for (int k = 0; k < 3; k++) {
        m[THIGH_1 + k] = film_texture(grey, SIDE, 1 << k, thigh);
        m[HEAD_1 + k] = film_texture(grey, SIDE, 1 << k, head);
    }
    m[SHAFT_EDGE] = shaft_edge(p);
    free(head);
}

/* Intact, without marker and collimator: those are not anatomy, and the real crops had few. */
static nn_status make(int index, struct phantom *p)
{
    struct phantom_exposure exposure;
    struct phantom_film film;
    float *signal = malloc(COUNT * sizeof *signal);
    phantom_patient_draw(SEED, (uint64_t)index, 0, &p->patient);
    phantom_exposure_draw(SEED, phantom_stream((uint64_t)index, 0, PHANTOM_STREAM_EXPOSURE), &exposure);
    phantom_film_draw(SEED, phantom_stream((uint64_t)index, 0, PHANTOM_STREAM_FILM), p->patient.left, &film);
    film.marker = film.collimated = false;
    nn_status status = phantom_maps_init(&p->maps, SIDE, NULL);
    if (status == NN_OK) status = phantom_render(&p->patient, true, &p->maps, NULL);
    if (status == NN_OK)
        status = phantom_expose(&exposure, &p->maps, SEED,
                                phantom_stream((uint64_t)index, 0, PHANTOM_STREAM_NOISE), signal, NULL);
    if (status == NN_OK) status = nn_image_init(&p->image, SIDE, SIDE, 8, NULL);
    if (status == NN_OK) status = phantom_develop(&film, signal, SIDE, p->maps.pitch_mm, &p->image, NULL);
    if (status == NN_OK) measure(p);
    free(signal);
    return status;
}

static void phantoms_measure_like_real_hips(void **state)
{
    (void)state;
#ifdef __SANITIZE_ADDRESS__
    skip(); /* minutes with the sanitizers; small pictures take the same code in other tests */
#endif
    static struct phantom phantoms[PHANTOMS];
    nn_status status[PHANTOMS];
    int outside = 0;
#pragma omp parallel for schedule(dynamic)
    for (int i = 0; i < PHANTOMS; i++) status[i] = make(i, &phantoms[i]);
    for (int i = 0; i < PHANTOMS; i++) assert_int_equal(status[i], NN_OK);
    printf("%-26s %8s %8s %8s   %s\n", "", "least", "mean", "most", "real hips");
    for (int k = 0; k < MEASURES; k++) {
        double sum = 0, least = INFINITY, most = -INFINITY;
        int n = 0;
        for (int i = 0; i < PHANTOMS; i++) {
            double value = phantoms[i].measures[k];
            if (isnan(value)) continue;
            n++;
            sum += value;
            least = fmin(least, value);
            most = fmax(most, value);
        }
        bool in = n > 0 && sum / n >= real[k].low && sum / n <= real[k].high;
        printf("%-26s %8.2f %8.2f %8.2f   %5.1f .. %-5.1f%s\n", real[k].name, least, sum / n, most,
               real[k].low, real[k].high,
               in                 ? ""
               : real[k].asserted ? "  OUTSIDE"
                                  : "  outside (known)");
        outside += !in && real[k].asserted;
    }
    for (int i = 0; i < PHANTOMS; i++) {
        phantom_maps_release(&phantoms[i].maps);
        nn_image_release(&phantoms[i].image);
    }
    assert_int_equal(outside, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(phantoms_measure_like_real_hips)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
