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
#include <time.h>

#include "server/clock.h"
#include "tests/bench/stored_deck.h"

enum { SIZES = 4, ITEMS = 10, STARTS = 200 };

static const int sizes[SIZES] = {100, 1000, 10000, 50000};

/* A session of a collection of that size, ready to be started again and again. */
static struct srv_store_session prepare(struct db *db, int count)
{
    char name[DECK_ID_TEXT];
    snprintf(name, sizeof name, "of-%d", count);
    stored_collection(db, name, count, 2);
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
