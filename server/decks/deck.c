#include "server/decks/deck.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *const srv_deck_orders[] = {"random", "given", "easy_first", "adaptive", "staircase"};
const char *const srv_deck_feedbacks[] = {"none", "correct", "truth", "location"};

bool srv_deck_id_valid(const char *id)
{
    size_t length = strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789_-");
    return length > 0 && length < DECK_ID_TEXT && id[length] == '\0';
}

bool srv_deck_stepwise(const struct srv_deck *deck)
{
    return deck->order == DECK_ADAPTIVE || deck->order == DECK_STAIRCASE || deck->mastery.of > 0;
}

/* ---- finding ---- */

int srv_deck_choice_find(const struct srv_deck *deck, const char *id)
{
    for (int i = 0; i < DECK_CHOICES; i++)
        if (!strcmp(deck->choices[i].id, id)) return i;
    return -1;
}

int srv_deck_truth_of(const struct srv_deck *deck, const char *class_name)
{
    for (int s = 0; s < deck->source_count; s++)
        for (int truth = 0; truth < DECK_CHOICES; truth++)
            for (int i = 0; i < deck->sources[s].class_count[truth]; i++)
                if (!strcmp(deck->sources[s].classes[truth][i].name, class_name)) return truth;
    return -1;
}

int srv_deck_class_find(const struct nn_model_info *model, const char *name)
{
    for (int i = 0; i < model->class_count; i++)
        if (!strcmp(model->classes[i], name)) return i;
    return -1;
}

int srv_deck_model_find(const struct srv_deck *deck, const char *name)
{
    for (int i = 0; i < deck->model_count; i++)
        if (!strcmp(deck->models[i], name)) return i;
    return -1;
}

static const char *largest(const struct srv_deck_class *classes, int count)
{
    int best = 0;
    for (int i = 1; i < count; i++)
        if (classes[i].share > classes[best].share) best = i;
    return classes[best].name;
}

const char *srv_deck_other_class(const struct srv_deck *deck, int model, const char *class_name)
{
    for (int s = 0; s < deck->source_count; s++) {
        const struct srv_deck_source *source = &deck->sources[s];
        if (*source->collection || source->model != model) continue;
        for (int truth = 0; truth < DECK_CHOICES; truth++)
            for (int i = 0; i < source->class_count[truth]; i++)
                if (!strcmp(source->classes[truth][i].name, class_name))
                    return largest(source->classes[1 - truth], source->class_count[1 - truth]);
    }
    return NULL;
}

bool srv_deck_has_collection(const struct srv_deck *deck)
{
    for (int s = 0; s < deck->source_count; s++)
        if (*deck->sources[s].collection) return true;
    return false;
}

bool srv_deck_has_checked(const struct srv_deck *deck, int model)
{
    for (int s = 0; s < deck->source_count; s++)
        if (deck->sources[s].checked && deck->sources[s].model == model) return true;
    return false;
}

const char *srv_deck_class_missing(const struct srv_deck *deck, int model, const struct nn_model_info *info)
{
    for (int s = 0; s < deck->source_count; s++) {
        const struct srv_deck_source *source = &deck->sources[s];
        if (*source->collection || source->model != model) continue;
        for (int truth = 0; truth < DECK_CHOICES; truth++)
            for (int i = 0; i < source->class_count[truth]; i++)
                if (srv_deck_class_find(info, source->classes[truth][i].name) < 0)
                    return source->classes[truth][i].name;
    }
    return NULL;
}

/* ---- writing ---- */

json_t *srv_deck_choices(const struct srv_deck *deck)
{
    return json_pack("[{s:s,s:s},{s:s,s:s}]", "id", deck->choices[DECK_NO].id, "label",
                     deck->choices[DECK_NO].label, "id", deck->choices[DECK_YES].id, "label",
                     deck->choices[DECK_YES].label);
}

static json_t *asked(const struct srv_deck *deck)
{
    return json_pack("{s:s,s:s,s:s,s:s,s:o,s:s,s:s,s:i}", "id", deck->id, "title", deck->title, "description",
                     deck->description, "question", deck->question, "choices", srv_deck_choices(deck),
                     "rating", deck->two_buttons ? "two_buttons" : "confidence", "feedback",
                     srv_deck_feedbacks[deck->feedback], "time_limit_s", deck->time_limit_s);
}

static json_t *numbers_json(const double *values, int count)
{
    json_t *list = json_array();
    for (int i = 0; i < count; i++) json_array_append_new(list, json_real(values[i]));
    return list;
}

static json_t *order_json(const struct srv_deck *deck)
{
    const char *rule = srv_deck_orders[deck->order];
    const struct srv_arts *arts = &deck->arts;
    const struct srv_quest_settings *s = &deck->staircase;
    if (deck->order == DECK_ADAPTIVE)
        return json_pack("{s:s,s:f,s:i,s:f,s:f,s:f,s:f}", "rule", rule, "a", arts->a, "D", arts->d, "b",
                         arts->b, "r", arts->r, "W", arts->w, "new", arts->unseen);
    if (deck->order == DECK_STAIRCASE)
        return json_pack("{s:s,s:i,s:i,s:o,s:o,s:f}", "rule", rule, "strengths", s->strengths, "thresholds",
                         s->thresholds, "slopes", numbers_json(s->slopes, s->slope_count), "lapses",
                         numbers_json(s->lapses, s->lapse_count), "guess", s->guess);
    return json_pack("{s:s}", "rule", rule);
}

static json_t *mastery_json(const struct srv_deck *deck)
{
    const struct srv_deck_mastery *m = &deck->mastery;
    if (m->of == 0) return json_null();
    return json_pack("{s:i,s:i,s:f}", "correct", m->correct, "of", m->of, "within_s", m->within_s);
}

