#include "server/api/studies/participant_visit.h"

/* ---- who asks ---- */

/* Drafts are no study yet. */
bool api_visit_study(struct srv_app *app, const struct srv_request *request, struct srv_store_study *study,
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

bool api_visit_participant(struct srv_app *app, struct api_visit *visit, struct srv_response *response)
{
    enum db_status status =
        srv_store_participant_find(app->db, &visit->study, visit->learner_id, &visit->participant);
    if (status != DB_OK)
        srv_respond_db_error(response, status);
    else if (!visit->participant.id)
        srv_respond_error(response, 404, "not_participant", "You do not take part in this study.");
    return status == DB_OK && visit->participant.id;
}

bool api_visit_begin(struct srv_app *app, const struct srv_request *request, struct api_visit *visit,
                     struct srv_response *response)
{
    return api_learner_of(app, request, &visit->learner_id, response) &&
           api_visit_study(app, request, &visit->study, response);
}

bool api_visit_begin_as_participant(struct srv_app *app, const struct srv_request *request,
                                    struct api_visit *visit, struct srv_response *response)
{
    return api_visit_begin(app, request, visit, response) && api_visit_participant(app, visit, response);
}

/* ---- where somebody is ---- */

static const char *const stages[] = {"consent", "waits", "open", "questions", "finished", "stopped", "over"};

enum api_stage api_visit_stage(const struct api_visit *visit, struct srv_phase_at phases[STUDY_PHASES_MAX],
                               int *phase)
{
    struct srv_phase_record records[STUDY_PHASES_MAX];
    const struct srv_study *study = &visit->study.study;
    const struct srv_participant *p = &visit->participant;
    for (int i = 0; i < study->phase_count; i++) records[i] = p->phases[i].record;
    *phase = srv_phases_at(study, p->enrolled_ms, records, srv_clock_utc_ms(), phases);
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

static json_t *phases_json(const struct api_visit *visit, const struct srv_phase_at *phases)
{
    json_t *list = json_array();
    for (int i = 0; i < visit->study.study.phase_count; i++) {
        const struct srv_study_phase *phase = &visit->study.study.phases[i];
        const struct srv_participant_phase *done = &visit->participant.phases[i];
        bool started = *done->session;
        json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:o,s:o,s:s?,s:i,s:o}", "id", phase->id, "kind",
                                              srv_study_kinds[phase->kind], "state",
                                              srv_phase_states[phases[i].state], "opens_at",
                                              time_json(phases[i].opens_ms), "closes_at",
                                              time_json(phases[i].closes_ms), "session",
                                              started ? done->session : NULL, "answered", done->answered,
                                              "of", started ? json_integer(done->of) : json_null()));
    }
    return list;
}

json_t *api_study_consent_json(const struct srv_store_study *study)
{
    return json_pack("{s:i,s:s,s:s}", "version", study->consent_version, "sha256", study->consent_sha256,
                     "text", study->study.consent);
}

json_t *api_study_about_json(const struct srv_store_study *study)
{
    return json_pack("{s:s,s:s,s:s,s:s}", "id", study->study.id, "title", study->study.title, "contact",
                     study->study.contact, "state", srv_study_states[study->state]);
}

static json_t *participant_json(const struct api_visit *visit)
{
    int at;
    struct srv_phase_at phases[STUDY_PHASES_MAX];
    const struct srv_study *study = &visit->study.study;
    enum api_stage stage = api_visit_stage(visit, phases, &at);
    bool asks = stage == STAGE_QUESTIONS, in_phase = stage == STAGE_OPEN || stage == STAGE_WAITS;
    return json_pack("{s:s,s:o,s:s,s:o,s:s?,s:o,s:o}", "code", visit->participant.code, "study",
                     api_study_about_json(&visit->study), "state", stages[stage], "consent",
                     stage == STAGE_CONSENT ? api_study_consent_json(&visit->study) : json_null(), "phase",
                     in_phase ? study->phases[at].id : NULL, "phases", phases_json(visit, phases),
                     "questions", asks ? srv_study_questions(study) : json_array());
}

void api_visit_respond(struct srv_app *app, struct api_visit *visit, int success,
                       struct srv_response *response)
{
    if (api_visit_participant(app, visit, response))
        srv_respond_json(response, success, json_pack("{s:o}", "participant", participant_json(visit)));
}

void api_visit_respond_consent_changed(struct srv_response *response)
{
    srv_respond_error(response, 409, "consent_changed",
                      "There is a newer text; please read it and say again whether you agree.");
}

void api_visit_respond_over(struct srv_response *response)
{
    srv_respond_error(response, 409, "study_over", "The study is over, or you have left it.");
}
