/* The engine's public face: a model is one generator, opened from a checkpoint and ready to sample. The
 * server includes this and a few headers of files, images and statistics (tests/dependencies.sh lists them),
 * nothing of tensors and networks.
 *
 * Threads: a model belongs to one thread at a time; different models may be used by different threads.
 * nn_model_info's result may be read by any thread while the model is open. */
#ifndef NN_ENGINE_H
#define NN_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/error.h"

/* The version of both programs. Images, sessions and metrics carry it; the commit is left out, because the
 * same sample must have the same bytes in every build. */
#define ROENTGYM_VERSION "0.3.0"

enum { NN_CLASSES_MAX = 64, NN_CLASS_NAME_MAX = 48 };

/* Classes that a model offers beyond the labels it has learnt. No label may have one of these names. */
#define NN_CLASS_NONE "none" /* of a multi-label model, the last: none of its findings */
#define NN_CLASS_ANY "any"   /* of an unconditional model, the only one */

struct nn_model;

struct nn_model_info {
    char sha256[65];                                 /* of the checkpoint file, lower-case hex */
    char name[128];                                  /* from the checkpoint, e.g. "hip-phantom-1024" */
    int resolution;                                  /* side in pixels of a sample */
    int class_count;                                 /* >= 1 */
    char classes[NN_CLASSES_MAX][NN_CLASS_NAME_MAX]; /* in label order, e.g. "no_fracture", "fracture"; then
                                                        NN_CLASS_NONE or NN_CLASS_ANY where there is one */
    int label_count;  /* how many of the classes are labels that the model has learnt; 0: unconditional */
    bool multi_label; /* labels may be together: a class is then one finding without the others */
    bool simulated;   /* true: the training data were simulated, not patients */
    double kimg;      /* thousands of real images shown to the discriminator */
    char device[64];  /* what it runs on, e.g. "cpu (oneDNN, bf16)" */
    char device_note[320]; /* why not the GPU, one line to show once; "" where there is nothing to say */
    char provenance[1024]; /* one line: data set name, hash, how it was trained */
    char licence[256];     /* of weights that others have trained, one line; empty: not stated */
};

/* One sample. The same model file, request and device class give the same pixels. */
struct nn_sample_request {
    uint64_t seed;    /* chooses the latent: which hip */
    int class_index;  /* 0 .. class_count-1 */
    float strength;   /* [0,1]: 1 the class itself, 0 the mean over classes, or of a multi-label model none of
                         its findings */
    float truncation; /* [0,1]: scales the latent; 1 full variety, 0 the class's mean hip */
};

/* A sample that a request cannot describe: any mixture of classes, and latents between two seeds. */
struct nn_sample_point {
    uint64_t seed, seed_to; /* chooses the latent, between those of two seeds: */
    float blend;            /* [0,1]: 0 that of `seed`, 1 that of `seed_to`; both are their own images */
    float labels[NN_CLASSES_MAX]; /* label_count of them in [0,1]; of one class: 1 for it, 0 for the others */
    float truncation;             /* [0,1] as above */
};

/* `device`: "cpu", "cuda", or "auto": the GPU where it works, else the CPU. When a GPU that "auto" chose
 * fails later or runs out of memory, sampling continues on the CPU. nn_model_info then returns another
 * description, whose device and device_note say so; the first one stays valid and unchanged. The images of
 * one call are all from the device that nn_model_info names after it. */
nn_status nn_model_open(struct nn_model **model, const char *path, const char *device,
                        struct nn_error *err) NN_MUST_CHECK;
void nn_model_close(struct nn_model *model); /* NULL is harmless */
const struct nn_model_info *nn_model_info(const struct nn_model *model);

/* Memory that the open model holds, host and device together. */
size_t nn_model_memory_bytes(const struct nn_model *model);

/* What nn_model_info would say about a file. Only its header is read and checked, so nn_model_open may still
 * refuse its weights. sha256, device and device_note stay empty. *memory_bytes is about what
 * nn_model_memory_bytes will be on the CPU. Any thread. */
nn_status nn_model_describe(const char *path, struct nn_model_info *info, size_t *memory_bytes,
                            struct nn_error *err) NN_MUST_CHECK;

/* Writes `count` samples of resolution^2 8-bit grey pixels each, one after another. A bad request (class,
 * strength or truncation out of range, NaN) is NN_ERR_ARGUMENT and writes nothing. */
nn_status nn_model_sample(struct nn_model *model, const struct nn_sample_request *requests, int count,
                          uint8_t *pixels, struct nn_error *err) NN_MUST_CHECK;

/* The point that a valid `request` stands for in the model that `info` describes. */
struct nn_sample_point nn_sample_point_of(const struct nn_model_info *info,
                                          const struct nn_sample_request *request);

/* Writes `count` samples of `side`^2 grey pixels of `depth` bits (8: uint8_t, 16: uint16_t), one after
 * another. `side` is the model's resolution or a smaller power of two >= 4: each pixel is then the mean of
 * its box, not yet rounded, as in the pyramid that lower levels are trained on. (The networks' own
 * low-resolution outputs are no longer trained once a level is grown.) A bad point, side or depth is
 * NN_ERR_ARGUMENT and writes nothing. */
nn_status nn_model_draw(struct nn_model *model, const struct nn_sample_point *points, int count, int side,
                        int depth, void *pixels, struct nn_error *err) NN_MUST_CHECK;

#endif
