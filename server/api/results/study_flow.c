#include "server/api/results/study_flow.h"

#include <stdio.h>
#include <string.h>

#include "server/clock.h"
#include "server/store/studies/store_withdrawal.h"
#include "server/studies/phases.h"

static const char *const place_names[FLOW_PLACES] = {
    [FLOW_FINISHED] = "finished",         [FLOW_UNDER_WAY] = "under_way",
    [FLOW_WAITING] = "waiting",           [FLOW_NEVER_STARTED] = "never_started",
    [FLOW_NOT_FINISHED] = "not_finished", [FLOW_WITHDREW] = "withdrew",
    [FLOW_DELETED] = "deleted",
};

static void locate(const struct srv_study *study, const struct srv_study_person *p, int64_t now_ms,
                   struct srv_phase_at *phases)
{
    struct srv_phase_record records[STUDY_PHASES_MAX];
    for (int k = 0; k < study->phase_count; k++) records[k] = p->phases[k].record;
    srv_phases_at(study, p->enrolled_ms, records, now_ms, phases);
}

static bool has_left(const struct srv_study_person *p)
{
    return *p->ended_how && strcmp(p->ended_how, "finished");
}

static enum srv_flow_place place_of(const struct srv_study_person *p, int k, const struct srv_phase_at *at)
{
    if (at->state == PHASE_DONE) return FLOW_FINISHED;
    if (at->state == PHASE_MISSED) return p->phases[k].started ? FLOW_NOT_FINISHED : FLOW_NEVER_STARTED;
    if (has_left(p)) return FLOW_WITHDREW;
    return p->phases[k].started ? FLOW_UNDER_WAY : FLOW_WAITING;
}

static void count_stratum(struct srv_flow *flow, int arm, const char *stratum, int64_t more)
{
    char key[DECK_ID_TEXT + STUDY_STRATUM_TEXT + 1];
    snprintf(key, sizeof key, "%s/%s", flow->study->arms[arm].id, stratum);
    int64_t before = json_integer_value(json_object_get(flow->strata, key));
    json_object_set_new(flow->strata, key, json_integer(before + more));
}

void srv_flow_add(struct srv_flow *flow, const struct srv_study_person *p)
{
    struct srv_phase_at phases[STUDY_PHASES_MAX];
    if (p->arm < 0) return;
    flow->randomised[p->arm]++;
    count_stratum(flow, p->arm, p->stratum, 1);
    locate(flow->study, p, flow->now_ms, phases);
    for (int k = 0; k < flow->study->phase_count; k++) flow->places[k][p->arm][place_of(p, k, &phases[k])]++;
}

/* Only of those who had everything deleted nothing else is known; the others are among the participants. */
void srv_flow_gone(struct srv_flow *flow, const struct srv_study_gone *gone)
{
    for (int i = 0; i < 3; i++)
        if (!strcmp(gone->form, srv_withdrawals[i])) flow->left[i] += gone->count;
    if (strcmp(gone->form, srv_withdrawals[WITHDRAWAL_DELETE]) || gone->arm < 0) return;
    flow->randomised[gone->arm] += gone->count;
    count_stratum(flow, gone->arm, gone->stratum, gone->count);
    for (int k = 0; k < flow->study->phase_count; k++)
        flow->places[k][gone->arm][FLOW_DELETED] += gone->count;
}

/* ---- as JSON ---- */

static json_t *strata_json(const struct srv_flow *flow, int arm)
{
    json_t *list = json_array();
    const char *id = flow->study->arms[arm].id, *key;
    json_t *count;
    size_t length = strlen(id);
    json_object_foreach(flow->strata, key, count) if (!strncmp(key, id, length) && key[length] == '/')
        json_array_append_new(list, json_pack("{s:s,s:O}", "stratum", key + length + 1, "count", count));
    return list;
}

static json_t *phase_json(const struct srv_flow *flow, int phase, int arm)
{
    const struct srv_study *study = flow->study;
    json_t *json = json_pack("{s:s,s:s,s:s}", "phase", study->phases[phase].id, "kind",
                             srv_study_kinds[study->phases[phase].kind], "arm", study->arms[arm].id);
    for (int i = 0; json && i < FLOW_PLACES; i++)
        json_object_set_new(json, place_names[i], json_integer(flow->places[phase][arm][i]));
    return json;
}

json_t *srv_flow_json(const struct srv_flow *flow, const char *state)
{
    const struct srv_study *study = flow->study;
    json_t *arms = json_array(), *phases = json_array();
    int64_t all = 0;
    for (int arm = 0; arm < study->arm_count; arm++) {
        all += flow->randomised[arm];
        json_array_append_new(arms, json_pack("{s:s,s:s,s:I,s:o}", "arm", study->arms[arm].id, "label",
                                              study->arms[arm].label, "randomised", flow->randomised[arm],
                                              "strata", strata_json(flow, arm)));
    }
    for (int phase = 0; phase < study->phase_count; phase++)
        for (int arm = 0; arm < study->arm_count; arm++)
            json_array_append_new(phases, phase_json(flow, phase, arm));
    return json_pack("{s:s,s:s,s:I,s:I,s:o,s:o,s:{s:I,s:I,s:I}}", "study", study->id, "state", state,
                     "consented", all, "randomised", all, "arms", arms, "phases", phases, "withdrawn",
                     srv_withdrawals[0], flow->left[0], srv_withdrawals[1], flow->left[1], srv_withdrawals[2],
                     flow->left[2]);
}

static json_t *participant_phase_json(const struct srv_study *study, int k,
                                      const struct srv_study_person_phase *phase,
                                      const struct srv_phase_at *at)
{
    return json_pack("{s:s,s:s,s:b,s:i}", "phase", study->phases[k].id, "state", srv_phase_states[at->state],
                     "started", (int)phase->started, "answers", phase->answers);
}

/* Of dates the day alone. */
json_t *srv_flow_person_json(const struct srv_study *study, const struct srv_study_person *p, int64_t now_ms)
{
    char day[SRV_TIME_TEXT];
    struct srv_phase_at phases[STUDY_PHASES_MAX];
    json_t *list = json_array();
    srv_clock_format(p->enrolled_ms, day);
    day[strlen("2026-01-05")] = '\0';
    locate(study, p, now_ms, phases);
    for (int k = 0; k < study->phase_count; k++)
        json_array_append_new(list, participant_phase_json(study, k, &p->phases[k], &phases[k]));
    return json_pack("{s:s,s:s?,s:s,s:s,s:s?,s:o}", "participant_id", p->code, "arm",
                     p->arm >= 0 ? study->arms[p->arm].id : NULL, "stratum", p->stratum, "enrolled_on", day,
                     "ended_how", *p->ended_how ? p->ended_how : NULL, "phases", list);
}
