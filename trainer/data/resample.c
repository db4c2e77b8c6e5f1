#include "trainer/data/resample.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* What the pixels of one row or column are made of: `count` pixels of the picture from `first`. */
struct tap {
    int first, count;
    float *weights;
};

struct axis {
    struct tap *taps;
    float *weights; /* of all taps */
    int first, end; /* of the picture: no tap lies outside */
};

static void axis_release(struct axis *axis)
{
    free(axis->taps);
    free(axis->weights);
}

/* Pixels low .. high-1 are there; of what lies beyond them either nothing counts, or it is black. */
static void tap_fill(struct tap *tap, double middle, double width, int low, int high, bool alone)
{
    double from = middle - width / 2, to = middle + width / 2, sum = 0;
    for (int k = (int)fmax(floor(from), low); k < high && k < to; k++) {
        double overlap = fmin(k + 1, to) - fmax(k, from);
        if (overlap <= 0) continue;
        if (tap->count == 0) tap->first = k;
        tap->weights[tap->count++] = (float)overlap;
        sum += overlap;
    }
    for (int i = 0; i < tap->count; i++) tap->weights[i] = (float)(tap->weights[i] / (alone ? sum : width));
}

/* `count` pixels over `length` from `start`; the picture has `limit`. */
static bool axis_init(struct axis *axis, int count, double start, double length, int limit, bool alone)
{
    double step = length / count, width = fmax(step, 1);
    int low = alone ? (int)start : 0, high = alone ? (int)(start + length) : limit;
    size_t room = (size_t)fmin(width + 2, high - low);
    *axis = (struct axis){.first = high, .end = low};
    axis->taps = calloc((size_t)count, sizeof *axis->taps);
    axis->weights = malloc((size_t)count * room * sizeof *axis->weights);
    if (!axis->taps || !axis->weights) return false;
    for (int k = 0; k < count; k++) {
        struct tap *tap = &axis->taps[k];
        tap->weights = axis->weights + (size_t)k * room;
        tap_fill(tap, start + (k + 0.5) * step, width, low, high, alone);
        if (tap->count == 0) continue;
        if (axis->first > tap->first) axis->first = tap->first;
        if (axis->end < tap->first + tap->count) axis->end = tap->first + tap->count;
    }
    return true;
}

/* One row of the result's height, at the picture's width: columns first .. end-1, at their own places. */
static void blend_rows(const struct nn_image *picture, const struct tap *tap, int first, int end, float *row)
{
    for (int x = first; x < end; x++) row[x] = 0;
    for (int k = 0; k < tap->count; k++) {
        size_t at = (size_t)(tap->first + k) * (size_t)picture->width;
        float weight = tap->weights[k];
        if (picture->depth == 8) {
            const uint8_t *from = (const uint8_t *)picture->pixels + at;
            for (int x = first; x < end; x++) row[x] += weight * (float)from[x];
        } else {
            const uint16_t *from = (const uint16_t *)picture->pixels + at;
            for (int x = first; x < end; x++) row[x] += weight * (float)from[x];
        }
    }
}

static int blend_columns(const float *row, const struct tap *tap, int white)
{
    float sum = 0.5f;
    for (int k = 0; k < tap->count; k++) sum += tap->weights[k] * row[tap->first + k];
    return sum >= (float)white ? white : (int)sum;
}

nn_status tr_resample(const struct nn_image *picture, const struct tr_part *part, struct nn_image *out,
                      struct tr_rectangle place, struct nn_error *err)
{
    int columns = place.right - place.left, rows = place.bottom - place.top;
    struct axis across = {0}, down = {0};
    float *row = malloc((size_t)picture->width * sizeof *row);
    nn_status status = NN_OK;
    if (!row || !axis_init(&across, columns, part->x, part->width, picture->width, part->alone) ||
        !axis_init(&down, rows, part->y, part->height, picture->height, part->alone)) {
        status = nn_fail(err, NN_ERR_MEMORY, "out of memory to resample a picture");
        goto out;
    }
    for (int y = 0; y < rows; y++) {
        size_t start = (size_t)(place.top + y) * (size_t)out->width + (size_t)place.left;
        blend_rows(picture, &down.taps[y], across.first, across.end, row);
        for (int x = 0; x < columns; x++) {
            size_t at = start + (size_t)(part->mirror ? columns - 1 - x : x);
            if (out->depth == 8)
                ((uint8_t *)out->pixels)[at] = (uint8_t)blend_columns(row, &across.taps[x], 255);
            else
                ((uint16_t *)out->pixels)[at] = (uint16_t)blend_columns(row, &across.taps[x], 65535);
        }
    }
out:
    free(row);
    axis_release(&across);
    axis_release(&down);
    return status;
}
