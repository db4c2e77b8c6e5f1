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

/* The first source of that collection, "" for what is drawn, that has the class; -1 when there is none. */
static int source_of(const struct srv_deck *deck, const char *collection, const char *class_name)
{
    for (int s = 0; s < deck->source_count; s++)
        if (!strcmp(deck->sources[s].collection, collection) && has_class(&deck->sources[s], class_name))
            return s;
    return -1;
}

/* The class and seed of a listed or excluded image that the model draws. */
static nn_status read_image(const json_t *json, const char *where, const struct srv_deck *deck,
                            char class_name[NN_CLASS_NAME_MAX], uint64_t *seed, struct nn_error *err)
{
    nn_status status = srv_deck_field_text(json, where, "class", class_name, NN_CLASS_NAME_MAX, err);
    if (!status && source_of(deck, "", class_name) < 0)
        status = nn_fail(err, NN_ERR_FORMAT, "%s.class: is none of the sources'", where);
    return status ? status : srv_deck_field_seed(json, where, seed, err);
}

static nn_status read_library_pick(const json_t *json, const char *where, const struct srv_deck *deck,
                                   struct srv_deck_pick *pick, struct nn_error *err)
{
    static const struct srv_json_field fields[] = {
        {"class", 's', true}, {"collection", 's', true}, {"file", 's', true}};
    char collection[DECK_ID_TEXT];
    nn_status status = srv_json_fields_check(json, where, fields, 3, err);
    if (!status) status = srv_deck_field_id(json, where, "collection", collection, err);
    if (!status)
        status = srv_deck_field_text(json, where, "class", pick->class_name, sizeof pick->class_name, err);
    if (!status) status = srv_deck_field_text(json, where, "file", pick->file, sizeof pick->file, err);
    if (status) return status;
    pick->source = source_of(deck, collection, pick->class_name);
    if (pick->source >= 0) return NN_OK;
    return nn_fail(err, NN_ERR_FORMAT, "%s.class: is none of that collection's sources'", where);
}

static nn_status read_drawn_pick(const json_t *json, const char *where, const struct srv_deck *deck,
                                 struct srv_deck_pick *pick, struct nn_error *err)
{
    static const struct srv_json_field fields[] = {
        {"class", 's', true},
        {"seed", 's', true},
        {"strength", 'n', false},
        {"truncation", 'n', false},
    };
    nn_status status = srv_json_fields_check(json, where, fields, sizeof fields / sizeof *fields, err);
    if (!status) status = read_image(json, where, deck, pick->class_name, &pick->seed, err);
    if (!status) status = srv_deck_field_share(json, where, "strength", &pick->strength, err);
    if (!status) status = srv_deck_field_share(json, where, "truncation", &pick->truncation, err);
    return status;
}

static bool same_pick(const struct srv_deck *deck, const struct srv_deck_pick *a,
                      const struct srv_deck_pick *b)
{
    if (*a->file && *b->file)
        return !strcmp(a->file, b->file) &&
               !strcmp(deck->sources[a->source].collection, deck->sources[b->source].collection);
    return !*a->file && !*b->file && a->seed == b->seed && a->strength == b->strength &&
           a->truncation == b->truncation && !strcmp(a->class_name, b->class_name);
}

static nn_status read_pick(const json_t *json, const char *where, struct srv_deck *deck, struct nn_error *err)
{
    struct srv_deck_pick *pick = &deck->list[deck->list_count];
    *pick = (struct srv_deck_pick){.source = -1, .strength = 1, .truncation = 1};
    nn_status status = json_object_get(json, "collection") ? read_library_pick(json, where, deck, pick, err)
                                                           : read_drawn_pick(json, where, deck, pick, err);
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
    static const struct srv_json_field fields[] = {{"class", 's', true}, {"seed", 's', true}};
    struct srv_deck_exclusion *image = &deck->exclude[deck->exclude_count++];
    nn_status status = srv_json_fields_check(json, where, fields, 2, err);
    return status ? status : read_image(json, where, deck, image->class_name, &image->seed, err);
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

static bool has_collection(const struct srv_deck *deck)
{
    for (int s = 0; s < deck->source_count; s++)
        if (*deck->sources[s].collection) return true;
    return false;
}

static nn_status check_pairs(const struct srv_deck *deck, const char *where, struct nn_error *err)
{
    if (!deck->pairs) return NN_OK;
    if (has_collection(deck))
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
