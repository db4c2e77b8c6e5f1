#include "trainer/sample/sample_table.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/sample_text.h"
#include "trainer/data/csv_cell.h"

/* ---- labels.csv --------------------------------------------------------------------------------- */

static void write_row(FILE *out, const struct tr_sample_plan *plan, int index)
{
    const struct tr_sample_item *item = &plan->items[index];
    struct nn_sample_point point = tr_sample_point(plan, index);
    char file[TR_SAMPLE_FILE_MAX], label[TR_SAMPLE_LABEL_MAX], number[NN_FLOAT_TEXT_MAX],
        vector[NN_VECTOR_TEXT_MAX];
    tr_sample_file(plan, index, file);
    tr_csv_write_cell(out, file);
    putc(',', out);
    tr_sample_label_text(plan, index, label);
    tr_csv_write_cell(out, label);
    fprintf(out, ",s%" PRIu64, point.seed);
    if (plan->wish.strip) fprintf(out, "-%" PRIu64, point.seed_to);
    fprintf(out, ",,%s,%" PRIu64 ",", item->train ? "train" : "test", point.seed);
    if (plan->wish.strip) {
        nn_float_text(point.blend, number);
        fprintf(out, "%" PRIu64 ",%s,", point.seed_to, number);
    } else {
        fputs(",,", out);
    }
    nn_float_text(plan->wish.strength, number);
    fprintf(out, "%s,", tr_sample_is_of_class(plan) ? number : "");
    nn_float_text(point.truncation, number);
    nn_vector_text(point.labels, plan->model->label_count, vector);
    fprintf(out, "%s,", number);
    tr_csv_write_cell(out, vector);
    putc('\n', out);
}

char *tr_sample_labels_text(const struct tr_sample_plan *plan)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out) return NULL;
    fprintf(out, "file,%s,patient_id,side,split,seed,seed_to,blend,strength,truncation,label_vector\n",
            plan->model->multi_label ? "labels" : "label");
    for (int i = 0; i < plan->count; i++) write_row(out, plan, i);
    bool whole = !ferror(out);
    whole &= fclose(out) == 0;
    if (whole) return text;
    free(text);
    return NULL;
}

/* ---- dataset.json ------------------------------------------------------------------------------- */

/* 0.7, where json_real of a float would give 0.699999988. */
static json_t *number_of(float value)
{
    char text[NN_FLOAT_TEXT_MAX];
    nn_float_text(value, text);
    return json_real(strtod(text, NULL));
}

/* "classes" has those with training images only: without any, none is a class of a data set. */
static void add_classes(json_t *root, const struct tr_sample_plan *plan)
{
    const struct nn_model_info *model = plan->model;
    int counts[NN_CLASSES_MAX] = {0}, rest = 0;
    uint64_t trained = 0;
    for (int i = 0; i < plan->count; i++) {
        uint64_t labels = tr_sample_labels(plan, i);
        for (int k = 0; k < model->label_count; k++) counts[k] += labels >> k & 1;
        rest += labels == 0;
        if (plan->items[i].train) trained |= labels;
    }
    json_t *classes = json_array(), *images = json_object();
    for (int k = 0; k < model->label_count; k++) {
        if (trained >> k & 1) json_array_append_new(classes, json_string(model->classes[k]));
        if (counts[k]) json_object_set_new(images, model->classes[k], json_integer(counts[k]));
    }
    if (rest)
        json_object_set_new(images, model->label_count ? NN_CLASS_NONE : NN_CLASS_ANY, json_integer(rest));
    if (trained)
        json_object_set_new(root, "classes", classes);
    else
        json_decref(classes); /* the reader finds them in labels.csv */
    json_object_set_new(root, "images_of_class", images);
}

static json_t *wish_of(const struct tr_sample_wish *w, const struct tr_sample_plan *plan)
{
    json_t *wish = json_object();
    char first[24], last[24];
    snprintf(first, sizeof first, "%" PRIu64, w->first_seed);
    snprintf(last, sizeof last, "%" PRIu64,
             w->like ? w->first_seed + (uint64_t)plan->count - 1 : w->last_seed);
    /* As text: a seed has 64 bits, a number in JSON 53. */
    json_object_set_new(wish, w->strip ? "strip_from" : "first_seed", json_string(first));
    json_object_set_new(wish, w->strip ? "strip_to" : "last_seed", json_string(last));
    if (w->class_name) json_object_set_new(wish, "class", json_string(w->class_name));
    if (w->vector) json_object_set_new(wish, "label", json_string(w->vector));
    if (w->like) json_object_set_new(wish, "like", json_string(w->like));
    if (w->like) json_object_set_new(wish, "split", json_string(w->split));
    if (w->morph) json_object_set_new(wish, "morph", json_string(w->morph));
    if (w->strip || w->morph) json_object_set_new(wish, "frames", json_integer(w->frames));
    if (tr_sample_is_of_class(plan)) json_object_set_new(wish, "strength", number_of(w->strength));
    json_object_set_new(wish, "truncation", number_of(w->truncation));
    return wish;
}

static json_t *generator_of(const struct nn_model_info *model)
{
    json_t *generator = json_object();
    json_object_set_new(generator, "name", json_string(model->name));
    json_object_set_new(generator, "sha256", json_string(model->sha256));
    json_object_set_new(generator, "training_data", json_string(model->simulated ? "simulated" : "real"));
    json_object_set_new(generator, "kimg", json_real(model->kimg));
    json_object_set_new(generator, "device", json_string(model->device));
    json_object_set_new(generator, "provenance", json_string(model->provenance));
    if (model->licence[0]) json_object_set_new(generator, "licence", json_string(model->licence));
    return generator;
}

char *tr_sample_dataset_text(const struct tr_sample_plan *plan, const struct tr_sample_output *output)
{
    const struct nn_model_info *model = plan->model;
    char provenance[400];
    snprintf(
        provenance, sizeof provenance,
        "synthetic: made by the generator %s (sha256 %s), which was trained on %s data; not for diagnosis",
        model->name, model->sha256, model->simulated ? "simulated" : "real");
    json_t *root = json_object();
    json_object_set_new(root, "name", json_string(output->name));
    json_object_set_new(root, "synthetic", json_true());
    json_object_set_new(root, "simulated", json_boolean(model->simulated));
    json_object_set_new(root, "provenance", json_string(provenance));
    json_object_set_new(root, "images", json_integer(plan->count));
    json_object_set_new(root, "size", json_integer(output->side));
    json_object_set_new(root, "depth", json_integer(output->depth));
    add_classes(root, plan);
    json_object_set_new(root, "request", wish_of(&plan->wish, plan));
    json_object_set_new(root, "generator", generator_of(model));
    json_object_set_new(root, "software", json_string("roentgym " ROENTGYM_VERSION));
    /* Jansson refuses what is not UTF-8. */
    bool named = json_object_get(root, "name") != NULL;
    char *json = named ? json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) : NULL, *text = NULL;
    if (json && asprintf(&text, "%s\n", json) < 0) text = NULL;
    free(json);
    json_decref(root);
    return text;
}
