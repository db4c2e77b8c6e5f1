#include "trainer/neighbours/distance_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trainer/interrupt.h"
#include "trainer/neighbours/layer_distances.h"
#include "trainer/neighbours/nearness.h"
#include "trainer/progress.h"

struct work {
    struct tr_feature_network *network;
    struct tr_cases rows; /* queries and their mirror images in turn; only side, count and pixels */
    const struct tr_cases *trainings;
    int rows_at_once;
    struct tr_float_journal *journal;
    uint16_t *row_maps[TR_FEATURE_LAYERS_MAX], *training_maps[TR_FEATURE_LAYERS_MAX];
    float *some; /* layers * rows_at_once * TR_FEATURE_BATCH */
    float *value;
    struct tr_progress progress; /* of images through the network */
    int done, total;
};

static nn_status make_rows(struct work *w, const struct tr_cases *queries, struct nn_error *err)
{
    size_t side = (size_t)queries->side, pixels = side * side;
    w->rows = (struct tr_cases){.side = queries->side, .count = TR_VARIANTS * queries->count};
    w->rows.pixels = malloc((size_t)w->rows.count * pixels);
    if (!w->rows.pixels) return nn_fail(err, NN_ERR_MEMORY, "out of memory for %d images", queries->count);
    for (size_t q = 0; q < (size_t)queries->count; q++) {
        const uint8_t *from = queries->pixels + q * pixels;
        uint8_t *own = w->rows.pixels + (TR_VARIANTS * q + TR_AS_IT_IS) * pixels;
        uint8_t *mirrored = w->rows.pixels + (TR_VARIANTS * q + TR_MIRRORED) * pixels;
        memcpy(own, from, pixels);
        for (size_t y = 0; y < side; y++)
            for (size_t x = 0; x < side; x++) mirrored[y * side + x] = from[y * side + side - 1 - x];
    }
    return NN_OK;
}

static nn_status make_room(struct work *w, size_t memory_bytes, struct nn_error *err)
{
    size_t image = w->network->values_per_image * sizeof(uint16_t);
    size_t images = memory_bytes / image, layers = (size_t)w->network->layer_count;
    if (images < TR_FEATURE_BATCH + 2)
        return nn_fail(err, NN_ERR_ARGUMENT,
                       "feature maps of %zu MiB an image do not fit into the memory allowed", image >> 20);
    size_t most = images - TR_FEATURE_BATCH, rows = (size_t)w->rows.count;
    size_t blocks = (rows + most - 1) / most;
    size_t at_once = (rows + blocks - 1) / blocks;
    w->rows_at_once = (int)at_once;
    w->some = malloc(layers * at_once * TR_FEATURE_BATCH * sizeof *w->some);
    w->value = malloc(layers * rows * (size_t)w->trainings->count * sizeof *w->value);
    bool whole = w->some && w->value;
    for (size_t l = 0; l < layers && whole; l++) {
        size_t map = nn_count(w->network->layers[l].shape) * sizeof(uint16_t);
        w->row_maps[l] = malloc(at_once * map);
        w->training_maps[l] = malloc(TR_FEATURE_BATCH * map);
        whole = w->row_maps[l] && w->training_maps[l];
    }
    if (!whole) return nn_fail(err, NN_ERR_MEMORY, "out of memory for feature maps");
    printf(
        "%zu images, each as it is and mirrored, against %d training images in %zu layers of %s: %zu MiB of "
        "feature maps, %zu %s over the training images\n",
        rows / TR_VARIANTS, w->trainings->count, layers, tr_architecture_words[w->network->net.architecture],
        (at_once + TR_FEATURE_BATCH) * image >> 20, blocks, blocks == 1 ? "pass" : "passes");
    return NN_OK;
}

