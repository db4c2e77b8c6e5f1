/* Taking part in a study, by the learner's code. Nothing here tells the arm, what images are drawn from, or
 * the truth of a test. */
#include <stdio.h>
#include <string.h>

#include "server/api/start_session.h"
#include "server/log.h"
#include "server/store/store_participants.h"
#include "server/store/store_withdrawal.h"
#include "server/studies/phases.h"

enum { ANSWER_MAX = 2000 };

/* ---- who asks for what ---- */

/* One request of somebody who takes part, or may. */
struct visit {
    struct srv_store_study study;
    int64_t learner_id;
    struct srv_participant participant;
};

/* Drafts are no study yet. */
static bool find_study(struct srv_app *app, const struct srv_request *request, struct srv_store_study *study,
                       struct srv_response *response)
{
    bool found;
    enum db_status status = srv_store_study_find(app->db, request->params[0], study, &found);
    found = found && study->state != STUDY_DRAFT;
    if (status != DB_OK)
        srv_respond_db_error(response, status);
    else if (!found)
        srv_respond_error(response, 404, "unknown_study", "There is no such study.");
    return status == DB_OK && found;
}

static bool find_participant(struct srv_app *app, struct visit *visit, struct srv_response *response)
{
    enum db_status status =
        srv_store_participant_find(app->db, &visit->study, visit->learner_id, &visit->participant);
    if (status != DB_OK)
        srv_respond_db_error(response, status);
    else if (!visit->participant.id)
        srv_respond_error(response, 404, "not_participant", "You do not take part in this study.");
    return status == DB_OK && visit->participant.id;
}

static bool begin(struct srv_app *app, const struct srv_request *request, struct visit *visit,
                  struct srv_response *response)
{
    return api_learner_of(app, request, &visit->learner_id, response) &&
           find_study(app, request, &visit->study, response);
}

static bool begin_as_participant(struct srv_app *app, const struct srv_request *request, struct visit *visit,
                                 struct srv_response *response)
{
    return begin(app, request, visit, response) && find_participant(app, visit, response);
}

/* ---- where somebody is ---- */

enum stage {
    STAGE_CONSENT,
    STAGE_WAITS,
    STAGE_OPEN,
    STAGE_QUESTIONS,
    STAGE_FINISHED,
    STAGE_STOPPED,
    STAGE_OVER
};
static const char *const stages[] = {"consent", "waits", "open", "questions", "finished", "stopped", "over"};

/* *phase is the one that is open or waited for, phase_count when all are over. */
static enum stage stage_of(const struct visit *visit, struct srv_phase_at phases[STUDY_PHASES_MAX],
                           int *phase)
{
    int64_t finished_ms[STUDY_PHASES_MAX];
    const struct srv_study *study = &visit->study.study;
    const struct srv_participant *p = &visit->participant;
    for (int i = 0; i < study->phase_count; i++) finished_ms[i] = p->phases[i].finished_ms;
    *phase = srv_phases_at(study, p->enrolled_ms, finished_ms, srv_clock_utc_ms(), phases);
    bool over = *phase == study->phase_count;
    if (!over && p->simulated && phases[*phase].state == PHASE_WAITS) phases[*phase].state = PHASE_OPEN;
    if (p->end != PARTICIPANT_GOES_ON) return p->end == PARTICIPANT_STOPPED ? STAGE_STOPPED : STAGE_FINISHED;
    if (over && !study->question_count) return STAGE_FINISHED;
    if (visit->study.state == STUDY_FROZEN) return STAGE_OVER;
    if (!p->consented) return STAGE_CONSENT;
    if (over) return STAGE_QUESTIONS;
    return phases[*phase].state == PHASE_OPEN ? STAGE_OPEN : STAGE_WAITS;
}

static json_t *time_json(int64_t utc_ms)
{
    char text[SRV_TIME_TEXT];
    if (utc_ms == 0 || utc_ms == INT64_MAX) return json_null();
    srv_clock_format(utc_ms, text);
    return json_string(text);
}

