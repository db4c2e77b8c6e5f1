/* What the PNG file of a sample says about itself, so that it can be told from a radiograph, and made again,
 * wherever it ends up. The text chunks of every labelled sample, from the daemon and from the command line;
 * images that learners see carry none. */
#ifndef NN_SAMPLE_TEXT_H
#define NN_SAMPLE_TEXT_H

#include "engine/engine.h"
#include "engine/image.h"

enum { NN_SAMPLE_TEXTS_MAX = 16, NN_FLOAT_TEXT_MAX = 16, NN_VECTOR_TEXT_MAX = 16 * NN_CLASSES_MAX };

/* Keywords, in this order; texts that do not apply are left out:
 *   Disclaimer    one sentence for people
 *   Origin        "synthetic"
 *   Training data "simulated" or "real": of the generator
 *   Model         its name
 *   Model SHA-256 of the checkpoint file, hex
 *   Seed          of the latent; between two seeds also "Seed to" and "Blend"
 *   Label         the class, if there is one, and its "Strength"
 *   Label vector  one number a label, in the model's order, comma between; not of unconditional models
 *   Truncation
 *   Model licence where one is stated
 *   Software      program and version */
struct nn_sample_texts {
    struct nn_png_text list[NN_SAMPLE_TEXTS_MAX];
    int count;
    char seed[24], seed_to[24], blend[NN_FLOAT_TEXT_MAX], strength[NN_FLOAT_TEXT_MAX],
        truncation[NN_FLOAT_TEXT_MAX], vector[NN_VECTOR_TEXT_MAX];
};

/* `point` is NULL for a sheet of many samples; `label` for a point that is not of one class. The texts borrow
 * model, label and software and point into the struct itself, which must not be moved. */
void nn_sample_texts_init(struct nn_sample_texts *texts, const struct nn_model_info *model,
                          const struct nn_sample_point *point, const char *label, float strength,
                          const char *software);

/* The shortest decimal number that reads back as the same float: "0.7", not "0.699999988". */
void nn_float_text(float value, char text[NN_FLOAT_TEXT_MAX]);
void nn_vector_text(const float *values, int count, char text[NN_VECTOR_TEXT_MAX]);

#endif
