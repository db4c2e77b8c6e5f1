#include <stdio.h>

#include "server/api/api.h"
#include "server/api/sessions/feedback.h"
#include "server/api/sessions/item_images.h"
#include "server/log.h"

static void send_item(const struct srv_store_session *session, const struct srv_store_item *item,
                      struct srv_response *response)
{
    char url[96];
    bool answered = session->answered[item->n - 1];
    snprintf(url, sizeof url, "/api/v1/images/%s.png", item->image);
    srv_respond_json(response, 200,
                     json_pack("{s:{s:i,s:i,s:s,s:o,s:s,s:b,s:o}}", "item", "n", item->n, "of",
                               session->deck.items, "question", session->deck.question, "choices",
                               srv_deck_choices(&session->deck), "image", url, "answered", (int)answered,
                               "feedback",
                               answered ? api_feedback_json(session, item, item->correct) : json_null()));
}

/* The page learns here whether the session can go on: a browser does not tell it why an image failed. To be
 * loaded its models need not be, that is what the image waits for. */
static void send_with_image(struct srv_app *app, const struct srv_store_session *session,
                            const struct srv_store_item *item, struct srv_response *response)
{
    struct api_item_images images;
    if (!api_item_there(item, response)) return;
    enum srv_models_result models = api_item_images_try(app, item, &images);
    if (models == MODELS_GONE) {
        if (session->study.participant_id)
            srv_respond_error(response, 410, "model_gone",
                              "This part of the study cannot go on. Your answers are kept; the study's page "
                              "says what comes next.");
        else
            api_respond_no_model(MODELS_GONE, response);
        return;
    }
    send_item(session, item, response);
    if (models == MODELS_OK) api_read_ahead(app, session->id, &images, item->n - 1, 0);
    api_item_images_release(&images);
}

bool api_item_number(const struct srv_request *request, const struct srv_store_session *session, int *n,
                     struct srv_response *response)
{
    uint64_t number;
    bool good = srv_request_read_u64(request->params[1], &number) && number >= 1 &&
                number <= (uint64_t)session->deck.items;
    if (good)
        *n = (int)number;
    else
        srv_respond_error(response, 404, "unknown_item", "The session has items 1 to %d.",
                          session->deck.items);
    return good;
}

bool api_session_item(struct srv_app *app, const char *session_id, int n, struct srv_store_item *item,
                      struct srv_response *response)
{
    bool found;
    enum db_status status = srv_store_item_find(app->db, session_id, n, item, &found);
    if (status != DB_OK)
        srv_respond_db_error(response, status);
    else if (!found)
        srv_respond_error(response, 404, "unknown_session", "There is no such session any more.");
    return status == DB_OK && found;
}

void api_item(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    int n;
    struct srv_store_session session;
    struct srv_store_item item;
    if (!api_session(app, request, &session, response) || !api_item_number(request, &session, &n, response))
        return;
    if (!api_item_open(&session, n, response)) return;
    if (api_session_item(app, session.id, n, &item, response))
        send_with_image(app, &session, &item, response);
}

/* The hash of what the learner was shown joins the answer in the export. It is on disk before the image is
 * sent, so no answer is about an image without one; its flush is that of whoever writes at the time. Losing
 * it must not keep the image from the learner: the next request for the image records it. */
static void record_sent(struct srv_app *app, const struct srv_store_item *item,
                        const struct nn_model_info *info, struct srv_blob *png)
{
    char hash[BLOB_DIGEST_TEXT];
    srv_blob_sha256(png, hash);
    if (srv_store_image_sent(app->db, item, hash, info->device) != DB_OK)
        srv_log_error("the hash of an item's image was not recorded");
}

/* Who asks for an item's image. */
struct viewer {
    struct srv_read_ahead *sessions;
    const struct srv_request *request;
    const struct srv_store_item *item;
};

static enum srv_priority urgency(const void *client)
{
    const struct viewer *v = client;
    if (srv_request_client_left(v->request)) return PRIORITIES;
    return srv_read_ahead_waits(v->sessions, v->item->session_id, v->item->n) ? PRIORITY_LEARNER
                                                                              : PRIORITY_NEXT;
}

static void send_image(struct srv_app *app, const struct srv_request *request,
                       const struct srv_store_item *item, struct api_item_images *images,
                       struct srv_response *response)
{
    int size;
    const struct viewer viewer = {app->read_ahead, request, item};
    if (!api_size(request, srv_model_info(images->models[images->own]), &size, response) ||
        !api_item_images_send(app, images, size, urgency, &viewer, response))
        return;
    response->cache_control = "private, max-age=86400, immutable";
    if (!item->sent) record_sent(app, item, images->by, response->body);
    api_read_ahead(app, item->session_id, images, item->n, size);
}

/* The random name is itself the permission, so that <img> can load it. Nothing here depends on the class:
 * the same headers, the same number of bytes, no entity tag. */
void api_image(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    static const char *const known[] = {"size"};
    bool found;
    struct srv_store_item item;
    if (!srv_request_query_known(request, known, 1, response)) return;
    enum db_status status = srv_store_image_find(app->db, request->params[0], &item, &found);
    if (status != DB_OK) {
        srv_respond_db_error(response, status);
    } else if (!found) {
        srv_respond_error(response, 404, "unknown_image", "There is no such image.");
    } else {
        struct api_item_images images;
        if (!api_item_there(&item, response) || !api_item_images_hold(app, &item, &images, response)) return;
        send_image(app, request, &item, &images, response);
        api_item_images_release(&images);
    }
}
