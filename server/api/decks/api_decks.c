/* Decks: what learners may start, and what educators make, save and look at. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "server/api/api.h"
#include "server/api/decks/checked_lists.h"
#include "server/store/decks/store_decks.h"
#include "server/store/decks/store_library.h"

/* What one model lacks. */
static void model_gap(const struct srv_deck *deck, int place, bool there, const struct srv_model_entry *model,
                      char gap[DECK_GAP_TEXT])
{
    const char *name = deck->models[place], *missing = NULL;
    if (there && model->described) missing = srv_deck_class_missing(deck, place, &model->info);
    if (!there || (model->state == MODEL_BROKEN && !model->described))
        snprintf(gap, DECK_GAP_TEXT, "The model \"%s\" is not here.", name);
    else if (model->state == MODEL_BROKEN)
        snprintf(gap, DECK_GAP_TEXT, "The model \"%s\" cannot be used at the moment.", name);
    else if (missing)
        snprintf(gap, DECK_GAP_TEXT, "The model \"%s\" has no class \"%s\".", name, missing);
}

/* An image that waits until its model has been loaded again would tell whose it is. */
static void memory_gap(struct srv_app *app, size_t memory_bytes, char gap[DECK_GAP_TEXT])
{
    struct srv_models_counts counts;
    srv_models_count(app->models, &counts);
    if (memory_bytes > counts.memory_limit_bytes)
        snprintf(gap, DECK_GAP_TEXT, "Its models do not fit into the memory for models together.");
}

bool api_deck_gap(struct srv_app *app, const struct srv_deck *deck, char gap[DECK_GAP_TEXT])
{
    int resolution = 0;
    size_t memory_bytes = 0;
    gap[0] = '\0';
    for (int i = 0; i < deck->model_count && !*gap; i++) {
        struct srv_model_entry model;
        bool there = srv_models_find(app->models, deck->models[i], &model);
        model_gap(deck, i, there, &model, gap);
        if (!there || *gap) break;
        memory_bytes += model.memory_bytes;
        if (resolution && model.info.resolution != resolution)
            snprintf(gap, DECK_GAP_TEXT, "The model \"%s\" draws %d pixels, not %d as \"%s\" does.",
                     deck->models[i], model.info.resolution, resolution, deck->models[0]);
        resolution = model.info.resolution;
    }
    if (!*gap && deck->model_count > 1) memory_gap(app, memory_bytes, gap);
    return *gap != '\0';
}

void api_images_missing(const struct srv_deck *deck, const struct srv_drawn_item *lacking,
                        char text[DECK_GAP_TEXT])
{
    const struct srv_deck_source *source = lacking->source;
    if (source->checked)
        snprintf(text, DECK_GAP_TEXT, "the model \"%s\" has too few checked images of class \"%s\"",
                 deck->models[source->model], lacking->class_name);
    else
        snprintf(text, DECK_GAP_TEXT,
                 "the library's collection \"%s\" has too few images of class \"%s\" in its %s split",
                 source->collection, lacking->class_name, source->test ? "test" : "train");
}

void api_respond_images_missing(const struct srv_deck *deck, const struct srv_drawn_item *lacking,
                                struct srv_response *response)
{
    char text[DECK_GAP_TEXT];
    api_images_missing(deck, lacking, text);
    srv_respond_error(response, 409, "images_missing", "Images are missing: %s.", text);
}

bool api_list_check(struct srv_app *app, const struct srv_deck *deck, const char *where,
                    struct srv_response *response)
{
    bool repeated;
    int places[2];
    char entry[DECK_GAP_TEXT] = "";
    enum db_status status = srv_store_library_repeated(app->db, deck, &repeated, places);
    if (status != DB_OK) {
        srv_respond_db_error(response, status);
    } else if (repeated) {
        if (where)
            snprintf(entry, sizeof entry, "%s: list[%d] of \"%s\"", where, places[1], deck->id);
        else
            snprintf(entry, sizeof entry, "deck.list[%d]:", places[1]);
        srv_respond_error(response, 422, where ? "wrong_study" : "wrong_deck",
                          "%s is the same picture as list[%d], under another collection.", entry, places[0]);
    }
    return status == DB_OK && !repeated;
}

