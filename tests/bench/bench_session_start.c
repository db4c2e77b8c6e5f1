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
#include "server/store/decks/store_library.h"
#include "tests/bench/stored_deck.h"

enum { SIZES = 4, ITEMS = 10, STARTS = 200 };

static const int sizes[SIZES] = {100, 1000, 10000, 50000};
/* Half of the images show a fracture, three in twenty are the test split. */
static void add_collection(struct db *db, const char *name, int count)
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
                                               .class_name = i % 2 ? "fracture" : "none",
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

/* A session of a collection of that size, ready to be started again and again. */
static struct srv_store_session prepare(struct db *db, int count)
{
    char name[DECK_ID_TEXT];
    snprintf(name, sizeof name, "of-%d", count);
    add_collection(db, name, count);
    return stored_deck(db, name, ITEMS, name);
}

static double cpu_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return 1e3 * (double)now.tv_sec + 1e-6 * (double)now.tv_nsec;
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
    stored_need(db_open(&db, path, &err) == NN_OK, err.text);
    for (int s = 0; s < SIZES; s++) sessions[s] = prepare(db, sizes[s]);
    for (int i = 0; i < starts; i++)
        for (int s = 0; s < SIZES; s++) {
            double begun = cpu_ms(), began = (double)srv_clock_monotonic_us();
            stored_deck_start(db, &sessions[s]);
            cpu[s] += cpu_ms() - begun;
            wall[s] += 1e-3 * ((double)srv_clock_monotonic_us() - began);
        }
    puts(" images  ms CPU  ms wall, of one start");
    for (int s = 0; s < SIZES; s++) printf("%7d %7.2f %8.2f\n", sizes[s], cpu[s] / starts, wall[s] / starts);
    db_close(db);
    remove(path);
    return 0;
}
