/* Durable answers a second, straight through store.h: for bench_answers.py, which runs it in turn with what
 * a user would write. Prints; asserts nothing.
 *
 *     bench_answers FILE THREADS SECONDS
 *
 * Each thread starts sessions of its own in the database FILE and answers their items one after another, as
 * fast as it is told that the answer before is on disk. Prints `ANSWERS PER_S P50_MS P99_MS MAX_MS CPU_US
 * WAL_BYTES`, CPU_US being the processor time of one answer. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "server/clock.h"
#include "tests/bench/stored_deck.h"

enum { ITEMS = DECK_ITEMS_MAX, SESSIONS_MAX = 64, SESSIONS_ALL = 400, THREADS_MAX = 512 };

static struct db *db;
static int64_t until_us;
static int sessions; /* of each thread */
static struct srv_store_session of_deck;

struct learner {
    pthread_t thread;
    char sessions[SESSIONS_MAX][SRV_ID_TEXT];
    int64_t *taken_us; /* room for sessions * ITEMS */
    int count;
};

static void answer(const char *session_id, int item)
{
    struct srv_store_session session = of_deck;
    enum srv_store_outcome outcome;
    struct srv_store_progress progress;
    struct srv_store_answer a = {
        .item = item, .confidence = 2, .rating = 5, .choice = "yes", .response_ms = 900};
    char hex[33];
    srv_random_hex(hex, sizeof hex);
    snprintf(a.key, sizeof a.key, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
    srv_clock_format(srv_clock_utc_ms(), a.received_at);
    memcpy(session.id, session_id, sizeof session.id);
    stored_need(srv_store_answer_add(db, &session, &a, NULL, &outcome, &progress) == DB_OK &&
                    outcome == STORE_ADDED,
                "storing an answer");
}

static void *prepare(void *context)
{
    struct learner *l = context;
    struct srv_store_session session = of_deck;
    for (int i = 0; i < sessions; i++) {
        stored_deck_start(db, &session);
        memcpy(l->sessions[i], session.id, sizeof session.id);
    }
    return NULL;
}

static void *play(void *context)
{
    struct learner *l = context;
    for (; l->count < sessions * ITEMS; l->count++) {
        int64_t begun_us = srv_clock_monotonic_us();
        if (begun_us >= until_us) break;
        answer(l->sessions[l->count / ITEMS], l->count % ITEMS + 1);
        l->taken_us[l->count] = srv_clock_monotonic_us() - begun_us;
    }
    return NULL;
}

static void for_all(struct learner *learners, int count, void *(*work)(void *))
{
    for (int i = 0; i < count; i++)
        stored_need(!pthread_create(&learners[i].thread, NULL, work, &learners[i]), "starting a thread");
    for (int i = 0; i < count; i++) pthread_join(learners[i].thread, NULL);
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static double cpu_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return 1e6 * (double)now.tv_sec + 1e-3 * (double)now.tv_nsec;
}

static void report(const struct learner *learners, int count, double seconds, double cpu, const char *path)
{
    char wal[512];
    struct stat info = {0};
    size_t total = 0;
    for (int i = 0; i < count; i++) total += (size_t)learners[i].count;
    int64_t *all = malloc((total + 1) * sizeof *all), *end = all;
    stored_need(all && total > 0, "answering");
    for (int i = 0; i < count; i++) {
        memcpy(end, learners[i].taken_us, (size_t)learners[i].count * sizeof *all);
        end += learners[i].count;
    }
    qsort(all, total, sizeof *all, by_size);
    snprintf(wal, sizeof wal, "%s-wal", path);
    stat(wal, &info);
    printf("%zu %.0f %.2f %.2f %.2f %.0f %lld\n", total, (double)total / seconds,
           (double)all[total / 2] / 1e3, (double)all[total * 99 / 100] / 1e3, (double)all[total - 1] / 1e3,
           cpu / (double)total, (long long)info.st_size);
    free(all);
}

int main(int argc, char **argv)
{
    struct nn_error err = {0};
    int count = argc == 4 ? atoi(argv[2]) : 0;
    if (count < 1 || count > THREADS_MAX) {
        fprintf(stderr, "usage: bench_answers FILE THREADS SECONDS\n");
        return 2;
    }
    sessions = SESSIONS_ALL / count < 2              ? 2
               : SESSIONS_ALL / count > SESSIONS_MAX ? SESSIONS_MAX
                                                     : SESSIONS_ALL / count;
    struct learner *learners = calloc((size_t)count, sizeof *learners);
    stored_need(learners, "allocating");
    for (int i = 0; i < count; i++) {
        learners[i].taken_us = calloc((size_t)(sessions * ITEMS), sizeof(int64_t));
        stored_need(learners[i].taken_us, "allocating");
    }
    stored_need(db_open(&db, argv[1], &err) == NN_OK, err.text);
    of_deck = stored_deck(db, "bench", ITEMS, "");
    for_all(learners, count, prepare);
    double cpu = cpu_us();
    int64_t begun_us = srv_clock_monotonic_us();
    until_us = begun_us + (int64_t)(atof(argv[3]) * 1e6);
    for_all(learners, count, play);
    report(learners, count, (double)(srv_clock_monotonic_us() - begun_us) / 1e6, cpu_us() - cpu, argv[1]);
    db_close(db);
    for (int i = 0; i < count; i++) free(learners[i].taken_us);
    free(learners);
    return 0;
}
