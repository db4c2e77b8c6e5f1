/* The handlers of the HTTP interface, one api_<resource>.c per resource, and what they share. The routes
 * are in routes.c, the interface is described in openapi.json. */
#ifndef SRV_API_H
#define SRV_API_H

#include "server/app.h"
#include "server/router.h"
#include "server/store.h"

srv_handler api_healthz, api_readyz, api_metrics;
srv_handler api_models, api_model_card;
srv_handler api_sample;
srv_handler api_decks;
srv_handler api_session_create, api_session_read;
srv_handler api_item, api_image;
srv_handler api_answer;
srv_handler api_summary;
srv_handler api_export;

extern const struct srv_route api_routes[];
extern const int api_route_count;

/* Answers one request: finds the route, or the page, counts and logs it. `context` is the srv_app. */
void api_serve(void *context, struct srv_request *request, struct srv_response *response);

/* Each of these returns NULL or false with the error in `response`. */

/* Holds the newest version of that model, waiting for it to be loaded; 404, 503. */
struct srv_model *api_model(struct srv_app *app, const char *name, struct srv_response *response);

/* Holds the version that a session was drawn for; 410, 503. */
struct srv_model *api_session_model(struct srv_app *app, const char *sha256, struct srv_response *response);

/* What the caller above says when the version is gone for good. */
void api_respond_model_gone(struct srv_response *response);

/* The session that the route's first parameter names, if the request carries its secret; 401, 404. */
bool api_session(struct srv_app *app, const struct srv_request *request, struct srv_store_session *session,
                 struct srv_response *response);

/* The query parameter `size`, the resolution when absent; 422 when that size is not served. */
bool api_size(const struct srv_request *request, const struct nn_model_info *model, int *size,
              struct srv_response *response);

/* Puts the image into the response; 503 when too many wait for theirs. `urgency` and `client` are the
 * srv_asker's. */
bool api_send_image(struct srv_app *app, const struct srv_image_request *image,
                    enum srv_priority (*urgency)(const void *client), const void *client,
                    struct srv_response *response);

/* The session has come to item `at` (0: it starts): lets the images of its next items be made in the
 * background, in `size` (0: as before), by the session's model. */
void api_read_ahead(struct srv_app *app, struct srv_model *model, const char *session_id, int at, int size);

/* What an item's image is, at full size; false when the model is not the one that it was drawn for. */
bool api_item_image(struct srv_model *model, const struct srv_store_item *item,
                    struct srv_image_request *image);

#endif
