/* How long a deck that goes by the answers takes to choose the next image, by what that image is: a learner
 * waits as long for the reply to an answer, and must not know by it where the next image is from, nor its
 * class. Prints; asserts nothing.
 *
 *     bench_next_item FOLDER
 *
 * The deck draws, or shows images of a collection of which one in ten shows no fracture. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "server/store/sessions/store_items.h"
#include "tests/bench/stored_deck.h"

enum { SIZES = 3, SESSIONS = 20, ANSWERS = 20, CATEGORIES = 4, KINDS = 3 };

static const int sizes[SIZES] = {100, 1000, 10000};
static const char *const kinds[KINDS] = {"drawn", "none", "fracture"};

struct tally {
    double us[KINDS];
    int count[KINDS];
};

static double cpu_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return 1e6 * (double)now.tv_sec + 1e-3 * (double)now.tv_nsec;
}

static struct srv_store_session prepare(struct db *db, int size)
{
    char name[DECK_ID_TEXT];
    snprintf(name, sizeof name, "of-%d", size);
    stored_collection(db, name, size, 10);
    struct srv_store_session session = stored_deck(db, name, DECK_ITEMS_MAX, "");
    struct srv_deck *deck = &session.deck;
    deck->sources[deck->source_count] = deck->sources[0];
    snprintf(deck->sources[deck->source_count++].collection, sizeof deck->sources->collection, "%s", name);
    deck->order = DECK_ADAPTIVE;
    deck->arts = srv_arts_defaults;
    return session;
}

static int kind_of(struct db *db, const char *session_id, int n)
{
    bool found;
    struct srv_store_item item;
    stored_need(srv_store_item_find(db, session_id, n, &item, &found) == DB_OK && found, "finding an item");
    return item.library.width == 0 ? 0 : strcmp(item.class_name, "fracture") ? 1 : 2;
}

/* The answers are as right and as quick as chance would have it. */
static void play(struct db *db, struct srv_store_session *session, struct tally *tally)
{
    struct srv_past past[DECK_ITEMS_MAX];
    stored_deck_start(db, session);
    for (int i = 0; i < ANSWERS; i++) {
        struct db_transaction t;
        past[i] = (struct srv_past){.category = (int)(srv_random_u64() % CATEGORIES),
                                    .pick = -1,
                                    .strength = 1,
                                    .response_ms = (double)(srv_random_u64() % 5000),
                                    .correct = srv_random_u64() % 2};
        db_begin_write(&t, db);
        double us = -cpu_us();
        stored_need(srv_store_item_decide(&t, session, past, i + 1), "choosing an image");
        us += cpu_us();
        stored_need(db_end(&t) == DB_OK, "storing an item");
        int kind = kind_of(db, session->id, i + 2);
        tally->us[kind] += us;
        tally->count[kind]++;
    }
}

int main(int argc, char **argv)
{
    static struct srv_store_session sessions[SIZES];
    struct tally tallies[SIZES] = {0};
    char path[4096];
    struct db *db;
    struct nn_error err = {0};
    if (argc != 2) {
        fputs("Usage: bench_next_item FOLDER\n", stderr);
        return 2;
    }
    snprintf(path, sizeof path, "%s/bench_next_item.db", argv[1]);
    remove(path);
    stored_need(db_open(&db, path, &err) == NN_OK, err.text);
    for (int s = 0; s < SIZES; s++) sessions[s] = prepare(db, sizes[s]);
    for (int i = 0; i < SESSIONS; i++)
        for (int s = 0; s < SIZES; s++) play(db, &sessions[s], &tallies[s]);
    printf(" images %9s %9s %9s  us CPU, to choose one\n", kinds[0], kinds[1], kinds[2]);
    for (int s = 0; s < SIZES; s++) {
        printf("%7d", sizes[s]);
        for (int k = 0; k < KINDS; k++) printf(" %9.0f", tallies[s].us[k] / tallies[s].count[k]);
        puts("");
    }
    db_close(db);
    remove(path);
    return 0;
}
