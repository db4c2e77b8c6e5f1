#include "trainer/train/minibatch.h"

#include <math.h>

#include "engine/rng.h"

/* The data in a new random order each epoch: a pure function of seed and epoch. */
static int data_index(struct tr_training *tr, uint64_t position)
{
    int count = tr_dataset_train_count(tr->data);
    uint64_t epoch = position / (uint64_t)count;
    if (epoch != tr->order_epoch) {
        struct nn_rng rng = {.seed = tr->config.seed, .stream = TR_STREAM_ORDER + (epoch << 16)};
        for (int i = 0; i < count; i++) tr->order[i] = i;
        nn_rng_shuffle(&rng, tr->order, count);
        tr->order_epoch = epoch;
    }
    return tr->order[position % (uint64_t)count];
}

/* Grey bytes to -1..1; during a fade mixed with the image as the level below shows it. */
static void real_image(const uint8_t *grey, int side, float fade, float *out)
{
    for (int y = 0; y < side; y += 2)
        for (int x = 0; x < side; x += 2) {
            const uint8_t *top = grey + (size_t)y * (size_t)side + x, *bottom = top + side;
            float *to = out + (size_t)y * (size_t)side + x;
            float mean = 0.25f * (float)(top[0] + top[1] + bottom[0] + bottom[1]);
            float a = (1 - fade) / 127.5f, b = fade * mean / 127.5f - 1;
            to[0] = a * top[0] + b;
            to[1] = a * top[1] + b;
            to[side] = a * bottom[0] + b;
            to[side + 1] = a * bottom[1] + b;
        }
}

void tr_training_flip(uint8_t *grey, int side)
{
    for (uint8_t *row = grey; row < grey + (size_t)side * (size_t)side; row += side)
        for (int left = 0, right = side - 1; left < right; left++, right--) {
            uint8_t swap = row[left];
            row[left] = row[right];
            row[right] = swap;
        }
}

/* tr->host has room for 8 floats a sample: an image has 16 at least. */
nn_id tr_minibatch_augment(struct tr_training *tr, nn_id images, enum tr_augment_role role)
{
    const struct tr_augment_draw draw = {.seed = tr->config.seed,
                                         .role = role,
                                         .first = tr->images,
                                         .p = tr->augment.p,
                                         .mirror = tr->config.mirror};
    return tr_augment_images(tr->tape, images, &draw, tr->host);
}

nn_status tr_minibatch_reals(struct tr_training *tr, const struct tr_phase *phase, int n, nn_id *images,
                             struct nn_error *err)
{
    float fade = phase->lod - floorf(phase->lod);
    size_t pixels = (size_t)phase->side * (size_t)phase->side;
    for (int i = 0; i < n; i++) {
        uint64_t position = tr->images + (uint64_t)i;
        int index = data_index(tr, position);
        nn_status status = tr_dataset_image(tr->data, phase->side, index, tr->grey, err);
        if (status != NN_OK) return status;
        if (tr->config.mirror && nn_random_uniform(tr->config.seed, TR_STREAM_MIRROR, position) < 0.5f)
            tr_training_flip(tr->grey, phase->side);
        real_image(tr->grey, phase->side, fade, tr->host + (size_t)i * pixels);
    }
    nn_id shown = nn_from_host(tr->tape, tr->host, nn_shape(n, 1, phase->side, phase->side));
    *images = tr_minibatch_augment(tr, shown, TR_AUGMENT_REALS);
    return NN_OK;
}

nn_id tr_minibatch_latents(struct tr_training *tr, int n, uint64_t stream)
{
    int size = nn_gan_latent_size(&tr->config.gan);
    size_t count = (size_t)n * (size_t)size;
    nn_random_normals(tr->config.seed, stream, tr->images * (uint64_t)size, count, tr->host);
    return nn_from_host(tr->tape, tr->host, nn_shape(n, size, 1, 1));
}

/* TR_STREAM_ORDER: the image that is shown; else one of all, so that labels have the data's distribution. */
static int index_of(struct tr_training *tr, uint64_t stream, uint64_t position)
{
    if (stream == TR_STREAM_ORDER) return data_index(tr, position);
    uint32_t word = nn_random_u32(tr->config.seed, stream, position);
    return (int)(((uint64_t)word * (uint32_t)tr_dataset_train_count(tr->data)) >> 32);
}

nn_id tr_minibatch_labels(struct tr_training *tr, int n, uint64_t stream)
{
    int count = tr->config.gan.label_count;
    if (count == 0) return nn_none;
    for (int i = 0; i < n; i++)
        tr_dataset_labels(tr->data, index_of(tr, stream, tr->images + (uint64_t)i), tr->host + i * count);
    return nn_from_host(tr->tape, tr->host, nn_shape(n, count, 1, 1));
}

nn_id tr_minibatch_mixing(struct tr_training *tr, int n)
{
    for (int i = 0; i < n; i++)
        tr->host[i] = nn_random_uniform(tr->config.seed, TR_STREAM_MIX, tr->images + (uint64_t)i);
    return nn_from_host(tr->tape, tr->host, nn_shape(n, 1, 1, 1));
}
