/* The images that are made for an item of a session. Where the session has several models, each of them
 * draws one, whichever the item's is: models differ in how long they take, and so the image of one of them is
 * not there sooner than that of another. Only the item's own is sent. */
#ifndef SRV_ITEM_IMAGES_H
#define SRV_ITEM_IMAGES_H

#include "server/api/api.h"

struct api_item_images {
    struct srv_model *models[DECK_SOURCES_MAX]; /* held: the versions that the session was drawn for */
    struct srv_image_request requests[DECK_SOURCES_MAX];
    int count;
    int own;                        /* the place of the item's */
    const struct nn_model_info *by; /* that drew the item's, once it is sent */
};

/* Holds the models, waiting for them to be loaded; 410, 503. What is held is for api_item_images_release. */
bool api_item_images_hold(struct srv_app *app, const struct srv_store_item *item,
                          struct api_item_images *images, struct srv_response *response);
/* The same without waiting: MODELS_OK, else nothing is held. */
enum srv_models_result api_item_images_try(struct srv_app *app, const struct srv_store_item *item,
                                           struct api_item_images *images);
void api_item_images_release(struct api_item_images *images);

/* Whether the item can still be shown, as far as its collection goes; 410. */
bool api_item_there(const struct srv_store_item *item, struct srv_response *response);

/* Puts the item's image into the response, in `size`, when all are made; as api_send_image. */
bool api_item_images_send(struct srv_app *app, struct api_item_images *images, int size,
                          enum srv_priority (*urgency)(const void *client), const void *client,
                          struct srv_response *response);

/* The session has come to item `at` (0: it starts): lets the images of its next items be made in the
 * background, in `size` (0: as before), by the models that are held for any of its items. */
void api_read_ahead(struct srv_app *app, const char *session_id, const struct api_item_images *held, int at,
                    int size);
/* The same by the models of `item`, any of the session's, if they are loaded. */
void api_read_ahead_if_loaded(struct srv_app *app, const struct srv_store_item *item, int at, int size);

#endif
