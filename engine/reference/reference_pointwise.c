/* Kernels that treat each element or each pixel on its own, and the optimiser's. */
#include "engine/reference/reference.h"

#include <math.h>

nn_status ref_lrelu_mask(struct nn_backend *be, const struct nn_tensor *y, const struct nn_tensor *g,
                         float slope, struct nn_tensor *out, struct nn_error *err)
{
    (void)be, (void)err;
    for (size_t i = 0; i < nn_count(out->shape); i++)
        ref_set(out, i, ref_get(y, i) > 0 ? ref_get(g, i) : (double)slope * ref_get(g, i));
    return NN_OK;
}

static double mean_product(const struct nn_tensor *a, const struct nn_tensor *b, size_t first)
{
    double sum = 0;
    for (size_t c = 0; c < (size_t)a->shape.c; c++) sum += ref_get(a, first + c) * ref_get(b, first + c);
    return sum / a->shape.c;
}

nn_status ref_pixel_norm(struct nn_backend *be, const struct nn_tensor *x, float epsilon, struct nn_tensor *y,
                         struct nn_error *err)
{
    (void)be, (void)err;
    size_t channels = (size_t)x->shape.c;
    for (size_t first = 0; first < nn_count(x->shape); first += channels) {
        double r = 1 / sqrt(mean_product(x, x, first) + (double)epsilon);
        for (size_t i = first; i < first + channels; i++) ref_set(y, i, r * ref_get(x, i));
    }
    return NN_OK;
}

nn_status ref_pixel_norm_grad(struct nn_backend *be, const struct nn_tensor *x, const struct nn_tensor *g,
                              float epsilon, struct nn_tensor *out, struct nn_error *err)
{
    (void)be, (void)err;
    size_t channels = (size_t)x->shape.c;
    for (size_t first = 0; first < nn_count(x->shape); first += channels) {
        double r = 1 / sqrt(mean_product(x, x, first) + (double)epsilon);
        double along = r * r * r * mean_product(x, g, first);
        for (size_t i = first; i < first + channels; i++)
            ref_set(out, i, r * ref_get(g, i) - along * ref_get(x, i));
    }
    return NN_OK;
}

nn_status ref_axpby(struct nn_backend *be, float alpha, const struct nn_tensor *a, float beta,
                    const struct nn_tensor *b, struct nn_tensor *out, struct nn_error *err)
{
    (void)be, (void)err;
    for (size_t i = 0; i < nn_count(out->shape); i++)
        ref_set(out, i, (double)alpha * ref_get(a, i) + (double)beta * ref_get(b, i));
    return NN_OK;
}

nn_status ref_affine(struct nn_backend *be, float alpha, const struct nn_tensor *x, float beta,
                     struct nn_tensor *out, struct nn_error *err)
{
    (void)be, (void)err;
    for (size_t i = 0; i < nn_count(out->shape); i++)
        ref_set(out, i, (double)alpha * ref_get(x, i) + (double)beta);
    return NN_OK;
}

nn_status ref_mul(struct nn_backend *be, const struct nn_tensor *a, const struct nn_tensor *b,
                  struct nn_tensor *out, struct nn_error *err)
{
    (void)be, (void)err;
    for (size_t i = 0; i < nn_count(out->shape); i++) ref_set(out, i, ref_get(a, i) * ref_get(b, i));
    return NN_OK;
}

nn_status ref_power(struct nn_backend *be, const struct nn_tensor *x, float exponent, struct nn_tensor *out,
                    struct nn_error *err)
{
    (void)be, (void)err;
    for (size_t i = 0; i < nn_count(out->shape); i++) ref_set(out, i, pow(ref_get(x, i), (double)exponent));
    return NN_OK;
}

nn_status ref_exponential(struct nn_backend *be, const struct nn_tensor *x, struct nn_tensor *out,
                          struct nn_error *err)
{
    (void)be, (void)err;
    for (size_t i = 0; i < nn_count(out->shape); i++) ref_set(out, i, exp(ref_get(x, i)));
    return NN_OK;
}

nn_status ref_log_softmax(struct nn_backend *be, const struct nn_tensor *x, struct nn_tensor *out,
                          struct nn_error *err)
{
    (void)be, (void)err;
    size_t channels = (size_t)x->shape.c;
    for (size_t first = 0; first < nn_count(x->shape); first += channels) {
        double top = ref_get(x, first), sum = 0;
        for (size_t i = first; i < first + channels; i++) top = fmax(top, ref_get(x, i));
        for (size_t i = first; i < first + channels; i++) sum += exp(ref_get(x, i) - top);
        for (size_t i = first; i < first + channels; i++) ref_set(out, i, ref_get(x, i) - top - log(sum));
    }
    return NN_OK;
}

nn_status ref_cast(struct nn_backend *be, const struct nn_tensor *x, struct nn_tensor *out,
                   struct nn_error *err)
{
    return ref_affine(be, 1.0f, x, 0.0f, out, err);
}

/* A flat buffer of the backend's one type, seen as a tensor. */
static struct nn_tensor flat(const struct nn_backend *be, const void *data)
{
    return (struct nn_tensor){.type = be->real_type, .data = (void *)data};
}

nn_status ref_adam(struct nn_backend *be, const struct nn_adam *p, size_t count, void *w, const void *g,
                   void *m, void *v, struct nn_error *err)
{
    (void)err;
    struct nn_tensor wt = flat(be, w), gt = flat(be, g), mt = flat(be, m), vt = flat(be, v);
    double b1 = (double)p->beta1, b2 = (double)p->beta2, t = (double)p->step;
    double rate = (double)p->lr * sqrt(1 - pow(b2, t)) / (1 - pow(b1, t));
    for (size_t i = 0; i < count; i++) {
        double slope = ref_get(&gt, i);
        double first = b1 * ref_get(&mt, i) + (1 - b1) * slope;
        double second = b2 * ref_get(&vt, i) + (1 - b2) * slope * slope;
        ref_set(&mt, i, first);
        ref_set(&vt, i, second);
        ref_set(&wt, i, ref_get(&wt, i) - rate * first / (sqrt(second) + (double)p->epsilon));
    }
    return NN_OK;
}

nn_status ref_ema(struct nn_backend *be, float decay, size_t count, void *average, const void *w,
                  struct nn_error *err)
{
    (void)err;
    struct nn_tensor at = flat(be, average), wt = flat(be, w);
    for (size_t i = 0; i < count; i++)
        ref_set(&at, i, (double)decay * ref_get(&at, i) + (1 - (double)decay) * ref_get(&wt, i));
    return NN_OK;
}

nn_status ref_all_finite(struct nn_backend *be, const struct nn_span *spans, int count, bool *finite,
                         struct nn_error *err)
{
    (void)err;
    *finite = true;
    for (int k = 0; k < count; k++) {
        struct nn_tensor t = flat(be, spans[k].values);
        for (size_t i = 0; i < spans[k].count; i++)
            if (!isfinite(ref_get(&t, i))) *finite = false;
    }
    return NN_OK;
}