static json_t *phases_json(const struct visit *visit, const struct srv_phase_at *phases)
{
    json_t *list = json_array();
    for (int i = 0; i < visit->study.study.phase_count; i++) {
        const struct srv_study_phase *phase = &visit->study.study.phases[i];
        const struct srv_participant_phase *done = &visit->participant.phases[i];
        bool started = *done->session;
        json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:o,s:o,s:s?,s:i,s:o}", "id", phase->id, "kind",
                                              phase->kind == STUDY_TEST ? "test" : "training", "state",
                                              srv_phase_states[phases[i].state], "opens_at",
                                              time_json(phases[i].opens_ms), "closes_at",
                                              time_json(phases[i].closes_ms), "session",
                                              started ? done->session : NULL, "answered", done->answered,
                                              "of", started ? json_integer(done->of) : json_null()));
    }
    return list;
}

static json_t *consent_json(const struct srv_store_study *study)
{
    return json_pack("{s:i,s:s,s:s}", "version", study->consent_version, "sha256", study->consent_sha256,
                     "text", study->study.consent);
}

static json_t *about_json(const struct srv_store_study *study)
{
    return json_pack("{s:s,s:s,s:s,s:s}", "id", study->study.id, "title", study->study.title, "contact",
                     study->study.contact, "state", srv_study_states[study->state]);
}

static json_t *participant_json(const struct visit *visit)
{
    int at;
    struct srv_phase_at phases[STUDY_PHASES_MAX];
    const struct srv_study *study = &visit->study.study;
    enum stage stage = stage_of(visit, phases, &at);
    bool asks = stage == STAGE_QUESTIONS, in_phase = stage == STAGE_OPEN || stage == STAGE_WAITS;
    return json_pack("{s:s,s:o,s:s,s:o,s:s?,s:o,s:o}", "code", visit->participant.code, "study",
                     about_json(&visit->study), "state", stages[stage], "consent",
                     stage == STAGE_CONSENT ? consent_json(&visit->study) : json_null(), "phase",
                     in_phase ? study->phases[at].id : NULL, "phases", phases_json(visit, phases),
                     "questions", asks ? srv_study_questions(study) : json_array());
}

static void respond_participant(struct srv_app *app, struct visit *visit, int success,
                                struct srv_response *response)
{
    if (find_participant(app, visit, response))
        srv_respond_json(response, success, json_pack("{s:o}", "participant", participant_json(visit)));
}

void api_study_invitation(struct srv_app *app, const struct srv_request *request,
                          struct srv_response *response)
{
    struct srv_store_study study;
    if (!find_study(app, request, &study, response)) return;
    const char *practice = study.study.practice_deck;
    srv_respond_json(response, 200,
                     json_pack("{s:{s:o,s:o,s:o,s:s?}}", "invitation", "study", about_json(&study), "consent",
                               consent_json(&study), "strata", srv_study_strata(&study.study),
                               "practice_deck", *practice ? practice : NULL));
}

void api_participant_read(struct srv_app *app, const struct srv_request *request,
                          struct srv_response *response)
{
    struct visit visit;
    if (begin(app, request, &visit, response)) respond_participant(app, &visit, 200, response);
}

/* ---- consent ---- */

static void respond_consent_changed(struct srv_response *response)
{
    srv_respond_error(response, 409, "consent_changed",
                      "There is a newer text; please read it and say again whether you agree.");
}

/* What somebody says to the newest text. */
static bool read_consent(const json_t *json, const char *where, const struct srv_store_study *study,
                         bool *agreed, struct srv_response *response)
{
    static const struct srv_json_field fields[] = {
        {"version", 'i', true}, {"sha256", 's', true}, {"agreed", 'b', true}};
    struct nn_error err = {0};
    if (srv_json_fields_check(json, where, fields, 3, &err)) {
        srv_respond_error(response, 400, "malformed_request", "%s.", err.text);
        return false;
    }
    *agreed = json_is_true(json_object_get(json, "agreed"));
    if (json_integer_value(json_object_get(json, "version")) == study->consent_version &&
        !strcmp(json_string_value(json_object_get(json, "sha256")), study->consent_sha256))
        return true;
    respond_consent_changed(response);
    return false;
}

