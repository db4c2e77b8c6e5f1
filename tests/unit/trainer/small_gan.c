#include "tests/unit/trainer/small_gan.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/rng.h"

static double *draw_parameters(struct nn_network *net, const struct nn_gan_config *config,
                               enum nn_network_kind kind)
{
    assert_int_equal(nn_network_init(net, config, kind, NULL), NN_OK);
    assert_true(net->param_count <= PARAMS_MAX);
    float *values = malloc(net->value_count * sizeof *values);
    double *wide = malloc(net->value_count * sizeof *wide);
    assert_non_null(values);
    assert_non_null(wide);
    nn_network_init_values(net, 5, values);
    for (size_t i = 0; i < net->value_count; i++) wide[i] = (double)values[i];
    for (int i = 0; i < net->param_count; i++)
        if (strstr(net->params[i].name, "/bias"))
            test_normals(6, (uint64_t)i, nn_count(net->params[i].shape), wide + net->params[i].offset);
    free(values);
    return wide;
}

struct small_gan *small_gan_new(struct nn_backend *be, const struct small_gan_form *form)
{
    struct nn_gan_config config = {.resolution_log2 = form->resolution_log2,
                                   .label_count = form->label_count,
                                   .label_kind = form->label_kind,
                                   .conditioning = form->conditioning,
                                   .fmap_base = 4 << (form->resolution_log2 - 1),
                                   .fmap_max = 6,
                                   .mbstd_group = 2};
    struct small_gan *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->be = be;
    s->loss = tr_loss_config_official();
    s->lod = form->lod;
    s->side = 1 << (form->resolution_log2 - (int)form->lod);
    assert_int_equal(nn_tape_new(&s->t, be, NULL), NN_OK);
    s->g_values = draw_parameters(&s->g, &config, NN_GENERATOR);
    s->d_values = draw_parameters(&s->d, &config, NN_DISCRIMINATOR);
    test_normals(1, 0, PIXELS_MAX, s->reals);
    test_normals(1, 1, PIXELS_MAX, s->fakes);
    test_normals(1, 2, N * LATENT_MAX, s->latents);
    for (int n = 0; n < N; n++) {
        s->mix[n] = (double)nn_random_uniform(1, 3, (uint64_t)n);
        s->labels[n * LABELS + (n == 1 || n == 2)] = 1;
    }
    memcpy(s->fake_labels, s->labels, sizeof s->labels);
    return s;
}

struct nn_backend *small_reference(enum nn_type type)
{
    struct nn_backend *be;
    assert_int_equal(nn_backend_open_reference(&be, type, NULL), NN_OK);
    return be;
}

struct small_gan *small_gan_f64(const struct small_gan_form *form)
{
    return small_gan_new(small_reference(NN_F64), form);
}

void small_gan_free(struct small_gan *s)
{
    nn_tape_free(s->t);
    s->be->close(s->be);
    nn_network_release(&s->g);
    nn_network_release(&s->d);
    free(s->g_values);
    free(s->d_values);
    free(s);
}

struct nn_shape small_image_shape(const struct small_gan *s)
{
    return nn_shape(N, 1, s->side, s->side);
}

nn_id small_labels(const struct small_gan *s, const double *labels)
{
    return s->d.config.label_count ? test_leaf(s->t, labels, nn_shape(N, LABELS, 1, 1)) : nn_none;
}

void small_leaves(const struct small_gan *s, const struct nn_network *net, nn_id *ids)
{
    const double *values = net == &s->g ? s->g_values : s->d_values;
    for (int i = 0; i < net->param_count; i++)
        ids[i] = test_leaf(s->t, values + net->params[i].offset, net->params[i].shape);
}

/* ---- losses ------------------------------------------------------------------------------------- */

static struct tr_discriminator_batch batch_of(struct small_gan *s)
{
    return (struct tr_discriminator_batch){.reals = test_leaf(s->t, s->reals, small_image_shape(s)),
                                           .fakes = test_leaf(s->t, s->fakes, small_image_shape(s)),
                                           .mix = test_leaf(s->t, s->mix, nn_shape(N, 1, 1, 1)),
                                           .real_labels = small_labels(s, s->labels),
                                           .fake_labels = small_labels(s, s->fake_labels),
                                           .lod = s->lod};
}

struct tr_discriminator_loss small_discriminator(struct small_gan *s, nn_id *params)
{
    nn_tape_reset(s->t);
    small_leaves(s, &s->d, params);
    struct tr_discriminator_batch batch = batch_of(s);
    struct tr_discriminator_loss loss = tr_discriminator_loss(s->t, &s->d, params, &batch, &s->loss);
    test_require_ok(s->t);
    return loss;
}

nn_id small_discriminator_total(struct small_gan *s, nn_id *params)
{
    return small_discriminator(s, params).total;
}

nn_id small_lazy_penalty(struct small_gan *s, nn_id *params)
{
    nn_tape_reset(s->t);
    small_leaves(s, &s->d, params);
    struct tr_discriminator_batch batch = batch_of(s);
    nn_id loss = tr_lazy_penalty(s->t, &s->d, params, &batch, &s->loss);
    test_require_ok(s->t);
    return loss;
}

static nn_id generated(struct small_gan *s, const nn_id *params, nn_id labels)
{
    nn_id latents = test_leaf(s->t, s->latents, nn_shape(N, nn_gan_latent_size(&s->g.config), 1, 1));
    return nn_generator(s->t, &s->g, params, latents, labels, s->lod);
}