/* ---- for learners ---- */

struct listing {
    struct srv_app *app;
    json_t *list;
};

static void list_open(void *context, const struct srv_store_deck *row)
{
    struct srv_deck deck;
    char gap[DECK_GAP_TEXT];
    struct listing *listing = context;
    if (!row->archived && !row->tests && srv_store_deck_parse(row->definition, &deck) &&
        !api_deck_gap(listing->app, &deck, gap))
        json_array_append_new(listing->list, srv_deck_public(&deck));
}

/* Takes `list`. */
static void respond_list(enum db_status status, const char *name, json_t *list, struct srv_response *response)
{
    if (status == DB_OK)
        srv_respond_json(response, 200, json_pack("{s:O}", name, list));
    else
        srv_respond_db_error(response, status);
    json_decref(list);
}

void api_decks(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    struct listing listing = {app, json_array()};
    (void)request;
    enum db_status status = srv_store_decks(app->db, list_open, &listing);
    respond_list(status, "decks", listing.list, response);
}

/* ---- for the staff ---- */

static json_t *version_json(const struct srv_store_deck *row)
{
    return json_pack("{s:i,s:s,s:s?,s:b}", "version", row->version, "saved_at", row->saved_at, "saved_by",
                     *row->saved_by ? row->saved_by : NULL, "used", (int)row->used);
}

static void list_all(void *context, const struct srv_store_deck *row)
{
    struct srv_deck deck;
    char gap[DECK_GAP_TEXT] = "Its definition cannot be read.";
    struct listing *listing = context;
    bool read = srv_store_deck_parse(row->definition, &deck);
    if (read && !api_deck_gap(listing->app, &deck, gap) && row->tests)
        snprintf(gap, sizeof gap, "A study tests with it: only those who take part get it.");
    json_t *json = version_json(row);
    if (!json) return;
    json_object_set_new(json, "id", json_string(row->name));
    json_object_set_new(json, "title", json_string(read ? deck.title : ""));
    json_object_set_new(json, "built_in", json_boolean(row->built_in));
    json_object_set_new(json, "archived", json_boolean(row->archived));
    json_object_set_new(json, "unavailable", *gap ? json_string(gap) : json_null());
    json_array_append_new(listing->list, json);
}

void api_catalogue(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    struct listing listing = {app, json_array()};
    (void)request;
    enum db_status status = srv_store_decks(app->db, list_all, &listing);
    respond_list(status, "decks", listing.list, response);
}

static void respond_unknown(struct srv_response *response)
{
    srv_respond_error(response, 404, "unknown_deck", "There is no such deck, or no such version of it.");
}

static void list_version(void *context, const struct srv_store_deck *row)
{
    json_array_append_new(context, version_json(row));
}

void api_deck_versions(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    json_t *list = json_array();
    enum db_status status = srv_store_deck_versions(app->db, request->params[0], list_version, list);
    bool found = json_array_size(list) > 0;
    respond_list(status, "versions", list, response);
    if (status == DB_OK && !found) respond_unknown(response);
}

/* The version that a request is about, as an entity tag: "3". */
static void set_version(struct srv_response *response, int version)
{
    snprintf(response->etag, sizeof response->etag, "\"%d\"", version);
}

/* Who reads a version, and what of it they have. */
struct reader {
    const struct srv_request *request;
    struct srv_response *response;
};

