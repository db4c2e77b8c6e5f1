/* What researchers see of a study: who is where, under random codes, and what was learnt. */
#include <stdlib.h>
#include <string.h>

#include "server/api/api.h"
#include "server/api/results/readings_json.h"
#include "server/api/results/study_flow.h"
#include "server/store/results/store_study_results.h"
#include "server/store/studies/store_studies.h"
#include "server/store/studies/store_withdrawal.h"

/* The study that the route names (heap, to be freed), or NULL with 404, 500 or 503 in `response`. */
static struct srv_store_study *find(struct srv_app *app, const struct srv_request *request,
                                    struct srv_response *response)
{
    bool found = false;
    struct srv_store_study *study = calloc(1, sizeof *study);
    enum db_status status =
        study ? srv_store_study_find(app->db, request->params[0], study, &found) : DB_UNAVAILABLE;
    if (status == DB_OK && found) return study;
    free(study);
    if (status != DB_OK)
        srv_respond_db_error(response, status);
    else
        srv_respond_error(response, 404, "unknown_study", "There is no such study.");
    return NULL;
}

/* ---- flow and participants ---- */

/* Of people, or of simulated participants instead. */
static bool read_whose(const struct srv_request *request, bool *simulated, struct srv_response *response)
{
    static const char *const known[] = {"simulated"};
    return srv_request_query_known(request, known, 1, response) &&
           srv_request_query_flag(request, "simulated", simulated, response);
}

static void count_participant(void *context, const struct srv_study_person *participant)
{
    srv_flow_add(context, participant);
}

static void count_gone(void *context, const struct srv_study_gone *gone)
{
    srv_flow_gone(context, gone);
}

void api_study_flow(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    bool simulated;
    struct srv_store_study *study =
        read_whose(request, &simulated, response) ? find(app, request, response) : NULL;
    if (!study) return;
    struct srv_flow flow = {.study = &study->study, .now_ms = srv_clock_utc_ms(), .strata = json_object()};
    const struct srv_study_takers takers = {count_participant, count_gone, &flow};
    enum db_status status = srv_store_study_people(app->db, study->id, &study->study, simulated, &takers);
    if (status == DB_OK)
        srv_respond_json(response, 200,
                         json_pack("{s:o}", "flow", srv_flow_json(&flow, srv_study_states[study->state])));
    else
        srv_respond_db_error(response, status);
    json_decref(flow.strata);
    free(study);
}

struct listing {
    const struct srv_study *study;
    int64_t now_ms;
    json_t *list;
};

static void list_participant(void *context, const struct srv_study_person *participant)
{
    struct listing *listing = context;
    json_array_append_new(listing->list, srv_flow_person_json(listing->study, participant, listing->now_ms));
}

static void list_no_gone(void *context, const struct srv_study_gone *gone)
{
    (void)context, (void)gone;
}

void api_study_participants(struct srv_app *app, const struct srv_request *request,
                            struct srv_response *response)
{
    bool simulated;
    struct srv_store_study *study =
        read_whose(request, &simulated, response) ? find(app, request, response) : NULL;
    if (!study) return;
    struct listing listing = {&study->study, srv_clock_utc_ms(), json_array()};
    const struct srv_study_takers takers = {list_participant, list_no_gone, &listing};
    enum db_status status = srv_store_study_people(app->db, study->id, &study->study, simulated, &takers);
    if (status == DB_OK)
        srv_respond_json(response, 200, json_pack("{s:O}", "participants", listing.list));
    else
        srv_respond_db_error(response, status);
    json_decref(listing.list);
    free(study);
}

static void respond_withdrawn(enum srv_withdrawal_outcome outcome, const char *form,
                              struct srv_response *response)
{
    if (outcome == WITHDRAWAL_DONE)
        srv_respond_json(response, 200, json_pack("{s:{s:s}}", "withdrawn", "form", form));
    else if (outcome == WITHDRAWAL_NOBODY)
        srv_respond_error(response, 404, "unknown_participant", "The study has no such participant.");
    else
        srv_respond_error(response, 409, "study_frozen", "The study is frozen: nothing in it changes.");
}

void api_study_withdraw(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    static const struct srv_json_field fields[] = {{"form", 's', true}};
    enum srv_withdrawal form;
    enum srv_withdrawal_outcome outcome;
    enum db_status status;
    json_t *body = srv_request_json(request, fields, 1, response);
    if (!body) return;
    const char *text = json_string_value(json_object_get(body, "form"));
    struct srv_store_study *study = find(app, request, response);
    if (!study) goto out;
    if (!srv_withdrawal_read(text, &form)) {
        srv_respond_error(response, 422, "out_of_range", "form: must be stop, delete or anonymise.");
        goto out;
    }
    status = srv_store_withdraw(app->db, request->account, study->id, request->params[1], 0, form, &outcome);
    if (status == DB_OK)
        respond_withdrawn(outcome, text, response);
    else
        srv_respond_db_error(response, status);
out:
    free(study);
    json_decref(body);
}

