#include "trainer/train/training.h"

#include <stdlib.h>
#include <string.h>

#include "engine/rng.h"
#include "engine/sampler.h"
#include "trainer/train/minibatch.h"
#include "trainer/train/new_head.h"
#include "trainer/train/optimiser.h"

/* ---- life --------------------------------------------------------------------------------------- */

static nn_status zeroed(struct nn_backend *be, size_t count, void **data, struct nn_error *err)
{
    size_t size = count * nn_type_size(be->real_type);
    void *zeros = calloc(1, size);
    *data = be->alloc(be, size);
    nn_status status = *data && zeros ? be->upload(be, *data, zeros, size, err)
                                      : nn_fail(err, NN_ERR_MEMORY, "out of memory for %zu weights", count);
    free(zeros);
    return status;
}

static nn_status player_init(struct tr_player *p, struct tr_training *tr, enum nn_network_kind kind,
                             struct nn_error *err)
{
    struct nn_backend *be = tr->backend;
    nn_status status = nn_network_init(&p->net, &tr->config.gan, kind, err);
    if (status != NN_OK) return status;
    size_t count = p->net.value_count;
    float *values = malloc(count * sizeof *values);
    p->leaves = calloc((size_t)p->net.param_count, sizeof *p->leaves);
    p->gradients = calloc((size_t)p->net.param_count, sizeof *p->gradients);
    if (!values || !p->leaves || !p->gradients)
        status = nn_fail(err, NN_ERR_MEMORY, "out of memory for a network of %zu parameters", count);
    if (status == NN_OK) status = zeroed(be, count, &p->values, err);
    if (status == NN_OK) status = zeroed(be, count, &p->m, err);
    if (status == NN_OK) status = zeroed(be, count, &p->v, err);
    if (status == NN_OK) {
        nn_network_init_values(&p->net, tr->config.seed, values);
        status = be->upload(be, p->values, values, count * sizeof *values, err);
    }
    free(values);
    return status;
}

static void player_release(struct tr_player *p, struct nn_backend *be)
{
    void *all[] = {p->values, p->m, p->v};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i]) be->free(be, all[i]);
    free(p->leaves);
    free(p->gradients);
    nn_network_release(&p->net);
}

static nn_status allocate_scratch(struct tr_training *tr, struct nn_error *err)
{
    const struct tr_schedule *s = &tr->config.schedule;
    size_t largest = 0, side_max = (size_t)2 << s->level_count;
    for (int k = 0; k < s->level_count; k++) {
        size_t side = (size_t)4 << k, latent = (size_t)nn_gan_latent_size(&tr->config.gan);
        size_t sample = side * side > latent ? side * side : latent;
        size_t need = (size_t)s->levels[k].minibatch * (sample + NN_LABELS_MAX);
        if (need > largest) largest = need;
    }
    tr->host_count = largest;
    tr->host = malloc(largest * sizeof *tr->host);
    tr->grey = malloc(side_max * side_max);
    tr->order = malloc((size_t)tr_dataset_train_count(tr->data) * sizeof *tr->order);
    tr->order_epoch = UINT64_MAX;
    if (tr->host && tr->grey && tr->order) return NN_OK;
    return nn_fail(err, NN_ERR_MEMORY, "out of memory for a minibatch");
}

nn_status tr_training_init(struct tr_training *tr, const struct tr_train_config *config,
                           struct nn_backend *be, const struct tr_dataset *data, struct nn_error *err)
{
    *tr = (struct tr_training){.config = *config, .backend = be, .data = data, .adam_phase = -1};
    tr_augment_init(&tr->augment, &config->augment);
    nn_status status = nn_tape_new(&tr->tape, be, err);
    if (status == NN_OK) status = player_init(&tr->generator, tr, NN_GENERATOR, err);
    if (status == NN_OK) status = player_init(&tr->discriminator, tr, NN_DISCRIMINATOR, err);
    if (status == NN_OK) status = allocate_scratch(tr, err);
    size_t count = tr->generator.net.value_count;
    if (status == NN_OK) status = zeroed(be, count, &tr->average, err);
    if (status == NN_OK) /* decay 0 copies */
        status = be->ema(be, 0, count, tr->average, tr->generator.values, err);
    if (status != NN_OK) tr_training_release(tr);
    return status;
}

void tr_training_release(struct tr_training *tr)
{
    if (!tr->backend) return;
    nn_tape_free(tr->tape);
    player_release(&tr->generator, tr->backend);
    player_release(&tr->discriminator, tr->backend);
    if (tr->average) tr->backend->free(tr->backend, tr->average);
    free(tr->order);
    free(tr->grey);
    free(tr->host);
    *tr = (struct tr_training){0};
}