static void send_definition(void *context, const struct srv_store_deck *row)
{
    struct srv_deck deck;
    const struct reader *reader = context;
    struct srv_response *response = reader->response;
    set_version(response, row->version);
    if (srv_request_matches_etag(reader->request, response->etag)) {
        response->status = 304;
        return;
    }
    if (!srv_store_deck_parse(row->definition, &deck)) {
        srv_respond_error(response, 500, "internal", "The deck cannot be read.");
        return;
    }
    srv_respond_json(response, 200, srv_deck_definition(&deck));
    set_version(response, row->version);
}

void api_deck_read(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    static const char *const known[] = {"version"};
    uint64_t version = 0;
    struct reader reader = {request, response};
    const char *text = srv_request_query(request, "version");
    if (!srv_request_query_known(request, known, 1, response)) return;
    if (text && (!srv_request_read_u64(text, &version) || version < 1 || version > INT32_MAX)) {
        respond_unknown(response);
        return;
    }
    enum db_status status =
        srv_store_deck_version(app->db, request->params[0], (int)version, send_definition, &reader);
    if (status != DB_OK)
        srv_respond_db_error(response, status);
    else if (response->status == 0)
        respond_unknown(response);
}

/* ---- for educators ---- */

static bool read_deck(struct srv_app *app, const struct srv_request *request, struct srv_deck *deck,
                      struct srv_response *response)
{
    struct nn_error err = {0};
    json_t *json = srv_request_document(request, response);
    if (!json) return false;
    nn_status status = srv_deck_read(json, "deck", deck, &err);
    json_decref(json);
    if (status) srv_respond_error(response, 422, "wrong_deck", "%s.", err.text);
    return status == NN_OK && api_list_check(app, deck, NULL, response);
}

static void respond_outcome(enum srv_deck_outcome outcome, const char *name, int version, int success,
                            struct srv_response *response)
{
    switch (outcome) {
    case DECK_DONE:
        srv_respond_json(response, success,
                         json_pack("{s:{s:s,s:i}}", "deck", "id", name, "version", version));
        set_version(response, version);
        break;
    case DECK_NAME_TAKEN:
        srv_respond_error(response, 409, "deck_exists", "There is a deck with the id \"%s\" already.", name);
        break;
    case DECK_OUTDATED:
        srv_respond_error(response, 412, "outdated", "Version %d was saved since you began to edit.",
                          version);
        set_version(response, version);
        break;
    case DECK_BUILT_IN:
        srv_respond_error(
            response, 409, "built_in",
            "This deck is the configuration's, which alone changes it; save it under another id.");
        break;
    default:
        respond_unknown(response);
    }
}

void api_deck_create(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    struct srv_deck deck;
    enum srv_deck_outcome outcome;
    if (!read_deck(app, request, &deck, response)) return;
    enum db_status status = srv_store_deck_add(app->db, request->account, &deck, &outcome);
    if (status == DB_OK)
        respond_outcome(outcome, deck.id, 1, 201, response);
    else
        srv_respond_db_error(response, status);
}

void api_deck_save(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    int edited, newest;
    struct srv_deck deck;
    enum srv_deck_outcome outcome;
    if (!api_if_match(request, &edited, response) || !read_deck(app, request, &deck, response)) return;
    if (strcmp(deck.id, request->params[0])) {
        srv_respond_error(response, 422, "wrong_deck", "deck.id: is not the one of the address.");
        return;
    }
    enum db_status status = srv_store_deck_save(app->db, request->account, &deck, edited, &newest, &outcome);
    if (status == DB_OK)
        respond_outcome(outcome, deck.id, newest, 200, response);
    else
        srv_respond_db_error(response, status);
}

static void keep_version(void *context, const struct srv_store_deck *row)
{
    *(int *)context = row->version;
}

static void archive(struct srv_app *app, const struct srv_request *request, bool archived,
                    struct srv_response *response)
{
    int version = 0;
    const char *name = request->params[0];
    enum srv_deck_outcome outcome;
    enum db_status status = srv_store_deck_archive(app->db, request->account, name, archived, &outcome);
    if (status == DB_OK) status = srv_store_deck_version(app->db, name, 0, keep_version, &version);
    if (status == DB_OK)
        respond_outcome(outcome, name, version, 200, response);
    else
        srv_respond_db_error(response, status);
}

