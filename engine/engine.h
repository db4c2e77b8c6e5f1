/* The engine's public face: all that the server may include (with error.h and image.h). A model is one
 * generator, opened from a checkpoint and ready to sample.
 *
 * Threads: a model belongs to one thread at a time; different models may be used by different threads.
 * nn_model_info's result may be read by any thread while the model is open. */
#ifndef NN_ENGINE_H
#define NN_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/error.h"

enum { NN_CLASSES_MAX = 64, NN_CLASS_NAME_MAX = 48 };

struct nn_model;

struct nn_model_info {
    char sha256[65];                                 /* of the checkpoint file, lower-case hex */
    char name[128];                                  /* from the checkpoint, e.g. "hip-phantom-1024" */
    int resolution;                                  /* side in pixels of a sample */
    int class_count;                                 /* >= 1 */
    char classes[NN_CLASSES_MAX][NN_CLASS_NAME_MAX]; /* in label order, e.g. "no_fracture", "fracture" */
    bool simulated;        /* true: the training data were simulated, not patients */
    double kimg;           /* thousands of real images shown to the discriminator */
    char device[64];       /* what it runs on, e.g. "cpu (oneDNN, bf16)" */
    char provenance[1024]; /* one line: data set name, hash, how it was trained */
};

/* One sample. The same model file, request and device class give the same pixels. */
struct nn_sample_request {
    uint64_t seed;    /* chooses the latent: which hip */
    int class_index;  /* 0 .. class_count-1 */
    float strength;   /* [0,1]: 1 the class itself, 0 the mean over classes */
    float truncation; /* [0,1]: scales the latent; 1 full variety, 0 the class's mean hip */
};

/* `device`: "auto" (the best that works), "cpu" or "cuda". */
nn_status nn_model_open(struct nn_model **model, const char *path, const char *device,
                        struct nn_error *err) NN_MUST_CHECK;
void nn_model_close(struct nn_model *model); /* NULL is harmless */
const struct nn_model_info *nn_model_info(const struct nn_model *model);

/* Writes `count` samples of resolution^2 8-bit grey pixels each, one after another. A bad request (class,
 * strength or truncation out of range, NaN) is NN_ERR_ARGUMENT and writes nothing. */
nn_status nn_model_sample(struct nn_model *model, const struct nn_sample_request *requests, int count,
                          uint8_t *pixels, struct nn_error *err) NN_MUST_CHECK;

#endif