nn_id small_generator_total(struct small_gan *s, nn_id *params)
{
    nn_id d_params[PARAMS_MAX];
    nn_tape_reset(s->t);
    small_leaves(s, &s->g, params);
    small_leaves(s, &s->d, d_params);
    struct tr_generator_batch batch = {.fake_labels = small_labels(s, s->fake_labels), .lod = s->lod};
    if (s->loss.kind == TR_LOSS_R3) {
        batch.reals = test_leaf(s->t, s->reals, small_image_shape(s));
        batch.real_labels = small_labels(s, s->labels);
    }
    batch.fakes = generated(s, params, batch.fake_labels);
    nn_id loss = tr_generator_loss(s->t, &s->d, d_params, &batch, &s->loss);
    test_require_ok(s->t);
    return loss;
}

/* ---- values ------------------------------------------------------------------------------------- */

double small_scalar(const struct small_gan *s, nn_id id)
{
    double value;
    assert_int_equal(nn_count(nn_value(s->t, id)->shape), 1);
    test_read(s->t, id, &value);
    return value;
}

/* D of images on the host, on the emptied tape. A projection goes by the labels of the reals. */
static nn_id discriminate(struct small_gan *s, const double *images, nn_id *leaf)
{
    nn_id params[PARAMS_MAX];
    nn_tape_reset(s->t);
    small_leaves(s, &s->d, params);
    *leaf = test_leaf(s->t, images, small_image_shape(s));
    return nn_discriminator(s->t, &s->d, params, *leaf, small_labels(s, s->labels), s->lod);
}

void small_scores(struct small_gan *s, const double *images, double out[N][1 + LABELS])
{
    nn_id leaf, output = discriminate(s, images, &leaf);
    double raw[N * (1 + LABELS)] = {0};
    int width = nn_value(s->t, output)->shape.c;
    test_read(s->t, output, raw);
    memset(out, 0, sizeof(double[N][1 + LABELS]));
    for (int n = 0; n < N; n++) memcpy(out[n], raw + n * width, (size_t)width * sizeof *raw);
}

void small_gradient_squares(struct small_gan *s, const double *images, double square[N])
{
    nn_id leaf, gradient, scores = nn_channel_slice(s->t, discriminate(s, images, &leaf), 0, 1);
    static double values[PIXELS_MAX];
    size_t pixels = (size_t)s->side * (size_t)s->side;
    nn_gradient(s->t, scores, nn_affine(s->t, 0, scores, 1), &leaf, 1, &gradient);
    test_read(s->t, gradient, values);
    for (size_t n = 0; n < N; n++) square[n] = test_dot(values + n * pixels, values + n * pixels, pixels);
}

void small_generate(struct small_gan *s, double *images)
{
    nn_id params[PARAMS_MAX];
    nn_tape_reset(s->t);
    small_leaves(s, &s->g, params);
    test_read(s->t, generated(s, params, small_labels(s, s->fake_labels)), images);
}

/* ---- gradients ---------------------------------------------------------------------------------- */

double *small_gradient(struct small_gan *s, const struct nn_network *net, nn_id y, const nn_id *params)
{
    nn_id gradients[PARAMS_MAX];
    double *flat = calloc(net->value_count, sizeof *flat);
    assert_non_null(flat);
    nn_gradient(s->t, y, nn_affine(s->t, 0, y, 1), params, net->param_count, gradients);
    test_require_ok(s->t);
    for (int i = 0; i < net->param_count; i++)
        if (gradients[i].index) test_read(s->t, gradients[i], flat + net->params[i].offset);
    return flat;
}

struct verdict {
    int checked, kinks, wrong;
};

/* One parameter: differences to both sides tell a kink. */
static void check_parameter(struct small_gan *s, small_loss *build, const struct nn_param *p, double *value,
                            double exact, double here, struct verdict *v)
{
    const double h = 1e-6;
    nn_id params[PARAMS_MAX];
    double at = *value;
    *value = at + h;
    double above = small_scalar(s, build(s, params));
    *value = at - h;
    double below = small_scalar(s, build(s, params));
    *value = at;
    v->checked++;
    if (fabs(above - 2 * here + below) / h > 1e-3 * fmax(1, fabs(exact))) {
        v->kinks++;
        return;
    }
    double difference = (above - below) / (2 * h);
    if (fabs(difference - exact) <= 1e-6 * fmax(1, fabs(exact))) return;
    print_error("%s: gradient %.9g, difference %.9g\n", p->name, exact, difference);
    v->wrong++;
}

void small_check_differences(struct small_gan *s, const struct nn_network *net, small_loss *build)
{
    nn_id params[PARAMS_MAX];
    nn_id loss = build(s, params);
    double here = small_scalar(s, loss), *exact = small_gradient(s, net, loss, params);
    double *values = net == &s->g ? s->g_values : s->d_values;
    struct verdict v = {0};
    for (int i = 0; i < net->param_count; i++) {
        const struct nn_param *p = &net->params[i];
        size_t count = nn_count(p->shape), stride = count / 20 + 1;
        for (size_t k = p->offset + stride / 2; k < p->offset + count; k += stride)
            check_parameter(s, build, p, &values[k], exact[k], here, &v);
    }
    free(exact);
    assert_true(v.checked > 100);
    assert_int_equal(v.wrong, 0);
    assert_true(v.kinks * 50 <= v.checked);
}