void api_participant_consent(struct srv_app *app, const struct srv_request *request,
                             struct srv_response *response)
{
    struct visit visit;
    bool agreed, newest;
    if (!begin_as_participant(app, request, &visit, response)) return;
    json_t *body = srv_request_document(request, response);
    bool read = body && read_consent(body, "", &visit.study, &agreed, response);
    json_decref(body);
    if (!read) return;
    if (visit.study.state == STUDY_FROZEN) {
        srv_respond_error(response, 409, "study_over", "The study is over.");
        return;
    }
    enum db_status status = srv_store_consent_add(app->db, &visit.study, visit.learner_id, agreed, &newest);
    if (status != DB_OK)
        srv_respond_db_error(response, status);
    else if (!newest)
        respond_consent_changed(response);
    else
        respond_participant(app, &visit, 200, response);
}

/* ---- enrolment ---- */

/* The places of the choices, each stratum's one. */
static bool read_strata(const json_t *json, const struct srv_study *study, int choices[STUDY_STRATA_MAX],
                        struct srv_response *response)
{
    struct srv_json_field fields[STUDY_STRATA_MAX];
    struct nn_error err = {0};
    for (int i = 0; i < study->stratum_count; i++)
        fields[i] = (struct srv_json_field){study->strata[i].id, 's', true};
    if (!json && study->stratum_count == 0) return true;
    if (srv_json_fields_check(json, "strata", fields, study->stratum_count, &err)) {
        srv_respond_error(response, 422, "out_of_range", "%s.", err.text);
        return false;
    }
    for (int i = 0; i < study->stratum_count; i++) {
        const struct srv_study_stratum *s = &study->strata[i];
        choices[i] = srv_study_choice_find(s->choices, s->choice_count,
                                           json_string_value(json_object_get(json, s->id)));
        if (choices[i] >= 0) continue;
        srv_respond_error(response, 422, "out_of_range", "strata.%s: is none of its choices.", s->id);
        return false;
    }
    return true;
}

static bool read_enrolment(const json_t *body, const struct srv_store_study *study,
                           int choices[STUDY_STRATA_MAX], struct srv_response *response)
{
    bool agreed;
    if (!read_consent(json_object_get(body, "consent"), "consent", study, &agreed, response)) return false;
    if (agreed) return read_strata(json_object_get(body, "strata"), &study->study, choices, response);
    srv_respond_error(response, 422, "consent_needed",
                      "Nobody takes part without having agreed; the practice needs no consent.");
    return false;
}

static void enrol(struct srv_app *app, struct visit *visit, const int *choices, struct srv_response *response)
{
    enum srv_enrolment outcome;
    enum db_status status = srv_store_enrol(app->db, &visit->study, visit->learner_id, choices, &outcome);
    if (status != DB_OK)
        srv_respond_db_error(response, status);
    else if (outcome == ENROLMENT_NOT_OPEN)
        srv_respond_error(response, 409, "study_closed", "Nobody new can take part in this study any more.");
    else if (outcome == ENROLMENT_CONSENT_CHANGED)
        respond_consent_changed(response);
    else
        respond_participant(app, visit, outcome == ENROLMENT_DONE ? 201 : 200, response);
}

void api_participant_enrol(struct srv_app *app, const struct srv_request *request,
                           struct srv_response *response)
{
    static const struct srv_json_field fields[] = {{"consent", 'o', true}, {"strata", 'o', false}};
    struct visit visit;
    int choices[STUDY_STRATA_MAX] = {0};
    if (!begin(app, request, &visit, response)) return;
    json_t *body = srv_request_json(request, fields, 2, response);
    if (!body) return;
    if (read_enrolment(body, &visit.study, choices, response)) enrol(app, &visit, choices, response);
    json_decref(body);
}

/* ---- the session of a phase ---- */

static void respond_over(struct srv_response *response)
{
    srv_respond_error(response, 409, "study_over", "The study is over, or you have left it.");
}

static void respond_session(struct srv_app *app, const char *id, const char *secret, int success,
                            struct srv_response *response)
{
    bool found;
    struct srv_store_session session;
    enum db_status status = srv_store_session_find(app->db, id, &session, &found);
    if (status != DB_OK || !found) {
        if (status != DB_OK)
            srv_respond_db_error(response, status);
        else
            respond_over(response); /* left a moment ago */
        return;
    }
    json_t *json = api_session_json(&session);
    json_object_set_new(json, "secret", json_string(secret));
    srv_respond_json(response, success, json_pack("{s:o}", "session", json));
}

