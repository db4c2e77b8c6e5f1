/* One training step's numbers as a safetensors file, for test_pytorch.py to recompute.
 *
 *   dump_gradients OUT.safetensors KEY=VALUE...
 *
 * with the keys that main and config_of ask for. The backend is reference or cpu, both in f32, or reference64
 * in f64. The file holds, for K in {g, d}: K/NAME the parameters as they are stored (weights O,K,K,I) and
 * K.gradient/NAME where there is one; in/latents, in/real_labels, in/fake_labels, in/mix, in/reals; out/fakes
 * and the losses' terms. Of the discriminator also two updates: d.between/NAME after the first,
 * d.gradient2/NAME there (of the lazy penalty, if the loss has one; else of the same loss again) and
 * d.stepped/NAME after the second. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/rng.h"
#include "engine/safetensors.h"
#include "trainer/train/optimiser.h"

enum { TENSORS_MAX = 512, PARAMS_MAX = 128 };

static struct {
    struct nn_st_tensor tensors[TENSORS_MAX];
    char names[TENSORS_MAX][64];
    int count;
} file;

static void check(nn_status status, const struct nn_error *err)
{
    if (status == NN_OK) return;
    fprintf(stderr, "dump_gradients: %s\n", err->text);
    exit(1);
}

static void *allocate(size_t count, size_t size)
{
    void *data = calloc(count, size);
    if (!data) abort();
    return data;
}

/* Takes `data`, which lives until the end of the program. */
static void add(const char *group, const char *name, const struct nn_shape s, enum nn_st_type type,
                const void *data)
{
    if (file.count == TENSORS_MAX) abort();
    char *full = file.names[file.count];
    snprintf(full, sizeof file.names[0], "%s/%s", group, name);
    file.tensors[file.count++] = (struct nn_st_tensor){
        .name = full, .type = type, .rank = 4, .dims = {s.n, s.h, s.w, s.c}, .data = data};
}

/* A tensor of the backend's real_type. */
static void add_tensor(struct nn_backend *be, const char *group, const char *name, struct nn_shape shape,
                       const void *device)
{
    struct nn_error err;
    void *data = allocate(nn_count(shape), nn_type_size(be->real_type));
    check(be->download(be, data, device, nn_count(shape) * nn_type_size(be->real_type), &err), &err);
    add(group, name, shape, be->real_type == NN_F64 ? NN_ST_F64 : NN_ST_F32, data);
}

static void add_value(struct nn_tape *t, const char *group, const char *name, nn_id id)
{
    struct nn_error err;
    check(nn_tape_status(t, &err), &err);
    struct nn_tensor value = *nn_value(t, id);
    add_tensor(nn_tape_backend(t), group, name, value.shape, value.data);
}

/* A network, its parameters and Adam's moments, in backend memory. */
struct model {
    struct nn_network net;
    void *values, *m, *v;
    nn_id ids[PARAMS_MAX], gradients[PARAMS_MAX];
};

/* `host`, or zeros when it is NULL, in the backend's real_type. */
static void *to_backend(struct nn_backend *be, const float *host, size_t count)
{
    struct nn_error err;
    size_t element = nn_type_size(be->real_type);
    void *device = be->alloc(be, count * element), *raw = allocate(count, element);
    if (!device) abort();
    for (size_t i = 0; host && i < count; i++)
        if (be->real_type == NN_F64)
            ((double *)raw)[i] = (double)host[i];
        else
            ((float *)raw)[i] = host[i];
    check(be->upload(be, device, raw, count * element, &err), &err);
    free(raw);
    return device;
}

