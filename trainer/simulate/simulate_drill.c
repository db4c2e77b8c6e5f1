#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/rng.h"
#include "trainer/interrupt.h"
#include "trainer/simulate/simulate_actor.h"

enum { PATH_TEXT = 256, KEY_TEXT = 37 };

/* A session under way. */
struct drill {
    struct tr_actor *actor;
    const json_t *deck;
    const char *id, *secret;
    json_t *truths; /* of the items that are decided; NULL before it was asked for */
};

/* ---- what is right ---- */

/* Borrowed; NULL when the item has not been decided. */
static const json_t *known_truth(const struct drill *d, int n)
{
    size_t i;
    const json_t *item;
    json_array_foreach(json_object_get(d->truths, "truths"), i,
                       item) if (json_integer_value(json_object_get(item, "n")) == n) return item;
    return NULL;
}

/* Items that follow the answers are decided one at a time. */
static nn_status find_truth(struct drill *d, int n, const json_t **truth, struct nn_error *err)
{
    char path[PATH_TEXT];
    nn_status status = NN_OK;
    if (!known_truth(d, n)) {
        json_decref(d->truths);
        snprintf(path, sizeof path, "/api/v1/sessions/%s/truths", d->id);
        status = tr_http_get(d->actor->http, path, d->actor->plan->admin_token, &d->truths, err);
    }
    *truth = known_truth(d, n);
    if (status == NN_OK && !*truth) return nn_fail(err, NN_ERR_FORMAT, "%s: nothing of item %d", d->id, n);
    return status;
}

/* ---- one item ---- */

static nn_status look(struct drill *d, int n, struct nn_error *err)
{
    char path[PATH_TEXT];
    json_t *item, *image = NULL;
    snprintf(path, sizeof path, "/api/v1/sessions/%s/items/%d", d->id, n);
    nn_status status = tr_http_get(d->actor->http, path, d->secret, &item, err);
    if (status) return status;
    const char *url = json_string_value(json_object_get(json_object_get(item, "item"), "image"));
    if (!url)
        status = nn_fail(err, NN_ERR_FORMAT, "%s: has no image", path);
    else if (d->actor->plan->images)
        status = tr_http_get(d->actor->http, url, NULL, &image, err);
    json_decref(image);
    json_decref(item);
    return status;
}

/* A UUID (version 4) of the run's random numbers, so that the same run sends the same. */
static void make_key(const struct tr_skilled *learner, int session, int n, char key[KEY_TEXT])
{
    uint32_t w[4];
    const uint64_t index = (uint64_t)(session * 4096 + n) * 4, stream = UINT64_C(1) << 63 | learner->number;
    for (uint64_t i = 0; i < 4; i++) w[i] = nn_random_u32(learner->seed, stream, index + i);
    snprintf(key, KEY_TEXT, "%08" PRIx32 "-%04x-4%03x-a%03x-%04x%08" PRIx32, w[0], w[1] >> 16, w[1] & 0xfff,
             w[2] >> 20, w[2] & 0xffff, w[3]);
}

static json_t *answer_json(const struct drill *d, int n, const struct tr_response *response)
{
    char key[KEY_TEXT];
    const json_t *choice = json_array_get(json_object_get(d->deck, "choices"), response->yes);
    double limit_s = json_number_value(json_object_get(d->deck, "time_limit_s"));
    const char *rating = json_string_value(json_object_get(d->deck, "rating"));
    make_key(&d->actor->skilled, d->actor->sessions, n, key);
    json_t *body =
        json_pack("{s:s,s:i,s:O,s:f,s:s}", "key", key, "item", n, "choice", json_object_get(choice, "id"),
                  "response_ms", response->response_ms, "ui_version", "simulate");
    if (rating && !strcmp(rating, "confidence"))
        json_object_set_new(body, "confidence", json_integer(response->confidence));
    if (limit_s > 0)
        json_object_set_new(body, "timed_out", json_boolean(response->response_ms > 1000 * limit_s));
    return body;
}

static nn_status answer(struct drill *d, int n, const json_t *truth, bool *finished, struct nn_error *err)
{
    char path[PATH_TEXT];
    struct tr_actor *actor = d->actor;
    json_t *reply;
    const char *source = json_string_value(json_object_get(truth, "source"));
    const json_t *yes = json_object_get(json_array_get(json_object_get(d->deck, "choices"), 1), "id");
    bool is_yes = json_equal(yes, json_object_get(truth, "truth"));
    enum tr_source from = source && !strcmp(source, "library") ? TR_LIBRARY : TR_GAN;
    struct tr_response response = tr_skilled_answer(&actor->skilled, actor->sessions, n, from, is_yes);
    json_t *body = answer_json(d, n, &response);
    snprintf(path, sizeof path, "/api/v1/sessions/%s/answers", d->id);
    nn_status status = tr_http_post(actor->http, path, d->secret, body, &reply, err);
    json_decref(body);
    if (status) return status;
    actor->answers++;
    actor->right += response.yes == is_yes;
    if (json_is_object(json_object_get(reply, "feedback"))) tr_skilled_told(&actor->skilled, from);
    *finished = json_is_true(json_object_get(json_object_get(reply, "progress"), "finished"));
    json_decref(reply);
    return NN_OK;
}

/* ---- all items ---- */

nn_status tr_drill(struct tr_actor *actor, const json_t *session, int stop_after, bool *finished,
                   struct nn_error *err)
{
    struct drill d = {.actor = actor,
                      .deck = json_object_get(session, "deck"),
                      .id = json_string_value(json_object_get(session, "id")),
                      .secret = json_string_value(json_object_get(session, "secret"))};
    nn_status status = NN_OK;
    *finished = json_is_true(json_object_get(session, "finished"));
    if (!d.id || !d.secret || !d.deck)
        return nn_fail(err, NN_ERR_FORMAT, "the server's session has no id or secret");
    int n = (int)json_array_size(json_object_get(session, "answered")) + 1;
    for (; status == NN_OK && !*finished && n <= stop_after && !tr_interrupted(); n++) {
        const json_t *truth;
        status = look(&d, n, err);
        if (status == NN_OK) status = find_truth(&d, n, &truth, err);
        if (status == NN_OK) status = answer(&d, n, truth, finished, err);
    }
    json_decref(d.truths);
    return status;
}
