/* Convolution and its two adjoints as one walk over (output pixel, tap, input pixel), and the arithmetic of
 * the fused up- and down-sampling kernels. */
#include "engine/reference/reference.h"

#include <stdlib.h>

/* The three roles of one bilinear form sum y[p,o] w[o,tap,i] x[q,i]: which factor is being computed. */
enum role { MAKE_Y, MAKE_X, MAKE_W };

/* A tensor's elements as doubles: a copy, or zeros for the factor being computed. */
static double *widen(const struct nn_tensor *t, bool zero)
{
    size_t count = nn_count(t->shape);
    double *v = calloc(count ? count : 1, sizeof *v);
    if (v && !zero)
        for (size_t i = 0; i < count; i++) v[i] = ref_get(t, i);
    return v;
}

static void one_tap(enum role role, double *y, double *w, double *x, size_t outputs, size_t inputs,
                    size_t w_stride)
{
    for (size_t o = 0; o < outputs; o++)
        for (size_t i = 0; i < inputs; i++) {
            double *tap = &w[o * w_stride + i];
            if (role == MAKE_Y)
                y[o] += *tap * x[i];
            else if (role == MAKE_X)
                x[i] += *tap * y[o];
            else
                *tap += x[i] * y[o];
        }
}

static void walk(enum role role, const struct nn_conv *c, struct nn_shape xs, struct nn_shape ys, double *x,
                 double *w, double *y)
{
    size_t w_stride = (size_t)c->kernel_h * c->kernel_w * xs.c;
    for (int n = 0; n < ys.n; n++)
        for (int oy = 0; oy < ys.h; oy++)
            for (int ox = 0; ox < ys.w; ox++)
                for (int ky = 0; ky < c->kernel_h; ky++)
                    for (int kx = 0; kx < c->kernel_w; kx++) {
                        int iy = oy * c->stride - c->pad_h + ky, ix = ox * c->stride - c->pad_w + kx;
                        if (iy < 0 || iy >= xs.h || ix < 0 || ix >= xs.w) continue;
                        size_t p = ((size_t)n * ys.h + oy) * ys.w + ox;
                        size_t q = ((size_t)n * xs.h + iy) * xs.w + ix;
                        one_tap(role, y + p * ys.c, w + (size_t)(ky * c->kernel_w + kx) * xs.c, x + q * xs.c,
                                (size_t)ys.c, (size_t)xs.c, w_stride);
                    }
}

static void store(struct nn_tensor *out, const double *v, double scale, struct nn_epilogue epilogue)
{
    size_t count = nn_count(out->shape), channels = (size_t)out->shape.c;
    for (size_t i = 0; i < count; i++) {
        double value = scale * v[i];
        if (epilogue.bias) value += ref_get(epilogue.bias, i % channels);
        ref_set(out, i, value > 0 ? value : epilogue.slope * value);
    }
}

static nn_status run(enum role role, const struct nn_conv *c, const struct nn_tensor *x,
                     const struct nn_tensor *w, const struct nn_tensor *y, struct nn_epilogue epilogue,
                     struct nn_tensor *out, struct nn_error *err)
{
    nn_status status = NN_OK;
    double *xv = widen(x, role == MAKE_X), *wv = widen(w, role == MAKE_W), *yv = widen(y, role == MAKE_Y);
    if (!xv || !wv || !yv) {
        status = nn_fail(err, NN_ERR_MEMORY, "no memory for a reference convolution");
        goto out;
    }
    walk(role, c, x->shape, y->shape, xv, wv, yv);
    store(out, role == MAKE_Y ? yv : role == MAKE_X ? xv : wv, (double)c->scale, epilogue);
out:
    free(xv);
    free(wv);
    free(yv);
    return status;
}

nn_status ref_conv(struct nn_backend *be, const struct nn_conv *geometry, const struct nn_tensor *x,
                   const struct nn_tensor *w, struct nn_epilogue epilogue, struct nn_tensor *y,
                   struct nn_error *err)
{
    (void)be;
    return run(MAKE_Y, geometry, x, w, y, epilogue, y, err);
}

nn_status ref_conv_dx(struct nn_backend *be, const struct nn_conv *geometry, const struct nn_tensor *g,
                      const struct nn_tensor *w, struct nn_epilogue epilogue, struct nn_tensor *x,
                      struct nn_error *err)
{
    (void)be;
    return run(MAKE_X, geometry, x, w, g, epilogue, x, err);
}

nn_status ref_conv_dw(struct nn_backend *be, const struct nn_conv *geometry, const struct nn_tensor *x,
                      const struct nn_tensor *g, struct nn_tensor *w, struct nn_error *err)
{
    (void)be;
    return run(MAKE_W, geometry, x, w, g, (struct nn_epilogue){NULL, 1.0f}, w, err);
}

nn_status ref_taps_spread(struct nn_backend *be, const struct nn_tensor *w3, struct nn_tensor *w4,
                          struct nn_error *err)
{
    (void)be, (void)err;
    size_t inputs = (size_t)w3->shape.c;
    for (size_t o = 0; o < (size_t)w3->shape.n; o++)
        for (int y = 0; y < 4; y++)
            for (int x = 0; x < 4; x++)
                for (size_t i = 0; i < inputs; i++) {
                    double sum = 0;
                    for (int sy = y - 1; sy <= y; sy++)
                        for (int sx = x - 1; sx <= x; sx++)
                            if (sy >= 0 && sy < 3 && sx >= 0 && sx < 3)
                                sum += ref_get(w3, (o * 9 + (size_t)(sy * 3 + sx)) * inputs + i);
                    ref_set(w4, (o * 16 + (size_t)(y * 4 + x)) * inputs + i, sum);
                }
    return NN_OK;
}

nn_status ref_taps_gather(struct nn_backend *be, const struct nn_tensor *w4, struct nn_tensor *w3,
                          struct nn_error *err)
{
    (void)be, (void)err;
    size_t inputs = (size_t)w3->shape.c;
    for (size_t o = 0; o < (size_t)w3->shape.n; o++)
        for (int y = 0; y < 3; y++)
            for (int x = 0; x < 3; x++)
                for (size_t i = 0; i < inputs; i++) {
                    double sum = 0;
                    for (int ty = y; ty <= y + 1; ty++)
                        for (int tx = x; tx <= x + 1; tx++)
                            sum += ref_get(w4, (o * 16 + (size_t)(ty * 4 + tx)) * inputs + i);
                    ref_set(w3, (o * 9 + (size_t)(y * 3 + x)) * inputs + i, sum);
                }
    return NN_OK;
}
