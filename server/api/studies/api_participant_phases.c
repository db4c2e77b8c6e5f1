/* What a participant does in a study: the sessions of its phases, and the questions at the end. */
#include <stdio.h>
#include <string.h>

#include "server/api/sessions/start_session.h"
#include "server/api/studies/participant_visit.h"
#include "server/log.h"

enum { ANSWER_MAX = 2000 };

/* ---- the session of a phase ---- */

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
            api_visit_respond_over(response); /* left a moment ago */
        return;
    }
    json_t *json = api_session_json(&session);
    json_object_set_new(json, "secret", json_string(secret));
    srv_respond_json(response, success, json_pack("{s:o}", "session", json));
}

/* With another secret, as the first one is on the device where it was begun. */
static void renew(struct srv_app *app, const char *id, struct srv_response *response)
{
    bool done;
    char secret[SRV_SECRET_TEXT], sha256[SRV_DIGEST_TEXT];
    api_secret_new(secret, sha256);
    enum db_status status = srv_store_session_secret(app->db, id, sha256, &done);
    if (status != DB_OK)
        srv_respond_db_error(response, status);
    else if (!done)
        api_visit_respond_over(response);
    else
        respond_session(app, id, secret, 200, response);
}

static void respond_unavailable(const struct api_visit *visit, struct srv_response *response)
{
    srv_respond_error(response, 503, "phase_unavailable",
                      "This part cannot be started at the moment. Your place is kept; please tell %s.",
                      visit->study.study.contact);
}

/* The place of a model of which neither memory nor folder has the session's version any more; or -1. */
static int gone_model(struct srv_app *app, const struct srv_store_session *session)
{
    for (int i = 0; i < session->model_count; i++) {
        struct srv_model *model;
        enum srv_models_result result =
            srv_models_hold_version(app->models, session->models[i].sha256, 0, &model);
        srv_model_release(model);
        if (result == MODELS_GONE) return i;
    }
    return -1;
}

/* Another session would train with another model, and the first one's images twice: so the phase ends with
 * what was answered. While the model's name is free its file may only be away, which is no reason to. */
static void end_broken(struct srv_app *app, const struct api_visit *visit,
                       const struct srv_store_session *session, const char *model,
                       struct srv_response *response)
{
    struct srv_model_entry entry;
    bool replaced = srv_models_find(app->models, model, &entry) && entry.described;
    srv_log_error("study %s: a session of the phase %s cannot go on%s: the version of the model %s that it "
                  "was drawn for is gone",
                  visit->study.study.id, session->study.phase, replaced ? " and ends" : "", model);
    enum db_status status = replaced ? srv_store_phase_close(app->db, session->id) : DB_OK;
    if (status != DB_OK)
        srv_respond_db_error(response, status);
    else if (replaced)
        srv_respond_error(response, 409, "phase_ended",
                          "This part cannot go on, and ends here. Your answers are kept; please go on with "
                          "what comes next.");
    else
        respond_unavailable(visit, response);
}

static void go_on(struct srv_app *app, const struct api_visit *visit, int phase,
                  struct srv_response *response)
{
    bool found;
    struct srv_store_session session;
    const char *id = visit->participant.phases[phase].session;
    enum db_status status = srv_store_session_find(app->db, id, &session, &found);
    int gone = status == DB_OK && found ? gone_model(app, &session) : -1;
    if (status != DB_OK)
        srv_respond_db_error(response, status);
    else if (gone < 0)
        renew(app, id, response);
    else
        end_broken(app, visit, &session, session.deck.models[gone], response);
}

/* What of a failure may be told: that it is the model of one deck would tell the arm. */
static void hide_cause(const struct api_visit *visit, const char *deck, struct srv_response *response)
{
    static const char *const told[] = {"storage_unavailable", "loading", "internal"};
    for (size_t i = 0; i < sizeof told / sizeof *told; i++)
        if (response->error && !strcmp(response->error, told[i])) return;
    srv_log_error("study %s: the deck %s cannot be started: %s", visit->study.study.id, deck,
                  response->error ? response->error : "no memory");
    respond_unavailable(visit, response);
}

