#include "trainer/phantom/film.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/rng.h"
#include "trainer/phantom/blur.h"

void phantom_film_draw(uint64_t seed, uint64_t stream, bool left, struct phantom_film *f)
{
    struct nn_rng r = {.seed = seed, .stream = stream};
    f->contrast = (float)nn_rng_range(&r, 150, 205);
    f->middle_grey = (float)nn_rng_range(&r, 74, 96);
    f->compression = (float)nn_rng_range(&r, 0.15, 0.35);
    f->enhancement = (float)nn_rng_range(&r, 0.35, 0.7);
    f->enhancement_mm = (float)nn_rng_range(&r, 1.5, 3);
    f->sharpening = (float)nn_rng_range(&r, 0.4, 1.4);
    f->fog = (float)nn_rng_range(&r, 0, 9);
    f->collimated = nn_rng_uniform(&r) < 0.25;
    f->white_border = nn_rng_uniform(&r) < 0.15;
    for (int k = 0; k < 4; k++)
        f->collimator[k] = nn_rng_uniform(&r) < 0.4 ? (float)nn_rng_range(&r, 0.005, 0.05) : -1;
    f->tilt = (float)nn_rng_normal(&r, 0, 0.012);
    f->marker = nn_rng_uniform(&r) < 0.45;
    f->marker_left = left;
    f->marker_mirrored = !left;
    f->marker_size = (float)nn_rng_range(&r, 0.04, 0.062);
    f->marker_x = (float)nn_rng_range(&r, 0.8, 0.93);
    f->marker_y = (float)nn_rng_range(&r, 0.04, 0.9);
    f->marker_lead = nn_rng_uniform(&r) < 0.5;
    f->marker_turn = f->marker_lead ? (float)nn_rng_normal(&r, 0, 0.12) : 0;
    f->marker_grey = f->marker_lead ? (float)nn_rng_range(&r, 150, 225) : (float)nn_rng_range(&r, 225, 252);
}

void phantom_film_draw_pelvis(uint64_t seed, uint64_t stream, struct phantom_film *f)
{
    struct nn_rng r = {.seed = seed, .stream = stream, .index = 256}; /* above the words of the other */
    phantom_film_draw(seed, stream, true, f);
    f->collimated = nn_rng_uniform(&r) < 0.55;
    /* from flank to spine there is more to show than around a hip */
    f->contrast = (float)nn_rng_range(&r, 165, 215);
    f->compression = (float)nn_rng_range(&r, 0.4, 0.6);
    f->middle_grey = (float)nn_rng_range(&r, 70, 92);
    for (int k = 0; k < 4; k++) {
        bool across = k % 2 == 1; /* above and below */
        double widest = k == 1 ? 0.13 : across ? 0.10 : 0.03;
        f->collimator[k] =
            nn_rng_uniform(&r) < (across ? 0.8 : 0.3) ? (float)nn_rng_range(&r, 0.005, widest) : -1;
    }
    f->marker = nn_rng_uniform(&r) < 0.7;
    f->marker_left = nn_rng_uniform(&r) < 0.35;
    f->marker_mirrored = false;
    f->marker_size = (float)nn_rng_range(&r, 0.024, 0.036);
    float in = (float)nn_rng_range(&r, 0.035, 0.10);
    f->marker_x = f->marker_left ? 1 - in - f->marker_size : in;
    f->marker_y = (float)nn_rng_range(&r, 0.16, 0.84);
}

/* Widths (sd) of the two fixed blurs that separate density into bands: thickness of the body, and
 * trabeculae. */
static const float COMPRESSION_MM = 28, SHARPENING_MM = 0.5f;

/* ---- tone --------------------------------------------------------------------------------------- */