static void init_model(struct model *m, struct nn_backend *be, const struct nn_gan_config *config,
                       enum nn_network_kind kind, uint64_t seed)
{
    struct nn_error err;
    const char *group = kind == NN_GENERATOR ? "g" : "d";
    check(nn_network_init(&m->net, config, kind, &err), &err);
    if (m->net.param_count > PARAMS_MAX) abort();
    float *host = allocate(m->net.value_count, sizeof *host);
    nn_network_init_values(&m->net, seed, host);
    for (int i = 0; i < m->net.param_count; i++) {
        const struct nn_param *p = &m->net.params[i];
        float *at = host + p->offset;
        if (strstr(p->name, "/bias")) nn_random_normals(seed, 10, p->offset, nn_count(p->shape), at);
        add(group, p->name, p->shape, NN_ST_F32, at);
    }
    m->values = to_backend(be, host, m->net.value_count);
    m->m = to_backend(be, NULL, m->net.value_count);
    m->v = to_backend(be, NULL, m->net.value_count);
}

static void release_model(struct model *m, struct nn_backend *be)
{
    be->free(be, m->values);
    be->free(be, m->m);
    be->free(be, m->v);
    nn_network_release(&m->net);
}

static void add_gradients(struct nn_tape *t, struct model *m, const char *group, nn_id loss)
{
    nn_gradient(t, loss, nn_affine(t, 0, loss, 1), m->ids, m->net.param_count, m->gradients);
    for (int i = 0; i < m->net.param_count; i++)
        if (m->gradients[i].index) add_value(t, group, m->net.params[i].name, m->gradients[i]);
}

/* An update by the gradients; adds the parameters that it changed. */
static void update(struct nn_backend *be, struct nn_tape *t, struct model *m, struct nn_adam adam,
                   const char *group)
{
    struct nn_error err;
    for (int i = 0; i < m->net.param_count; i++) {
        const struct nn_tensor *g = nn_value(t, m->gradients[i]);
        if (!g) continue;
        size_t at = m->net.params[i].offset * nn_type_size(be->real_type);
        char *value = (char *)m->values + at;
        check(be->adam(be, &adam, nn_count(g->shape), value, g->data, (char *)m->m + at, (char *)m->v + at,
                       &err),
              &err);
        add_tensor(be, group, m->net.params[i].name, g->shape, value);
    }
}

/* ---- inputs ------------------------------------------------------------------------------------- */

static float *random_input(uint64_t seed, uint64_t stream, const char *name, struct nn_shape shape,
                           bool uniform)
{
    size_t count = nn_count(shape);
    float *data = allocate(count, sizeof *data);
    if (uniform)
        for (size_t i = 0; i < count; i++) data[i] = nn_random_uniform(seed, stream, i);
    else
        nn_random_normals(seed, stream, 0, count, data);
    add("in", name, shape, NN_ST_F32, data);
    return data;
}

/* One-hot, or each 0 or 1. */
static float *label_input(uint64_t seed, uint64_t stream, const char *name, int n,
                          const struct nn_gan_config *config)
{
    int count = config->label_count;
    if (!count) return NULL;
    struct nn_shape shape = nn_shape(n, count, 1, 1);
    float *data = allocate(nn_count(shape), sizeof *data);
    for (int i = 0; i < n; i++) {
        uint32_t word = nn_random_u32(seed, stream, (uint64_t)i);
        if (config->label_kind == NN_LABELS_CLASSES) data[i * count + (int)(word % (uint32_t)count)] = 1;
        for (int k = 0; k < count && config->label_kind == NN_LABELS_MULTI; k++)
            data[i * count + k] = (float)(word >> k & 1);
    }
    add("in", name, shape, NN_ST_F32, data);
    return data;
}

/* What a step is given, on the host. */
struct inputs {
    int n, side, latent;
    float lod;
    float *latents, *real_labels, *fake_labels, *mix, *reals;
};

static struct inputs draw_inputs(const struct tr_train_config *c, int n, float lod, uint64_t seed)
{
    const struct nn_gan_config *config = &c->gan;
    struct inputs in = {.n = n,
                        .lod = lod,
                        .side = 1 << (config->resolution_log2 - (int)lod),
                        .latent = nn_gan_latent_size(config)};
    bool same = c->loss.fake_labels == TR_FAKE_LABELS_REAL_BATCH;
    in.real_labels = label_input(seed, 14, "real_labels", n, config);
    in.fake_labels = label_input(seed, same ? 14 : 15, "fake_labels", n, config);
    in.latents = random_input(seed, 11, "latents", nn_shape(n, in.latent, 1, 1), false);
    in.reals = random_input(seed, 12, "reals", nn_shape(n, 1, in.side, in.side), false);
    in.mix = random_input(seed, 13, "mix", nn_shape(n, 1, 1, 1), true);
    return in;
}

