#include "server/studies/study.h"

#include <math.h>
#include <string.h>

const char *const srv_study_kinds[] = {"test", "training"};

/* ---- finding ---- */

static int find(const char *first, size_t stride, int count, const char *id)
{
    for (int i = 0; i < count; i++)
        if (!strcmp(first + (size_t)i * stride, id)) return i;
    return -1;
}

int srv_study_arm_find(const struct srv_study *study, const char *id)
{
    return find(study->arms->id, sizeof *study->arms, study->arm_count, id);
}

int srv_study_phase_find(const struct srv_study *study, const char *id)
{
    return find(study->phases->id, sizeof *study->phases, study->phase_count, id);
}

int srv_study_choice_find(const struct srv_study_choice *choices, int count, const char *id)
{
    return find(choices->id, sizeof *choices, count, id);
}

const char *srv_study_deck(const struct srv_study *study, int phase, int arm)
{
    return study->phases[phase].kind == STUDY_TEST ? study->phases[phase].deck : study->arms[arm].deck;
}

/* ---- tests ---- */

static bool of_library_alone(const struct srv_deck *deck)
{
    for (int i = 0; i < deck->list_count; i++)
        if (!*deck->list[i].file) return false;
    for (int i = 0; i < deck->source_count && !deck->list_count; i++)
        if (!*deck->sources[i].collection) return false;
    return true;
}

const char *srv_study_test_flaw(const struct srv_deck *deck)
{
    if (deck->feedback != DECK_TELLS_NOTHING)
        return "tells the truth after an answer; a test's feedback is none";
    if (!of_library_alone(deck)) return "shows drawn images; a test shows those of the library";
    if (srv_deck_stepwise(deck)) return "goes by the answers; a test shows everybody the same images";
    if (!deck->list_count && !deck->fixed)
        return "shows everybody other images; a test has a list, or is drawn by a fixed seed";
    return NULL;
}

/* ---- writing ---- */

static json_t *choices_json(const struct srv_study_choice *choices, int count)
{
    json_t *list = json_array();
    for (int i = 0; i < count; i++)
        json_array_append_new(list, json_pack("{s:s,s:s}", "id", choices[i].id, "label", choices[i].label));
    return list;
}

json_t *srv_study_strata(const struct srv_study *study)
{
    json_t *list = json_array();
    for (int i = 0; i < study->stratum_count; i++) {
        const struct srv_study_stratum *s = &study->strata[i];
        json_array_append_new(list, json_pack("{s:s,s:s,s:o}", "id", s->id, "label", s->label, "choices",
                                              choices_json(s->choices, s->choice_count)));
    }
    return list;
}

json_t *srv_study_questions(const struct srv_study *study)
{
    static const char *const kinds[] = {"choice", "scale", "text"};
    json_t *list = json_array();
    for (int i = 0; i < study->question_count; i++) {
        const struct srv_study_question *q = &study->questions[i];
        json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:o}", "id", q->id, "text", q->text, "kind",
                                              kinds[q->kind], "choices",
                                              choices_json(q->choices, q->choice_count)));
    }
    return list;
}

static json_t *arms_json(const struct srv_study *study)
{
    json_t *list = json_array();
    for (int i = 0; i < study->arm_count; i++) {
        const struct srv_study_arm *a = &study->arms[i];
        json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:i}", "id", a->id, "label", a->label, "deck",
                                              a->deck, "weight", a->weight));
    }
    return list;
}

static json_t *phases_json(const struct srv_study *study)
{
    json_t *list = json_array();
    for (int i = 0; i < study->phase_count; i++) {
        const struct srv_study_phase *p = &study->phases[i];
        bool closes = isfinite(p->closes_after_days);
        json_array_append_new(list, json_pack("{s:s,s:s,s:s?,s:f,s:o}", "id", p->id, "kind",
                                              srv_study_kinds[p->kind], "deck", *p->deck ? p->deck : NULL,
                                              "opens_after_days", p->opens_after_days, "closes_after_days",
                                              closes ? json_real(p->closes_after_days) : json_null()));
    }
    return list;
}

static json_t *blocks_json(const struct srv_study *study)
{
    json_t *list = json_array();
    for (int i = 0; i < study->block_count; i++) json_array_append_new(list, json_integer(study->blocks[i]));
    return list;
}

json_t *srv_study_definition(const struct srv_study *study)
{
    return json_pack("{s:i,s:s,s:s,s:s,s:{s:s},s:s?,s:o,s:o,s:o,s:o,s:o}", "format", STUDY_FORMAT, "id",
                     study->id, "title", study->title, "contact", study->contact, "consent", "text",
                     study->consent, "practice_deck", *study->practice_deck ? study->practice_deck : NULL,
                     "strata", srv_study_strata(study), "blocks", blocks_json(study), "arms",
                     arms_json(study), "phases", phases_json(study), "questions", srv_study_questions(study));
}
