#include <stdio.h>
#include <string.h>

#include "server/decks/deck_fields.h"
#include "server/decks/deck_parts.h"
#include "server/http/json_fields.h"

nn_status srv_deck_class_add(const char *name, double share, const char *where,
                             struct srv_deck_source *source, int truth, struct nn_error *err)
{
    size_t length = strlen(name);
    struct srv_deck_class *class = &source->classes[truth][source->class_count[truth]];
    if (length == 0 || length >= sizeof class->name)
        return nn_fail(err, NN_ERR_FORMAT, "%s: a class must have 1 to %zu bytes", where,
                       sizeof class->name - 1);
    if (!(share > 0 && share <= 1e6))
        return nn_fail(err, NN_ERR_FORMAT, "%s.%s: must be a number above 0, at most 1000000", where, name);
    for (int k = 0; k < DECK_CHOICES; k++)
        for (int i = 0; i < source->class_count[k]; i++)
            if (!strcmp(source->classes[k][i].name, name))
                return nn_fail(err, NN_ERR_FORMAT, "%s: the class \"%s\" is there twice", where, name);
    memcpy(class->name, name, length + 1);
    class->share = share;
    source->class_count[truth]++;
    return NN_OK;
}

/* An array of names, with equal shares, or an object of name: share. */
static nn_status read_classes(const json_t *value, const char *where, struct srv_deck_source *source,
                              int truth, struct nn_error *err)
{
    nn_status status = NN_OK;
    size_t count = json_is_array(value) ? json_array_size(value) : json_object_size(value);
    if (count < 1 || count > DECK_CLASSES_MAX)
        return nn_fail(err, NN_ERR_FORMAT, "%s: must be 1 to %d classes", where, DECK_CLASSES_MAX);
    for (size_t i = 0; !status && i < json_array_size(value); i++) {
        const char *name = json_string_value(json_array_get(value, i));
        status = name ? srv_deck_class_add(name, 1, where, source, truth, err)
                      : nn_fail(err, NN_ERR_FORMAT, "%s[%zu]: must be a string", where, i);
    }
    const char *name;
    json_t *share;
    json_object_foreach((json_t *)value, name, share)
    {
        if (status) break;
        status = srv_deck_class_add(name, json_number_value(share), where, source, truth, err);
    }
    return status;
}

static nn_status read_weight(const json_t *json, const char *where, double *weight, struct nn_error *err)
{
    const json_t *value = json_object_get(json, "weight");
    *weight = value ? json_number_value(value) : 1;
    if (*weight > 0 && *weight <= 1e6) return NN_OK;
    return nn_fail(err, NN_ERR_FORMAT, "%s.weight: must be a number above 0, at most 1000000", where);
}

/* What only one kind of source has. */
static nn_status read_kind(const json_t *json, const char *where, struct srv_deck_source *source,
                           struct nn_error *err)
{
    static const struct srv_json_field gan[] = {
        {"kind", 's', true},        {"model", 's', true},   {"weight", 'n', false},  {"strength", '*', false},
        {"truncation", '*', false}, {"classes", 'o', true}, {"checked", 'b', false},
    };
    static const struct srv_json_field library[] = {
        {"kind", 's', true},       {"model", 's', true},  {"weight", 'n', false},
        {"collection", 's', true}, {"split", 's', false}, {"classes", 'o', true},
    };
    static const char *const kinds[] = {"gan", "library"}, *const splits[] = {"train", "test"};
    int kind = 0, split = 0;
    if (json_is_string(json_object_get(json, "kind"))) {
        nn_status status = srv_deck_field_name(json, where, "kind", kinds, 2, &kind, err);
        if (status) return status;
    }
    nn_status status = srv_json_fields_check(json, where, kind ? library : gan, kind ? 6 : 7, err);
    if (!status && kind) status = srv_deck_field_id(json, where, "collection", source->collection, err);
    if (!status) status = srv_deck_field_name(json, where, "split", splits, 2, &split, err);
    source->test = split;
    source->checked = json_is_true(json_object_get(json, "checked"));
    return status;
}

/* What has been checked is the whole image of the class. */
static nn_status check_checked(const struct srv_deck_source *source, const char *where, struct nn_error *err)
{
    if (!source->checked) return NN_OK;
    if (source->strength.low != 1)
        return nn_fail(err, NN_ERR_FORMAT, "%s.strength: must be 1 with checked", where);
    if (source->truncation.low != 1)
        return nn_fail(err, NN_ERR_FORMAT, "%s.truncation: must be 1 with checked", where);
    return NN_OK;
}

static nn_status read_source(const json_t *json, const char *where, struct srv_deck *deck,
                             struct nn_error *err)
{
    static const struct srv_json_field sides[] = {{"no", '*', true}, {"yes", '*', true}};
    char model[DECK_ID_TEXT], at[DECK_WHERE_TEXT];
    struct srv_deck_source *source = &deck->sources[deck->source_count];
    nn_status status = read_kind(json, where, source, err);
    if (!status) status = srv_deck_field_id(json, where, "model", model, err);
    if (!status) status = read_weight(json, where, &source->weight, err);
    if (!status) status = srv_deck_field_range(json, where, "strength", &source->strength, err);
    if (!status) status = srv_deck_field_range(json, where, "truncation", &source->truncation, err);
    if (!status) status = check_checked(source, where, err);
    const json_t *classes = json_object_get(json, "classes");
    snprintf(at, sizeof at, "%.80s.classes", where);
    if (!status) status = srv_json_fields_check(classes, at, sides, DECK_CHOICES, err);
    for (int truth = 0; !status && truth < DECK_CHOICES; truth++) {
        snprintf(at, sizeof at, "%.80s.classes.%s", where, sides[truth].name);
        status = read_classes(json_object_get(classes, sides[truth].name), at, source, truth, err);
    }
    if (status) return status;
    source->model = srv_deck_model_find(deck, model);
    if (source->model < 0) {
        source->model = deck->model_count;
        memcpy(deck->models[deck->model_count++], model, sizeof model);
    }
    deck->source_count++;
    return NN_OK;
}

/* What one source calls a yes no other may call a no. */
static nn_status check_sides(const struct srv_deck *deck, const char *where, struct nn_error *err)
{
    for (int s = 0; s < deck->source_count; s++)
        for (int truth = 0; truth < DECK_CHOICES; truth++)
            for (int i = 0; i < deck->sources[s].class_count[truth]; i++)
                if (srv_deck_truth_of(deck, deck->sources[s].classes[truth][i].name) != truth)
                    return nn_fail(err, NN_ERR_FORMAT,
                                   "%s.sources[%d].classes: \"%s\" stands for the other choice in an earlier "
                                   "source",
                                   where, s, deck->sources[s].classes[truth][i].name);
    return NN_OK;
}

nn_status srv_deck_read_sources(const json_t *json, const char *where, struct srv_deck *deck,
                                struct nn_error *err)
{
    nn_status status = NN_OK;
    const json_t *list = json_object_get(json, "sources");
    size_t count = json_array_size(list);
    if (count < 1 || count > DECK_SOURCES_MAX)
        return nn_fail(err, NN_ERR_FORMAT, "%s.sources: must be 1 to %d", where, DECK_SOURCES_MAX);
    for (size_t i = 0; !status && i < count; i++) {
        char at[DECK_WHERE_TEXT];
        snprintf(at, sizeof at, "%.60s.sources[%zu]", where, i);
        status = read_source(json_array_get(list, i), at, deck, err);
    }
    return status ? status : check_sides(deck, where, err);
}
