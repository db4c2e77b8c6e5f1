#include "server/api/api.h"

#include <stdio.h>
#include <string.h>

#include "engine/sha256.h"
#include "server/accounts/learner_code.h"
#include "server/clock.h"
#include "server/store/sessions/store_learners.h"

enum { MODEL_WAIT_MS = 10000, LOADING_RETRY_S = 2, BROKEN_RETRY_S = 10 };

int64_t api_model_deadline_us(void)
{
    return srv_clock_monotonic_us() + MODEL_WAIT_MS * INT64_C(1000);
}

void api_respond_no_model(enum srv_models_result result, struct srv_response *response)
{
    switch (result) {
    case MODELS_UNKNOWN:
        srv_respond_error(response, 404, "unknown_model",
                          "There is no such model; /api/v1/models lists them.");
        break;
    case MODELS_BROKEN:
        srv_respond_error(response, 503, "model_unavailable",
                          "The model cannot be used at the moment. Whoever runs this server finds the reason "
                          "at /api/v1/models.");
        response->retry_after_s = BROKEN_RETRY_S;
        break;
    case MODELS_GONE:
        srv_respond_error(
            response, 410, "model_gone",
            "The model that drew this session's images is not here any more. Your answers are kept; "
            "please start a new session.");
        break;
    default:
        srv_respond_error(response, 503, "loading", "The model is being loaded.");
        response->retry_after_s = LOADING_RETRY_S;
    }
}

struct srv_model *api_model(struct srv_app *app, const char *name, struct srv_response *response)
{
    struct srv_model *model;
    enum srv_models_result result = srv_models_hold(app->models, name, api_model_deadline_us(), &model);
    if (result != MODELS_OK) api_respond_no_model(result, response);
    return model;
}

/* Sessions of one learner are opened by the code too, from another device. */
static bool is_learners(struct srv_app *app, const char *code, const char *session_id, bool *is,
                        struct srv_response *response)
{
    char sha256[SRV_DIGEST_TEXT];
    *is = false;
    if (!code || !srv_learner_code_hash(code, sha256)) return true;
    enum db_status status = srv_store_learner_has(app->db, sha256, session_id, is);
    if (status != DB_OK) srv_respond_db_error(response, status);
    return status == DB_OK;
}

/* The id is looked up before the secret is checked: ids are random, so telling 404 from 401 tells nothing
 * to those who have none, and helps those whose session is gone. */
bool api_session(struct srv_app *app, const struct srv_request *request, struct srv_store_session *session,
                 struct srv_response *response)
{
    bool found, is;
    char hash[SRV_DIGEST_TEXT];
    const char *secret = srv_request_bearer(request);
    enum db_status status = srv_store_session_find(app->db, request->params[0], session, &found);
    if (status != DB_OK) {
        srv_respond_db_error(response, status);
        return false;
    }
    if (!found) {
        srv_respond_error(response, 404, "unknown_session", "There is no such session.");
        return false;
    }
    if (secret) nn_sha256_hex(secret, strlen(secret), hash);
    if (secret && srv_secret_equal(hash, session->secret_sha256)) return true;
    if (!is_learners(app, secret, session->id, &is, response)) return false;
    if (is) return true;
    srv_respond_error(response, 401, "wrong_secret", "The session's secret is missing or wrong.");
    return false;
}

bool api_item_open(const struct srv_store_session *session, int n, struct srv_response *response)
{
    bool ended = session->answered_count == session->item_count;
    if (srv_session_item_open(session->answered, session->item_count, n)) return true;
    if (ended)
        srv_respond_error(response, 409, "session_finished",
                          "The session has ended: there are no more items.");
    else
        srv_respond_error(response, 409, "item_locked", "Answer the items before this one first.");
    return false;
}

bool api_size(const struct srv_request *request, const struct nn_model_info *model, int *size,
              struct srv_response *response)
{
    uint64_t wanted;
    int sizes[IMAGE_SIZES_MAX], count = srv_image_sizes(model, sizes);
    const char *text = srv_request_query(request, "size");
    *size = model->resolution;
    if (!text) return true;
    for (int i = 0; i < count && srv_request_read_u64(text, &wanted); i++) {
        *size = sizes[i];
        if (wanted == (uint64_t)sizes[i]) return true;
    }
    srv_respond_error(response, 422, "size_not_offered", "The model's sizes are listed at /api/v1/models.");
    return false;
}

bool api_send_image(struct srv_app *app, const struct srv_image_request *image,
                    enum srv_priority (*urgency)(const void *client), const void *client,
                    const struct nn_model_info **by, struct srv_response *response)
{
    int retry_after_s;
    const int64_t deadline_us = srv_clock_monotonic_us() + QUEUE_WAIT_MS * INT64_C(1000);
    const struct srv_asker asker = {deadline_us, urgency, client};
    struct srv_made made;
    switch (srv_queue_get(app->queue, image, &asker, &made, &retry_after_s)) {
    case QUEUE_OK:
        srv_blob_release(response->body);
        response->body = made.png;
        *by = made.by;
        response->status = 200;
        response->content_type = "image/png";
        return true;
    case QUEUE_BUSY:
        srv_respond_error(response, 503, "busy", "Too many images are being made.");
        response->retry_after_s = retry_after_s;
        return false;
    case QUEUE_LEFT: /* this is for the log only */
        srv_respond_error(response, 499, "client_left", "The client has closed the connection.");
        return false;
    default:
        srv_respond_error(response, 500, "internal", "The image could not be made.");
        return false;
    }
}

bool api_if_match(const struct srv_request *request, int *version, struct srv_response *response)
{
    int end = 0;
    const char *text = request->if_match;
    if (!text) {
        srv_respond_error(response, 428, "which_version",
                          "Say which version you edited: If-Match: \"1\". GET gives it as ETag.");
        return false;
    }
    if (strlen(text) <= 12 && sscanf(text, "\"%9d\"%n", version, &end) == 1 && text[end] == '\0' &&
        *version > 0)
        return true;
    *version = -1; /* no version matches */
    return true;
}
