/* Resampling of grey images by affine maps, and its adjoint. The image is gathered by rows; the adjoint
 * scatters, and so that its sums do not depend on the threads, each sample belongs to one of them.
 * Coordinates are computed in double: at 1024 pixels an f32 one would be off by a ten-thousandth of a pixel.
 */
#include "engine/cpu/cpu.h"

#include <math.h>
#include <string.h>

enum { TAPS_MAX = 2 * NN_WARP_WIDTH_MAX + 1, SERIAL_PIXELS = 8192 };

/* The pixels that one output pixel is made of, along one axis. */
struct taps {
    int count;
    int index[TAPS_MAX];
    float weight[TAPS_MAX];
};

static inline int mirror(int k, int length)
{
    if (k >= 0 && k < length) return k;
    int q = k % (2 * length);
    if (q < 0) q += 2 * length;
    return q < length ? q : 2 * length - 1 - q;
}

static void wide_taps(struct taps *t, double at, double width, int length)
{
    double sum = 0, height[TAPS_MAX];
    int first = (int)ceil(at - width);
    t->count = (int)floor(at + width) - first + 1;
    for (int k = 0; k < t->count; k++) sum += height[k] = fmax(0, 1 - fabs(first + k - at) / width);
    for (int k = 0; k < t->count; k++) {
        t->index[k] = mirror(first + k, length);
        t->weight[k] = (float)(height[k] / sum);
    }
}

static inline void taps_about(struct taps *t, double at, double width, int length)
{
    at = fmin(fmax(at, -0x1p20), 0x1p20);
    if (width > 1) {
        wide_taps(t, at, width, length);
        return;
    }
    double whole = floor(at);
    t->count = 2;
    t->index[0] = mirror((int)whole, length);
    t->index[1] = mirror((int)whole + 1, length);
    t->weight[1] = (float)(at - whole);
    t->weight[0] = 1 - t->weight[1];
}

/* One sample's map, with the half bases of its tents. */
struct map {
    double m[6], u_width, v_width;
};

static double width_of(double a, double b)
{
    return fmin(NN_WARP_WIDTH_MAX, fmax(1, sqrt(a * a + b * b)));
}

static struct map map_of(const struct nn_tensor *maps, int n)
{
    struct map map;
    for (int k = 0; k < 6; k++) map.m[k] = (double)((const float *)maps->data)[n * 6 + k];
    map.u_width = width_of(map.m[0], map.m[1]);
    map.v_width = width_of(map.m[3], map.m[4]);
    return map;
}

static inline void taps_of_pixel(const struct map *map, int i, int j, struct nn_shape s, struct taps *u,
                                 struct taps *v)
{
    const double *m = map->m;
    taps_about(u, m[0] * j + m[1] * i + m[2], map->u_width, s.w);
    taps_about(v, m[3] * j + m[4] * i + m[5], map->v_width, s.h);
}

static void gather_row(const struct map *map, const float *image, int i, struct nn_shape s, float *out)
{
    struct taps u, v;
    for (int j = 0; j < s.w; j++) {
        float sum = 0;
        taps_of_pixel(map, i, j, s, &u, &v);
        for (int r = 0; r < v.count; r++) {
            const float *row = image + (size_t)v.index[r] * (size_t)s.w;
            float along = 0;
            for (int k = 0; k < u.count; k++) along += u.weight[k] * row[u.index[k]];
            sum += v.weight[r] * along;
        }
        out[j] = sum;
    }
}

static void scatter_row(const struct map *map, const float *g, int i, struct nn_shape s, float *image)
{
    struct taps u, v;
    for (int j = 0; j < s.w; j++) {
        taps_of_pixel(map, i, j, s, &u, &v);
        for (int r = 0; r < v.count; r++) {
            float *row = image + (size_t)v.index[r] * (size_t)s.w, share = v.weight[r] * g[j];
            for (int k = 0; k < u.count; k++) row[u.index[k]] += u.weight[k] * share;
        }
    }
}

nn_status cpu_warp(struct nn_backend *be, const struct nn_tensor *x, const struct nn_tensor *maps,
                   struct nn_tensor *out, struct nn_error *err)
{
    (void)be, (void)err;
    struct nn_shape s = x->shape;
    size_t width = (size_t)s.w, pixels = width * (size_t)s.h;
#pragma omp parallel for collapse(2) schedule(static) if (nn_count(s) > SERIAL_PIXELS)
    for (int n = 0; n < s.n; n++)
        for (int i = 0; i < s.h; i++) {
            struct map map = map_of(maps, n);
            size_t sample = (size_t)n * pixels;
            gather_row(&map, (const float *)x->data + sample, i, s,
                       (float *)out->data + sample + (size_t)i * width);
        }
    return NN_OK;
}

nn_status cpu_warp_adjoint(struct nn_backend *be, const struct nn_tensor *g, const struct nn_tensor *maps,
                           struct nn_tensor *out, struct nn_error *err)
{
    (void)be, (void)err;
    struct nn_shape s = g->shape;
    size_t width = (size_t)s.w, pixels = width * (size_t)s.h;
#pragma omp parallel for schedule(dynamic, 1) if (nn_count(s) > SERIAL_PIXELS)
    for (int n = 0; n < s.n; n++) {
        struct map map = map_of(maps, n);
        const float *from = (const float *)g->data + (size_t)n * pixels;
        float *image = (float *)out->data + (size_t)n * pixels;
        memset(image, 0, pixels * sizeof *image);
        for (int i = 0; i < s.h; i++) scatter_row(&map, from + (size_t)i * width, i, s, image);
    }
    return NN_OK;
}
