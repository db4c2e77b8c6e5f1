/* Pooling, and maps joined along their channels. The adjoints are sums over the windows that a pixel is in,
 * so that each of their results is rounded once. */
#include "engine/reference/reference.h"

#include <math.h>

struct place {
    int n, c, y, x;
};

static struct place place_of(struct nn_shape s, size_t i)
{
    size_t c = (size_t)s.c, w = (size_t)s.w, h = (size_t)s.h;
    return (struct place){(int)(i / c / w / h), (int)(i % c), (int)(i / c / w % h), (int)(i / c % w)};
}

static bool inside(struct nn_shape s, int y, int x)
{
    return y >= 0 && y < s.h && x >= 0 && x < s.w;
}

static double at(const struct nn_tensor *t, struct place p, int y, int x)
{
    struct nn_shape s = t->shape;
    return ref_get(t, (((size_t)p.n * (size_t)s.h + (size_t)y) * (size_t)s.w + (size_t)x) * (size_t)s.c +
                          (size_t)p.c);
}

/* The tap, row by row, of the first largest pixel in the window at (oy, ox); its value in *largest. */
static int first_largest(const struct nn_window *w, const struct nn_tensor *x, struct place p, int oy, int ox,
                         double *largest)
{
    int best = -1;
    for (int tap = 0; tap < w->kernel * w->kernel; tap++) {
        int iy = oy * w->stride - w->pad + tap / w->kernel, ix = ox * w->stride - w->pad + tap % w->kernel;
        if (!inside(x->shape, iy, ix)) continue;
        double value = at(x, p, iy, ix);
        if (best >= 0 && value <= *largest) continue;
        best = tap;
        *largest = value;
    }
    return best;
}

nn_status ref_max_pool(struct nn_backend *be, const struct nn_window *window, const struct nn_tensor *x,
                       struct nn_tensor *out, struct nn_error *err)
{
    (void)be, (void)err;
    for (size_t i = 0; i < nn_count(out->shape); i++) {
        struct place p = place_of(out->shape, i);
        double largest = NAN;
        first_largest(window, x, p, p.y, p.x, &largest);
        ref_set(out, i, largest);
    }
    return NN_OK;
}

/* Whether the pixel p of x is tap `tap` of a window of y, and of which. */
static bool window_of(const struct nn_window *w, struct nn_shape y, struct place p, int tap, int *oy, int *ox)
{
    int from_y = p.y + w->pad - tap / w->kernel, from_x = p.x + w->pad - tap % w->kernel;
    *oy = from_y / w->stride;
    *ox = from_x / w->stride;
    return from_y >= 0 && from_x >= 0 && from_y % w->stride == 0 && from_x % w->stride == 0 &&
           inside(y, *oy, *ox);
}

nn_status ref_max_pool_dx(struct nn_backend *be, const struct nn_window *window, const struct nn_tensor *x,
                          const struct nn_tensor *g, struct nn_tensor *out, struct nn_error *err)
{
    (void)be, (void)err;
    for (size_t i = 0; i < nn_count(out->shape); i++) {
        struct place p = place_of(out->shape, i);
        double sum = 0, largest = NAN;
        int oy, ox;
        for (int tap = 0; tap < window->kernel * window->kernel; tap++)
            if (window_of(window, g->shape, p, tap, &oy, &ox) &&
                first_largest(window, x, p, oy, ox, &largest) == tap)
                sum += at(g, p, oy, ox);
        ref_set(out, i, sum);
    }
    return NN_OK;
}

nn_status ref_avg_pool(struct nn_backend *be, const struct nn_window *window, const struct nn_tensor *x,
                       struct nn_tensor *out, struct nn_error *err)
{
    (void)be, (void)err;
    int k = window->kernel;
    for (size_t i = 0; i < nn_count(out->shape); i++) {
        struct place p = place_of(out->shape, i);
        double sum = 0;
        for (int tap = 0; tap < k * k; tap++) {
            int iy = p.y * window->stride - window->pad + tap / k;
            int ix = p.x * window->stride - window->pad + tap % k;
            if (inside(x->shape, iy, ix)) sum += at(x, p, iy, ix);
        }
        ref_set(out, i, sum / (k * k));
    }
    return NN_OK;
}

nn_status ref_avg_pool_dx(struct nn_backend *be, const struct nn_window *window, const struct nn_tensor *g,
                          struct nn_tensor *out, struct nn_error *err)
{
    (void)be, (void)err;
    int k = window->kernel;
    for (size_t i = 0; i < nn_count(out->shape); i++) {
        struct place p = place_of(out->shape, i);
        double sum = 0;
        int oy, ox;
        for (int tap = 0; tap < k * k; tap++)
            if (window_of(window, g->shape, p, tap, &oy, &ox)) sum += at(g, p, oy, ox);
        ref_set(out, i, sum / (k * k));
    }
    return NN_OK;
}

nn_status ref_concatenate(struct nn_backend *be, const struct nn_tensor *const *parts, int count,
                          struct nn_tensor *out, struct nn_error *err)
{
    (void)be, (void)err;
    size_t channels = (size_t)out->shape.c, first = 0;
    for (int k = 0; k < count; k++) {
        size_t own = (size_t)parts[k]->shape.c;
        for (size_t i = 0; i < nn_count(parts[k]->shape); i++)
            ref_set(out, i / own * channels + first + i % own, ref_get(parts[k], i));
        first += own;
    }
    return NN_OK;
}