void api_deck_archive(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    archive(app, request, true, response);
}

void api_deck_restore(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    archive(app, request, false, response);
}

/* What names the image, so that a list or an exclusion can, and where it is, labelled: in the atlas or in the
 * library. */
static json_t *preview_of(struct srv_app *app, const struct srv_deck *deck,
                          const struct srv_session_item *item)
{
    const struct srv_drawn_item *drawn = &item->drawn;
    const char *model = deck->models[drawn->source->model];
    char url[256], seed[24];
    if (item->library_image) {
        const char *collection = drawn->source->collection;
        struct srv_library_image image;
        bool found;
        if (srv_store_library_image(app->db, collection, item->library_image, &image, &found) != DB_OK)
            return NULL;
        snprintf(url, sizeof url, "/api/v1/library/%s/images/%" PRId64 ".png", collection,
                 item->library_image);
        return json_pack("{s:s,s:s,s:s,s:s,s:n,s:n,s:n,s:s}", "source", "library", "model", model,
                         "collection", collection, "file", image.file, "seed", "strength", "truncation",
                         "image", url);
    }
    snprintf(seed, sizeof seed, "%" PRIu64, drawn->seed);
    snprintf(url, sizeof url, "/api/v1/samples/%s/%s/%s.png?strength=%.17f&truncation=%.17f", model,
             drawn->class_name, seed, drawn->strength, drawn->truncation);
    return json_pack("{s:s,s:s,s:n,s:n,s:s,s:f,s:f,s:s}", "source", "gan", "model", model, "collection",
                     "file", "seed", seed, "strength", drawn->strength, "truncation", drawn->truncation,
                     "image", url);
}

/* What one session would show; of decks that decide by the answers, an example. */
static json_t *preview_json(struct srv_app *app, const struct srv_deck *deck,
                            const struct srv_session_item *items, int count)
{
    json_t *list = json_array();
    for (int i = 0; i < count; i++) {
        const struct srv_drawn_item *drawn = &items[i].drawn;
        json_t *json = preview_of(app, deck, &items[i]);
        json_object_set_new(json, "n", json_integer(i + 1));
        json_object_set_new(json, "choice", json_string(deck->choices[drawn->truth].id));
        json_object_set_new(json, "class", json_string(drawn->class_name));
        json_object_set_new(json, "pair", drawn->pair ? json_integer(drawn->pair) : json_null());
        json_array_append_new(list, json);
    }
    return list;
}

static void preview(struct srv_app *app, const struct srv_deck *deck, struct srv_response *response)
{
    struct srv_session_item items[DECK_ITEMS_MAX];
    const struct srv_drawn_item *lacking;
    struct api_checked_lists lists;
    if (!api_checked_lists(app, deck, NULL, &lists, response)) return;
    const struct srv_library_asker nobody = {.checked = lists.of};
    int count = srv_session_draw(deck, srv_session_key(deck), items);
    enum db_status status = srv_store_library_choose(app->db, &nobody, deck, items, count, &lacking);
    api_checked_lists_release(&lists);
    if (status != DB_OK)
        srv_respond_db_error(response, status);
    else if (lacking)
        api_respond_images_missing(deck, lacking, response);
    else
        srv_respond_json(response, 200, json_pack("{s:o}", "items", preview_json(app, deck, items, count)));
}

void api_deck_preview(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    struct srv_deck deck;
    char gap[DECK_GAP_TEXT];
    if (!read_deck(app, request, &deck, response)) return;
    if (api_deck_gap(app, &deck, gap))
        srv_respond_error(response, 409, "deck_unavailable", "%s", gap);
    else
        preview(app, &deck, response);
}
