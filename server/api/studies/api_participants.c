/* Taking part in a study, by the learner's code: being asked, agreeing, being enrolled, leaving. */
#include <string.h>

#include "server/api/studies/participant_visit.h"
#include "server/store/studies/store_withdrawal.h"

void api_study_invitation(struct srv_app *app, const struct srv_request *request,
                          struct srv_response *response)
{
    struct srv_store_study study;
    if (!api_visit_study(app, request, &study, response)) return;
    const char *practice = study.study.practice_deck;
    srv_respond_json(response, 200,
                     json_pack("{s:{s:o,s:o,s:o,s:s?}}", "invitation", "study", api_study_about_json(&study),
                               "consent", api_study_consent_json(&study), "strata",
                               srv_study_strata(&study.study), "practice_deck", *practice ? practice : NULL));
}

void api_participant_read(struct srv_app *app, const struct srv_request *request,
                          struct srv_response *response)
{
    struct api_visit visit;
    if (api_visit_begin(app, request, &visit, response)) api_visit_respond(app, &visit, 200, response);
}

/* ---- consent ---- */

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
    api_visit_respond_consent_changed(response);
    return false;
}

void api_participant_consent(struct srv_app *app, const struct srv_request *request,
                             struct srv_response *response)
{
    struct api_visit visit;
    bool agreed, newest;
    if (!api_visit_begin_as_participant(app, request, &visit, response)) return;
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
        api_visit_respond_consent_changed(response);
    else
        api_visit_respond(app, &visit, 200, response);
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

static void enrol(struct srv_app *app, struct api_visit *visit, const int *choices,
                  struct srv_response *response)
{
    enum srv_enrolment outcome;
    enum db_status status = srv_store_enrol(app->db, &visit->study, visit->learner_id, choices, &outcome);
    if (status != DB_OK)
        srv_respond_db_error(response, status);
    else if (outcome == ENROLMENT_NOT_OPEN)
        srv_respond_error(response, 409, "study_closed", "Nobody new can take part in this study any more.");
    else if (outcome == ENROLMENT_CONSENT_CHANGED)
        api_visit_respond_consent_changed(response);
    else
        api_visit_respond(app, visit, outcome == ENROLMENT_DONE ? 201 : 200, response);
}

void api_participant_enrol(struct srv_app *app, const struct srv_request *request,
                           struct srv_response *response)
{
    static const struct srv_json_field fields[] = {{"consent", 'o', true}, {"strata", 'o', false}};
    struct api_visit visit;
    int choices[STUDY_STRATA_MAX] = {0};
    if (!api_visit_begin(app, request, &visit, response)) return;
    json_t *body = srv_request_json(request, fields, 2, response);
    if (!body) return;
    if (read_enrolment(body, &visit.study, choices, response)) enrol(app, &visit, choices, response);
    json_decref(body);
}

/* ---- leaving ---- */

static void withdraw(struct srv_app *app, const struct api_visit *visit, const char *form_text,
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
    struct api_visit visit;
    if (!api_visit_begin(app, request, &visit, response)) return;
    json_t *body = srv_request_json(request, fields, 1, response);
    if (!body) return;
    withdraw(app, &visit, json_string_value(json_object_get(body, "form")), response);
    json_decref(body);
}
