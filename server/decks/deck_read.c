#include <stdio.h>
#include <string.h>

#include "server/decks/deck.h"
#include "server/http/json_fields.h"
#include "server/http/request.h"

enum { WHERE_TEXT = 128 };

/* ---- single fields, whose types srv_json_fields_check has found right ---- */

/* An absent field leaves the text as it is. */
static nn_status read_text(const json_t *json, const char *where, const char *name, char *text, size_t size,
                           struct nn_error *err)
{
    const char *value = json_string_value(json_object_get(json, name));
    if (!value) return NN_OK;
    size_t length = strlen(value);
    if (length == 0 || length >= size)
        return nn_fail(err, NN_ERR_FORMAT, "%s.%s: must have 1 to %zu bytes", where, name, size - 1);
    memcpy(text, value, length + 1);
    return NN_OK;
}

static nn_status read_id(const json_t *json, const char *where, const char *name, char id[DECK_ID_TEXT],
                         struct nn_error *err)
{
    nn_status status = read_text(json, where, name, id, DECK_ID_TEXT, err);
    if (!status && !srv_deck_id_valid(id))
        status = nn_fail(err, NN_ERR_FORMAT, "%s.%s: only a-z, 0-9, _ and - are allowed", where, name);
    return status;
}

/* A number in [0,1]; an absent field leaves what is there. */
static nn_status read_share(const json_t *json, const char *where, const char *name, double *share,
                            struct nn_error *err)
{
    const json_t *value = json_object_get(json, name);
    if (value) *share = json_number_value(value);
    if (*share >= 0 && *share <= 1) return NN_OK;
    return nn_fail(err, NN_ERR_FORMAT, "%s.%s: must be between 0 and 1", where, name);
}

static nn_status read_whole(const json_t *json, const char *where, const char *name, int low, int high,
                            int *value, struct nn_error *err)
{
    const json_t *given = json_object_get(json, name);
    if (!given) return NN_OK;
    if (json_integer_value(given) < low || json_integer_value(given) > high)
        return nn_fail(err, NN_ERR_FORMAT, "%s.%s: must be between %d and %d", where, name, low, high);
    *value = (int)json_integer_value(given);
    return NN_OK;
}

/* The place of the text among `names`; an absent field leaves what is there. */
static nn_status read_name(const json_t *json, const char *where, const char *name, const char *const *names,
                           int count, int *value, struct nn_error *err)
{
    char all[96] = "";
    const char *given = json_string_value(json_object_get(json, name));
    if (!given) return NN_OK;
    for (int i = 0; i < count; i++) {
        size_t used = strlen(all);
        snprintf(all + used, sizeof all - used, "%s%s", i ? (i + 1 < count ? ", " : " or ") : "", names[i]);
        *value = i;
        if (!strcmp(given, names[i])) return NN_OK;
    }
    return nn_fail(err, NN_ERR_FORMAT, "%s.%s: must be %s", where, name, all);
}

static nn_status read_seed(const json_t *json, const char *where, uint64_t *seed, struct nn_error *err)
{
    const char *text = json_string_value(json_object_get(json, "seed"));
    if (text && srv_request_read_u64(text, seed)) return NN_OK;
    return nn_fail(err, NN_ERR_FORMAT, "%s.seed: must be a whole number from 0 to 2^64-1, as text", where);
}

static bool is_share(const json_t *value)
{
    return json_is_number(value) && json_number_value(value) >= 0 && json_number_value(value) <= 1;
}

/* A number or [min, max]. */
static nn_status read_range(const json_t *json, const char *where, const char *name,
                            struct srv_deck_range *range, struct nn_error *err)
{
    const json_t *value = json_object_get(json, name);
    const json_t *low = json_is_array(value) ? json_array_get(value, 0) : value;
    const json_t *high = json_is_array(value) ? json_array_get(value, 1) : value;
    *range = (struct srv_deck_range){1, 1};
    if (!value) return NN_OK;
    if ((json_is_array(value) && json_array_size(value) != 2) || !is_share(low) || !is_share(high))
        return nn_fail(err, NN_ERR_FORMAT,
                       "%s.%s: must be a number between 0 and 1, or two of them, the smaller first", where,
                       name);
    *range = (struct srv_deck_range){json_number_value(low), json_number_value(high)};
    if (range->low <= range->high) return NN_OK;
    return nn_fail(err, NN_ERR_FORMAT, "%s.%s: the smaller number must come first", where, name);
}

