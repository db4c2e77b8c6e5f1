/* Where the finding of an answered item is: the mask of its data set, or what the model changes when it is
 * told the other class. */
#include <stdlib.h>

#include "engine/image.h"
#include "server/api/api.h"
#include "server/api/sessions/feedback.h"
#include "server/api/sessions/item_images.h"
#include "server/images/image_sampler.h"
#include "server/images/location_map.h"
#include "server/log.h"

/* Takes `grey`. */
static void send_grey(uint8_t *grey, int side, const char *shows, struct srv_response *response)
{
    const struct nn_image image = {side, side, 8, grey};
    const struct nn_png_text text = {"Shows", shows};
    struct nn_error err = {0};
    uint8_t *bytes;
    size_t size_bytes;
    if (nn_png_encode(&image, &text, 1, &bytes, &size_bytes, &err)) {
        srv_log_error("location: %s", err.text);
        srv_respond_error(response, 500, "internal", "The image could not be made.");
    } else {
        srv_respond_bytes(response, "image/png", bytes, size_bytes);
        response->cache_control = "private, max-age=86400";
    }
    free(grey);
}

static void send_mask(struct srv_app *app, const struct srv_store_item *item, struct srv_response *response)
{
    struct nn_error err = {0};
    uint8_t *grey = malloc((size_t)item->mask.width * (size_t)item->mask.width);
    if (grey && !srv_library_read(app->config->library, &item->mask, grey, &err)) {
        if (item->has_middle) srv_location_narrow(grey, item->mask.width, item->middle_x, item->middle_y);
        send_grey(grey, item->mask.width, "where the finding is, by the data set's mask", response);
        return;
    }
    srv_log_error("location: %s", grey ? err.text : "out of memory");
    free(grey);
    srv_respond_error(response, 500, "internal", "The image could not be read.");
}

/* ---- difference ---- */

static enum srv_priority urgency(const void *client)
{
    return srv_request_client_left(client) ? PRIORITIES : PRIORITY_NEXT;
}

/* One of the pair, in the form of the atlas: so that no learner's image is found made because somebody looked
 * at another one's place. */
static bool draw(struct srv_app *app, const struct srv_request *request, struct srv_model *model,
                 const struct srv_store_item *item, const char *class_name, struct nn_image *image,
                 struct srv_response *response)
{
    const struct nn_model_info *info = srv_model_info(model);
    struct nn_error err = {0};
    const struct srv_image_request wanted = {
        .model = model,
        .sample = {item->seed, srv_deck_class_find(info, class_name), (float)item->strength,
                   (float)item->truncation},
        .size = info->resolution,
        .depth = 8,
        .labelled = true,
    };
    const struct nn_model_info *by;
    if (!api_send_image(app, &wanted, urgency, request, &by, response)) return false;
    nn_status status =
        nn_png_decode(response->body->bytes, response->body->size_bytes, "a drawn image", image, &err);
    if (!status) return true;
    srv_log_error("location: %s", err.text);
    srv_respond_error(response, 500, "internal", "The image could not be made.");
    return false;
}

static void send_difference(struct srv_app *app, const struct srv_request *request, struct srv_model *model,
                            const struct srv_store_item *item, const char *other,
                            struct srv_response *response)
{
    struct nn_image pair[2] = {0};
    struct nn_error err = {0};
    if (draw(app, request, model, item, item->class_name, &pair[0], response) &&
        draw(app, request, model, item, other, &pair[1], response)) {
        int side = pair[0].width;
        uint8_t *map = malloc((size_t)side * (size_t)side);
        if (map && !srv_difference_map(pair[0].pixels, pair[1].pixels, side, map, &err)) {
            send_grey(map, side, "what the model changed for the other class", response);
        } else {
            free(map);
            srv_respond_error(response, 500, "internal", "Memory ran out.");
        }
    }
    nn_image_release(&pair[0]);
    nn_image_release(&pair[1]);
}

static void send_location(struct srv_app *app, const struct srv_request *request,
                          const struct srv_store_session *session, const struct srv_store_item *item,
                          struct srv_response *response)
{
    struct srv_model *model = NULL;
    if (item->library.width) {
        send_mask(app, item, response);
        return;
    }
    enum srv_models_result result = srv_models_hold_version(app->models, item->models[item->model].sha256,
                                                            api_model_deadline_us(), &model);
    if (result != MODELS_OK)
        api_respond_no_model(result, response);
    else
        send_difference(app, request, model, item,
                        srv_deck_other_class(&session->deck, item->model, item->class_name), response);
    srv_model_release(model);
}

/* What a deck does not tell it refuses before it looks at the item: so the refusal tells nothing of it. */
void api_location(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    int n;
    struct srv_store_session session;
    struct srv_store_item item;
    if (!api_session(app, request, &session, response) || !api_item_number(request, &session, &n, response))
        return;
    if (session.deck.feedback != DECK_TELLS_LOCATION || session.study.tests) {
        srv_respond_error(response, 404, "no_location", "This deck does not show where a finding is.");
        return;
    }
    if (!session.answered[n - 1]) {
        srv_respond_error(response, 409, "not_answered", "The item is not answered yet.");
        return;
    }
    if (!api_session_item(app, session.id, n, &item, response)) return;
    if (api_feedback_of(&session, &item) != DECK_TELLS_LOCATION)
        srv_respond_error(response, 404, "no_location", "There is no place to show in this image.");
    else if (!item.library.width || api_item_there(&item, response))
        send_location(app, request, &session, &item, response);
}
