/* Which of the facts are faults. */
#include <jansson.h>
#include <string.h>

#include "trainer/inspect/inspect.h"

/* Numbers that ought to be 0. */
static const struct {
    const char *key, *one, *many;
} counts[] = {
    {"patients_in_both_splits", "patient is in both splits", "patients are in both splits"},
    {"equal_files_in_both_splits", "image is in both splits", "images are in both splits"},
    {"unreadable_images", "image cannot be read", "images cannot be read"},
    {"boxes_beyond_the_image", "box reaches beyond its image", "boxes reach beyond their images"},
    {"boxes_of_no_image", "box is of no image", "boxes are of no image"},
    {"not_finite", "weight is no number", "weights are no numbers"},
};

/* Texts that are only there when something is wrong. */
static const char *const told[] = {"dataset_json_problem", "boxes_csv_problem", "generator_problem",
                                   "bad_lines_in_metrics"};

static void add_count(json_t *problems, const json_t *facts, size_t k)
{
    json_int_t count = json_integer_value(json_object_get(facts, counts[k].key));
    if (count > 0)
        json_array_append_new(problems, json_sprintf("%" JSON_INTEGER_FORMAT " %s", count,
                                                     count == 1 ? counts[k].one : counts[k].many));
}

json_t *tr_inspect_problems(const json_t *facts)
{
    static const char fit[] = "fit for training", whole[] = ": whole";
    json_t *problems = json_array(), *state;
    const char *labels = json_string_value(json_object_get(facts, "labels_csv"));
    size_t i;
    if (labels && strcmp(labels, fit) != 0) json_array_append_new(problems, json_string(labels));
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
        add_count(problems, facts, k);
        add_count(problems, json_object_get(facts, "weights"), k);
    }
    for (size_t k = 0; k < sizeof told / sizeof *told; k++)
        if (json_object_get(facts, told[k])) json_array_append(problems, json_object_get(facts, told[k]));
    json_array_foreach(json_object_get(facts, "states"), i, state)
    {
        const char *text = json_string_value(state);
        size_t length = text ? strlen(text) : 0, end = sizeof whole - 1;
        if (text && (length < end || strcmp(text + length - end, whole) != 0))
            json_array_append(problems, state);
    }
    return problems;
}
