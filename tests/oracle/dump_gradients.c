/* One training step's numbers as a safetensors file, for test_pytorch.py to recompute.
 *
 *   dump_gradients BACKEND RESOLUTION_LOG2 FMAP_BASE FMAP_MAX LABELS GROUP N LOD SEED OUT.safetensors
 *                  [unfused] [latent_only] [multi] [projection] [epsilon]
 *
 * BACKEND is reference or cpu, both in f32. The words choose variants of the networks (engine/gan.h; epsilon:
 * 0.01 in the pixel norm). The file holds, for K in {g, d}: K/NAME the parameters as they
 * are stored (weights O,K,K,I) and K.gradient/NAME where there is one; in/latents, in/labels, in/mix,
 * in/reals; out/fakes, the losses' terms, and d.stepped/NAME, the parameters after two steps of Adam. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/rng.h"
#include "engine/safetensors.h"
#include "trainer/loss.h"

enum { TENSORS_MAX = 512, PARAMS_MAX = 128 };

static const struct tr_loss_config LOSS = {.penalty_weight = 10,
                                           .penalty_target = 1,
                                           .drift_weight = 0.001f,
                                           .label_weight = 1,
                                           .label_fakes = true};
/* Unlike a training's, so that every constant shows: both moments move, and epsilon is not negligible. */
static const struct nn_adam ADAM = {.lr = 0.01f, .beta1 = 0.5f, .beta2 = 0.9f, .epsilon = 1e-3f};

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
static void add(const char *group, const char *name, const struct nn_shape s, const float *data)
{
    if (file.count == TENSORS_MAX) abort();
    char *full = file.names[file.count];
    snprintf(full, sizeof file.names[0], "%s/%s", group, name);
    file.tensors[file.count++] = (struct nn_st_tensor){
        .name = full, .type = NN_ST_F32, .rank = 4, .dims = {s.n, s.h, s.w, s.c}, .data = data};
}

static void add_value(struct nn_tape *t, const char *group, const char *name, nn_id id)
{
    struct nn_error err;
    check(nn_tape_status(t, &err), &err);
    struct nn_shape shape = nn_value(t, id)->shape;
    float *data = allocate(nn_count(shape), sizeof *data);
    check(nn_read(t, id, data, &err), &err);
    add(group, name, shape, data);
}

/* A network and its parameters in backend memory. */
struct model {
    struct nn_network net;
    float *host;
    void *values;
    nn_id ids[PARAMS_MAX];
};

static void init_model(struct model *m, struct nn_backend *be, const struct nn_gan_config *config,
                       enum nn_network_kind kind, uint64_t seed)
{
    struct nn_error err;
    const char *group = kind == NN_GENERATOR ? "g" : "d";
    check(nn_network_init(&m->net, config, kind, &err), &err);
    if (m->net.param_count > PARAMS_MAX) abort();
    m->host = allocate(m->net.value_count, sizeof *m->host);
    nn_network_init_values(&m->net, seed, m->host);
    for (int i = 0; i < m->net.param_count; i++) {
        const struct nn_param *p = &m->net.params[i];
        float *at = m->host + p->offset;
        if (strstr(p->name, "/bias")) nn_random_normals(seed, 10, p->offset, nn_count(p->shape), at);
        add(group, p->name, p->shape, at);
    }
    size_t size_bytes = m->net.value_count * sizeof *m->host;
    m->values = be->alloc(be, size_bytes);
    if (!m->values) abort();
    check(be->upload(be, m->values, m->host, size_bytes, &err), &err);
}

static void add_gradients(struct nn_tape *t, struct model *m, const char *group, nn_id loss, nn_id *gradients)
{
    nn_gradient(t, loss, nn_affine(t, 0, loss, 1), m->ids, m->net.param_count, gradients);
    for (int i = 0; i < m->net.param_count; i++)
        if (gradients[i].index) add_value(t, group, m->net.params[i].name, gradients[i]);
}

static nn_id random_input(struct nn_tape *t, uint64_t seed, uint64_t stream, const char *name,
                          struct nn_shape shape, bool uniform)
{
    size_t count = nn_count(shape);
    float *data = allocate(count, sizeof *data);
    if (uniform)
        for (size_t i = 0; i < count; i++) data[i] = nn_random_uniform(seed, stream, i);
    else
        nn_random_normals(seed, stream, 0, count, data);
    add("in", name, shape, data);
    return nn_from_host(t, data, shape);
}

static nn_id label_input(struct nn_tape *t, uint64_t seed, int n, const struct nn_gan_config *config)
{
    int count = config->label_count;
    if (!count) return nn_none;
    struct nn_shape shape = nn_shape(n, count, 1, 1);
    float *data = allocate(nn_count(shape), sizeof *data);
    for (int i = 0; i < n; i++) {
        uint32_t word = nn_random_u32(seed, 14, (uint64_t)i);
        for (int k = 0; k < count; k++)
            data[i * count + k] =
                (config->label_kind == NN_LABELS_MULTI ? word >> k & 1 : (int)(word % (uint32_t)count) == k);
    }
    add("in", "labels", shape, data);
    return nn_from_host(t, data, shape);
}

