#include <stdio.h>

#include "server/decks/deck_fields.h"
#include "server/decks/deck_parts.h"
#include "server/decks/next_item.h"
#include "server/http/json_fields.h"

static nn_status read_adaptive(const json_t *order, const char *at, struct srv_arts *arts,
                               struct nn_error *err)
{
    static const struct srv_json_field fields[] = {
        {"rule", 's', true}, {"a", 'n', false}, {"D", 'i', false},   {"b", 'n', false},
        {"r", 'n', false},   {"W", 'n', false}, {"new", 'n', false},
    };
    *arts = srv_arts_defaults;
    nn_status status = srv_json_fields_check(order, at, fields, sizeof fields / sizeof *fields, err);
    if (!status) status = srv_deck_field_number(order, at, "a", 0, 1000, &arts->a, err);
    if (!status) status = srv_deck_field_whole(order, at, "D", 0, DECK_ITEMS_MAX, &arts->d, err);
    if (!status) status = srv_deck_field_number(order, at, "b", 0, 1000, &arts->b, err);
    if (!status) status = srv_deck_field_number(order, at, "r", 0.1, DECK_TIME_LIMIT_MAX_S, &arts->r, err);
    if (!status) status = srv_deck_field_number(order, at, "W", 0, 1000, &arts->w, err);
    return status ? status : srv_deck_field_number(order, at, "new", -1000, 1000, &arts->unseen, err);
}

static nn_status read_staircase(const json_t *order, const char *at, struct srv_quest_settings *s,
                                struct nn_error *err)
{
    static const struct srv_json_field fields[] = {
        {"rule", 's', true},    {"strengths", 'i', false}, {"thresholds", 'i', false},
        {"slopes", '*', false}, {"lapses", '*', false},    {"guess", 'n', false},
    };
    *s = srv_quest_defaults;
    nn_status status = srv_json_fields_check(order, at, fields, sizeof fields / sizeof *fields, err);
    if (!status)
        status = srv_deck_field_whole(order, at, "strengths", 2, QUEST_STRENGTHS_MAX, &s->strengths, err);
    if (!status)
        status = srv_deck_field_whole(order, at, "thresholds", 2, QUEST_THRESHOLDS_MAX, &s->thresholds, err);
    if (!status)
        status = srv_deck_field_numbers(order, at, "slopes", 0.1, 20, s->slopes, QUEST_SLOPES_MAX,
                                        &s->slope_count, err);
    if (!status)
        status = srv_deck_field_numbers(order, at, "lapses", 0, 0.2, s->lapses, QUEST_LAPSES_MAX,
                                        &s->lapse_count, err);
    return status ? status : srv_deck_field_number(order, at, "guess", 0, 0.75, &s->guess, err);
}

static nn_status read_mastery(const json_t *json, const char *where, struct srv_deck_mastery *mastery,
                              struct nn_error *err)
{
    static const struct srv_json_field fields[] = {
        {"correct", 'i', true}, {"of", 'i', true}, {"within_s", 'n', false}};
    char at[DECK_WHERE_TEXT];
    const json_t *value = json_object_get(json, "mastery");
    if (!value) return NN_OK;
    snprintf(at, sizeof at, "%.60s.mastery", where);
    nn_status status = srv_json_fields_check(value, at, fields, 3, err);
    if (!status) status = srv_deck_field_whole(value, at, "of", 1, DECK_ITEMS_MAX, &mastery->of, err);
    if (!status) status = srv_deck_field_whole(value, at, "correct", 1, mastery->of, &mastery->correct, err);
    if (!status)
        status =
            srv_deck_field_number(value, at, "within_s", 0, DECK_TIME_LIMIT_MAX_S, &mastery->within_s, err);
    return status;
}

