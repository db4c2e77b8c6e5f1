#include <stdio.h>
#include <string.h>

#include "server/decks/deck_fields.h"
#include "server/decks/deck_parts.h"
#include "server/http/json_fields.h"

static bool has_class(const struct srv_deck_source *source, const char *class_name)
{
    for (int truth = 0; truth < DECK_CHOICES; truth++)
        for (int i = 0; i < source->class_count[truth]; i++)
            if (!strcmp(source->classes[truth][i].name, class_name)) return true;
    return false;
}

/* The first source of that collection, "" for what is drawn, and model, NULL for any, that has the class; -1
 * when there is none. */
static int source_of(const struct srv_deck *deck, const char *collection, const char *model,
                     const char *class_name)
{
    for (int s = 0; s < deck->source_count; s++)
        if (!strcmp(deck->sources[s].collection, collection) && has_class(&deck->sources[s], class_name) &&
            (!model || !strcmp(deck->models[deck->sources[s].model], model)))
            return s;
    return -1;
}

/* What a list and an exclusion say of an image. */
struct image {
    char *class_name; /* NN_CLASS_NAME_MAX */
    int *source;
    char *file; /* DECK_FILE_TEXT */
    uint64_t *seed;
};

static nn_status read_of_library(const json_t *json, const char *where, const struct srv_deck *deck,
                                 const struct image *image, struct nn_error *err)
{
    static const struct srv_json_field fields[] = {
        {"class", 's', true}, {"collection", 's', true}, {"file", 's', true}};
    char collection[DECK_ID_TEXT];
    nn_status status = srv_json_fields_check(json, where, fields, 3, err);
    if (!status) status = srv_deck_field_id(json, where, "collection", collection, err);
    if (!status)
        status = srv_deck_field_text(json, where, "class", image->class_name, NN_CLASS_NAME_MAX, err);
    if (!status) status = srv_deck_field_text(json, where, "file", image->file, DECK_FILE_TEXT, err);
    if (status) return status;
    *image->source = source_of(deck, collection, NULL, image->class_name);
    if (*image->source >= 0) return NN_OK;
    return nn_fail(err, NN_ERR_FORMAT, "%s.class: is none of that collection's sources'", where);
}

/* `fields` start with class, model and seed. */
static nn_status read_drawn(const json_t *json, const char *where, const struct srv_deck *deck,
                            const struct srv_json_field *fields, int field_count, const struct image *image,
                            struct nn_error *err)
{
    const char *model = json_string_value(json_object_get(json, "model"));
    nn_status status = srv_json_fields_check(json, where, fields, field_count, err);
    if (!status)
        status = srv_deck_field_text(json, where, "class", image->class_name, NN_CLASS_NAME_MAX, err);
    if (!status && model && srv_deck_model_find(deck, model) < 0)
        status = nn_fail(err, NN_ERR_FORMAT, "%s.model: is none of the sources'", where);
    if (status) return status;
    *image->source = source_of(deck, "", model, image->class_name);
    if (*image->source < 0)
        return nn_fail(err, NN_ERR_FORMAT, "%s.class: is none of %s sources'", where,
                       model ? "that model's" : "the");
    return srv_deck_field_seed(json, where, image->seed, err);
}

static bool same_pick(const struct srv_deck *deck, const struct srv_deck_pick *a,
                      const struct srv_deck_pick *b)
{
    const struct srv_deck_source *of_a = &deck->sources[a->source], *of_b = &deck->sources[b->source];
    if (*a->file || *b->file) return !strcmp(a->file, b->file) && !strcmp(of_a->collection, of_b->collection);
    return a->seed == b->seed && a->strength == b->strength && a->truncation == b->truncation &&
           of_a->model == of_b->model && !strcmp(a->class_name, b->class_name);
}

static nn_status read_pick(const json_t *json, const char *where, struct srv_deck *deck, struct nn_error *err)
{
    static const struct srv_json_field fields[] = {
        {"class", 's', true},     {"model", 's', false},      {"seed", 's', true},
        {"strength", 'n', false}, {"truncation", 'n', false},
    };
    struct srv_deck_pick *pick = &deck->list[deck->list_count];
    *pick = (struct srv_deck_pick){.strength = 1, .truncation = 1};
    const struct image image = {pick->class_name, &pick->source, pick->file, &pick->seed};
    bool of_library = json_object_get(json, "collection");
    nn_status status = of_library ? read_of_library(json, where, deck, &image, err)
                                  : read_drawn(json, where, deck, fields, 5, &image, err);
    if (!status && !of_library) status = srv_deck_field_share(json, where, "strength", &pick->strength, err);
    if (!status && !of_library)
        status = srv_deck_field_share(json, where, "truncation", &pick->truncation, err);
    if (status) return status;
    for (int i = 0; i < deck->list_count; i++)
        if (same_pick(deck, &deck->list[i], pick))
            return nn_fail(err, NN_ERR_FORMAT, "%s: is the same image as list[%d]", where, i);
    pick->truth = srv_deck_truth_of(deck, pick->class_name);
    deck->list_count++;
    return NN_OK;
}