static nn_id labels_on(struct nn_tape *t, const float *labels, struct nn_shape shape)
{
    return labels ? nn_from_host(t, labels, shape) : nn_none;
}

/* The batch on the tape; `fakes` not detached. */
static struct tr_discriminator_batch batch_of(struct nn_tape *t, const struct inputs *in,
                                              const struct model *g)
{
    struct nn_shape labels = nn_shape(in->n, g->net.config.label_count, 1, 1);
    struct tr_discriminator_batch batch = {
        .reals = nn_from_host(t, in->reals, nn_shape(in->n, 1, in->side, in->side)),
        .mix = nn_from_host(t, in->mix, nn_shape(in->n, 1, 1, 1)),
        .real_labels = labels_on(t, in->real_labels, labels),
        .fake_labels = labels_on(t, in->fake_labels, labels),
        .lod = in->lod};
    nn_id z = nn_from_host(t, in->latents, nn_shape(in->n, in->latent, 1, 1));
    batch.fakes = nn_generator(t, &g->net, g->ids, z, batch.fake_labels, in->lod);
    return batch;
}

/* ---- the step ----------------------------------------------------------------------------------- */

static void begin(struct nn_tape *t, struct model *g, struct model *d)
{
    nn_tape_reset(t);
    nn_network_leaves(t, &g->net, g->values, g->ids);
    nn_network_leaves(t, &d->net, d->values, d->ids);
}

static void add_discriminator_terms(struct nn_tape *t, const struct tr_discriminator_loss *loss)
{
    const struct {
        const char *name;
        nn_id id;
    } terms[] = {{"critic_total", loss->total},     {"critic_real", loss->real},
                 {"critic_fake", loss->fake},       {"critic_margin", loss->margin},
                 {"critic_penalty", loss->penalty}, {"critic_label", loss->label}};
    for (size_t i = 0; i < sizeof terms / sizeof *terms; i++)
        if (terms[i].id.index) add_value(t, "out", terms[i].name, terms[i].id);
}

static void run(struct nn_backend *be, const struct tr_train_config *config, const struct inputs *in,
                uint64_t seed)
{
    static const struct tr_phase phase = {.level = 0};
    struct nn_error err;
    struct nn_tape *t;
    struct model g, d;
    const struct tr_loss_config *loss = &config->loss;
    check(nn_tape_new(&t, be, &err), &err);
    init_model(&g, be, &config->gan, NN_GENERATOR, seed);
    init_model(&d, be, &config->gan, NN_DISCRIMINATOR, seed);

    begin(t, &g, &d);
    struct tr_discriminator_batch batch = batch_of(t, in, &g);
    add_value(t, "out", "fakes", batch.fakes);
    struct tr_generator_batch made = {batch.fakes, batch.fake_labels, batch.reals, batch.real_labels,
                                      in->lod};
    nn_id total = tr_generator_loss(t, &d.net, d.ids, &made, loss);
    add_value(t, "out", "generator_total", total);
    add_gradients(t, &g, "g.gradient", total);

    batch.fakes = nn_detach(t, batch.fakes);
    struct tr_discriminator_loss judged = tr_discriminator_loss(t, &d.net, d.ids, &batch, loss);
    add_discriminator_terms(t, &judged);
    struct nn_adam adam = tr_discriminator_adam(config, &phase, 0);
    add_gradients(t, &d, "d.gradient", judged.total);
    adam.step = 1;
    update(be, t, &d, adam, "d.between");

    begin(t, &g, &d);
    batch = batch_of(t, in, &g);
    batch.fakes = nn_detach(t, batch.fakes);
    total = tr_loss_is_lazy(loss) ? tr_lazy_penalty(t, &d.net, d.ids, &batch, loss)
                                  : tr_discriminator_loss(t, &d.net, d.ids, &batch, loss).total;
    add_gradients(t, &d, "d.gradient2", total);
    adam.step = 2;
    update(be, t, &d, adam, "d.stepped");

    nn_tape_free(t);
    release_model(&g, be);
    release_model(&d, be);
}

