#include <math.h>
#include <stdio.h>
#include <string.h>

#include "server/decks/deck_fields.h"
#include "server/http/json_fields.h"
#include "server/studies/study.h"

/* Reads one member of an array into the place after those that are there. */
typedef nn_status member_reader(const json_t *json, const char *where, struct srv_study *study,
                                struct nn_error *err);

static nn_status read_members(const json_t *json, const char *where, const char *name, int min, int max,
                              member_reader *read, struct srv_study *study, struct nn_error *err)
{
    nn_status status = NN_OK;
    const json_t *list = json_object_get(json, name);
    size_t count = json_array_size(list);
    if (count < (size_t)min || count > (size_t)max)
        return nn_fail(err, NN_ERR_FORMAT, "%s.%s: must be %d to %d", where, name, min, max);
    for (size_t i = 0; !status && i < count; i++) {
        char at[DECK_WHERE_TEXT];
        snprintf(at, sizeof at, "%.60s.%s[%zu]", where, name, i);
        status = read(json_array_get(list, i), at, study, err);
    }
    return status;
}

/* Ids lie `stride` bytes apart, the newest last. */
static nn_status check_new(const char *first, size_t stride, int count, const char *where,
                           struct nn_error *err)
{
    const char *newest = first + (size_t)(count - 1) * stride;
    for (int i = 0; i < count - 1; i++)
        if (!strcmp(first + (size_t)i * stride, newest))
            return nn_fail(err, NN_ERR_FORMAT, "%s.id: \"%s\" is there twice", where, newest);
    return NN_OK;
}

static nn_status read_choices(const json_t *json, const char *where, struct srv_study_choice *choices,
                              int *count, struct nn_error *err)
{
    static const struct srv_json_field fields[] = {{"id", 's', true}, {"label", 's', true}};
    const json_t *list = json_object_get(json, "choices");
    if (json_array_size(list) < STUDY_CHOICES_MIN || json_array_size(list) > STUDY_CHOICES_MAX)
        return nn_fail(err, NN_ERR_FORMAT, "%s.choices: must be %d to %d", where, STUDY_CHOICES_MIN,
                       STUDY_CHOICES_MAX);
    for (*count = 0; *count < (int)json_array_size(list);) {
        char at[DECK_WHERE_TEXT];
        const json_t *choice = json_array_get(list, (size_t)*count);
        struct srv_study_choice *c = &choices[*count];
        snprintf(at, sizeof at, "%.80s.choices[%d]", where, *count);
        nn_status status = srv_json_fields_check(choice, at, fields, 2, err);
        if (!status) status = srv_deck_field_id(choice, at, "id", c->id, err);
        if (!status) status = srv_deck_field_text(choice, at, "label", c->label, sizeof c->label, err);
        if (!status) status = check_new(choices->id, sizeof *choices, ++*count, at, err);
        if (status) return status;
    }
    return NN_OK;
}

/* ---- who is put where ---- */

static nn_status read_stratum(const json_t *json, const char *where, struct srv_study *study,
                              struct nn_error *err)
{
    static const struct srv_json_field fields[] = {
        {"id", 's', true}, {"label", 's', true}, {"choices", 'a', true}};
    struct srv_study_stratum *s = &study->strata[study->stratum_count++];
    nn_status status = srv_json_fields_check(json, where, fields, 3, err);
    if (!status) status = srv_deck_field_id(json, where, "id", s->id, err);
    if (!status) status = srv_deck_field_text(json, where, "label", s->label, sizeof s->label, err);
    if (!status) status = read_choices(json, where, s->choices, &s->choice_count, err);
    return status ? status : check_new(study->strata->id, sizeof *s, study->stratum_count, where, err);
}

static nn_status read_arm(const json_t *json, const char *where, struct srv_study *study,
                          struct nn_error *err)
{
    static const struct srv_json_field fields[] = {
        {"id", 's', true}, {"label", 's', true}, {"deck", 's', true}, {"weight", 'i', false}};
    struct srv_study_arm *a = &study->arms[study->arm_count++];
    a->weight = 1;
    nn_status status = srv_json_fields_check(json, where, fields, 4, err);
    if (!status) status = srv_deck_field_id(json, where, "id", a->id, err);
    if (!status) status = srv_deck_field_text(json, where, "label", a->label, sizeof a->label, err);
    if (!status) status = srv_deck_field_id(json, where, "deck", a->deck, err);
    if (!status) status = srv_deck_field_whole(json, where, "weight", 1, STUDY_BLOCK_MAX, &a->weight, err);
    return status ? status : check_new(study->arms->id, sizeof *a, study->arm_count, where, err);
}