static nn_status read_exclusion(const json_t *json, const char *where, struct srv_deck *deck,
                                struct nn_error *err)
{
    static const struct srv_json_field fields[] = {
        {"class", 's', true}, {"model", 's', false}, {"seed", 's', true}};
    struct srv_deck_exclusion *out = &deck->exclude[deck->exclude_count++];
    const struct image image = {out->class_name, &out->source, out->file, &out->seed};
    return json_object_get(json, "collection") ? read_of_library(json, where, deck, &image, err)
                                               : read_drawn(json, where, deck, fields, 3, &image, err);
}

/* Each member of the array `name` through `read`; an absent array is none. */
static nn_status read_images(const json_t *json, const char *where, const char *name, int max,
                             nn_status (*read)(const json_t *, const char *, struct srv_deck *,
                                               struct nn_error *),
                             struct srv_deck *deck, struct nn_error *err)
{
    nn_status status = NN_OK;
    const json_t *list = json_object_get(json, name);
    if (json_array_size(list) > (size_t)max)
        return nn_fail(err, NN_ERR_FORMAT, "%s.%s: must be at most %d", where, name, max);
    for (size_t i = 0; !status && i < json_array_size(list); i++) {
        char at[DECK_WHERE_TEXT];
        snprintf(at, sizeof at, "%.60s.%s[%zu]", where, name, i);
        status = read(json_array_get(list, i), at, deck, err);
    }
    return status;
}

static nn_status read_draw(const json_t *json, const char *where, struct srv_deck *deck, struct nn_error *err)
{
    static const struct srv_json_field fields[] = {{"mode", 's', true}, {"seed", 's', false}};
    static const char *const modes[] = {"fresh", "fixed"};
    int mode = 0;
    char at[DECK_WHERE_TEXT];
    const json_t *draw = json_object_get(json, "draw");
    if (!draw) return NN_OK;
    snprintf(at, sizeof at, "%.60s.draw", where);
    nn_status status = srv_json_fields_check(draw, at, fields, 2, err);
    if (!status) status = srv_deck_field_name(draw, at, "mode", modes, 2, &mode, err);
    if (status) return status;
    deck->fixed = mode;
    if (deck->fixed) return srv_deck_field_seed(draw, at, &deck->seed, err);
    if (!json_object_get(draw, "seed")) return NN_OK;
    return nn_fail(err, NN_ERR_FORMAT, "%s.seed: belongs to mode fixed", at);
}

/* A list says itself how many there are of which class. */
nn_status srv_deck_read_list(const json_t *json, const char *where, struct srv_deck *deck,
                             struct nn_error *err)
{
    static const char *const drawing[] = {"items", "prevalence", "draw", "pairs", "exclude"};
    bool again = deck->order == DECK_ADAPTIVE; /* which may show more items than there are images */
    for (size_t i = again; i < sizeof drawing / sizeof *drawing; i++)
        if (json_object_get(json, drawing[i]))
            return nn_fail(err, NN_ERR_FORMAT, "%s.%s: does not go with a list", where, drawing[i]);
    if (json_array_size(json_object_get(json, "list")) == 0)
        return nn_fail(err, NN_ERR_FORMAT, "%s.list: must be 1 to %d", where, DECK_ITEMS_MAX);
    nn_status status = read_images(json, where, "list", DECK_ITEMS_MAX, read_pick, deck, err);
    deck->items = deck->list_count;
    return status ? status : srv_deck_field_whole(json, where, "items", 1, DECK_ITEMS_MAX, &deck->items, err);
}

static nn_status check_pairs(const struct srv_deck *deck, const char *where, struct nn_error *err)
{
    if (!deck->pairs) return NN_OK;
    if (srv_deck_has_collection(deck))
        return nn_fail(err, NN_ERR_FORMAT, "%s.pairs: a library has no two images of one latent", where);
    if (deck->items % 2) return nn_fail(err, NN_ERR_FORMAT, "%s.items: must be even with pairs", where);
    if (deck->prevalence != 0.5)
        return nn_fail(err, NN_ERR_FORMAT, "%s.prevalence: must be 0.5 with pairs", where);
    if (deck->order != DECK_RANDOM)
        return nn_fail(err, NN_ERR_FORMAT, "%s.order.rule: must be random with pairs", where);
    return NN_OK;
}

nn_status srv_deck_read_drawing(const json_t *json, const char *where, struct srv_deck *deck,
                                struct nn_error *err)
{
    static const char *const needed[] = {"items", "prevalence"};
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (!json_object_get(json, needed[i]))
            return nn_fail(err, NN_ERR_FORMAT, "%s.%s: is missing", where, needed[i]);
    nn_status status = srv_deck_field_whole(json, where, "items", 1, DECK_ITEMS_MAX, &deck->items, err);
    if (!status) status = srv_deck_field_share(json, where, "prevalence", &deck->prevalence, err);
    if (!status) status = read_draw(json, where, deck, err);
    deck->pairs = json_is_true(json_object_get(json, "pairs"));
    if (!status) status = read_images(json, where, "exclude", DECK_EXCLUDED_MAX, read_exclusion, deck, err);
    if (!status && deck->order == DECK_GIVEN)
        status = nn_fail(err, NN_ERR_FORMAT, "%s.order.rule: given goes with a list only", where);
    return status ? status : check_pairs(deck, where, err);
}
