/* Resampling by affine maps, and its adjoint: one walk over (output pixel, tap), gathering or scattering. */
#include "engine/reference/reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static size_t mirror(long k, long length)
{
    long q = (k % (2 * length) + 2 * length) % (2 * length);
    return (size_t)(q < length ? q : 2 * length - 1 - q);
}

static double clamped(double at)
{
    return fmin(fmax(at, -0x1p20), 0x1p20);
}

/* One axis: the taps k, first <= k <= last, with a tent of half base `width` about `at`. */
struct tent {
    double at, width, sum;
    long first, last;
};

static double height(const struct tent *t, long k)
{
    return fmax(0, 1 - fabs((double)k - t->at) / t->width);
}

static struct tent tent_about(double at, double step_x, double step_y)
{
    struct tent t = {.at = clamped(at)};
    t.width = fmin(NN_WARP_WIDTH_MAX, fmax(1, sqrt(step_x * step_x + step_y * step_y)));
    t.first = (long)ceil(t.at - t.width);
    t.last = (long)floor(t.at + t.width);
    for (long k = t.first; k <= t.last; k++) t.sum += height(&t, k);
    return t;
}

/* For one output pixel, p: out[p] += weight * in[q] over its taps q, or transposed, out[q] += weight * in[p].
 */
static void walk_taps(const struct tent *u, const struct tent *v, struct nn_shape s, size_t p,
                      bool transposed, const double *in, double *out)
{
    for (long r = v->first; r <= v->last; r++)
        for (long k = u->first; k <= u->last; k++) {
            double weight = height(v, r) / v->sum * (height(u, k) / u->sum);
            size_t q = mirror(r, s.h) * (size_t)s.w + mirror(k, s.w);
            if (transposed)
                out[q] += weight * in[p];
            else
                out[p] += weight * in[q];
        }
}

static nn_status resample(const struct nn_tensor *x, const struct nn_tensor *maps, bool transposed,
                          struct nn_tensor *out, struct nn_error *err)
{
    struct nn_shape s = x->shape;
    size_t pixels = (size_t)s.h * s.w;
    double *from = malloc(pixels * sizeof *from), *to = malloc(pixels * sizeof *to), m[6];
    nn_status status = from && to ? NN_OK : nn_fail(err, NN_ERR_MEMORY, "no memory for a reference warp");
    for (size_t n = 0; n < (size_t)s.n && status == NN_OK; n++) {
        for (size_t k = 0; k < 6; k++) m[k] = ref_get(maps, n * 6 + k);
        for (size_t p = 0; p < pixels; p++) from[p] = ref_get(x, n * pixels + p);
        memset(to, 0, pixels * sizeof *to);
        for (int i = 0; i < s.h; i++)
            for (int j = 0; j < s.w; j++) {
                struct tent u = tent_about(m[0] * j + m[1] * i + m[2], m[0], m[1]);
                struct tent v = tent_about(m[3] * j + m[4] * i + m[5], m[3], m[4]);
                walk_taps(&u, &v, s, (size_t)i * s.w + j, transposed, from, to);
            }
        for (size_t p = 0; p < pixels; p++) ref_set(out, n * pixels + p, to[p]);
    }
    free(from);
    free(to);
    return status;
}

nn_status ref_warp(struct nn_backend *be, const struct nn_tensor *x, const struct nn_tensor *maps,
                   struct nn_tensor *out, struct nn_error *err)
{
    (void)be;
    return resample(x, maps, false, out, err);
}

nn_status ref_warp_adjoint(struct nn_backend *be, const struct nn_tensor *g, const struct nn_tensor *maps,
                           struct nn_tensor *out, struct nn_error *err)
{
    (void)be;
    return resample(g, maps, true, out, err);
}
