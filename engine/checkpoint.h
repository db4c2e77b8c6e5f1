/* Generator checkpoints: safetensors files with one generator's weights and where they come from. Tensors
 * carry the layout's names; convolution weights (O,I,K,K) are stored, and declared, as O,K,K,I.
 *
 * Metadata keys: format, format_version, name, resolution, fmap_base, fmap_max, mbstd_group, classes (JSON
 * array), training_data ("simulated" or "real"), kimg, provenance. Optional, as the first files lack them:
 * label_kind, label_norm, conditioning (the words of engine/gan.h), fused_scale ("true" or "false"),
 * pixel_norm_epsilon. And licence, where the weights are under someone else's conditions. */
#ifndef NN_CHECKPOINT_H
#define NN_CHECKPOINT_H

#include "engine/gan.h"

enum { NN_CHECKPOINT_VERSION = 1 };

struct nn_checkpoint {
    struct nn_gan_config config; /* label_count is class_count */
    int class_count;             /* 0: unconditional; with NN_LABELS_MULTI findings rather than classes */
    char classes[NN_LABELS_MAX][NN_CLASS_NAME_MAX];
    char name[128];
    bool simulated; /* of the training data */
    double kimg;
    char provenance[1024]; /* one line */
    char licence[256];     /* under which the weights may be used, one line; empty: not stated */
};

/* `values` is the generator's flat buffer on the host. Atomic: the old file or the whole new one. */
nn_status nn_checkpoint_write(const char *path, const struct nn_checkpoint *info,
                              const struct nn_network *generator, const float *values,
                              struct nn_error *err) NN_MUST_CHECK;

/* On success the caller releases `generator` and frees *values; sha256 is of the file. A file that is
 * missing, truncated, foreign, of a newer version, or whose tensors do not fit its configuration is refused
 * with a text that says so; nothing is then left to release. */
nn_status nn_checkpoint_read(const char *path, struct nn_checkpoint *info, struct nn_network *generator,
                             float **values, char sha256[65], struct nn_error *err) NN_MUST_CHECK;

/* The same for the header alone: checks configuration, names and shapes, and does not read the weights. The
 * caller releases `generator`. */
nn_status nn_checkpoint_describe(const char *path, struct nn_checkpoint *info, struct nn_network *generator,
                                 struct nn_error *err) NN_MUST_CHECK;

/* nn_checkpoint_read for a file that a converter of foreign networks has written (metadata format is
 * "roentgym-import") and that is no checkpoint yet. Beyond the above it is refused when it holds another
 * tensor, or when its weights are not those of its metadata tensors_sha256: SHA-256 over name, a zero byte
 * and data of each tensor, sorted by name. */
nn_status nn_checkpoint_read_import(const char *path, struct nn_checkpoint *info,
                                    struct nn_network *generator, float **values, char sha256[65],
                                    struct nn_error *err) NN_MUST_CHECK;

#endif