/* With another secret, as the first one is on the device where it was begun. */
static void go_on(struct srv_app *app, const char *id, struct srv_response *response)
{
    bool done;
    char secret[SRV_SECRET_TEXT], sha256[SRV_DIGEST_TEXT];
    api_secret_new(secret, sha256);
    enum db_status status = srv_store_session_secret(app->db, id, sha256, &done);
    if (status != DB_OK)
        srv_respond_db_error(response, status);
    else if (!done)
        respond_over(response);
    else
        respond_session(app, id, secret, 200, response);
}

static void keep_deck(void *context, const struct srv_store_deck *row)
{
    struct api_deck_version *deck = context;
    if (srv_store_deck_parse(row->definition, &deck->deck)) deck->id = row->version_id;
}

/* What of a failure may be told: that it is the model of one deck would tell the arm. */
static void hide_cause(const struct visit *visit, const char *deck, struct srv_response *response)
{
    static const char *const told[] = {"storage_unavailable", "loading", "internal"};
    for (size_t i = 0; i < sizeof told / sizeof *told; i++)
        if (response->error && !strcmp(response->error, told[i])) return;
    srv_log_error("study %s: the deck %s cannot be started: %s", visit->study.study.id, deck,
                  response->error ? response->error : "no memory");
    srv_respond_error(response, 503, "phase_unavailable",
                      "This part cannot be started at the moment. Your place is kept; please tell %s.",
                      visit->study.study.contact);
}

/* Somebody else with the same code may be starting it: then that one is gone on with. */
static void start_phase(struct srv_app *app, struct visit *visit, int phase, int64_t closes_ms,
                        struct srv_response *response)
{
    struct api_start start = {.learner_id = visit->learner_id, .study_id = visit->study.id};
    struct srv_store_session session;
    char secret[SRV_SECRET_TEXT];
    const struct srv_study *study = &visit->study.study;
    const char *deck = srv_study_deck(study, phase, visit->participant.arm);
    start.study.participant_id = visit->participant.id;
    start.study.tests = study->phases[phase].kind == STUDY_TEST;
    snprintf(start.study.phase, sizeof start.study.phase, "%s", study->phases[phase].id);
    if (closes_ms != INT64_MAX) srv_clock_format(closes_ms, start.study.closes_at);
    enum db_status status = srv_store_study_deck(app->db, visit->study.id, deck, keep_deck, &start.newest);
    if (status == DB_OK && !start.newest.id) status = DB_FAILED;
    if (status != DB_OK) {
        srv_respond_db_error(response, status);
    } else if (api_start_session(app, &start, &session, secret, response)) {
        respond_session(app, session.id, secret, 201, response);
    } else if (response->error && !strcmp(response->error, "started_elsewhere")) {
        if (!find_participant(app, visit, response)) return;
        if (*visit->participant.phases[phase].session)
            go_on(app, visit->participant.phases[phase].session, response);
        else
            respond_over(response);
    } else {
        hide_cause(visit, deck, response);
    }
}

void api_participant_session(struct srv_app *app, const struct srv_request *request,
                             struct srv_response *response)
{
    int at;
    struct visit visit;
    struct srv_phase_at phases[STUDY_PHASES_MAX];
    if (!begin_as_participant(app, request, &visit, response)) return;
    switch (stage_of(&visit, phases, &at)) {
    case STAGE_CONSENT:
        respond_consent_changed(response);
        break;
    case STAGE_WAITS:
        srv_respond_error(response, 409, "phase_waits", "The next part is not open yet.");
        break;
    case STAGE_OPEN:
        if (*visit.participant.phases[at].session)
            go_on(app, visit.participant.phases[at].session, response);
        else
            start_phase(app, &visit, at, phases[at].closes_ms, response);
        break;
    case STAGE_QUESTIONS:
    case STAGE_FINISHED:
        srv_respond_error(response, 409, "phases_over", "All parts of this study are over.");
        break;
    default:
        respond_over(response);
    }
}

/* ---- the questions at the end ---- */

static bool right_answer(const struct srv_study_question *question, const json_t *answer)
{
    const char *text = json_string_value(answer);
    if (!text || !*text) return false;
    if (question->kind == STUDY_ASKS_TEXT) return strlen(text) <= ANSWER_MAX;
    return srv_study_choice_find(question->choices, question->choice_count, text) >= 0;
}

