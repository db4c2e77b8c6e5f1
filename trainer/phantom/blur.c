#include "trainer/phantom/blur.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { RADIUS_MAX = 96, COARSE = 64 };

static int gaussian_taps(float sd, float taps[2 * RADIUS_MAX + 1])
{
    int radius = (int)ceilf(3 * sd);
    if (radius > RADIUS_MAX) radius = RADIUS_MAX;
    float sum = 0;
    for (int i = -radius; i <= radius; i++)
        sum += taps[i + radius] = expf(-0.5f * (float)(i * i) / (sd * sd));
    for (int i = 0; i <= 2 * radius; i++) taps[i] /= sum;
    return radius;
}

static int clamp(int at, int size)
{
    return at < 0 ? 0 : at >= size ? size - 1 : at;
}

/* Rows first, into a padded copy of the row; then columns, a row of output at a time, so that both inner
 * loops run along rows and vectorise. */
static void blur_rows(float *image, int size, const float *taps, int radius, float *row)
{
    for (int y = 0; y < size; y++) {
        float *line = image + (size_t)y * (size_t)size;
        for (int x = -radius; x < size + radius; x++) row[x + radius] = line[clamp(x, size)];
        memset(line, 0, (size_t)size * sizeof *line);
        for (int k = 0; k <= 2 * radius; k++)
            for (int x = 0; x < size; x++) line[x] += taps[k] * row[x + k];
    }
}

static void blur_columns(const float *image, int size, const float *taps, int radius, float *out)
{
    for (int y = 0; y < size; y++) {
        float *line = out + (size_t)y * (size_t)size;
        memset(line, 0, (size_t)size * sizeof *line);
        for (int k = 0; k <= 2 * radius; k++) {
            const float *from = image + (size_t)clamp(y + k - radius, size) * (size_t)size;
            for (int x = 0; x < size; x++) line[x] += taps[k] * from[x];
        }
    }
}

nn_status phantom_blur(float *image, int size, float sd_px, struct nn_error *err)
{
    float taps[2 * RADIUS_MAX + 1];
    if (sd_px <= 0.05f) return NN_OK;
    int radius = gaussian_taps(sd_px, taps);
    size_t count = (size_t)size * (size_t)size;
    float *copy = malloc((count + (size_t)size + 2 * RADIUS_MAX) * sizeof *copy);
    if (!copy) return nn_fail(err, NN_ERR_MEMORY, "out of memory for a blur");
    blur_rows(image, size, taps, radius, copy + count);
    memcpy(copy, image, count * sizeof *copy);
    blur_columns(copy, size, taps, radius, image);
    free(copy);
    return NN_OK;
}

static void shrink(const float *image, int size, float *grid)
{
    int cell = size / COARSE;
    for (int i = 0; i < COARSE * COARSE; i++) {
        float sum = 0;
        for (int y = 0; y < cell; y++)
            for (int x = 0; x < cell; x++)
                sum +=
                    image[(size_t)(i / COARSE * cell + y) * (size_t)size + (size_t)(i % COARSE * cell + x)];
        grid[i] = sum / (float)(cell * cell);
    }
}

static void enlarge(const float *grid, int size, float *out)
{
    float cell = (float)size / COARSE;
    for (int y = 0; y < size; y++) {
        float v = ((float)y + 0.5f) / cell - 0.5f, fy = v - floorf(v);
        int y0 = clamp((int)floorf(v), COARSE), y1 = clamp((int)floorf(v) + 1, COARSE);
        for (int x = 0; x < size; x++) {
            float u = ((float)x + 0.5f) / cell - 0.5f, fx = u - floorf(u);
            int x0 = clamp((int)floorf(u), COARSE), x1 = clamp((int)floorf(u) + 1, COARSE);
            float top = grid[y0 * COARSE + x0] * (1 - fx) + grid[y0 * COARSE + x1] * fx;
            float bottom = grid[y1 * COARSE + x0] * (1 - fx) + grid[y1 * COARSE + x1] * fx;
            out[(size_t)y * (size_t)size + (size_t)x] = top * (1 - fy) + bottom * fy;
        }
    }
}

nn_status phantom_blur_coarse(const float *image, int size, float sd_px, float *out, struct nn_error *err)
{
    float grid[COARSE * COARSE];
    if (size < COARSE) {
        memcpy(out, image, (size_t)size * (size_t)size * sizeof *out);
        return phantom_blur(out, size, sd_px, err);
    }
    shrink(image, size, grid);
    nn_status status = phantom_blur(grid, COARSE, sd_px * COARSE / (float)size, err);
    if (status == NN_OK) enlarge(grid, size, out);
    return status;
}
