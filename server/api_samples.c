#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/engine.h"
#include "engine/sha256.h"
#include "server/api.h"

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

static bool read_request(const struct srv_request *request, const struct nn_model_info *model,
                         struct srv_image_request *image, struct srv_response *response)
{
    static const char *const known[] = {"size", "strength", "truncation"};
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
    return api_size(request, model, &image->size, response) &&
           read_share(request, "strength", &image->sample.strength, response) &&
           read_share(request, "truncation", &image->sample.truncation, response);
}

/* From all that the bytes depend on, so that a client's copy is confirmed without making the image anew. The
 * device is among them: another one may round a pixel otherwise. */
static void set_etag(const struct nn_model_info *model, const struct srv_image_request *image,
                     struct srv_response *response)
{
    char text[512], hash[SRV_DIGEST_TEXT];
    snprintf(text, sizeof text, "%s %s %s %d %" PRIu64 " %d %a %a", ROENTGYM_VERSION, model->sha256,
             model->device, image->sample.class_index, image->sample.seed, image->size,
             (double)image->sample.strength, (double)image->sample.truncation);
    nn_sha256_hex(text, strlen(text), hash);
    snprintf(response->etag, sizeof response->etag, "\"%.32s\"", hash);
}

void api_sample(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    struct srv_image_request image = {0};
    const struct nn_model_info *model = api_loaded_model(app, response);
    if (!model) return;
    if (strcmp(request->params[0], app->config->model)) {
        srv_respond_error(response, 404, "unknown_model",
                          "There is no such model; /api/v1/models lists them.");
        return;
    }
    if (!read_request(request, model, &image, response)) return;
    struct srv_response tagged = {0};
    set_etag(model, &image, &tagged);
    if (srv_request_matches_etag(request, tagged.etag))
        response->status = 304;
    else if (!api_send_image(app, &image, response))
        return;
    memcpy(response->etag, tagged.etag, sizeof tagged.etag);
    response->cache_control = "public, max-age=31536000, immutable";
}
