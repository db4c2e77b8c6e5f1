#include "trainer/train/new_head.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Of a feature's mean square, which pixel norm makes 1: keeps the weights of features that are almost alike
 * from growing against each other. */
static const double RIDGE = 1e-3;

/* The sums over images and pixels that least squares need, as f32 on the host: of C features y and the image
 * t that is wanted. */
struct sums {
    int channels;
    double count;            /* of pixels */
    float *gram, *cross, *y; /* (C,C) y y, (C) y t, (C) y */
    float t, t_square;
};

static nn_status take_sums(struct tr_training *tr, nn_id features, nn_id wanted, struct sums *s,
                           struct nn_error *err)
{
    static const struct nn_conv point = NN_SQUARE_CONV(1, 1, 0, 1);
    struct nn_tape *t = tr->tape;
    nn_id y = nn_cast(t, features, tr->backend->real_type);
    int c = s->channels;
    const struct {
        nn_id id;
        float *to;
    } reads[] = {
        /* The gradient of a 1x1 convolution in its weights is the sum of products over the pixels. */
        {nn_conv_dw(t, point, y, y, nn_shape(c, c, 1, 1)), s->gram},
        {nn_conv_dw(t, point, y, wanted, nn_shape(1, c, 1, 1)), s->cross},
        {nn_sum_to(t, y, nn_shape(1, c, 1, 1)), s->y},
        {nn_sum_to(t, wanted, nn_shape(1, 1, 1, 1)), &s->t},
        {nn_sum_to(t, nn_mul(t, wanted, wanted), nn_shape(1, 1, 1, 1)), &s->t_square},
    };
    for (size_t i = 0; i < sizeof reads / sizeof *reads; i++) {
        nn_status status = nn_read(t, reads[i].id, reads[i].to, err);
        if (status != NN_OK) return status;
    }
    s->count = (double)nn_count(nn_value(t, wanted)->shape);
    return NN_OK;
}

/* Solves a x = b for the positive definite a (n,n), by Cholesky's decomposition in place; x replaces b. False
 * when `a` is not positive definite. */
static bool solve(double *a, double *b, int n)
{
    for (int j = 0; j < n; j++)
        for (int i = j; i < n; i++) {
            double sum = a[i * n + j];
            for (int k = 0; k < j; k++) sum -= a[i * n + k] * a[j * n + k];
            if (i == j && !(sum > 0)) return false;
            a[i * n + j] = i == j ? sqrt(sum) : sum / a[j * n + j];
        }
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < i; k++) b[i] -= a[i * n + k] * b[k];
        b[i] /= a[i * n + i];
    }
    for (int i = n - 1; i >= 0; i--) {
        for (int k = i + 1; k < n; k++) b[i] -= a[k * n + i] * b[k];
        b[i] /= a[i * n + i];
    }
    return true;
}

/* weights (C) and *bias of the closest image; the share of its variance that is missed. The bias comes out by
 * taking the means off first. */
static bool closest(const struct sums *s, double *weights, double *bias, double *left)
{
    int c = s->channels;
    double n = s->count, t_mean = (double)s->t / n;
    double variance = (double)s->t_square / n - t_mean * t_mean, explained = 0;
    double *a = malloc((size_t)c * (size_t)c * sizeof *a);
    if (!a) return false;
    for (int i = 0; i < c; i++) {
        for (int k = 0; k < c; k++)
            a[i * c + k] = (double)s->gram[i * c + k] / n - (double)s->y[i] / n * ((double)s->y[k] / n);
        a[i * c + i] += RIDGE;
        weights[i] = (double)s->cross[i] / n - (double)s->y[i] / n * t_mean;
    }
    bool good = solve(a, weights, c);
    *bias = t_mean;
    for (int i = 0; i < c; i++) {
        *bias -= weights[i] * (double)s->y[i] / n;
        explained += weights[i] * ((double)s->cross[i] / n - (double)s->y[i] / n * t_mean);
    }
    *left = variance > 0 ? 1 - explained / variance : 0;
    free(a);
    return good && isfinite(*bias) && isfinite(*left);
}

/* Writes the head's stored weights and bias, at `values` on the host, to both sets of the generator's. */
static nn_status set_head(struct tr_training *tr, int param, const float *values, struct nn_error *err)
{
    struct nn_backend *be = tr->backend;
    const struct nn_param *p = &tr->generator.net.params[param];
    size_t at = p->offset * sizeof *values, size = nn_count(p->shape) * sizeof *values;
    nn_status status = be->upload(be, (char *)tr->generator.values + at, values, size, err);
    return status == NN_OK ? be->upload(be, (char *)tr->average + at, values, size, err) : status;
}

nn_status tr_new_head_fit(struct tr_training *tr, nn_id latents, nn_id labels, float lod, double *left,
                          struct nn_error *err)
{
    struct nn_tape *t = tr->tape;
    const struct tr_player *g = &tr->generator;
    char name[40];
    double bias, missed;
    lod = floorf(lod);
    nn_id features = nn_generator_features(t, &g->net, g->leaves, latents, labels, lod);
    nn_id wanted = nn_upsample2(t, nn_generator(t, &g->net, g->leaves, latents, labels, lod + 1));
    nn_status status = nn_tape_status(t, err);
    if (status != NN_OK) return status;

    snprintf(name, sizeof name, "ToRGB_lod%d/weight", (int)lod);
    int weight = nn_network_find(&g->net, name);
    snprintf(name, sizeof name, "ToRGB_lod%d/bias", (int)lod);
    int bias_param = nn_network_find(&g->net, name), c = nn_value(t, features)->shape.c;
    struct sums s = {.channels = c};
    float *host = malloc((size_t)c * (size_t)(c + 3) * sizeof *host);
    double *weights = malloc((size_t)c * sizeof *weights);
    if (!host || !weights) {
        status = nn_fail(err, NN_ERR_MEMORY, "out of memory for the start of a level");
        goto out;
    }
    s.gram = host;
    s.cross = host + c * c;
    s.y = s.cross + c;
    float *stored = s.y + c;
    status = take_sums(tr, features, wanted, &s, err);
    if (status != NN_OK || !closest(&s, weights, &bias, &missed)) goto out; /* else the head stays as drawn */
    for (int i = 0; i < c; i++) stored[i] = (float)(weights[i] / (double)g->net.params[weight].scale);
    status = set_head(tr, weight, stored, err);
    if (status == NN_OK) status = set_head(tr, bias_param, &(float){(float)bias}, err);
    if (left) *left = missed;
out:
    free(host);
    free(weights);
    return status;
}