struct tr_phase tr_training_phase(const struct tr_training *tr)
{
    return tr_schedule_at(&tr->config.schedule, tr->images);
}

/* ---- steps -------------------------------------------------------------------------------------- */

static nn_status read_scalar(struct tr_training *tr, nn_id id, double *total, struct nn_error *err)
{
    float value = 0;
    double wide = 0;
    bool narrow = tr->backend->real_type == NN_F32;
    nn_status status = nn_read(tr->tape, id, narrow ? (void *)&value : (void *)&wide, err);
    *total += narrow ? (double)value : wide;
    return status;
}

/* The sum of the signs of the values x (n,1,1,1). */
static nn_status read_signs(struct tr_training *tr, nn_id x, int n, int *sum, struct nn_error *err)
{
    void *values = tr->host; /* has room for n doubles: a sample is 16 floats at least */
    bool narrow = tr->backend->real_type == NN_F32;
    nn_status status = nn_read(tr->tape, x, values, err);
    *sum = 0;
    for (int i = 0; i < n && status == NN_OK; i++) {
        double value = narrow ? (double)((float *)values)[i] : ((double *)values)[i];
        *sum += (value > 0) - (value < 0);
    }
    return status;
}

static nn_status gradients_finite(const struct tr_training *tr, const struct tr_player *p, bool *finite,
                                  struct nn_error *err)
{
    struct nn_span spans[128]; /* more than any network has parameters */
    int count = 0;
    for (int i = 0; i < p->net.param_count && count < (int)(sizeof spans / sizeof *spans); i++) {
        const struct nn_tensor *g = nn_value(tr->tape, p->gradients[i]);
        if (g) spans[count++] = (struct nn_span){g->data, nn_count(g->shape)};
    }
    return tr->backend->all_finite(tr->backend, spans, count, finite, err);
}

/* Minimises `loss` over the player's parameters by one step of `adam`, whose count is the player's. */
static nn_status descend(struct tr_training *tr, struct tr_player *p, nn_id loss, struct nn_adam adam,
                         struct nn_error *err)
{
    struct nn_backend *be = tr->backend;
    bool finite;
    nn_gradient_last(tr->tape, loss, nn_affine(tr->tape, 0, loss, 1), p->leaves, p->net.param_count,
                     p->gradients);
    nn_status status = nn_tape_status(tr->tape, err);
    if (status == NN_OK) status = gradients_finite(tr, p, &finite, err);
    if (status != NN_OK) return status;
    if (!finite) {
        tr->skipped++;
        return NN_OK;
    }
    adam.step = ++p->adam_step;
    size_t element = nn_type_size(be->real_type);
    for (int i = 0; i < p->net.param_count; i++) {
        const struct nn_tensor *g = nn_value(tr->tape, p->gradients[i]);
        if (!g) continue; /* a level that is not grown yet */
        size_t at = p->net.params[i].offset * element;
        status = be->adam(be, &adam, nn_count(g->shape), (char *)p->values + at, g->data, (char *)p->m + at,
                          (char *)p->v + at, err);
        if (status != NN_OK) return status;
    }
    return NN_OK;
}

static void begin_step(struct tr_training *tr)
{
    nn_tape_reset(tr->tape);
    nn_network_leaves(tr->tape, &tr->generator.net, tr->generator.values, tr->generator.leaves);
    nn_network_leaves(tr->tape, &tr->discriminator.net, tr->discriminator.values, tr->discriminator.leaves);
}

/* Reals and labels of a discriminator's step. */
static nn_status real_batch(struct tr_training *tr, const struct tr_phase *phase, int n,
                            struct tr_discriminator_batch *batch, struct nn_error *err)
{
    *batch = (struct tr_discriminator_batch){.lod = phase->lod};
    nn_status status = tr_minibatch_reals(tr, phase, n, &batch->reals, err);
    if (status == NN_OK)
        batch->real_labels = batch->fake_labels = tr_minibatch_labels(tr, n, TR_STREAM_ORDER);
    return status;
}