/* Two steps from zero moments, with the same gradients. Writes the stepped parameters. */
static void step_adam(struct nn_backend *be, struct nn_tape *t, struct model *m, const nn_id *gradients)
{
    struct nn_error err;
    for (int i = 0; i < m->net.param_count; i++) {
        if (!gradients[i].index) continue;
        const struct nn_param *p = &m->net.params[i];
        nn_id first = nn_affine(t, 0, m->ids[i], 0), second = nn_affine(t, 0, m->ids[i], 0);
        nn_id stepped = nn_affine(t, 1, m->ids[i], 0);
        check(nn_tape_status(t, &err), &err);
        for (int step = 1; step <= 2; step++) {
            struct nn_adam adam = ADAM;
            adam.step = step;
            check(be->adam(be, &adam, nn_count(p->shape), nn_value(t, stepped)->data,
                           nn_value(t, gradients[i])->data, nn_value(t, first)->data,
                           nn_value(t, second)->data, &err),
                  &err);
        }
        add_value(t, "d.stepped", p->name, stepped);
    }
}

static void run(struct nn_backend *be, const struct nn_gan_config *config, int n, float lod, uint64_t seed)
{
    struct nn_error err;
    struct nn_tape *t;
    struct model g, d;
    nn_id gradients[PARAMS_MAX];
    int side = 1 << (config->resolution_log2 - (int)lod);
    check(nn_tape_new(&t, be, &err), &err);
    init_model(&g, be, config, NN_GENERATOR, seed);
    init_model(&d, be, config, NN_DISCRIMINATOR, seed);
    nn_network_leaves(t, &g.net, g.values, g.ids);
    nn_network_leaves(t, &d.net, d.values, d.ids);

    nn_id labels = label_input(t, seed, n, config);
    nn_id latents =
        random_input(t, seed, 11, "latents", nn_shape(n, nn_gan_latent_size(config), 1, 1), false);
    nn_id fakes = nn_generator(t, &g.net, g.ids, latents, labels, lod);
    add_value(t, "out", "fakes", fakes);
    struct tr_critic_batch batch = {.reals =
                                        random_input(t, seed, 12, "reals", nn_shape(n, 1, side, side), false),
                                    .fakes = nn_detach(t, fakes),
                                    .mix = random_input(t, seed, 13, "mix", nn_shape(n, 1, 1, 1), true),
                                    .real_labels = labels,
                                    .fake_labels = labels,
                                    .lod = lod};
    struct tr_critic_loss critic = tr_critic_loss(t, &d.net, d.ids, &batch, &LOSS);
    add_value(t, "out", "critic_total", critic.total);
    add_value(t, "out", "critic_real", critic.real);
    add_value(t, "out", "critic_fake", critic.fake);
    add_value(t, "out", "critic_penalty", critic.penalty);
    if (critic.label.index) add_value(t, "out", "critic_label", critic.label);
    add_gradients(t, &d, "d.gradient", critic.total, gradients);
    step_adam(be, t, &d, gradients);
    struct tr_generator_batch generated = {.fakes = fakes, .fake_labels = labels, .lod = lod};
    nn_id generator = tr_generator_loss(t, &d.net, d.ids, &generated, &LOSS);
    add_value(t, "out", "generator_total", generator);
    add_gradients(t, &g, "g.gradient", generator, gradients);

    nn_tape_free(t);
    be->free(be, g.values);
    be->free(be, d.values);
    nn_network_release(&g.net);
    nn_network_release(&d.net);
}

static bool take_variant(struct nn_gan_config *c, const char *word)
{
    if (strcmp(word, "unfused") == 0)
        c->unfused = true;
    else if (strcmp(word, "latent_only") == 0)
        c->label_norm = NN_NORM_LATENT_ONLY;
    else if (strcmp(word, "multi") == 0)
        c->label_kind = NN_LABELS_MULTI;
    else if (strcmp(word, "projection") == 0)
        c->conditioning = NN_CONDITION_PROJECTION;
    else if (strcmp(word, "epsilon") == 0)
        c->pixel_norm_epsilon = 0.01f;
    else
        return false;
    return true;
}

int main(int argc, char **argv)
{
    struct nn_error err;
    struct nn_backend *be;
    if (argc < 11) {
        fprintf(stderr, "usage: dump_gradients BACKEND RESOLUTION_LOG2 FMAP_BASE FMAP_MAX LABELS GROUP N LOD "
                        "SEED OUT.safetensors [VARIANT...]\n");
        return 2;
    }
    check(strcmp(argv[1], "cpu") == 0 ? nn_backend_open_cpu(&be, NN_F32, &err)
                                      : nn_backend_open_reference(&be, NN_F32, &err),
          &err);
    struct nn_gan_config config = {.resolution_log2 = atoi(argv[2]),
                                   .fmap_base = atoi(argv[3]),
                                   .fmap_max = atoi(argv[4]),
                                   .label_count = atoi(argv[5]),
                                   .mbstd_group = atoi(argv[6])};
    for (int i = 11; i < argc; i++)
        if (!take_variant(&config, argv[i])) {
            fprintf(stderr, "dump_gradients: no variant '%s'\n", argv[i]);
            return 2;
        }
    run(be, &config, atoi(argv[7]), strtof(argv[8], NULL), strtoull(argv[9], NULL, 10));
    check(nn_st_write(argv[10], file.tensors, file.count, NULL, 0, &err), &err);
    be->close(be);
    return 0;
}
