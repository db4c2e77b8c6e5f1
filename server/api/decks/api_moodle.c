/* A deck as a file for Moodle's question bank, with its images: one question at a time is made while the one
 * before is sent, so that nothing of it is kept and no model is held for a slow client. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "server/api/api.h"
#include "server/api/decks/checked_lists.h"
#include "server/export/moodle_xml.h"
#include "server/log.h"
#include "server/store/decks/store_library.h"
#include "server/store/store_audit.h"

enum { BUSY_WAIT_S = 45, ORIGIN_TEXT = LIBRARY_FILE_MAX + 160 };

struct download {
    struct srv_app *app;
    struct srv_deck deck;
    struct srv_session_item items[DECK_ITEMS_MAX];
    char models[DECK_SOURCES_MAX][SRV_DIGEST_TEXT]; /* SHA-256 of the deck's */
    int size;                                       /* side of the images in pixels */
    int next;    /* item to be made, from 0; deck.items: the end of the file; one more: nothing */
    char *first; /* heap: the beginning with its first question, made before the answer begins */
    size_t first_size;
};

/* ---- one question ---- */

/* What is shown, and the sentence that tells it after the answer. False: it is not there any more; logged. */
static bool find_image(const struct download *d, const struct srv_session_item *item, struct srv_model *model,
                       struct srv_image_request *image, char origin[ORIGIN_TEXT])
{
    const struct srv_drawn_item *drawn = &item->drawn;
    const struct nn_model_info *info = srv_model_info(model);
    int class_index = item->library_image ? 0 : srv_deck_class_find(info, drawn->class_name);
    *image = (struct srv_image_request){
        .model = model,
        .sample = {drawn->seed, class_index, (float)drawn->strength, (float)drawn->truncation},
        .size = d->size,
        .depth = 8,
        .labelled = false, /* no text chunks, and as many bytes whatever it shows */
    };
    if (!item->library_image) {
        snprintf(origin, ORIGIN_TEXT, "Drawn by the model %s, seed %" PRIu64 ".",
                 d->deck.models[drawn->source->model], drawn->seed);
        return class_index >= 0;
    }
    bool found;
    struct srv_library_image stored;
    enum db_status status =
        srv_store_library_image(d->app->db, drawn->source->collection, item->library_image, &stored, &found);
    if (status != DB_OK || !found) return false;
    image->library = stored.ref;
    snprintf(origin, ORIGIN_TEXT, "Image %s of the collection %s, %s.", stored.file,
             drawn->source->collection, stored.simulated ? "simulated" : "real");
    return true;
}

static enum srv_priority urgency(const void *client)
{
    (void)client;
    return PRIORITY_ATLAS;
}

/* Learners go first: when there are too many of them this waits, for less than proxies do. */
static struct srv_blob *make_png(struct srv_app *app, const struct srv_image_request *image)
{
    const int64_t deadline_us = srv_clock_monotonic_us() + BUSY_WAIT_S * INT64_C(1000000);
    while (srv_clock_monotonic_us() < deadline_us && !atomic_load(&app->stopping)) {
        int retry_after_s;
        struct srv_made made;
        const struct srv_asker asker = {deadline_us, urgency, NULL};
        enum srv_queue_result result = srv_queue_get(app->queue, image, &asker, &made, &retry_after_s);
        if (result != QUEUE_BUSY) return result == QUEUE_OK ? made.png : NULL;
        nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
    }
    return NULL;
}

static bool put_question(const struct download *d, struct srv_model *model, FILE *out)
{
    char origin[ORIGIN_TEXT];
    struct srv_image_request request;
    const struct srv_session_item *item = &d->items[d->next];
    if (!find_image(d, item, model, &request, origin)) return false;
    struct srv_blob *png = make_png(d->app, &request);
    if (!png) return false;
    const struct srv_moodle_image image = {d->next + 1, item->drawn.truth, item->drawn.class_name, origin,
                                           png};
    bool put = srv_moodle_question(out, &d->deck, &image);
    srv_blob_release(png);
    return put;
}

/* ---- the file, piece by piece ---- */

/* Heap text, or NULL. */
static char *make_piece(struct download *d, struct srv_model *model, size_t *size_bytes)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, size_bytes);
    if (!out) return NULL;
    if (d->next == 0) srv_moodle_head(out, &d->deck);
    bool put = put_question(d, model, out);
    if (d->next + 1 == d->deck.items) srv_moodle_end(out);
    if (!fclose(out) && put) {
        d->next++;
        return text;
    }
    free(text);
    return NULL;
}

/* Of the next item, by the version of its model that the download began with. */
static char *wait_for_piece(struct download *d, size_t *size_bytes)
{
    struct srv_model *model;
    char *piece = NULL;
    const char *sha256 = d->models[d->items[d->next].drawn.source->model];
    const int64_t deadline_us = srv_clock_monotonic_us() + QUEUE_WAIT_MS * INT64_C(1000);
    if (srv_models_hold_version(d->app->models, sha256, deadline_us, &model) == MODELS_OK)
        piece = make_piece(d, model, size_bytes);
    srv_model_release(model);
    return piece;
}

