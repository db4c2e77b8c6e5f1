#include <stdio.h>
#include <string.h>

#include "server/decks/deck_fields.h"
#include "server/decks/deck_parts.h"
#include "server/http/json_fields.h"

static nn_status read_choices(const json_t *json, const char *where, struct srv_deck *deck,
                              struct nn_error *err)
{
    static const struct srv_json_field fields[] = {{"id", 's', true}, {"label", 's', true}};
    const json_t *list = json_object_get(json, "choices");
    if (json_array_size(list) != DECK_CHOICES)
        return nn_fail(err, NN_ERR_FORMAT, "%s.choices: must be two, the finding's absence first", where);
    for (int i = 0; i < DECK_CHOICES; i++) {
        char at[DECK_WHERE_TEXT];
        const json_t *choice = json_array_get(list, (size_t)i);
        struct srv_deck_choice *c = &deck->choices[i];
        snprintf(at, sizeof at, "%.60s.choices[%d]", where, i);
        nn_status status = srv_json_fields_check(choice, at, fields, 2, err);
        if (!status) status = srv_deck_field_text(choice, at, "id", c->id, sizeof c->id, err);
        if (!status) status = srv_deck_field_text(choice, at, "label", c->label, sizeof c->label, err);
        if (status) return status;
    }
    if (!strcmp(deck->choices[DECK_NO].id, deck->choices[DECK_YES].id))
        return nn_fail(err, NN_ERR_FORMAT, "%s.choices: the two ids must differ", where);
    return NN_OK;
}

static nn_status read_names(const json_t *json, const char *where, struct srv_deck *deck,
                            struct nn_error *err)
{
    const json_t *description = json_object_get(json, "description");
    nn_status status = srv_deck_field_id(json, where, "id", deck->id, err);
    if (!status) status = srv_deck_field_text(json, where, "title", deck->title, sizeof deck->title, err);
    if (!status && json_string_length(description) > 0)
        status =
            srv_deck_field_text(json, where, "description", deck->description, sizeof deck->description, err);
    if (!status)
        status = srv_deck_field_text(json, where, "question", deck->question, sizeof deck->question, err);
    return status ? status : read_choices(json, where, deck, err);
}

/* A list has neither both images of a latent nor, once a session has begun, a next one. */
static nn_status check_checked(const struct srv_deck *deck, const char *where, struct nn_error *err)
{
    const char *other = deck->list_count          ? "a list"
                        : deck->pairs             ? "pairs"
                        : deck->mastery.of        ? "mastery"
                        : srv_deck_stepwise(deck) ? "an order that follows the answers"
                                                  : NULL;
    for (int s = 0; other && s < deck->source_count; s++)
        if (deck->sources[s].checked)
            return nn_fail(err, NN_ERR_FORMAT, "%s.sources[%d].checked: does not go with %s", where, s,
                           other);
    return NN_OK;
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
        {"time_limit_s", 'i', false}, {"mastery", 'o', false},
    };
    nn_status status = srv_json_fields_check(json, where, fields, sizeof fields / sizeof *fields, err);
    if (!status && json_integer_value(json_object_get(json, "format")) != DECK_FORMAT)
        status = nn_fail(err, NN_ERR_FORMAT, "%s.format: must be %d", where, DECK_FORMAT);
    if (!status) status = read_names(json, where, deck, err);
    if (!status) status = srv_deck_read_sources(json, where, deck, err);
    if (!status) status = srv_deck_read_asking(json, where, deck, err);
    if (!status) status = srv_deck_read_order(json, where, deck, err);
    if (status) return status;
    status = json_object_get(json, "list") ? srv_deck_read_list(json, where, deck, err)
                                           : srv_deck_read_drawing(json, where, deck, err);
    if (!status) status = srv_deck_check_order(where, deck, err);
    return status ? status : check_checked(deck, where, err);
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
    if (!status) status = srv_deck_field_id(json, where, "model", deck->models[0], err);
    if (!status) status = srv_deck_field_range(json, where, "strength", &source->strength, err);
    if (!status) status = srv_deck_field_range(json, where, "truncation", &source->truncation, err);
    if (!status) status = srv_deck_read_asking(json, where, deck, err);
    for (int truth = 0; !status && truth < DECK_CHOICES; truth++)
        status = srv_deck_class_add(deck->choices[truth].id, 1, where, source, truth, err);
    source->weight = 1;
    deck->source_count = deck->model_count = 1;
    return status ? status : srv_deck_read_drawing(json, where, deck, err);
}

nn_status srv_deck_read(const json_t *json, const char *where, struct srv_deck *deck, struct nn_error *err)
{
    *deck = (struct srv_deck){0};
    return json_object_get(json, "format") ? read_format_2(json, where, deck, err)
                                           : read_format_1(json, where, deck, err);
}
