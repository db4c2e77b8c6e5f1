/* What it costs to start a session that shows images of the library, by how many the library has. Prints;
 * asserts nothing.
 *
 *     bench_session_start FOLDER [STARTS]
 *
 * Makes a database in FOLDER with a collection of each size and starts STARTS sessions (default 200) of ten
 * items on each, straight through the store, in turn. All of it is the writer's, so the CPU time of one start
 * times a class is how long its last one waits. The pixels are not touched. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "server/clock.h"
#include "server/store/decks/store_decks.h"
#include "server/store/decks/store_library.h"
#include "server/store/sessions/store_sessions.h"

enum { SIZES = 4, ITEMS = 10, STARTS = 200 };

static const int sizes[SIZES] = {100, 1000, 10000, 50000};
static const struct nn_model_info model = {
    .sha256 = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    .name = "bench",
    .resolution = 1024,
    .class_count = 2,
    .classes = {"none", "fracture"},
    .simulated = true,
};

static void need(bool fine, const char *what)
{
    if (fine) return;
    fprintf(stderr, "bench_session_start: %s\n", what);
    exit(1);
}

/* Half of the images show a fracture, three in twenty are the test split. */
static void add_collection(struct db *db, const char *name, int count)
{
    char provenance[] = "{\"name\": \"bench\"}", columns[] = "{\"note\":\"further cells of its line\"}";
    struct srv_library_set set = {.provenance = provenance, .count = count};
    struct srv_collection collection = {.name = name};
    char(*files)[32] = calloc((size_t)count, sizeof *files);
    set.rows = calloc((size_t)count, sizeof *set.rows);
    need(files && set.rows, "no memory");
    for (int i = 0; i < count; i++) {
        snprintf(files[i], sizeof files[i], "images/%d.png", i);
        set.rows[i] = (struct srv_library_row){.file = files[i],
                                               .class_name = i % 2 ? "fracture" : "none",
                                               .patient = files[i],
                                               .split = i % 20 < 3 ? "test" : "train",
                                               .columns = columns,
                                               .width = 1024};
        srv_random_hex(set.rows[i].sha256, sizeof set.rows[i].sha256);
    }
    srv_random_hex(collection.folder, sizeof collection.folder);
    srv_random_hex(collection.dataset_sha256, sizeof collection.dataset_sha256);
    need(srv_store_collection_add(db, &collection, &set) == DB_OK, "the collection cannot be kept");
    free(set.rows);
    free(files);
}

static void keep_id(void *context, const struct srv_store_deck *row)
{
    *(int64_t *)context = row->version_id;
}

/* A session of its collection, ready to be started again and again. */
static struct srv_store_session prepare(struct db *db, int count)
{
    struct srv_store_session session = {
        .created_at = "2026-01-05T10:00:00.000Z",
        .deck = {.title = "Bench",
                 .question = "Yes?",
                 .models = {"default"},
                 .model_count = 1,
                 .items = ITEMS,
                 .prevalence = 0.5,
                 .sources = {{.weight = 1,
                              .strength = {1, 1},
                              .truncation = {1, 1},
                              .classes = {{{"none", 1}}, {{"fracture", 1}}},
                              .class_count = {1, 1}}},
                 .source_count = 1,
                 .choices = {{"no", "No"}, {"yes", "Yes"}}},
    };
    snprintf(session.deck.id, sizeof session.deck.id, "of-%d", count);
    snprintf(session.deck.sources[0].collection, sizeof session.deck.sources->collection, "of-%d", count);
    add_collection(db, session.deck.id, count);
    need(srv_store_decks_configure(db, &session.deck, 1) == DB_OK, "the deck cannot be kept");
    need(srv_store_deck_version(db, session.deck.id, 0, keep_id, &session.deck_version_id) == DB_OK,
         "the deck is not there");
    return session;
}

static double cpu_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return 1e3 * (double)now.tv_sec + 1e-6 * (double)now.tv_nsec;
}

static void start(struct db *db, struct srv_store_session *session)
{
    struct srv_session_item items[DECK_ITEMS_MAX];
    const struct srv_drawn_item *lacking;
    srv_random_hex(session->id, sizeof session->id);
    srv_random_hex(session->secret_sha256, sizeof session->secret_sha256);
    session->key = srv_session_key(&session->deck);
    int count = srv_session_draw(&session->deck, session->key, items);
    need(srv_store_session_create(db, session, NULL, items, count, &model, &lacking) == DB_OK && !lacking,
         "a session cannot be started");
}

int main(int argc, char **argv)
{
    static struct srv_store_session sessions[SIZES];
    double cpu[SIZES] = {0}, wall[SIZES] = {0};
    char path[4096];
    struct db *db;
    struct nn_error err = {0};
    if (argc < 2) {
        fputs("Usage: bench_session_start FOLDER [STARTS]\n", stderr);
        return 2;
    }
    int starts = argc > 2 ? atoi(argv[2]) : STARTS;
    snprintf(path, sizeof path, "%s/bench_session_start.db", argv[1]);
    remove(path);
    if (db_open(&db, path, &err)) need(false, err.text);
    for (int s = 0; s < SIZES; s++) sessions[s] = prepare(db, sizes[s]);
    for (int i = 0; i < starts; i++)
        for (int s = 0; s < SIZES; s++) {
            double begun = cpu_ms(), began = (double)srv_clock_monotonic_us();
            start(db, &sessions[s]);
            cpu[s] += cpu_ms() - begun;
            wall[s] += 1e-3 * ((double)srv_clock_monotonic_us() - began);
        }
    puts(" images  ms CPU  ms wall, of one start");
    for (int s = 0; s < SIZES; s++) printf("%7d %7.2f %8.2f\n", sizes[s], cpu[s] / starts, wall[s] / starts);
    db_close(db);
    remove(path);
    return 0;
}