static nn_status read_choices(const json_t *json, const char *where, struct srv_deck *deck,
                              struct nn_error *err)
{
    static const struct srv_json_field fields[] = {{"id", 's', true}, {"label", 's', true}};
    const json_t *list = json_object_get(json, "choices");
    if (json_array_size(list) != DECK_CHOICES)
        return nn_fail(err, NN_ERR_FORMAT, "%s.choices: must be two, the finding's absence first", where);
    for (int i = 0; i < DECK_CHOICES; i++) {
        char at[WHERE_TEXT];
        const json_t *choice = json_array_get(list, (size_t)i);
        struct srv_deck_choice *c = &deck->choices[i];
        snprintf(at, sizeof at, "%.60s.choices[%d]", where, i);
        nn_status status = srv_json_fields_check(choice, at, fields, 2, err);
        if (!status) status = read_text(choice, at, "id", c->id, sizeof c->id, err);
        if (!status) status = read_text(choice, at, "label", c->label, sizeof c->label, err);
        if (status) return status;
    }
    if (!strcmp(deck->choices[DECK_NO].id, deck->choices[DECK_YES].id))
        return nn_fail(err, NN_ERR_FORMAT, "%s.choices: the two ids must differ", where);
    return NN_OK;
}

/* ---- sources ---- */

static nn_status add_class(const char *name, double share, const char *where, struct srv_deck_source *source,
                           int truth, struct nn_error *err)
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
        status = name ? add_class(name, 1, where, source, truth, err)
                      : nn_fail(err, NN_ERR_FORMAT, "%s[%zu]: must be a string", where, i);
    }
    const char *name;
    json_t *share;
    json_object_foreach((json_t *)value, name, share)
    {
        if (status) break;
        status = add_class(name, json_number_value(share), where, source, truth, err);
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
        {"kind", 's', true},      {"model", 's', true},       {"weight", 'n', false},
        {"strength", '*', false}, {"truncation", '*', false}, {"classes", 'o', true},
    };
    static const struct srv_json_field library[] = {
        {"kind", 's', true},       {"model", 's', true},  {"weight", 'n', false},
        {"collection", 's', true}, {"split", 's', false}, {"classes", 'o', true},
    };
    static const char *const kinds[] = {"gan", "library"}, *const splits[] = {"train", "test"};
    int kind = 0, split = 0;
    if (json_is_string(json_object_get(json, "kind"))) {
        nn_status status = read_name(json, where, "kind", kinds, 2, &kind, err);
        if (status) return status;
    }
    nn_status status = srv_json_fields_check(json, where, kind ? library : gan, 6, err);
    if (!status && kind) status = read_id(json, where, "collection", source->collection, err);
    if (!status) status = read_name(json, where, "split", splits, 2, &split, err);
    source->test = split;
    return status;
}

static nn_status read_source(const json_t *json, const char *where, struct srv_deck *deck,
                             struct nn_error *err)
{
    static const struct srv_json_field sides[] = {{"no", '*', true}, {"yes", '*', true}};
    char model[DECK_ID_TEXT], at[WHERE_TEXT];
    struct srv_deck_source *source = &deck->sources[deck->source_count];
    nn_status status = read_kind(json, where, source, err);
    if (!status) status = read_id(json, where, "model", model, err);
    if (!status && deck->source_count > 0 && strcmp(model, deck->model))
        status = nn_fail(err, NN_ERR_FORMAT, "%s.model: must be the same for all sources", where);
    if (!status) status = read_weight(json, where, &source->weight, err);
    if (!status) status = read_range(json, where, "strength", &source->strength, err);
    if (!status) status = read_range(json, where, "truncation", &source->truncation, err);
    const json_t *classes = json_object_get(json, "classes");
    snprintf(at, sizeof at, "%.80s.classes", where);
    if (!status) status = srv_json_fields_check(classes, at, sides, DECK_CHOICES, err);
    for (int truth = 0; !status && truth < DECK_CHOICES; truth++) {
        snprintf(at, sizeof at, "%.80s.classes.%s", where, sides[truth].name);
        status = read_classes(json_object_get(classes, sides[truth].name), at, source, truth, err);
    }
    if (status) return status;
    memcpy(deck->model, model, sizeof model);
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

static nn_status read_sources(const json_t *json, const char *where, struct srv_deck *deck,
                              struct nn_error *err)
{
    nn_status status = NN_OK;
    const json_t *list = json_object_get(json, "sources");
    size_t count = json_array_size(list);
    if (count < 1 || count > DECK_SOURCES_MAX)
        return nn_fail(err, NN_ERR_FORMAT, "%s.sources: must be 1 to %d", where, DECK_SOURCES_MAX);
    for (size_t i = 0; !status && i < count; i++) {
        char at[WHERE_TEXT];
        snprintf(at, sizeof at, "%.60s.sources[%zu]", where, i);
        status = read_source(json_array_get(list, i), at, deck, err);
    }
    return status ? status : check_sides(deck, where, err);
}

/* ---- what is shown ---- */

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
    nn_status status = read_text(json, where, "class", class_name, NN_CLASS_NAME_MAX, err);
    if (!status && source_of(deck, "", class_name) < 0)
        status = nn_fail(err, NN_ERR_FORMAT, "%s.class: is none of the sources'", where);
    return status ? status : read_seed(json, where, seed, err);
}

