#include <stdio.h>
#include <string.h>

#include "engine/engine.h"
#include "server/api/api.h"

static bool read_share(const struct srv_request *request, const char *name, float *share,
                       struct srv_response *response)
{
    double value = 1;
    const char *text = srv_request_query(request, name);
    if (text && !srv_request_read_share(text, &value)) {
        srv_respond_error(response, 422, "out_of_range", "%s must be a number between 0 and 1.", name);
        return false;
    }
    *share = (float)value;
    return true;
}

static bool read_bits(const struct srv_request *request, int *depth, struct srv_response *response)
{
    const char *text = srv_request_query(request, "bits");
    *depth = text && !strcmp(text, "16") ? 16 : 8;
    if (!text || *depth == 16 || !strcmp(text, "8")) return true;
    srv_respond_error(response, 422, "out_of_range", "bits must be 8 or 16.");
    return false;
}

/* image->model is set. */
static bool read_request(const struct srv_request *request, struct srv_image_request *image,
                         struct srv_response *response)
{
    const struct nn_model_info *model = srv_model_info(image->model);
    static const char *const known[] = {"size", "bits", "strength", "truncation"};
    if (!srv_request_query_known(request, known, sizeof known / sizeof *known, response)) return false;
    image->labelled = true;
    image->sample.class_index = srv_deck_class_find(model, request->params[1]);
    if (image->sample.class_index < 0) {
        srv_respond_error(response, 422, "unknown_class",
                          "The model has no such class; /api/v1/models lists them.");
        return false;
    }
    if (!srv_request_read_u64(request->params[2], &image->sample.seed)) {
        srv_respond_error(response, 422, "out_of_range",
                          "The seed must be a whole number from 0 to 18446744073709551615.");
        return false;
    }
    return api_size(request, model, &image->size, response) && read_bits(request, &image->depth, response) &&
           read_share(request, "strength", &image->sample.strength, response) &&
           read_share(request, "truncation", &image->sample.truncation, response);
}

static enum srv_priority urgency(const void *client)
{
    return srv_request_client_left(client) ? PRIORITIES : PRIORITY_ATLAS;
}

/* The key is of all that the bytes depend on: a copy is confirmed without making the image anew. */
static void etag_of(const struct nn_model_info *by, const struct srv_image_request *image,
                    char etag[RESPONSE_ETAG_TEXT])
{
    struct srv_image_key key;
    srv_image_key_of(by, image, &key);
    snprintf(etag, RESPONSE_ETAG_TEXT, "\"%.32s\"", key.hex);
}

static void send_sample(struct srv_app *app, const struct srv_request *request, struct srv_model *model,
                        struct srv_response *response)
{
    struct srv_image_request image = {.model = model};
    const struct nn_model_info *by = srv_model_info(model);
    char etag[RESPONSE_ETAG_TEXT];
    if (!read_request(request, &image, response)) return;
    etag_of(by, &image, etag);
    if (srv_request_matches_etag(request, etag))
        response->status = 304;
    else if (!api_send_image(app, &image, urgency, request, &by, response))
        return;
    etag_of(by, &image, response->etag);
    response->cache_control = "public, max-age=60"; /* the model's file may be replaced */
}

void api_sample(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    struct srv_model *model = api_model(app, request->params[0], response);
    if (model) send_sample(app, request, model, response);
    srv_model_release(model);
}
