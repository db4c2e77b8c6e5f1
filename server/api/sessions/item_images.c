#include "server/api/sessions/item_images.h"

#include "engine/image.h"
#include "server/clock.h"

void api_item_images_release(struct api_item_images *images)
{
    for (int i = 0; i < images->count; i++) srv_model_release(images->models[i]);
    images->count = 0;
}

/* The others' images show their first class, from the seed of the item's. */
static bool fill_request(struct srv_model *model, const struct srv_store_item *item, bool own,
                         struct srv_image_request *request)
{
    const struct nn_model_info *info = srv_model_info(model);
    bool drawn = own && item->library.width == 0;
    int class_index = drawn ? srv_deck_class_find(info, item->class_name) : 0;
    if (class_index < 0) return false;
    *request = (struct srv_image_request){
        .model = model,
        .sample = {item->seed, class_index, (float)item->strength, (float)item->truncation},
        .size = info->resolution,
        .depth = 8,
        .held = item->held,
        .apart = item->apart,
    };
    if (own) request->library = item->library;
    return true;
}

/* *missing is the place of a model that is not to be had now. */
static enum srv_models_result try_all(struct srv_app *app, const struct srv_store_item *item,
                                      struct api_item_images *images, int *missing)
{
    *images = (struct api_item_images){.own = item->model};
    for (int i = 0; i < item->model_count; i++) {
        enum srv_models_result result =
            srv_models_hold_version(app->models, item->models[i].sha256, 0, &images->models[i]);
        images->count += result == MODELS_OK;
        if (result == MODELS_OK &&
            !fill_request(images->models[i], item, i == item->model, &images->requests[i]))
            result = MODELS_GONE;
        if (result == MODELS_OK) continue;
        api_item_images_release(images);
        *missing = i;
        return result;
    }
    return MODELS_OK;
}

enum srv_models_result api_item_images_try(struct srv_app *app, const struct srv_store_item *item,
                                           struct api_item_images *images)
{
    int missing;
    return try_all(app, item, images, &missing);
}

/* Waits for one model at a time, holding none: who held one while waiting for another could keep it from
 * being loaded. */
bool api_item_images_hold(struct srv_app *app, const struct srv_store_item *item,
                          struct api_item_images *images, struct srv_response *response)
{
    int missing;
    struct srv_model *model;
    int64_t deadline_us = api_model_deadline_us();
    enum srv_models_result result = try_all(app, item, images, &missing);
    while (result == MODELS_LOADING) {
        result = srv_models_hold_version(app->models, item->models[missing].sha256, deadline_us, &model);
        srv_model_release(model);
        if (result != MODELS_OK) break;
        result = try_all(app, item, images, &missing);
    }
    if (result != MODELS_OK) api_respond_no_model(result, response);
    return result == MODELS_OK;
}

bool api_item_there(const struct srv_store_item *item, struct srv_response *response)
{
    bool there = !item->gone && !item->reserved;
    if (!there)
        srv_respond_error(response, 410, "images_gone",
                          "Images of this session are not here any more. Your answers are kept; please start "
                          "a new session.");
    return there;
}

bool api_item_images_send(struct srv_app *app, struct api_item_images *images, int size,
                          enum srv_priority (*urgency)(const void *client), const void *client,
                          struct srv_response *response)
{
    struct srv_blob *own = NULL;
    bool made = true;
    for (int i = 0; i < images->count && made; i++) {
        images->requests[i].size = size;
        const struct nn_model_info *by;
        made = api_send_image(app, &images->requests[i], urgency, client, &by, response);
        if (i != images->own || !made) continue;
        own = srv_blob_hold(response->body);
        images->by = by;
    }
    if (made) {
        srv_blob_release(response->body);
        response->body = own;
    } else {
        srv_blob_release(own);
    }
    return made;
}

void api_read_ahead(struct srv_app *app, const char *session_id, const struct api_item_images *held, int at,
                    int size)
{
    bool found;
    struct srv_store_item item;
    int side = srv_model_info(held->models[0])->resolution;
    size_t item_bytes = nn_png_stored_size(side, side, 8) * (size_t)held->count;
    struct srv_ahead_span span =
        srv_read_ahead_move(app->read_ahead, session_id, at, size, item_bytes, srv_clock_monotonic_us());
    for (int n = span.first; n <= span.last; n++) {
        if (srv_store_item_find(app->db, session_id, n, &item, &found) != DB_OK) break;
        if (!found) {
            srv_read_ahead_undecided(app->read_ahead, session_id, n);
            break;
        }
        for (int i = 0; i < held->count; i++) {
            struct srv_image_request request;
            if (!fill_request(held->models[i], &item, i == item.model, &request)) continue;
            if (span.size) request.size = span.size;
            srv_queue_read_ahead(app->queue, &request, n - at);
        }
    }
}

void api_read_ahead_if_loaded(struct srv_app *app, const struct srv_store_item *item, int at, int size)
{
    struct api_item_images images;
    if (api_item_images_try(app, item, &images) != MODELS_OK) return;
    api_read_ahead(app, item->session_id, &images, at, size);
    api_item_images_release(&images);
}
