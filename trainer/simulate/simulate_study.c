#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "trainer/interrupt.h"
#include "trainer/simulate/simulate_actor.h"

enum { PATH_TEXT = 256, STEPS_MAX = 200 };

/* Somebody who takes part. */
struct part {
    struct tr_actor *actor;
    json_t *at;          /* where they are, as the server says it */
    int withdraws_after; /* so many sessions; INT_MAX: never */
};

/* POSTs to a route below the study's, "" for none, and takes what comes back for where the participant is. */
static nn_status step(struct part *p, const char *route, json_t *body, struct nn_error *err)
{
    char path[PATH_TEXT];
    json_t *reply;
    snprintf(path, sizeof path, "/api/v1/studies/%s/%s", p->actor->plan->study, route);
    nn_status status = tr_http_post(p->actor->http, path, p->actor->code, body, &reply, err);
    json_decref(body);
    if (status) return status;
    json_decref(p->at);
    p->at = reply;
    return NN_OK;
}

static nn_status ask_where(struct part *p, struct nn_error *err)
{
    char path[PATH_TEXT];
    json_t *reply;
    snprintf(path, sizeof path, "/api/v1/studies/%s/participant", p->actor->plan->study);
    nn_status status = tr_http_get(p->actor->http, path, p->actor->code, &reply, err);
    if (status) return status;
    json_decref(p->at);
    p->at = reply;
    return NN_OK;
}

static const json_t *participant(const struct part *p)
{
    return json_object_get(p->at, "participant");
}

static bool is_at(const struct part *p, const char *state)
{
    const char *text = json_string_value(json_object_get(participant(p), "state"));
    return text && !strcmp(text, state);
}

/* ---- enrolment and questions ---- */

/* By chance one of "choices", which are texts or have an id; else some words. `k` counts the choices made. */
static json_t *choose(const struct tr_actor *actor, const json_t *question, int k)
{
    const json_t *choices = json_object_get(question, "choices");
    size_t count = json_array_size(choices);
    if (count == 0) return json_string("A simulated answer.");
    double at = tr_skilled_fate(&actor->skilled, TR_CHOOSES, k) * (double)count;
    const json_t *choice = json_array_get(choices, (size_t)at);
    return json_incref(
        (json_t *)(uintptr_t)(json_is_object(choice) ? json_object_get(choice, "id") : choice));
}

/* An object of one choice for each question. */
static json_t *choose_all(const struct tr_actor *actor, const json_t *questions, int first)
{
    size_t i;
    const json_t *question;
    json_t *answers = json_object();
    json_array_foreach(questions, i, question) json_object_set_new(
        answers, json_string_value(json_object_get(question, "id")), choose(actor, question, first + (int)i));
    return answers;
}

static json_t *agree(const json_t *consent)
{
    return json_pack("{s:O,s:O,s:b}", "version", json_object_get(consent, "version"), "sha256",
                     json_object_get(consent, "sha256"), "agreed", 1);
}

static nn_status enrol(struct part *p, struct nn_error *err)
{
    char path[PATH_TEXT];
    json_t *reply;
    snprintf(path, sizeof path, "/api/v1/studies/%s/invitation", p->actor->plan->study);
    nn_status status = tr_http_get(p->actor->http, path, NULL, &reply, err);
    if (status) return status;
    const json_t *invitation = json_object_get(reply, "invitation");
    json_t *body = json_pack("{s:o,s:o}", "consent", agree(json_object_get(invitation, "consent")), "strata",
                             choose_all(p->actor, json_object_get(invitation, "strata"), 0));
    json_decref(reply);
    status = step(p, "participants", body, err);
    const char *code = json_string_value(json_object_get(participant(p), "code"));
    snprintf(p->actor->name, sizeof p->actor->name, "%s", code ? code : "");
    return status;
}

/* ---- the sessions of the phases ---- */

/* Starts the phase's session, or goes on with it under another secret; *reply is the caller's. */
static nn_status open_session(struct part *p, json_t **reply, struct nn_error *err)
{
    char path[PATH_TEXT];
    snprintf(path, sizeof path, "/api/v1/studies/%s/participant/session", p->actor->plan->study);
    json_t *nothing = json_object();
    nn_status status = tr_http_post(p->actor->http, path, p->actor->code, nothing, reply, err);
    json_decref(nothing);
    return status;
}