static char *next_piece(void *context, size_t *size_bytes, bool *failed)
{
    struct download *d = context;
    char *piece = d->first;
    *size_bytes = d->first_size;
    d->first = NULL;
    *failed = false;
    if (piece || d->next == d->deck.items) return piece;
    piece = wait_for_piece(d, size_bytes);
    *failed = !piece;
    if (!piece) srv_log_error("deck %s: question %d for Moodle could not be made", d->deck.id, d->next + 1);
    return piece;
}

static void close_download(void *context)
{
    struct download *d = context;
    free(d->first);
    free(d);
}

/* ---- the route ---- */

/* The newest version, archived or not. */
static bool find_deck(struct download *d, const char *name, struct srv_response *response)
{
    struct api_deck_version newest = {0};
    enum db_status status = srv_store_deck_version(d->app->db, name, 0, api_keep_deck, &newest);
    d->deck = newest.deck;
    if (status != DB_OK)
        srv_respond_db_error(response, status);
    else if (newest.id == 0)
        srv_respond_error(response, 404, "unknown_deck", "There is no such deck.");
    else if (newest.tests)
        srv_respond_error(response, 409, "deck_in_study",
                          "A study tests with this deck; until it is frozen nobody gets the images.");
    else if (srv_deck_stepwise(&d->deck) || (!d->deck.fixed && !d->deck.list_count))
        srv_respond_error(response, 409, "not_fixed",
                          "This deck shows everybody other images. For Moodle it needs a list of images, or "
                          "\"draw\" with the mode \"fixed\".");
    else
        return true;
    return false;
}

/* The images that every learner is shown; a list that is shown in random order has one order here. */
static bool choose_items(struct download *d, struct srv_response *response)
{
    struct api_checked_lists lists;
    const struct srv_drawn_item *lacking;
    if (!api_checked_lists(d->app, &d->deck, NULL, &lists, response)) return false;
    const struct srv_library_asker nobody = {.checked = lists.of};
    int count = srv_session_draw(&d->deck, d->deck.fixed ? d->deck.seed : 0, d->items);
    enum db_status status =
        srv_store_library_choose(d->app->db, &nobody, &d->deck, d->items, count, &lacking);
    api_checked_lists_release(&lists);
    if (status != DB_OK)
        srv_respond_db_error(response, status);
    else if (lacking)
        api_respond_images_missing(&d->deck, lacking, response);
    return status == DB_OK && !lacking;
}

/* The newest versions of the deck's models, and the size of their images. */
static bool look_up_models(struct download *d, const struct srv_request *request,
                           struct srv_response *response)
{
    char gap[DECK_GAP_TEXT];
    for (int i = 0; i < d->deck.model_count; i++) {
        struct srv_model *model = api_model(d->app, d->deck.models[i], response);
        if (!model) return false;
        const struct nn_model_info *info = srv_model_info(model);
        snprintf(d->models[i], sizeof *d->models, "%s", info->sha256);
        bool known = i > 0 || api_size(request, info, &d->size, response);
        srv_model_release(model);
        if (!known) return false;
    }
    if (!api_deck_gap(d->app, &d->deck, gap)) return true;
    srv_respond_error(response, 409, "deck_unavailable", "%s", gap);
    return false;
}

/* Whether the answer has begun, and takes `d`. */
static bool send_file(struct download *d, const struct srv_request *request, struct srv_response *response)
{
    if (!look_up_models(d, request, response) || !choose_items(d, response)) return false;
    enum db_status status = srv_audit_note(d->app->db, request->account, "export", "moodle.xml",
                                           json_pack("{s:s}", "deck", d->deck.id));
    if (status == DB_OK) d->first = wait_for_piece(d, &d->first_size);
    if (status != DB_OK) {
        srv_respond_db_error(response, status);
    } else if (!d->first) {
        srv_respond_error(response, 503, "busy", "The images cannot be made now.");
        response->retry_after_s = 10;
    } else {
        response->status = 200;
        response->content_type = "application/xml";
        response->disposition = "attachment; filename=\"moodle.xml\"";
        response->stream = (struct srv_stream){next_piece, close_download, d};
    }
    return response->status == 200;
}

void api_deck_moodle(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    static const char *const known[] = {"size"};
    if (!srv_request_query_known(request, known, 1, response)) return;
    struct download *d = calloc(1, sizeof *d);
    if (!d) {
        srv_respond_error(response, 500, "internal", "Memory ran out.");
        return;
    }
    d->app = app;
    if (!find_deck(d, request->params[0], response) || !send_file(d, request, response)) close_download(d);
}
