#include "trainer/simulate/simulate_actor.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

#include "trainer/interrupt.h"

#define ROUTE "/api/v1/simulated-learners"

int tr_actor_leaves_after(const struct tr_actor *actor, int items)
{
    if (tr_skilled_fate(&actor->skilled, TR_LEAVES, actor->sessions) >= actor->plan->leave) return INT_MAX;
    return (int)(tr_skilled_fate(&actor->skilled, TR_LEAVES_WHEN, actor->sessions) * items);
}

/* The code by which the server knows that a program plays. */
static nn_status introduce(struct tr_actor *actor, struct nn_error *err)
{
    char seed[24];
    snprintf(seed, sizeof seed, "%" PRIu64, tr_skilled_seed(&actor->skilled));
    json_t *reply, *body = json_pack("{s:s}", "draw_seed", seed);
    nn_status status = tr_http_post(actor->http, ROUTE, actor->plan->admin_token, body, &reply, err);
    json_decref(body);
    if (status) return status;
    const char *code = json_string_value(json_object_get(json_object_get(reply, "learner"), "code"));
    if (!code) status = nn_fail(err, NN_ERR_FORMAT, ROUTE ": the answer has no code");
    snprintf(actor->code, sizeof actor->code, "%s", code ? code : "");
    json_decref(reply);
    return status;
}

static nn_status practise(struct tr_actor *actor, enum tr_outcome *outcome, struct nn_error *err)
{
    bool finished;
    json_t *reply, *body = json_pack("{s:s,s:s}", "deck", actor->plan->deck, "learner", actor->code);
    nn_status status = tr_http_post(actor->http, "/api/v1/sessions", NULL, body, &reply, err);
    json_decref(body);
    if (status) return status;
    const json_t *session = json_object_get(reply, "session");
    const char *id = json_string_value(json_object_get(session, "id"));
    int items = (int)json_integer_value(json_object_get(json_object_get(session, "deck"), "items"));
    snprintf(actor->name, sizeof actor->name, "%s", id ? id : "");
    status = tr_drill(actor, session, tr_actor_leaves_after(actor, items), &finished, err);
    *outcome = finished ? TR_FINISHED : tr_interrupted() ? TR_STOPPED : TR_LEFT;
    json_decref(reply);
    return status;
}

nn_status tr_actor_run(struct tr_actor *actor, uint64_t number, enum tr_outcome *outcome,
                       struct nn_error *err)
{
    tr_skilled_init(&actor->skilled, &actor->plan->skill, actor->plan->seed, number);
    actor->name[0] = '\0';
    actor->sessions = 0;
    actor->answers = actor->right = 0;
    *outcome = TR_STOPPED;
    nn_status status = introduce(actor, err);
    if (status) return status;
    return actor->plan->study ? tr_participate(actor, outcome, err) : practise(actor, outcome, err);
}