/* The whole phase, but for those who leave; who moves goes on from the middle on another device. */
static nn_status do_phase(struct part *p, enum tr_outcome *outcome, struct nn_error *err)
{
    json_t *reply;
    struct tr_actor *actor = p->actor;
    bool finished = false,
         moves = tr_skilled_fate(&actor->skilled, TR_DEVICE, actor->sessions) < actor->plan->other_device;
    nn_status status = open_session(p, &reply, err);
    if (status) return status;
    const json_t *session = json_object_get(reply, "session");
    int items = (int)json_integer_value(json_object_get(json_object_get(session, "deck"), "items"));
    int leaves = tr_actor_leaves_after(actor, items);
    status = tr_drill(actor, session, moves && items / 2 < leaves ? items / 2 : leaves, &finished, err);
    json_decref(reply);
    if (status == NN_OK && moves && !finished && items / 2 < leaves && !tr_interrupted()) {
        status = open_session(p, &reply, err);
        if (status == NN_OK)
            status = tr_drill(actor, json_object_get(reply, "session"), leaves, &finished, err);
        json_decref(reply);
    }
    if (status) return status;
    *outcome = finished ? TR_FINISHED : tr_interrupted() ? TR_STOPPED : TR_LEFT;
    actor->sessions++;
    return finished ? ask_where(p, err) : NN_OK;
}

static nn_status withdraw(struct part *p, struct nn_error *err)
{
    static const char *const forms[] = {"stop", "delete", "anonymise"};
    int form = (int)(tr_skilled_fate(&p->actor->skilled, TR_FORM, 0) * 3);
    return step(p, "participant/withdraw", json_pack("{s:s}", "form", forms[form]), err);
}

/* ---- from step to step ---- */

/* One step, by where the participant is. *outcome is TR_OUTCOMES when there is another one to be done. */
static nn_status go_on(struct part *p, enum tr_outcome *outcome, struct nn_error *err)
{
    nn_status status = NN_OK;
    *outcome = TR_OUTCOMES;
    if (tr_interrupted()) {
        *outcome = TR_STOPPED;
    } else if (p->actor->sessions >= p->withdraws_after) {
        status = withdraw(p, err);
        *outcome = TR_WITHDREW;
    } else if (is_at(p, "consent")) {
        status = step(p, "participant/consent", agree(json_object_get(participant(p), "consent")), err);
    } else if (is_at(p, "open")) {
        status = do_phase(p, outcome, err);
        if (*outcome == TR_FINISHED) *outcome = TR_OUTCOMES; /* the phase, not the study */
    } else if (is_at(p, "questions")) {
        json_t *answers = choose_all(p->actor, json_object_get(participant(p), "questions"), 8);
        status = step(p, "participant/questions", json_pack("{s:o}", "answers", answers), err);
    } else {
        *outcome = is_at(p, "waits") ? TR_WAITS : TR_FINISHED;
    }
    return status;
}

static int withdraws_after(const struct part *p)
{
    const struct tr_skilled *skilled = &p->actor->skilled;
    double phases = (double)json_array_size(json_object_get(participant(p), "phases"));
    if (tr_skilled_fate(skilled, TR_WITHDRAWS, 0) >= p->actor->plan->withdraw) return INT_MAX;
    return 1 + (int)(tr_skilled_fate(skilled, TR_WITHDRAWS, 1) * phases);
}

nn_status tr_participate(struct tr_actor *actor, enum tr_outcome *outcome, struct nn_error *err)
{
    struct part p = {.actor = actor, .withdraws_after = INT_MAX};
    nn_status status = enrol(&p, err);
    *outcome = TR_OUTCOMES;
    if (status == NN_OK) p.withdraws_after = withdraws_after(&p);
    for (int i = 0; status == NN_OK && *outcome == TR_OUTCOMES && i < STEPS_MAX; i++)
        status = go_on(&p, outcome, err);
    if (status == NN_OK && *outcome == TR_OUTCOMES)
        status = nn_fail(err, NN_ERR_FORMAT, "%s: the study comes to no end", actor->plan->study);
    json_decref(p.at);
    return status;
}