/* ---- statistics ---- */

/* The comparison that is asked for. */
struct comparison {
    int reference; /* an arm */
    enum srv_stat_measure measure;
    double margin; /* 0: none is given */
};

struct results {
    const struct srv_study *study;
    json_t *cells;
    struct srv_readings_means of[STUDY_PHASES_MAX][STUDY_ARMS_MAX];
    bool failed; /* too many answers, or no memory */
};

static void take_cell(void *context, int phase, int arm, const struct srv_readings *readings)
{
    struct results *results = context;
    const struct srv_study *study = results->study;
    json_t *score = srv_readings_json(readings, 1, &results->of[phase][arm]);
    json_t *each = srv_readings_each_json(readings);
    if (readings->failed || !score || !each) results->failed = true;
    json_array_append_new(results->cells,
                          json_pack("{s:s,s:s,s:s,s:o,s:o}", "phase", study->phases[phase].id, "kind",
                                    srv_study_kinds[study->phases[phase].kind], "arm", study->arms[arm].id,
                                    "score", score, "participants", each));
}

static json_t *difference_json(const struct results *results, int phase, int arm,
                               const struct comparison *wanted)
{
    const struct srv_study *study = results->study;
    json_t *json = srv_readings_difference_json(
        &results->of[phase][arm], &results->of[phase][wanted->reference], wanted->measure, wanted->margin);
    json_object_set_new(json, "phase", json_string(study->phases[phase].id));
    json_object_set_new(json, "arm", json_string(study->arms[arm].id));
    json_object_set_new(json, "reference", json_string(study->arms[wanted->reference].id));
    return json;
}

static json_t *differences_json(const struct results *results, const struct comparison *wanted)
{
    json_t *list = json_array();
    for (int phase = 0; phase < results->study->phase_count; phase++)
        for (int arm = 0; arm < results->study->arm_count; arm++)
            if (arm != wanted->reference)
                json_array_append_new(list, difference_json(results, phase, arm, wanted));
    return list;
}

/* Those of which more is better. */
static bool read_measure(const char *text, enum srv_stat_measure *measure)
{
    for (enum srv_stat_measure m = SRV_STAT_ACCURACY; m <= SRV_STAT_D_PRIME; m++) {
        if (strcmp(text, srv_stat_measure_name(m))) continue;
        *measure = m;
        return true;
    }
    return false;
}

static bool read_comparison(const struct srv_request *request, const struct srv_study *study,
                            struct comparison *wanted, bool *simulated, struct srv_response *response)
{
    static const char *const known[] = {"reference", "measure", "margin", "simulated"};
    if (!srv_request_query_known(request, known, 4, response) ||
        !srv_request_query_flag(request, "simulated", simulated, response))
        return false;
    const char *reference = srv_request_query(request, "reference"),
               *measure = srv_request_query(request, "measure"),
               *margin = srv_request_query(request, "margin");
    *wanted = (struct comparison){.measure = SRV_STAT_AUC};
    const char *wrong = NULL;
    if (reference && (wanted->reference = srv_study_arm_find(study, reference)) < 0)
        wrong = "reference: must be the id of an arm.";
    else if (measure && !read_measure(measure, &wanted->measure))
        wrong = "measure: must be accuracy, sensitivity, specificity, auc or d_prime.";
    else if (margin && (!srv_request_read_share(margin, &wanted->margin) || wanted->margin <= 0))
        wrong = "margin: must be a number above 0, at most 1.";
    if (wrong) srv_respond_error(response, 422, "out_of_range", "%s", wrong);
    return !wrong;
}

void api_study_statistics(struct srv_app *app, const struct srv_request *request,
                          struct srv_response *response)
{
    struct comparison wanted;
    bool simulated;
    struct srv_store_study *study = find(app, request, response);
    struct results *results = study ? calloc(1, sizeof *results) : NULL;
    if (!study || !results || !read_comparison(request, &study->study, &wanted, &simulated, response))
        goto out;
    results->study = &study->study;
    results->cells = json_array();
    enum db_status status =
        srv_store_study_readings(app->db, study->id, &study->study, simulated, take_cell, results);
    if (status != DB_OK)
        srv_respond_db_error(response, status);
    else if (results->failed)
        srv_respond_error(response, 503, "too_many_answers", "There are too many answers to count here.");
    else
        srv_respond_json(response, 200,
                         json_pack("{s:{s:s,s:O,s:o}}", "statistics", "study", study->study.id, "cells",
                                   results->cells, "differences", differences_json(results, &wanted)));
out:
    if (study && !results) srv_respond_db_error(response, DB_UNAVAILABLE);
    if (results) json_decref(results->cells);
    free(results);
    free(study);
}