/* Somebody else with the same code may be starting it: then that one is gone on with. */
static void start_phase(struct srv_app *app, struct api_visit *visit, int phase, int64_t closes_ms,
                        struct srv_response *response)
{
    struct api_start start = {.learner_id = visit->learner_id};
    struct srv_store_session session;
    char secret[SRV_SECRET_TEXT];
    const struct srv_study *study = &visit->study.study;
    const char *deck = srv_study_deck(study, phase, visit->participant.arm);
    start.study.participant_id = visit->participant.id;
    start.study.study_id = visit->study.id;
    start.study.tests = study->phases[phase].kind == STUDY_TEST;
    snprintf(start.study.phase, sizeof start.study.phase, "%s", study->phases[phase].id);
    if (closes_ms != INT64_MAX) srv_clock_format(closes_ms, start.study.closes_at);
    enum db_status status =
        srv_store_study_deck(app->db, visit->study.id, deck, api_keep_deck, &start.newest);
    if (status == DB_OK && !start.newest.id) status = DB_FAILED;
    if (status != DB_OK) {
        srv_respond_db_error(response, status);
        return;
    }
    switch (api_start_session(app, &start, &session, secret, response)) {
    case STARTED:
        respond_session(app, session.id, secret, 201, response);
        break;
    case START_ELSEWHERE:
        if (!api_visit_participant(app, visit, response)) return;
        if (*visit->participant.phases[phase].session)
            go_on(app, visit, phase, response);
        else
            api_visit_respond_over(response);
        break;
    case START_REFUSED:
        hide_cause(visit, deck, response);
    }
}

void api_participant_session(struct srv_app *app, const struct srv_request *request,
                             struct srv_response *response)
{
    int at;
    struct api_visit visit;
    struct srv_phase_at phases[STUDY_PHASES_MAX];
    if (!api_visit_begin_as_participant(app, request, &visit, response)) return;
    switch (api_visit_stage(&visit, phases, &at)) {
    case STAGE_CONSENT:
        api_visit_respond_consent_changed(response);
        break;
    case STAGE_WAITS:
        srv_respond_error(response, 409, "phase_waits", "The next part is not open yet.");
        break;
    case STAGE_OPEN:
        if (*visit.participant.phases[at].session)
            go_on(app, &visit, at, response);
        else
            start_phase(app, &visit, at, phases[at].closes_ms, response);
        break;
    case STAGE_QUESTIONS:
    case STAGE_FINISHED:
        srv_respond_error(response, 409, "phases_over", "All parts of this study are over.");
        break;
    default:
        api_visit_respond_over(response);
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

static void take_answers(struct srv_app *app, struct api_visit *visit, const json_t *answers,
                         struct srv_response *response)
{
    enum srv_store_outcome outcome;
    enum db_status status = srv_store_participant_answer(app->db, &visit->participant, answers, &outcome);
    if (status != DB_OK)
        srv_respond_db_error(response, status);
    else if (outcome == STORE_KEY_REUSED)
        srv_respond_error(response, 409, "already_answered", "The questions have been answered otherwise.");
    else if (outcome == STORE_OVER)
        api_visit_respond_over(response);
    else
        api_visit_respond(app, visit, 200, response);
}

void api_participant_questions(struct srv_app *app, const struct srv_request *request,
                               struct srv_response *response)
{
    static const struct srv_json_field fields[] = {{"answers", 'o', true}};
    int at;
    struct api_visit visit;
    struct srv_phase_at phases[STUDY_PHASES_MAX];
    if (!api_visit_begin_as_participant(app, request, &visit, response)) return;
    json_t *body = srv_request_json(request, fields, 1, response);
    if (!body) return;
    const json_t *answers = json_object_get(body, "answers");
    enum api_stage stage = api_visit_stage(&visit, phases, &at);
    if (stage == STAGE_CONSENT)
        api_visit_respond_consent_changed(response);
    else if (stage == STAGE_WAITS || stage == STAGE_OPEN)
        srv_respond_error(response, 409, "phases_not_over", "The questions come after the last part.");
    else if (check_answers(answers, &visit.study.study, response))
        take_answers(app, &visit, answers, response);
    json_decref(body);
}