nn_status srv_deck_read_order(const json_t *json, const char *where, struct srv_deck *deck,
                              struct nn_error *err)
{
    static const struct srv_json_field fields[] = {{"rule", 's', true}};
    char at[DECK_WHERE_TEXT];
    int order = DECK_RANDOM;
    const json_t *value = json_object_get(json, "order");
    nn_status status = read_mastery(json, where, &deck->mastery, err);
    if (status || !value) return status;
    snprintf(at, sizeof at, "%.60s.order", where);
    if (!json_is_string(json_object_get(value, "rule")))
        return srv_json_fields_check(value, at, fields, 1, err);
    status = srv_deck_field_name(value, at, "rule", srv_deck_orders, DECK_ORDERS, &order, err);
    if (status) return status;
    deck->order = (enum srv_deck_order)order;
    if (deck->order == DECK_ADAPTIVE) return read_adaptive(value, at, &deck->arts, err);
    if (deck->order == DECK_STAIRCASE) return read_staircase(value, at, &deck->staircase, err);
    return srv_json_fields_check(value, at, fields, 1, err);
}

/* ---- checks ---- */

/* Priorities alone say how often each is shown: other numbers would be read and then not heeded. */
static nn_status check_shares(const struct srv_deck *deck, const char *where, struct nn_error *err)
{
    for (int s = 0; s < deck->source_count; s++) {
        const struct srv_deck_source *source = &deck->sources[s];
        if (source->weight != deck->sources[0].weight)
            return nn_fail(err, NN_ERR_FORMAT,
                           "%s.sources[%d].weight: must be the same for all with adaptive", where, s);
        for (int truth = 0; truth < DECK_CHOICES; truth++)
            for (int i = 1; i < source->class_count[truth]; i++)
                if (source->classes[truth][i].share != source->classes[truth][0].share)
                    return nn_fail(
                        err, NN_ERR_FORMAT,
                        "%s.sources[%d].classes: the shares of a choice must be equal with adaptive", where,
                        s);
    }
    return NN_OK;
}

static nn_status check_adaptive(const struct srv_deck *deck, const char *where, struct nn_error *err)
{
    nn_status status = check_shares(deck, where, err);
    if (status) return status;
    if (srv_deck_categories(deck) >= DECK_CATEGORIES_MIN) return NN_OK;
    return nn_fail(err, NN_ERR_FORMAT,
                   "%s.order.rule: adaptive needs %d sub-categories or more (the classes of each source, of "
                   "a list those that it shows)",
                   where, DECK_CATEGORIES_MIN);
}

/* Both grids run over the sources' range. */
static nn_status check_range(struct srv_deck *deck, const char *where, struct nn_error *err)
{
    const struct srv_deck_range *range = &deck->sources[0].strength;
    for (int s = 0; s < deck->source_count; s++) {
        if (*deck->sources[s].collection)
            return nn_fail(err, NN_ERR_FORMAT, "%s.sources[%d].kind: must be gan with staircase", where, s);
        if (deck->sources[s].strength.low != range->low || deck->sources[s].strength.high != range->high)
            return nn_fail(err, NN_ERR_FORMAT,
                           "%s.sources[%d].strength: must be the same for all with staircase", where, s);
    }
    if (!(range->low >= 0.001 && range->low < range->high))
        return nn_fail(
            err, NN_ERR_FORMAT,
            "%s.sources[0].strength: must be two numbers with staircase, the smaller at least 0.001", where);
    deck->staircase.low = range->low;
    deck->staircase.high = range->high;
    return NN_OK;
}

static nn_status check_staircase(struct srv_deck *deck, const char *where, struct nn_error *err)
{
    if (deck->list_count) return nn_fail(err, NN_ERR_FORMAT, "%s.list: does not go with staircase", where);
    if (deck->mastery.of)
        return nn_fail(err, NN_ERR_FORMAT,
                       "%s.mastery: does not go with staircase, which keeps images hard to tell", where);
    return check_range(deck, where, err);
}

nn_status srv_deck_check_order(const char *where, struct srv_deck *deck, struct nn_error *err)
{
    if (deck->mastery.of > deck->items)
        return nn_fail(err, NN_ERR_FORMAT, "%s.mastery.of: must be at most the number of items", where);
    if (deck->order == DECK_ADAPTIVE) return check_adaptive(deck, where, err);
    return deck->order == DECK_STAIRCASE ? check_staircase(deck, where, err) : NN_OK;
}
