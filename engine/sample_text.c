#include "engine/sample_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

void nn_float_text(float value, char text[NN_FLOAT_TEXT_MAX])
{
    /* 9 significant digits tell any two floats apart. */
    for (int digits = 1; digits <= 9; digits++) {
        snprintf(text, NN_FLOAT_TEXT_MAX, "%.*g", digits, (double)value);
        if (strtof(text, NULL) == value) return;
    }
}

void nn_vector_text(const float *values, int count, char text[NN_VECTOR_TEXT_MAX])
{
    int used = 0;
    text[0] = 0;
    for (int k = 0; k < count; k++) {
        char number[NN_FLOAT_TEXT_MAX];
        nn_float_text(values[k], number);
        used += snprintf(text + used, (size_t)(NN_VECTOR_TEXT_MAX - used), "%s%s", k ? "," : "", number);
    }
}

static void add(struct nn_sample_texts *texts, const char *keyword, const char *text)
{
    texts->list[texts->count++] = (struct nn_png_text){keyword, text};
}

static void add_float(struct nn_sample_texts *texts, const char *keyword, float value,
                      char text[NN_FLOAT_TEXT_MAX])
{
    nn_float_text(value, text);
    add(texts, keyword, text);
}

static void add_point(struct nn_sample_texts *t, const struct nn_model_info *model,
                      const struct nn_sample_point *point, const char *label, float strength)
{
    snprintf(t->seed, sizeof t->seed, "%" PRIu64, point->seed);
    add(t, "Seed", t->seed);
    if (point->seed_to != point->seed) {
        snprintf(t->seed_to, sizeof t->seed_to, "%" PRIu64, point->seed_to);
        add(t, "Seed to", t->seed_to);
        add_float(t, "Blend", point->blend, t->blend);
    }
    if (label) {
        add(t, "Label", label);
        add_float(t, "Strength", strength, t->strength);
    }
    if (model->label_count > 0) {
        nn_vector_text(point->labels, model->label_count, t->vector);
        add(t, "Label vector", t->vector);
    }
    add_float(t, "Truncation", point->truncation, t->truncation);
}

void nn_sample_texts_init(struct nn_sample_texts *t, const struct nn_model_info *model,
                          const struct nn_sample_point *point, const char *label, float strength,
                          const char *software)
{
    t->count = 0;
    add(t, "Disclaimer", "Synthetic radiograph made by a computer program. Not for diagnosis.");
    add(t, "Origin", "synthetic");
    add(t, "Training data", model->simulated ? "simulated" : "real");
    add(t, "Model", model->name);
    add(t, "Model SHA-256", model->sha256);
    if (point) add_point(t, model, point, label, strength);
    if (model->licence[0]) add(t, "Model licence", model->licence);
    add(t, "Software", software);
}
