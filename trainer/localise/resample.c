#include "trainer/localise/resample.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

/* What the pixels of one row or column are made of: `count` pixels of the picture from `first`. */
struct taps {
    int first, count;
    float *weights;
};

/* Of out pixel k of `count` over the stretch of `length` from `start`; the picture has `limit` pixels. */
static void taps_fill(struct taps *t, int k, int count, double start, double length, int limit)
{
    double step = length / count, middle = start + (k + 0.5) * step, width = step > 1 ? step : 1;
    double from = middle - width / 2, to = middle + width / 2;
    double low = fmax(from, 0), high = fmin(to, limit);
    t->first = 0;
    t->count = 0;
    if (high <= low) return;
    t->first = (int)low;
    t->count = (int)ceil(high) - t->first;
    for (int i = 0; i < t->count; i++) {
        double a = fmax(t->first + i, from), b = fmin(t->first + i + 1, to);
        t->weights[i] = (float)(fmax(b - a, 0) / width);
    }
}

static struct taps *taps_make(int count, double start, double length, int limit)
{
    double step = length / count;
    size_t room = (size_t)fmin(fmax(step, 1) + 3, limit + 1.0);
    struct taps *taps = malloc((size_t)count * (sizeof *taps + room * sizeof(float)));
    if (!taps) return NULL;
    float *weights = (float *)(taps + count);
    for (int k = 0; k < count; k++) {
        taps[k].weights = weights + (size_t)k * room;
        taps_fill(&taps[k], k, count, start, length, limit);
    }
    return taps;
}

static float pixel(const struct nn_image *image, size_t at)
{
    return image->depth == 8 ? ((const uint8_t *)image->pixels)[at] : ((const uint16_t *)image->pixels)[at];
}

/* Row `y` of the picture to `wide` values; columns first. */
static void squeeze(const struct nn_image *picture, int y, const struct taps *columns, int wide, float *row)
{
    for (int k = 0; k < wide; k++) {
        const struct taps *t = &columns[k];
        size_t at = (size_t)y * (size_t)picture->width + (size_t)t->first;
        float sum = 0;
        for (int i = 0; i < t->count; i++) sum += t->weights[i] * pixel(picture, at + (size_t)i);
        row[k] = sum;
    }
}

static void put(struct nn_image *out, size_t at, float value)
{
    if (out->depth == 8)
        ((uint8_t *)out->pixels)[at] = (uint8_t)lrintf(fminf(value, 255));
    else
        ((uint16_t *)out->pixels)[at] = (uint16_t)lrintf(fminf(value, 65535));
}

nn_status tr_resample(const struct nn_image *picture, double x, double y, double side, bool mirror,
                      struct nn_image *out, struct nn_error *err)
{
    int n = out->width;
    size_t wide = (size_t)n;
    struct taps *columns = taps_make(n, x, side, picture->width);
    struct taps *rows = taps_make(n, y, side, picture->height);
    float *kept = malloc((size_t)picture->height * wide * sizeof *kept), *sum = malloc(wide * sizeof *sum);
    nn_status status = NN_OK;
    if (!columns || !rows || !kept || !sum) {
        status = nn_fail(err, NN_ERR_MEMORY, "out of memory for a part of a picture");
        goto out;
    }
    int done = 0; /* rows of the picture up to here are in `kept`, from the first one that is needed */
    for (int r = 0; r < n; r++) {
        const struct taps *t = &rows[r];
        if (done < t->first) done = t->first;
        for (; done < t->first + t->count; done++)
            squeeze(picture, done, columns, n, kept + (size_t)done * wide);
        for (int k = 0; k < n; k++) sum[k] = 0;
        for (int i = 0; i < t->count; i++)
            for (int k = 0; k < n; k++)
                sum[k] += t->weights[i] * kept[(size_t)(t->first + i) * wide + (size_t)k];
        for (int k = 0; k < n; k++) put(out, (size_t)r * wide + (size_t)(mirror ? n - 1 - k : k), sum[k]);
    }
out:
    free(columns);
    free(rows);
    free(kept);
    free(sum);
    return status;
}