static nn_status read_library_pick(const json_t *json, const char *where, const struct srv_deck *deck,
                                   struct srv_deck_pick *pick, struct nn_error *err)
{
    static const struct srv_json_field fields[] = {
        {"class", 's', true}, {"collection", 's', true}, {"file", 's', true}};
    char collection[DECK_ID_TEXT];
    nn_status status = srv_json_fields_check(json, where, fields, 3, err);
    if (!status) status = read_id(json, where, "collection", collection, err);
    if (!status) status = read_text(json, where, "class", pick->class_name, sizeof pick->class_name, err);
    if (!status) status = read_text(json, where, "file", pick->file, sizeof pick->file, err);
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
    if (!status) status = read_share(json, where, "strength", &pick->strength, err);
    if (!status) status = read_share(json, where, "truncation", &pick->truncation, err);
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
        char at[WHERE_TEXT];
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
    char at[WHERE_TEXT];
    const json_t *draw = json_object_get(json, "draw");
    if (!draw) return NN_OK;
    snprintf(at, sizeof at, "%.60s.draw", where);
    nn_status status = srv_json_fields_check(draw, at, fields, 2, err);
    if (!status) status = read_name(draw, at, "mode", modes, 2, &mode, err);
    if (status) return status;
    deck->fixed = mode;
    if (deck->fixed) return read_seed(draw, at, &deck->seed, err);
    if (!json_object_get(draw, "seed")) return NN_OK;
    return nn_fail(err, NN_ERR_FORMAT, "%s.seed: belongs to mode fixed", at);
}

