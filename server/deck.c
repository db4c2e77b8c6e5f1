#include "server/deck.h"

#include <stdio.h>
#include <string.h>

#include "server/json_fields.h"

bool srv_deck_id_valid(const char *id)
{
    size_t length = strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789_-");
    return length > 0 && length < DECK_ID_TEXT && id[length] == '\0';
}

/* Copies a field that srv_json_fields_check has found to be a string. */
static nn_status read_text(const json_t *json, const char *where, const char *name, char *text, size_t size,
                           struct nn_error *err)
{
    const char *value = json_string_value(json_object_get(json, name));
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

/* A number in [0,1]; `fallback` when the field is absent. */
static nn_status read_share(const json_t *json, const char *where, const char *name, double fallback,
                            double *share, struct nn_error *err)
{
    const json_t *value = json_object_get(json, name);
    *share = value ? json_number_value(value) : fallback;
    if (*share >= 0 && *share <= 1) return NN_OK;
    return nn_fail(err, NN_ERR_FORMAT, "%s.%s: must be between 0 and 1", where, name);
}

static nn_status read_choices(const json_t *json, const char *where, struct srv_deck *deck,
                              struct nn_error *err)
{
    static const struct srv_json_field fields[] = {{"id", 's', true}, {"label", 's', true}};
    const json_t *list = json_object_get(json, "choices");
    if (json_array_size(list) != DECK_CHOICES)
        return nn_fail(err, NN_ERR_FORMAT, "%s.choices: must be two, the finding's absence first", where);
    for (int i = 0; i < DECK_CHOICES; i++) {
        char at[96];
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

static nn_status read_feedback(const json_t *json, const char *where, struct srv_deck *deck,
                               struct nn_error *err)
{
    const char *feedback = json_string_value(json_object_get(json, "feedback"));
    deck->feedback = !strcmp(feedback, "truth");
    if (deck->feedback || !strcmp(feedback, "none")) return NN_OK;
    return nn_fail(err, NN_ERR_FORMAT, "%s.feedback: must be \"truth\" or \"none\"", where);
}

static nn_status read_items(const json_t *json, const char *where, struct srv_deck *deck,
                            struct nn_error *err)
{
    json_int_t items = json_integer_value(json_object_get(json, "items"));
    if (items < 1 || items > DECK_ITEMS_MAX)
        return nn_fail(err, NN_ERR_FORMAT, "%s.items: must be between 1 and %d", where, DECK_ITEMS_MAX);
    deck->items = (int)items;
    return NN_OK;
}

nn_status srv_deck_read(const json_t *json, const char *where, struct srv_deck *deck, struct nn_error *err)
{
    static const struct srv_json_field fields[] = {
        {"id", 's', true},          {"title", 's', true},      {"question", 's', true},
        {"model", 's', true},       {"items", 'i', true},      {"choices", 'a', true},
        {"feedback", 's', true},    {"prevalence", 'n', true}, {"strength", 'n', false},
        {"truncation", 'n', false},
    };
    nn_status status = srv_json_fields_check(json, where, fields, sizeof fields / sizeof *fields, err);
    if (!status) status = read_id(json, where, "id", deck->id, err);
    if (!status) status = read_text(json, where, "title", deck->title, sizeof deck->title, err);
    if (!status) status = read_text(json, where, "question", deck->question, sizeof deck->question, err);
    if (!status) status = read_id(json, where, "model", deck->model, err);
    if (!status) status = read_items(json, where, deck, err);
    if (!status) status = read_choices(json, where, deck, err);
    if (!status) status = read_feedback(json, where, deck, err);
    if (!status) status = read_share(json, where, "prevalence", 0, &deck->prevalence, err);
    if (!status) status = read_share(json, where, "strength", 1, &deck->strength, err);
    if (!status) status = read_share(json, where, "truncation", 1, &deck->truncation, err);
    return status;
}

json_t *srv_deck_choices(const struct srv_deck *deck)
{
    return json_pack("[{s:s,s:s},{s:s,s:s}]", "id", deck->choices[DECK_NO].id, "label",
                     deck->choices[DECK_NO].label, "id", deck->choices[DECK_YES].id, "label",
                     deck->choices[DECK_YES].label);
}

json_t *srv_deck_public(const struct srv_deck *deck)
{
    return json_pack("{s:s,s:s,s:s,s:s,s:i,s:s,s:o}", "id", deck->id, "title", deck->title, "question",
                     deck->question, "model", deck->model, "items", deck->items, "feedback",
                     deck->feedback ? "truth" : "none", "choices", srv_deck_choices(deck));
}

json_t *srv_deck_definition(const struct srv_deck *deck)
{
    json_t *json = srv_deck_public(deck), *drawing;
    drawing = json_pack("{s:f,s:f,s:f}", "prevalence", deck->prevalence, "strength", deck->strength,
                        "truncation", deck->truncation);
    if (json && drawing && !json_object_update(json, drawing)) {
        json_decref(drawing);
        return json;
    }
    json_decref(drawing);
    json_decref(json);
    return NULL;
}

int srv_deck_choice_find(const struct srv_deck *deck, const char *id)
{
    for (int i = 0; i < DECK_CHOICES; i++)
        if (!strcmp(deck->choices[i].id, id)) return i;
    return -1;
}

int srv_deck_class_find(const struct nn_model_info *model, const char *name)
{
    for (int i = 0; i < model->class_count; i++)
        if (!strcmp(model->classes[i], name)) return i;
    return -1;
}
