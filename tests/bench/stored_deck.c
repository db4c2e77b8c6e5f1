#include "tests/bench/stored_deck.h"

#include <stdio.h>
#include <stdlib.h>

#include "server/clock.h"
#include "server/store/decks/store_decks.h"
#include "server/store/decks/store_library.h"

static const struct nn_model_info model = {
    .sha256 = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    .name = "bench",
    .resolution = 1024,
    .class_count = 2,
    .classes = {"none", "fracture"},
    .simulated = true,
};

void stored_need(bool fine, const char *what)
{
    if (fine) return;
    fprintf(stderr, "%s failed\n", what);
    exit(1);
}

void stored_collection(struct db *db, const char *name, int count, int one_in)
{
    char provenance[] = "{\"name\": \"bench\"}", columns[] = "{\"note\":\"further cells of its line\"}";
    struct srv_library_set set = {.provenance = provenance, .count = count};
    struct srv_collection collection = {.name = name};
    char(*files)[32] = calloc((size_t)count, sizeof *files);
    set.rows = calloc((size_t)count, sizeof *set.rows);
    stored_need(files && set.rows, "allocating");
    for (int i = 0; i < count; i++) {
        snprintf(files[i], sizeof files[i], "images/%d.png", i);
        set.rows[i] = (struct srv_library_row){.file = files[i],
                                               .class_name = i % one_in ? "fracture" : "none",
                                               .patient = files[i],
                                               .split = i % 20 < 3 ? "test" : "train",
                                               .columns = columns,
                                               .width = 1024};
        srv_random_hex(set.rows[i].sha256, sizeof set.rows[i].sha256);
    }
    srv_random_hex(collection.folder, sizeof collection.folder);
    srv_random_hex(collection.dataset_sha256, sizeof collection.dataset_sha256);
    stored_need(srv_store_collection_add(db, &collection, &set) == DB_OK, "storing the collection");
    free(set.rows);
    free(files);
}

static void keep_id(void *context, const struct srv_store_deck *row)
{
    *(int64_t *)context = row->version_id;
}

struct srv_store_session stored_deck(struct db *db, const char *name, int items, const char *collection)
{
    struct srv_store_session session = {
        .deck = {.title = "Bench",
                 .question = "Yes?",
                 .models = {"default"},
                 .model_count = 1,
                 .items = items,
                 .prevalence = 0.5,
                 .sources = {{.weight = 1,
                              .strength = {1, 1},
                              .truncation = {1, 1},
                              .classes = {{{"none", 1}}, {{"fracture", 1}}},
                              .class_count = {1, 1}}},
                 .source_count = 1,
                 .feedback = DECK_TELLS_TRUTH,
                 .choices = {{"no", "No"}, {"yes", "Yes"}}},
    };
    snprintf(session.deck.id, sizeof session.deck.id, "%s", name);
    snprintf(session.deck.sources[0].collection, sizeof session.deck.sources->collection, "%s", collection);
    stored_need(srv_store_decks_configure(db, &session.deck, 1) == DB_OK &&
                    srv_store_deck_version(db, name, 0, keep_id, &session.deck_version_id) == DB_OK,
                "storing the deck");
    return session;
}

void stored_deck_start(struct db *db, struct srv_store_session *session)
{
    struct srv_session_item items[DECK_ITEMS_MAX];
    const struct srv_drawn_item *lacking;
    srv_random_hex(session->id, sizeof session->id);
    srv_random_hex(session->secret_sha256, sizeof session->secret_sha256);
    srv_clock_format(srv_clock_utc_ms(), session->created_at);
    session->key = srv_session_key(&session->deck);
    int count = srv_session_draw(&session->deck, session->key, items);
    stored_need(srv_store_session_create(db, session, NULL, items, count, &model, &lacking) == DB_OK &&
                    !lacking,
                "starting a session");
}