/* A list says itself how many there are of which class. */
static nn_status read_list(const json_t *json, const char *where, struct srv_deck *deck, struct nn_error *err)
{
    static const char *const drawing[] = {"items", "prevalence", "draw", "pairs", "exclude"};
    for (size_t i = 0; i < sizeof drawing / sizeof *drawing; i++)
        if (json_object_get(json, drawing[i]))
            return nn_fail(err, NN_ERR_FORMAT, "%s.%s: does not go with a list", where, drawing[i]);
    if (json_array_size(json_object_get(json, "list")) == 0)
        return nn_fail(err, NN_ERR_FORMAT, "%s.list: must be 1 to %d", where, DECK_ITEMS_MAX);
    nn_status status = read_images(json, where, "list", DECK_ITEMS_MAX, read_pick, deck, err);
    deck->items = deck->list_count;
    return status;
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

static nn_status read_drawing(const json_t *json, const char *where, struct srv_deck *deck,
                              struct nn_error *err)
{
    static const char *const needed[] = {"items", "prevalence"};
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (!json_object_get(json, needed[i]))
            return nn_fail(err, NN_ERR_FORMAT, "%s.%s: is missing", where, needed[i]);
    nn_status status = read_whole(json, where, "items", 1, DECK_ITEMS_MAX, &deck->items, err);
    if (!status) status = read_share(json, where, "prevalence", &deck->prevalence, err);
    if (!status) status = read_draw(json, where, deck, err);
    deck->pairs = json_is_true(json_object_get(json, "pairs"));
    if (!status) status = read_images(json, where, "exclude", DECK_EXCLUDED_MAX, read_exclusion, deck, err);
    if (!status && deck->order == DECK_GIVEN)
        status = nn_fail(err, NN_ERR_FORMAT, "%s.order.rule: given goes with a list only", where);
    return status ? status : check_pairs(deck, where, err);
}

/* ---- what is asked ---- */

static nn_status read_order(const json_t *json, const char *where, struct srv_deck *deck,
                            struct nn_error *err)
{
    static const struct srv_json_field fields[] = {{"rule", 's', true}};
    char at[WHERE_TEXT];
    int order = DECK_RANDOM;
    const json_t *value = json_object_get(json, "order");
    if (!value) return NN_OK;
    snprintf(at, sizeof at, "%.60s.order", where);
    nn_status status = srv_json_fields_check(value, at, fields, 1, err);
    if (!status) status = read_name(value, at, "rule", srv_deck_orders, 3, &order, err);
    deck->order = (enum srv_deck_order)order;
    return status;
}

static nn_status read_asking(const json_t *json, const char *where, struct srv_deck *deck,
                             struct nn_error *err)
{
    static const char *const ratings[] = {"confidence", "two_buttons"};
    int two_buttons = 0, feedback = DECK_TELLS_TRUTH, limit = 0;
    nn_status status = read_name(json, where, "rating", ratings, 2, &two_buttons, err);
    if (!status) status = read_name(json, where, "feedback", srv_deck_feedbacks, 3, &feedback, err);
    if (!status) status = read_whole(json, where, "time_limit_s", 0, DECK_TIME_LIMIT_MAX_S, &limit, err);
    if (!status && limit > 0 && limit < DECK_TIME_LIMIT_MIN_S)
        status = nn_fail(err, NN_ERR_FORMAT, "%s.time_limit_s: must be 0 for none, or at least %d", where,
                         DECK_TIME_LIMIT_MIN_S);
    deck->two_buttons = two_buttons;
    deck->feedback = (enum srv_deck_feedback)feedback;
    deck->time_limit_s = limit;
    return status ? status : read_order(json, where, deck, err);
}

static nn_status read_names(const json_t *json, const char *where, struct srv_deck *deck,
                            struct nn_error *err)
{
    const json_t *description = json_object_get(json, "description");
    nn_status status = read_id(json, where, "id", deck->id, err);
    if (!status) status = read_text(json, where, "title", deck->title, sizeof deck->title, err);
    if (!status && json_string_length(description) > 0)
        status = read_text(json, where, "description", deck->description, sizeof deck->description, err);
    if (!status) status = read_text(json, where, "question", deck->question, sizeof deck->question, err);
    return status ? status : read_choices(json, where, deck, err);
}

/* ---- formats ---- */

static nn_status read_format_2(const json_t *json, const char *where, struct srv_deck *deck,
                               struct nn_error *err)
{
    static const struct srv_json_field fields[] = {
        {"format", 'i', true},        {"id", 's', true},
        {"title", 's', true},         {"description", 's', false},
        {"question", 's', true},      {"choices", 'a', true},
        {"items", 'i', false},        {"prevalence", 'n', false},
        {"sources", 'a', true},       {"draw", 'o', false},
        {"list", 'a', false},         {"exclude", 'a', false},
        {"pairs", 'b', false},        {"order", 'o', false},
        {"rating", 's', false},       {"feedback", 's', false},
        {"time_limit_s", 'i', false},
    };
    nn_status status = srv_json_fields_check(json, where, fields, sizeof fields / sizeof *fields, err);
    if (!status && json_integer_value(json_object_get(json, "format")) != DECK_FORMAT)
        status = nn_fail(err, NN_ERR_FORMAT, "%s.format: must be %d", where, DECK_FORMAT);
    if (!status) status = read_names(json, where, deck, err);
    if (!status) status = read_sources(json, where, deck, err);
    if (!status) status = read_asking(json, where, deck, err);
    if (status) return status;
    return json_object_get(json, "list") ? read_list(json, where, deck, err)
                                         : read_drawing(json, where, deck, err);
}

/* One model, whose classes are called like the choices. */
static nn_status read_format_1(const json_t *json, const char *where, struct srv_deck *deck,
                               struct nn_error *err)
{
    static const struct srv_json_field fields[] = {
        {"id", 's', true},          {"title", 's', true},      {"question", 's', true},
        {"model", 's', true},       {"items", 'i', true},      {"choices", 'a', true},
        {"feedback", 's', true},    {"prevalence", 'n', true}, {"strength", 'n', false},
        {"truncation", 'n', false},
    };
    struct srv_deck_source *source = &deck->sources[0];
    nn_status status = srv_json_fields_check(json, where, fields, sizeof fields / sizeof *fields, err);
    if (!status) status = read_names(json, where, deck, err);
    if (!status) status = read_id(json, where, "model", deck->model, err);
    if (!status) status = read_range(json, where, "strength", &source->strength, err);
    if (!status) status = read_range(json, where, "truncation", &source->truncation, err);
    if (!status) status = read_asking(json, where, deck, err);
    for (int truth = 0; !status && truth < DECK_CHOICES; truth++)
        status = add_class(deck->choices[truth].id, 1, where, source, truth, err);
    source->weight = 1;
    deck->source_count = 1;
    return status ? status : read_drawing(json, where, deck, err);
}

nn_status srv_deck_read(const json_t *json, const char *where, struct srv_deck *deck, struct nn_error *err)
{
    *deck = (struct srv_deck){0};
    return json_object_get(json, "format") ? read_format_2(json, where, deck, err)
                                           : read_format_1(json, where, deck, err);
}