static bool check_answers(const json_t *answers, const struct srv_study *study, struct srv_response *response)
{
    struct srv_json_field fields[STUDY_QUESTIONS_MAX];
    struct nn_error err = {0};
    for (int i = 0; i < study->question_count; i++)
        fields[i] = (struct srv_json_field){study->questions[i].id, 's', false};
    if (srv_json_fields_check(answers, "answers", fields, study->question_count, &err)) {
        srv_respond_error(response, 422, "out_of_range", "%s.", err.text);
        return false;
    }
    for (int i = 0; i < study->question_count; i++) {
        const struct srv_study_question *q = &study->questions[i];
        const json_t *answer = json_object_get(answers, q->id);
        if (!answer || right_answer(q, answer)) continue;
        srv_respond_error(response, 422, "out_of_range",
                          q->kind == STUDY_ASKS_TEXT ? "answers.%s: must have 1 to 2000 bytes."
                                                     : "answers.%s: is none of the choices.",
                          q->id);
        return false;
    }
    return true;
}

static void take_answers(struct srv_app *app, struct visit *visit, const json_t *answers,
                         struct srv_response *response)
{
    enum srv_store_outcome outcome;
    enum db_status status = srv_store_participant_answer(app->db, &visit->participant, answers, &outcome);
    if (status != DB_OK)
        srv_respond_db_error(response, status);
    else if (outcome == STORE_KEY_REUSED)
        srv_respond_error(response, 409, "already_answered", "The questions have been answered otherwise.");
    else if (outcome == STORE_OVER)
        respond_over(response);
    else
        respond_participant(app, visit, 200, response);
}

void api_participant_questions(struct srv_app *app, const struct srv_request *request,
                               struct srv_response *response)
{
    static const struct srv_json_field fields[] = {{"answers", 'o', true}};
    int at;
    struct visit visit;
    struct srv_phase_at phases[STUDY_PHASES_MAX];
    if (!begin_as_participant(app, request, &visit, response)) return;
    json_t *body = srv_request_json(request, fields, 1, response);
    if (!body) return;
    const json_t *answers = json_object_get(body, "answers");
    enum stage stage = stage_of(&visit, phases, &at);
    if (stage == STAGE_CONSENT)
        respond_consent_changed(response);
    else if (stage == STAGE_WAITS || stage == STAGE_OPEN)
        srv_respond_error(response, 409, "phases_not_over", "The questions come after the last part.");
    else if (check_answers(answers, &visit.study.study, response))
        take_answers(app, &visit, answers, response);
    json_decref(body);
}

/* ---- leaving ---- */

static void withdraw(struct srv_app *app, const struct visit *visit, const char *form_text,
                     struct srv_response *response)
{
    enum srv_withdrawal form;
    enum srv_withdrawal_outcome outcome;
    if (!srv_withdrawal_read(form_text, &form)) {
        srv_respond_error(response, 422, "out_of_range", "form must be stop, delete or anonymise.");
        return;
    }
    enum db_status status =
        srv_store_withdraw(app->db, NULL, visit->study.id, "", visit->learner_id, form, &outcome);
    if (status != DB_OK)
        srv_respond_db_error(response, status);
    else if (outcome == WITHDRAWAL_NOBODY)
        srv_respond_error(response, 404, "not_participant", "You do not take part in this study.");
    else if (outcome == WITHDRAWAL_FROZEN)
        srv_respond_error(response, 409, "study_over",
                          "The study is over and its data are final; please ask %s.",
                          visit->study.study.contact);
    else
        srv_respond_json(response, 200, json_pack("{s:{s:s}}", "withdrawn", "form", form_text));
}

void api_participant_withdraw(struct srv_app *app, const struct srv_request *request,
                              struct srv_response *response)
{
    static const struct srv_json_field fields[] = {{"form", 's', true}};
    struct visit visit;
    if (!begin(app, request, &visit, response)) return;
    json_t *body = srv_request_json(request, fields, 1, response);
    if (!body) return;
    withdraw(app, &visit, json_string_value(json_object_get(body, "form")), response);
    json_decref(body);
}