static nn_status read_rows(struct work *w, int first, int count, struct nn_error *err)
{
    nn_status status = NN_OK;
    if (w->progress.first < 0) w->progress.first = w->done;
    for (int done = 0; done < count && status == NN_OK; done += TR_FEATURE_BATCH) {
        int some = count - done < TR_FEATURE_BATCH ? count - done : TR_FEATURE_BATCH;
        if (tr_interrupted()) return nn_fail(err, NN_STOPPED, "stopped");
        status = tr_feature_maps(w->network, &w->rows, first + done, some, w->row_maps, (size_t)done, err);
        tr_progress_show(&w->progress, w->done + done + some, w->total);
    }
    return status;
}

/* A block of rows and a minibatch of training images. */
struct patch {
    int row, row_count, training, training_count;
};

static nn_status compute(struct work *w, struct patch p, struct nn_error *err)
{
    nn_status status =
        tr_feature_maps(w->network, w->trainings, p.training, p.training_count, w->training_maps, 0, err);
    size_t patch = (size_t)p.row_count * (size_t)p.training_count;
    for (int l = 0; l < w->network->layer_count && status == NN_OK; l++)
        tr_layer_distances(w->row_maps[l], p.row_count, w->training_maps[l], p.training_count,
                           nn_count(w->network->layers[l].shape), w->some + (size_t)l * patch,
                           (size_t)p.training_count);
    return status;
}

static void keep(struct work *w, struct patch p)
{
    const float *from = w->some;
    for (int l = 0; l < w->network->layer_count; l++)
        for (int r = 0; r < p.row_count; r++, from += p.training_count) {
            size_t row = (size_t)l * (size_t)w->rows.count + (size_t)(p.row + r);
            memcpy(w->value + row * (size_t)w->trainings->count + p.training, from,
                   (size_t)p.training_count * sizeof *from);
        }
}

static nn_status do_block(struct work *w, int row, int row_count, struct nn_error *err)
{
    nn_status status = NN_OK;
    bool read = false;
    int count = w->trainings->count;
    for (int t = 0; t < count && status == NN_OK; t += TR_FEATURE_BATCH) {
        struct patch p = {row, row_count, t, count - t < TR_FEATURE_BATCH ? count - t : TR_FEATURE_BATCH};
        size_t size = (size_t)w->network->layer_count * (size_t)p.row_count * (size_t)p.training_count;
        if (!tr_float_journal_read(w->journal, w->some, size)) {
            if (!read) status = read_rows(w, row, row_count, err);
            read = true;
            if (status == NN_OK && tr_interrupted()) status = nn_fail(err, NN_STOPPED, "stopped");
            if (status == NN_OK) status = compute(w, p, err);
            if (status == NN_OK) status = tr_float_journal_write(w->journal, w->some, size, err);
            if (status == NN_OK)
                tr_progress_show(&w->progress, w->done + row_count + t + p.training_count, w->total);
        }
        if (status == NN_OK) keep(w, p);
    }
    w->done += row_count + count;
    return status;
}

nn_status tr_distance_table(struct tr_feature_network *network, const struct tr_cases *queries,
                            const struct tr_cases *trainings, size_t memory_bytes,
                            struct tr_float_journal *journal, float **value, struct nn_error *err)
{
    struct work w = {.network = network, .trainings = trainings, .journal = journal};
    *value = NULL;
    nn_status status = make_rows(&w, queries, err);
    if (status == NN_OK) status = make_room(&w, memory_bytes, err);
    if (status == NN_OK)
        w.total = w.rows.count + (w.rows.count + w.rows_at_once - 1) / w.rows_at_once * trainings->count;
    tr_progress_start(&w.progress, "images through the network");
    for (int row = 0; row < w.rows.count && status == NN_OK; row += w.rows_at_once) {
        int left = w.rows.count - row;
        status = do_block(&w, row, left < w.rows_at_once ? left : w.rows_at_once, err);
    }
    if (status == NN_OK) {
        *value = w.value;
        w.value = NULL;
    }
    for (int l = 0; l < TR_FEATURE_LAYERS_MAX; l++) {
        free(w.row_maps[l]);
        free(w.training_maps[l]);
    }
    free(w.some);
    free(w.value);
    free(w.rows.pixels);
    return status;
}