static nn_status discriminator_step(struct tr_training *tr, const struct tr_phase *phase, int n,
                                    struct tr_losses *losses, struct nn_error *err)
{
    struct nn_tape *t = tr->tape;
    begin_step(tr);
    struct tr_discriminator_batch batch;
    int signs = 0;
    nn_status status = real_batch(tr, phase, n, &batch, err);
    if (status != NN_OK) return status;
    if (tr->config.loss.fake_labels == TR_FAKE_LABELS_RANDOM)
        batch.fake_labels = tr_minibatch_labels(tr, n, TR_STREAM_DISCRIMINATOR_LABEL);
    if (tr->config.loss.kind == TR_LOSS_WGAN_GP) batch.mix = tr_minibatch_mixing(tr, n);
    nn_id z = tr_minibatch_latents(tr, n, TR_STREAM_DISCRIMINATOR_LATENT);
    int before = nn_tape_mark(t);
    batch.fakes = nn_detach(
        t, nn_generator(t, &tr->generator.net, tr->generator.leaves, z, batch.fake_labels, phase->lod));
    nn_tape_keep_only(t, before, batch.fakes);
    batch.fakes = tr_minibatch_augment(tr, batch.fakes, TR_AUGMENT_FAKES);
    struct tr_discriminator_loss loss =
        tr_discriminator_loss(t, &tr->discriminator.net, tr->discriminator.leaves, &batch, &tr->config.loss);
    status = read_scalar(tr, loss.real, &losses->real, err);
    if (status == NN_OK) status = read_scalar(tr, loss.fake, &losses->fake, err);
    if (status == NN_OK && loss.penalty.index) status = read_scalar(tr, loss.penalty, &losses->penalty, err);
    if (status == NN_OK && loss.label.index) status = read_scalar(tr, loss.label, &losses->label, err);
    if (status == NN_OK) status = read_signs(tr, loss.margin, n, &signs, err);
    losses->real_sign += (double)signs / n;
    tr_augment_observe(&tr->augment, &tr->config.augment, tr->steps + 1, signs, n);
    if (status == NN_OK)
        status = descend(tr, &tr->discriminator, loss.total,
                         tr_discriminator_adam(&tr->config, phase, tr->images), err);
    return status;
}

/* The penalty that a lazy loss leaves out, on the reals of the step before it. */
static nn_status lazy_step(struct tr_training *tr, const struct tr_phase *phase, int n,
                           struct tr_losses *losses, struct nn_error *err)
{
    begin_step(tr);
    struct tr_discriminator_batch batch;
    nn_status status = real_batch(tr, phase, n, &batch, err);
    if (status != NN_OK) return status;
    nn_id penalty =
        tr_lazy_penalty(tr->tape, &tr->discriminator.net, tr->discriminator.leaves, &batch, &tr->config.loss);
    status = read_scalar(tr, penalty, &losses->penalty, err);
    if (status == NN_OK)
        status = descend(tr, &tr->discriminator, penalty,
                         tr_discriminator_adam(&tr->config, phase, tr->images), err);
    return status;
}

/* Pairs are of one class where the discriminator's are; otherwise a label is drawn for each fake. */
static nn_status generator_batch(struct tr_training *tr, const struct tr_phase *phase, int n,
                                 struct tr_generator_batch *batch, struct nn_error *err)
{
    bool paired = tr->config.loss.kind == TR_LOSS_R3;
    *batch = (struct tr_generator_batch){.lod = phase->lod};
    if (paired) {
        nn_status status = tr_minibatch_reals(tr, phase, n, &batch->reals, err);
        if (status != NN_OK) return status;
        batch->real_labels = batch->fake_labels = tr_minibatch_labels(tr, n, TR_STREAM_ORDER);
    }
    if (!paired || tr->config.loss.fake_labels == TR_FAKE_LABELS_RANDOM)
        batch->fake_labels = tr_minibatch_labels(tr, n, TR_STREAM_GENERATOR_LABEL);
    return NN_OK;
}

/* Counts as `weight` steps in the losses: as many discriminator steps went before it. */
static nn_status generator_step(struct tr_training *tr, const struct tr_phase *phase, int n, int weight,
                                struct tr_losses *losses, struct nn_error *err)
{
    struct nn_tape *t = tr->tape;
    double value = 0;
    begin_step(tr);
    struct tr_generator_batch batch;
    nn_status status = generator_batch(tr, phase, n, &batch, err);
    if (status != NN_OK) return status;
    nn_id z = tr_minibatch_latents(tr, n, TR_STREAM_GENERATOR_LATENT);
    batch.fakes = nn_generator(t, &tr->generator.net, tr->generator.leaves, z, batch.fake_labels, phase->lod);
    batch.fakes = tr_minibatch_augment(tr, batch.fakes, TR_AUGMENT_GENERATOR);
    nn_id loss =
        tr_generator_loss(t, &tr->discriminator.net, tr->discriminator.leaves, &batch, &tr->config.loss);
    status = read_scalar(tr, loss, &value, err);
    losses->generator += weight * value;
    if (status == NN_OK)
        status = descend(tr, &tr->generator, loss, tr_generator_adam(&tr->config, phase, tr->images), err);
    return status;
}

/* A number for each level and whether it fades. */
static int phase_code(const struct tr_phase *phase)
{
    return 2 * phase->level + !phase->fading;
}