static nn_status read_blocks(const json_t *json, const char *where, struct srv_study *study,
                             struct nn_error *err)
{
    int sum = 0;
    const json_t *list = json_object_get(json, "blocks");
    for (int i = 0; i < study->arm_count; i++) sum += study->arms[i].weight;
    if (json_array_size(list) < 1 || json_array_size(list) > STUDY_BLOCKS_MAX)
        return nn_fail(err, NN_ERR_FORMAT, "%s.blocks: must be 1 to %d sizes", where, STUDY_BLOCKS_MAX);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *size = json_array_get(list, i);
        json_int_t value = json_integer_value(size);
        if (!json_is_integer(size) || value < 1 || value > STUDY_BLOCK_MAX || value % sum)
            return nn_fail(
                err, NN_ERR_FORMAT,
                "%s.blocks[%zu]: must be a multiple of %d, the sum of the arms' weights, at most %d", where,
                i, sum, STUDY_BLOCK_MAX);
        study->blocks[study->block_count++] = (int)value;
    }
    return NN_OK;
}

/* ---- what they get when ---- */

static nn_status read_days(const json_t *json, const char *where, const char *name, double *days,
                           struct nn_error *err)
{
    const json_t *value = json_object_get(json, name);
    if (!value || json_is_null(value)) return NN_OK;
    *days = json_number_value(value);
    if (json_is_number(value) && *days >= 0 && *days <= STUDY_DAYS_MAX) return NN_OK;
    return nn_fail(err, NN_ERR_FORMAT, "%s.%s: must be a number of days from 0 to %d", where, name,
                   STUDY_DAYS_MAX);
}

static nn_status read_window(const json_t *json, const char *where, struct srv_study_phase *phase,
                             struct nn_error *err)
{
    phase->opens_after_days = 0;
    phase->closes_after_days = INFINITY;
    nn_status status = read_days(json, where, "opens_after_days", &phase->opens_after_days, err);
    if (!status) status = read_days(json, where, "closes_after_days", &phase->closes_after_days, err);
    if (status || phase->closes_after_days > phase->opens_after_days) return status;
    return nn_fail(err, NN_ERR_FORMAT, "%s.closes_after_days: must be more than opens_after_days", where);
}

static nn_status read_phase(const json_t *json, const char *where, struct srv_study *study,
                            struct nn_error *err)
{
    static const struct srv_json_field fields[] = {
        {"id", 's', true},
        {"kind", 's', true},
        {"deck", '*', false},
        {"opens_after_days", '*', false},
        {"closes_after_days", '*', false},
    };
    int kind = STUDY_TEST;
    struct srv_study_phase *p = &study->phases[study->phase_count++];
    const json_t *deck = json_object_get(json, "deck");
    nn_status status = srv_json_fields_check(json, where, fields, 5, err);
    if (!status) status = srv_deck_field_id(json, where, "id", p->id, err);
    if (!status) status = srv_deck_field_name(json, where, "kind", srv_study_kinds, 2, &kind, err);
    p->kind = (enum srv_study_kind)kind;
    bool named = deck && !json_is_null(deck);
    if (!status && kind == STUDY_TRAINING && named)
        status = nn_fail(err, NN_ERR_FORMAT, "%s.deck: a training has its arm's", where);
    if (!status && kind == STUDY_TEST && !json_is_string(deck))
        status = nn_fail(err, NN_ERR_FORMAT, "%s.deck: must be a string", where);
    if (!status && kind == STUDY_TEST) status = srv_deck_field_id(json, where, "deck", p->deck, err);
    if (!status) status = read_window(json, where, p, err);
    return status ? status : check_new(study->phases->id, sizeof *p, study->phase_count, where, err);
}

