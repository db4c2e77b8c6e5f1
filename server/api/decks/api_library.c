#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/image.h"
#include "server/api/api.h"
#include "server/log.h"
#include "server/store/decks/store_library.h"

/* ---- lists ---- */

void api_library(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    (void)request;
    json_t *list = json_array();
    enum db_status status = srv_store_collections(app->db, list);
    if (status == DB_OK) {
        srv_respond_json(response, 200, json_pack("{s:o}", "collections", list));
    } else {
        json_decref(list);
        srv_respond_db_error(response, status);
    }
}

static void respond_no_collection(struct srv_response *response)
{
    srv_respond_error(response, 404, "unknown_collection",
                      "There is no such collection; /api/v1/library lists them.");
}

/* Whether the route's collection is there. */
static bool has_collection(struct srv_app *app, const struct srv_request *request,
                           struct srv_response *response)
{
    bool found;
    char folder[LIBRARY_FOLDER_TEXT];
    enum db_status status = srv_store_collection_find(app->db, request->params[0], folder, &found);
    if (status != DB_OK)
        srv_respond_db_error(response, status);
    else if (!found)
        respond_no_collection(response);
    return status == DB_OK && found;
}

static bool read_query(const struct srv_request *request, const char **class_name, const char **split,
                       int *page, struct srv_response *response)
{
    static const char *const known[] = {"class", "split", "page"};
    uint64_t number = 1;
    const char *text = srv_request_query(request, "page");
    if (!srv_request_query_known(request, known, 3, response)) return false;
    *class_name = srv_request_query(request, "class");
    *split = srv_request_query(request, "split");
    if (*split && strcmp(*split, "train") && strcmp(*split, "test")) {
        srv_respond_error(response, 422, "out_of_range", "split must be train or test.");
        return false;
    }
    if (text && (!srv_request_read_u64(text, &number) || number < 1 || number > INT_MAX)) {
        srv_respond_error(response, 422, "out_of_range", "page must be a whole number from 1.");
        return false;
    }
    *page = (int)number;
    return true;
}

void api_library_images(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    const char *class_name, *split;
    int page;
    int64_t total;
    if (!read_query(request, &class_name, &split, &page, response) || !has_collection(app, request, response))
        return;
    json_t *list = json_array();
    enum db_status status = srv_store_library_images(
        app->db, request->params[0], class_name ? class_name : "", split ? split : "", page, list, &total);
    if (status == DB_OK) {
        srv_respond_json(response, 200,
                         json_pack("{s:o,s:i,s:I,s:I}", "images", list, "page", page, "pages",
                                   (json_int_t)((total + LIBRARY_PAGE - 1) / LIBRARY_PAGE), "total",
                                   (json_int_t)total));
    } else {
        json_decref(list);
        srv_respond_db_error(response, status);
    }
}

/* ---- one image ---- */

/* What the picture is when it has left this server. */
static nn_status encode(const struct srv_library_image *image, const uint8_t *grey, struct srv_blob **png,
                        struct nn_error *err)
{
    const struct nn_png_text texts[] = {
        {"Origin", image->simulated ? "simulated" : "real"},
        {"Data set", image->dataset},
        {"File", image->file},
        {"Class", image->class_name},
        {"Split", image->split},
        {"Software", "roentgymd " ROENTGYM_VERSION},
    };
    /* The cast drops const for a struct that can also own; the pixels are only read. */
    const struct nn_image pixels = {image->ref.width, image->ref.width, 8, (void *)(uintptr_t)grey};
    uint8_t *bytes;
    size_t size_bytes;
    nn_status status =
        nn_png_encode(&pixels, texts, (int)(sizeof texts / sizeof *texts), &bytes, &size_bytes, err);
    if (status) return status;
    *png = srv_blob_take(bytes, size_bytes);
    return *png ? NN_OK : nn_fail(err, NN_ERR_MEMORY, "out of memory");
}

static nn_status make_png(const char *library, const struct srv_library_image *image, struct srv_blob **png,
                          struct nn_error *err)
{
    uint8_t *grey = malloc((size_t)image->ref.width * (size_t)image->ref.width);
    if (!grey) return nn_fail(err, NN_ERR_MEMORY, "out of memory");
    nn_status status = srv_library_read(library, &image->ref, grey, err);
    if (!status) status = encode(image, grey, png, err);
    free(grey);
    return status;
}

static void send_image(struct srv_app *app, const struct srv_request *request,
                       const struct srv_library_image *image, struct srv_response *response)
{
    struct nn_error err = {0};
    char etag[RESPONSE_ETAG_TEXT];
    snprintf(etag, sizeof etag, "\"%.32s\"", image->ref.sha256);
    if (srv_request_matches_etag(request, etag)) {
        response->status = 304;
    } else if (make_png(app->config->library, image, &response->body, &err)) {
        srv_log_error("library: %s", err.text);
        srv_respond_error(response, 500, "internal", "The image could not be read.");
        return;
    } else {
        response->status = 200;
        response->content_type = "image/png";
    }
    memcpy(response->etag, etag, sizeof etag);
    response->cache_control = "private, no-cache"; /* who has logged out sees it no more */
}

void api_library_image(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    struct srv_library_image image;
    bool found;
    int64_t id;
    api_number(request, 1, &id);
    enum db_status status = srv_store_library_image(app->db, request->params[0], id, &image, &found);
    if (status != DB_OK)
        srv_respond_db_error(response, status);
    else if (!found)
        srv_respond_error(response, 404, "unknown_image", "There is no such image in the collection.");
    else
        send_image(app, request, &image, response);
}