/* Adam starts anew whenever a level begins to fade in or is fully in, as in the official code. */
static nn_status reset_adam_at_new_phase(struct tr_training *tr, const struct tr_phase *phase,
                                         struct nn_error *err)
{
    int code = phase_code(phase);
    if (code == tr->adam_phase) return NN_OK;
    struct tr_player *players[] = {&tr->generator, &tr->discriminator};
    for (int i = 0; i < 2; i++) {
        size_t count = players[i]->net.value_count;
        void *zeros;
        nn_status status = zeroed(tr->backend, count, &zeros, err);
        if (status == NN_OK) status = tr->backend->ema(tr->backend, 0, count, players[i]->m, zeros, err);
        if (status == NN_OK) status = tr->backend->ema(tr->backend, 0, count, players[i]->v, zeros, err);
        if (zeros) tr->backend->free(tr->backend, zeros);
        if (status != NN_OK) return status;
        players[i]->adam_step = 0;
    }
    tr->adam_phase = code;
    return NN_OK;
}

/* A step of the discriminator, with its lazy penalty when it is due, and one of the average. */
static nn_status discriminator_turn(struct tr_training *tr, const struct tr_phase *phase, int n,
                                    struct tr_losses *losses, struct nn_error *err)
{
    const struct tr_loss_config *loss = &tr->config.loss;
    bool due = tr_loss_is_lazy(loss) && tr->steps % (uint64_t)loss->lazy_interval == 0;
    nn_status status = discriminator_step(tr, phase, n, losses, err);
    if (status == NN_OK && due) status = lazy_step(tr, phase, n, losses, err);
    if (status == NN_OK)
        status = tr->backend->ema(tr->backend, tr_ema_decay(&tr->config, n, tr->images),
                                  tr->generator.net.value_count, tr->average, tr->generator.values, err);
    losses->steps++;
    tr->steps++;
    return status;
}

/* Before the first step of a level that fades in. */
static nn_status begin_level(struct tr_training *tr, const struct tr_phase *phase, int n,
                             struct nn_error *err)
{
    begin_step(tr);
    nn_id labels = tr_minibatch_labels(tr, n, TR_STREAM_GENERATOR_LABEL),
          z = tr_minibatch_latents(tr, n, TR_STREAM_HEAD_LATENT);
    return tr_new_head_fit(tr, z, labels, phase->lod, NULL, err);
}

nn_status tr_training_step(struct tr_training *tr, struct tr_losses *losses, struct nn_error *err)
{
    struct tr_phase phase = tr_training_phase(tr);
    int n = tr->config.schedule.levels[phase.level].minibatch, repeats = tr->config.d_repeats;
    uint64_t skipped = tr->skipped;
    bool new_level = phase.fading && phase_code(&phase) != tr->adam_phase;
    nn_status status = reset_adam_at_new_phase(tr, &phase, err);
    if (status == NN_OK && new_level && tr->config.fit_heads) status = begin_level(tr, &phase, n, err);
    for (int i = 0; i < repeats && status == NN_OK; i++) {
        if (i > 0) tr->images += (uint64_t)n;
        status = discriminator_turn(tr, &phase, n, losses, err);
    }
    if (status == NN_OK) status = generator_step(tr, &phase, n, repeats, losses, err);
    if (status != NN_OK) return status;
    tr->skipped_in_a_row = tr->skipped > skipped ? tr->skipped_in_a_row + 1 : 0;
    tr->images += (uint64_t)n;
    return NN_OK;
}

/* ---- samples ------------------------------------------------------------------------------------ */

nn_status tr_training_sample(struct tr_training *tr, uint64_t first_seed, int count, const float *labels,
                             float *images, struct nn_error *err)
{
    struct nn_tape *t = tr->tape;
    struct tr_phase phase = tr_training_phase(tr);
    int size = nn_gan_latent_size(&tr->config.gan), label_count = tr->config.gan.label_count;
    for (int i = 0; i < count; i++) { /* one at a time: no minibatch's worth of memory */
        nn_tape_reset(t);
        nn_network_leaves(t, &tr->generator.net, tr->average, tr->generator.leaves);
        nn_random_normals(first_seed + (uint64_t)i, NN_STREAM_LATENT, 0, (size_t)size, tr->host);
        nn_id z = nn_from_host(t, tr->host, nn_shape(1, size, 1, 1));
        nn_id y = label_count ? nn_from_host(t, labels, nn_shape(1, label_count, 1, 1)) : nn_none;
        nn_id image = nn_generator(t, &tr->generator.net, tr->generator.leaves, z, y, phase.lod);
        nn_status status =
            nn_read(t, image, images + (size_t)i * (size_t)phase.side * (size_t)phase.side, err);
        if (status != NN_OK) return status;
    }
    return NN_OK;
}