static nn_status read_question(const json_t *json, const char *where, struct srv_study *study,
                               struct nn_error *err)
{
    static const struct srv_json_field fields[] = {
        {"id", 's', true}, {"text", 's', true}, {"kind", 's', true}, {"choices", 'a', false}};
    static const char *const kinds[] = {"choice", "scale", "text"};
    int kind = 0;
    struct srv_study_question *q = &study->questions[study->question_count++];
    bool has_choices = json_array_size(json_object_get(json, "choices")) > 0;
    nn_status status = srv_json_fields_check(json, where, fields, 4, err);
    if (!status) status = srv_deck_field_id(json, where, "id", q->id, err);
    if (!status) status = srv_deck_field_text(json, where, "text", q->text, sizeof q->text, err);
    if (!status) status = srv_deck_field_name(json, where, "kind", kinds, 3, &kind, err);
    q->kind = (enum srv_study_asks)kind;
    if (!status && kind == STUDY_ASKS_TEXT && has_choices)
        status = nn_fail(err, NN_ERR_FORMAT, "%s.choices: a text has none", where);
    if (!status && kind != STUDY_ASKS_TEXT)
        status = read_choices(json, where, q->choices, &q->choice_count, err);
    return status ? status : check_new(study->questions->id, sizeof *q, study->question_count, where, err);
}

/* ---- the whole ---- */

static nn_status read_consent(const json_t *json, const char *where, struct srv_study *study,
                              struct nn_error *err)
{
    static const struct srv_json_field fields[] = {{"text", 's', true}};
    char at[DECK_WHERE_TEXT];
    const json_t *consent = json_object_get(json, "consent");
    snprintf(at, sizeof at, "%.60s.consent", where);
    nn_status status = srv_json_fields_check(consent, at, fields, 1, err);
    return status ? status
                  : srv_deck_field_text(consent, at, "text", study->consent, sizeof study->consent, err);
}

/* Arms differ in their trainings alone. */
static nn_status check_trains(const struct srv_study *study, const char *where, struct nn_error *err)
{
    for (int i = 0; i < study->phase_count; i++)
        if (study->phases[i].kind == STUDY_TRAINING) return NN_OK;
    return nn_fail(err, NN_ERR_FORMAT, "%s.phases: one must be a training, or the arms would not differ",
                   where);
}

static nn_status read_named(const json_t *json, const char *where, struct srv_study *study,
                            struct nn_error *err)
{
    int format = STUDY_FORMAT;
    const json_t *practice = json_object_get(json, "practice_deck");
    nn_status status = srv_deck_field_whole(json, where, "format", STUDY_FORMAT, STUDY_FORMAT, &format, err);
    if (!status) status = srv_deck_field_id(json, where, "id", study->id, err);
    if (!status) status = srv_deck_field_text(json, where, "title", study->title, sizeof study->title, err);
    if (!status)
        status = srv_deck_field_text(json, where, "contact", study->contact, sizeof study->contact, err);
    if (!status && practice && !json_is_null(practice) && !json_is_string(practice))
        status = nn_fail(err, NN_ERR_FORMAT, "%s.practice_deck: must be a string or null", where);
    if (!status && json_is_string(practice))
        status = srv_deck_field_id(json, where, "practice_deck", study->practice_deck, err);
    return status;
}

nn_status srv_study_read(const json_t *json, const char *where, struct srv_study *study, struct nn_error *err)
{
    static const struct srv_json_field fields[] = {
        {"format", 'i', true},         {"id", 's', true},
        {"title", 's', true},          {"contact", 's', true},
        {"consent", 'o', true},        {"arms", 'a', true},
        {"blocks", 'a', true},         {"phases", 'a', true},
        {"strata", 'a', false},        {"questions", 'a', false},
        {"practice_deck", '*', false},
    };
    *study = (struct srv_study){0};
    nn_status status = srv_json_fields_check(json, where, fields, sizeof fields / sizeof *fields, err);
    if (!status) status = read_named(json, where, study, err);
    if (!status) status = read_consent(json, where, study, err);
    if (!status) status = read_members(json, where, "strata", 0, STUDY_STRATA_MAX, read_stratum, study, err);
    if (!status)
        status = read_members(json, where, "arms", STUDY_ARMS_MIN, STUDY_ARMS_MAX, read_arm, study, err);
    if (!status) status = read_blocks(json, where, study, err);
    if (!status) status = read_members(json, where, "phases", 1, STUDY_PHASES_MAX, read_phase, study, err);
    if (!status) status = check_trains(study, where, err);
    if (!status)
        status = read_members(json, where, "questions", 0, STUDY_QUESTIONS_MAX, read_question, study, err);
    return status;
}