static int compare_floats(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Median density of the middle of the picture: bone and muscle of the hip. */
static float middle_density(const float *density, int size)
{
    enum { GRID = 48 };
    float sample[GRID * GRID];
    for (int i = 0; i < GRID * GRID; i++) {
        int y = size / 4 + i / GRID * size / (2 * GRID), x = size / 4 + i % GRID * size / (2 * GRID);
        sample[i] = density[(size_t)y * (size_t)size + (size_t)x];
    }
    qsort(sample, GRID * GRID, sizeof *sample, compare_floats);
    return sample[GRID * GRID / 2];
}

/* Takes part of the low frequencies away (about the middle's density) and lifts detail above them. */
static nn_status balance(const struct phantom_film *f, float *density, int size, float pitch_mm,
                         struct nn_error *err)
{
    size_t count = (size_t)size * (size_t)size;
    float *low = malloc(3 * count * sizeof *low), *smooth = low + count, *fine = smooth + count;
    if (!low) return nn_fail(err, NN_ERR_MEMORY, "out of memory for a film");
    float middle = middle_density(density, size);
    memcpy(smooth, density, count * sizeof *smooth);
    memcpy(fine, density, count * sizeof *fine);
    nn_status status = phantom_blur_coarse(density, size, COMPRESSION_MM / pitch_mm, low, err);
    if (status == NN_OK) status = phantom_blur(smooth, size, f->enhancement_mm / pitch_mm, err);
    if (status == NN_OK) status = phantom_blur(fine, size, SHARPENING_MM / pitch_mm, err);
    for (size_t i = 0; i < count; i++) {
        float wide = fine[i] - smooth[i], narrow = density[i] - fine[i];
        /* Strong edges are lifted less: an amplification of power below one. */
        wide *= f->enhancement / (1 + 4 * fabsf(wide));
        narrow *= f->enhancement + f->sharpening / (1 + 4 * fabsf(narrow));
        density[i] += wide + narrow - f->compression * (low[i] - middle) - middle;
    }
    free(low);
    return status;
}

/* A DICOM-style sigmoid through middle_grey with the film's contrast in its middle. */
static float tone(const struct phantom_film *f, float density)
{
    const float white = 236; /* bone seldom comes near the display's white */
    float offset = logf(white / f->middle_grey - 1);
    return f->fog + (white - f->fog) / (1 + expf(offset - density * 4 * f->contrast / white));
}

/* ---- collimator and marker ---------------------------------------------------------------------- */

/* How far (x,y), in fractions of the side, lies inside the collimated field; negative outside. */
static float inside_field(const struct phantom_film *f, float x, float y)
{
    float u = x - 0.5f, v = y - 0.5f;
    float a = u * cosf(f->tilt) + v * sinf(f->tilt) + 0.5f, b = v * cosf(f->tilt) - u * sinf(f->tilt) + 0.5f;
    float distance[4] = {a - f->collimator[0], b - f->collimator[1], 1 - a - f->collimator[2],
                         1 - b - f->collimator[3]};
    float least = 1;
    for (int k = 0; k < 4; k++)
        if (f->collimator[k] > 0 && distance[k] < least) least = distance[k];
    return least;
}

static void collimate(const struct phantom_film *f, float *grey, int size)
{
    const float edge = 0.004f; /* half of a border 8 pixels wide at 1024 */
    float border = f->white_border ? 228 : 2;
    for (int y = 0; y < size; y++)
        for (int x = 0; x < size; x++) {
            float inside = inside_field(f, ((float)x + 0.5f) / (float)size, ((float)y + 0.5f) / (float)size);
            if (inside >= edge) continue;
            float share = inside <= -edge ? 0 : (inside + edge) / (2 * edge);
            float *g = &grey[(size_t)y * (size_t)size + (size_t)x];
            *g = border + share * (*g - border);
        }
}

/* 1 on the strokes of the letter; u, v in 0..1 within its box. */
static bool on_letter(bool left, float u, float v)
{
    const float pen = 0.17f;
    if (u < 0 || u > 0.7f || v < 0 || v > 1) return false;
    if (u < pen) return true;
    if (left) return v > 1 - pen;
    if (v < 0.5f + pen / 2) { /* the R's bowl */
        float x = fmaxf((u - 0.35f) / 0.35f, 0), y = (v - 0.29f) / 0.29f, outer = x * x + y * y;
        float inner_x = fmaxf((u - 0.35f) / (0.35f - pen), 0), inner_y = (v - 0.29f) / (0.29f - pen);
        return outer <= 1 && inner_x * inner_x + inner_y * inner_y >= 1;
    }
    return fabsf(u - (0.2f + (v - 0.55f) * 0.95f)) < pen * 0.62f; /* the R's leg */
}

/* The share of a pixel that the marker covers, from 4x4 points; (x,y) from the marker's middle in units of
 * its height. */
static float marker_cover(const struct phantom_film *f, float x, float y, float pixel)
{
    enum { POINTS = 4 };
    float c = cosf(f->marker_turn), s = sinf(f->marker_turn);
    int hits = 0;
    for (int i = 0; i < POINTS * POINTS; i++) {
        float px = x + pixel * (((float)(i % POINTS) + 0.5f) / POINTS - 0.5f),
              py = y + pixel * (((float)(i / POINTS) + 0.5f) / POINTS - 0.5f);
        float u = c * px + s * py, v = c * py - s * px;
        hits += on_letter(f->marker_left, 0.35f + (f->marker_mirrored ? -u : u), 0.5f + v);
    }
    return (float)hits / (POINTS * POINTS);
}

static void stamp_marker(const struct phantom_film *f, float *grey, int size)
{
    float height = f->marker_size * (float)size, x0 = (f->marker_x + f->marker_size / 2) * (float)size,
          y0 = (f->marker_y + f->marker_size / 2) * (float)size;
    for (int y = (int)fmaxf(y0 - height, 0); y < size && (float)y < y0 + height; y++)
        for (int x = (int)(x0 - height); x < size && (float)x < x0 + height; x++) {
            float cover =
                marker_cover(f, ((float)x + 0.5f - x0) / height, ((float)y + 0.5f - y0) / height, 1 / height);
            float *g = &grey[(size_t)y * (size_t)size + (size_t)x];
            *g += cover * fmaxf(f->marker_grey - *g, 0);
        }
}

nn_status phantom_develop(const struct phantom_film *f, float *signal, int size, float pitch_mm,
                          struct nn_image *image, struct nn_error *err)
{
    size_t count = (size_t)size * (size_t)size;
    uint8_t *pixels = image->pixels;
    for (size_t i = 0; i < count; i++) signal[i] = -logf(signal[i]);
    nn_status status = balance(f, signal, size, pitch_mm, err);
    if (status != NN_OK) return status;
    for (size_t i = 0; i < count; i++) signal[i] = tone(f, signal[i]);
    if (f->marker) stamp_marker(f, signal, size);
    if (f->collimated) collimate(f, signal, size);
    for (size_t i = 0; i < count; i++) pixels[i] = (uint8_t)(fminf(fmaxf(signal[i], 0), 255) + 0.5f);
    return NN_OK;
}