/* Of a whole deck: which of its images is of a collection is told of none. */
static const char *shown_images(const struct srv_deck *deck)
{
    int collections = 0;
    for (int i = 0; i < deck->source_count; i++) collections += deck->sources[i].collection[0] != '\0';
    return collections == 0 ? "drawn" : collections == deck->source_count ? "collection" : "both";
}

/* Of the order only what adapts is told: that images grow fainter would tell of their strength. */
json_t *srv_deck_public(const struct srv_deck *deck)
{
    json_t *json = asked(deck), *models = json_array();
    bool adapts = deck->order == DECK_ADAPTIVE || deck->order == DECK_STAIRCASE;
    for (int i = 0; i < deck->model_count; i++) json_array_append_new(models, json_string(deck->models[i]));
    if (json && !json_object_set_new(json, "items", json_integer(deck->items)) &&
        !json_object_set(json, "models", models) &&
        !json_object_set_new(json, "images", json_string(shown_images(deck))) &&
        !json_object_set_new(json, "order", adapts ? order_json(deck) : json_null()) &&
        !json_object_set_new(json, "mastery", mastery_json(deck))) {
        json_decref(models);
        return json;
    }
    json_decref(models);
    json_decref(json);
    return NULL;
}

static json_t *range_json(struct srv_deck_range range)
{
    return range.low == range.high ? json_real(range.low) : json_pack("[f,f]", range.low, range.high);
}

static json_t *classes_json(const struct srv_deck_source *source, int truth)
{
    json_t *json = json_object();
    for (int i = 0; i < source->class_count[truth]; i++)
        json_object_set_new(json, source->classes[truth][i].name, json_real(source->classes[truth][i].share));
    return json;
}

static json_t *source_json(const struct srv_deck *deck, const struct srv_deck_source *source)
{
    json_t *json =
        json_pack("{s:s,s:f,s:{s:o,s:o}}", "model", deck->models[source->model], "weight", source->weight,
                  "classes", "no", classes_json(source, DECK_NO), "yes", classes_json(source, DECK_YES));
    json_t *kind = *source->collection
                       ? json_pack("{s:s,s:s,s:s}", "kind", "library", "collection", source->collection,
                                   "split", source->test ? "test" : "train")
                       : json_pack("{s:s,s:o,s:o}", "kind", "gan", "strength", range_json(source->strength),
                                   "truncation", range_json(source->truncation));
    bool whole = json && kind && !json_object_update(json, kind);
    if (whole && source->checked) whole = !json_object_set_new(json, "checked", json_true());
    json_decref(kind);
    if (whole) return json;
    json_decref(json);
    return NULL;
}

static json_t *sources_json(const struct srv_deck *deck)
{
    json_t *list = json_array();
    for (int i = 0; i < deck->source_count; i++)
        json_array_append_new(list, source_json(deck, &deck->sources[i]));
    return list;
}

static json_t *seed_json(uint64_t seed)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, seed);
    return json_string(text);
}

/* A listed or excluded image. */
static json_t *image_json(const struct srv_deck *deck, const char *class_name, int source, const char *file,
                          uint64_t seed)
{
    const struct srv_deck_source *from = &deck->sources[source];
    if (*file)
        return json_pack("{s:s,s:s,s:s}", "class", class_name, "collection", from->collection, "file", file);
    return json_pack("{s:s,s:s,s:o}", "class", class_name, "model", deck->models[from->model], "seed",
                     seed_json(seed));
}

static json_t *list_json(const struct srv_deck *deck)
{
    json_t *list = json_array();
    for (int i = 0; i < deck->list_count; i++) {
        const struct srv_deck_pick *pick = &deck->list[i];
        json_t *json = image_json(deck, pick->class_name, pick->source, pick->file, pick->seed);
        if (!*pick->file) {
            json_object_set_new(json, "strength", json_real(pick->strength));
            json_object_set_new(json, "truncation", json_real(pick->truncation));
        }
        json_array_append_new(list, json);
    }
    return list;
}

static json_t *exclude_json(const struct srv_deck *deck)
{
    json_t *list = json_array();
    for (int i = 0; i < deck->exclude_count; i++) {
        const struct srv_deck_exclusion *image = &deck->exclude[i];
        json_array_append_new(list,
                              image_json(deck, image->class_name, image->source, image->file, image->seed));
    }
    return list;
}

static json_t *drawing_json(const struct srv_deck *deck)
{
    json_t *draw = deck->fixed ? json_pack("{s:s,s:o}", "mode", "fixed", "seed", seed_json(deck->seed))
                               : json_pack("{s:s}", "mode", "fresh");
    return json_pack("{s:i,s:f,s:o,s:b,s:o}", "items", deck->items, "prevalence", deck->prevalence, "draw",
                     draw, "pairs", (int)deck->pairs, "exclude", exclude_json(deck));
}

json_t *srv_deck_definition(const struct srv_deck *deck)
{
    json_t *json = asked(deck);
    json_t *shown = deck->list_count ? json_pack("{s:o}", "list", list_json(deck)) : drawing_json(deck);
    json_t *rest = json_pack("{s:i,s:o,s:o}", "format", DECK_FORMAT, "sources", sources_json(deck), "order",
                             order_json(deck));
    bool whole = json && shown && rest && !json_object_update(json, shown) && !json_object_update(json, rest);
    if (whole && deck->list_count && deck->order == DECK_ADAPTIVE)
        whole = !json_object_set_new(json, "items", json_integer(deck->items));
    if (whole && deck->mastery.of) whole = !json_object_set_new(json, "mastery", mastery_json(deck));
    json_decref(shown);
    json_decref(rest);
    if (whole) return json;
    json_decref(json);
    return NULL;
}