/* ---- the command line --------------------------------------------------------------------------- */

static const char *value_of(int argc, char **argv, const char *key)
{
    size_t length = strlen(key);
    for (int i = 2; i < argc; i++)
        if (strncmp(argv[i], key, length) == 0 && argv[i][length] == '=') return argv[i] + length + 1;
    fprintf(stderr, "dump_gradients: no %s=\n", key);
    exit(2);
}

static int word_of(int argc, char **argv, const char *key, const char *const words[])
{
    int index = nn_word_index(words, value_of(argc, argv, key));
    if (index >= 0) return index;
    fprintf(stderr, "dump_gradients: no such %s\n", key);
    exit(2);
}

static struct nn_backend *open_backend(const char *name)
{
    struct nn_error err;
    struct nn_backend *be;
    check(strcmp(name, "cpu") == 0
              ? nn_backend_open_cpu(&be, NN_F32, &err)
              : nn_backend_open_reference(&be, strcmp(name, "reference64") == 0 ? NN_F64 : NN_F32, &err),
          &err);
    return be;
}

/* Adam's constants are unlike a training's, so that each shows: both moments move, and epsilon is not
 * negligible. */
static struct tr_train_config config_of(int argc, char **argv)
{
    struct tr_train_config c = {.adam_beta1 = 0.5f, .adam_beta2 = 0.9f, .adam_epsilon = 1e-3f};
    const struct {
        const char *key;
        int *value;
    } numbers[] = {{"resolution_log2", &c.gan.resolution_log2},
                   {"fmap_base", &c.gan.fmap_base},
                   {"fmap_max", &c.gan.fmap_max},
                   {"labels", &c.gan.label_count},
                   {"group", &c.gan.mbstd_group},
                   {"lazy_interval", &c.loss.lazy_interval}};
    c.loss = tr_loss_config_official();
    c.schedule.levels[0].lr = 0.01f;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        *numbers[i].value = atoi(value_of(argc, argv, numbers[i].key));
    c.loss.gamma = strtof(value_of(argc, argv, "gamma"), NULL);
    c.loss.label_fakes = strcmp(value_of(argc, argv, "label_fakes"), "on") == 0;
    c.loss.kind = (enum tr_loss_kind)word_of(argc, argv, "loss", tr_loss_words);
    c.loss.fake_labels = (enum tr_fake_labels)word_of(argc, argv, "fake_labels", tr_fake_labels_words);
    c.gan.label_kind = (enum nn_label_kind)word_of(argc, argv, "label_kind", nn_label_kind_words);
    c.gan.label_norm = (enum nn_label_norm)word_of(argc, argv, "label_norm", nn_label_norm_words);
    c.gan.conditioning = (enum nn_conditioning)word_of(argc, argv, "conditioning", nn_conditioning_words);
    c.gan.unfused = strcmp(value_of(argc, argv, "unfused"), "on") == 0;
    c.gan.pixel_norm_epsilon = strtof(value_of(argc, argv, "pixel_norm_epsilon"), NULL);
    return c;
}

int main(int argc, char **argv)
{
    struct nn_error err;
    if (argc < 2) {
        fprintf(stderr, "usage: dump_gradients OUT.safetensors KEY=VALUE...\n");
        return 2;
    }
    struct tr_train_config config = config_of(argc, argv);
    uint64_t seed = strtoull(value_of(argc, argv, "seed"), NULL, 10);
    struct inputs in = draw_inputs(&config, atoi(value_of(argc, argv, "n")),
                                   strtof(value_of(argc, argv, "lod"), NULL), seed);
    struct nn_backend *be = open_backend(value_of(argc, argv, "backend"));
    run(be, &config, &in, seed);
    be->close(be);
    check(nn_st_write(argv[1], file.tensors, file.count, NULL, 0, &err), &err);
    return 0;
}
