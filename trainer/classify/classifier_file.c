/* Networks as safetensors files with torchvision's names, and its order of dimensions: ours are (O,KH,KW,I)
 * in memory, a file's (O,I,KH,KW). */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "trainer/classify/classifier.h"

/* What files have that these networks have no use for. */
static const char *const passed_over[] = {"*.num_batches_tracked", "AuxLogits.*"};

static int dims_of(const struct tr_entry *e, int64_t dims[NN_ST_DIMS_MAX])
{
    struct nn_shape s = e->shape;
    if (e->role == TR_CONV_WEIGHT) {
        memcpy(dims, (int64_t[]){s.n, s.c, s.h, s.w}, 4 * sizeof *dims);
        return 4;
    }
    dims[0] = e->role == TR_DENSE_WEIGHT ? s.n : s.c;
    dims[1] = (int64_t)s.c * s.h * s.w;
    return e->role == TR_DENSE_WEIGHT ? 2 : 1;
}

/* From (O,I,KH,KW) to (O,KH,KW,I), or back. */
static void reorder(struct nn_shape s, const char *from, float *to, bool into_file)
{
    size_t taps = (size_t)s.h * (size_t)s.w, inputs = (size_t)s.c, each = taps * inputs;
    for (size_t o = 0; o < (size_t)s.n; o++)
        for (size_t i = 0; i < inputs; i++)
            for (size_t k = 0; k < taps; k++) {
                size_t file = o * each + i * taps + k, own = o * each + k * inputs + i;
                memcpy(to + (into_file ? file : own), from + (into_file ? own : file) * sizeof *to,
                       sizeof *to);
            }
}

/* ---- loading ------------------------------------------------------------------------------------------ */

static bool is_known(const struct tr_classifier *net, const char *name)
{
    for (int k = 0; k < net->entry_count; k++)
        if (strcmp(net->entries[k].name, name) == 0) return true;
    for (size_t k = 0; k < sizeof passed_over / sizeof *passed_over; k++)
        if (fnmatch(passed_over[k], name, 0) == 0) return true;
    return false;
}

/* Copies every entry, or with `values` NULL only looks. */
static nn_status read_entries(const struct tr_classifier *net, const struct nn_st_file *file, bool fresh_head,
                              float *values, float *moments, struct nn_error *err)
{
    for (int k = 0; k < net->entry_count; k++) {
        const struct tr_entry *e = &net->entries[k];
        if (e->head && fresh_head) continue;
        int64_t dims[NN_ST_DIMS_MAX];
        const void *data;
        nn_status status = nn_st_get(file, e->name, NN_ST_F32, dims_of(e, dims), dims, &data, err);
        if (status) return status;
        if (values) reorder(e->shape, data, (tr_entry_is_running(e) ? moments : values) + e->offset, false);
    }
    return NN_OK;
}

nn_status tr_classifier_load(const struct tr_classifier *net, const char *path, bool fresh_head,
                             float *values, float *moments, struct nn_error *err)
{
    struct nn_st_file *file;
    nn_status status = nn_st_open(&file, path, err);
    if (status) return status;
    for (int k = 0; k < nn_st_count(file) && status == NN_OK; k++)
        if (!is_known(net, nn_st_at(file, k)->name))
            status = nn_fail(err, NN_ERR_FORMAT, "%s: %s has no tensor \"%s\"", path,
                             tr_architecture_words[net->architecture], nn_st_at(file, k)->name);
    if (status == NN_OK) status = read_entries(net, file, fresh_head, NULL, NULL, err);
    if (status == NN_OK) status = read_entries(net, file, fresh_head, values, moments, err);
    nn_st_close(file);
    return status;
}

/* ---- saving ------------------------------------------------------------------------------------------- */

nn_status tr_classifier_save(const struct tr_classifier *net, const char *path, const float *values,
                             const float *moments, const struct nn_st_text *texts, int text_count,
                             struct nn_error *err)
{
    struct nn_st_text *metadata = malloc(((size_t)text_count + 1) * sizeof *metadata);
    float *ordered = malloc((net->value_count + net->moment_count) * sizeof *ordered), *next = ordered;
    struct nn_st_tensor *tensors = calloc((size_t)net->entry_count, sizeof *tensors);
    nn_status status = NN_ERR_MEMORY;
    if (!metadata || !ordered || !tensors) {
        nn_fail(err, status, "%s: out of memory for a copy of the network", path);
        goto out;
    }
    for (int k = 0; k < net->entry_count; k++) {
        const struct tr_entry *e = &net->entries[k];
        reorder(e->shape, (const char *)((tr_entry_is_running(e) ? moments : values) + e->offset), next,
                true);
        tensors[k] = (struct nn_st_tensor){.name = e->name, .type = NN_ST_F32, .data = next};
        tensors[k].rank = dims_of(e, tensors[k].dims);
        next += nn_count(e->shape);
    }
    metadata[0] = (struct nn_st_text){"architecture", tr_architecture_words[net->architecture]};
    for (int i = 0; i < text_count; i++) metadata[1 + i] = texts[i];
    status = nn_st_write(path, tensors, net->entry_count, metadata, 1 + text_count, err);
out:
    free(tensors);
    free(ordered);
    free(metadata);
    return status;
}
