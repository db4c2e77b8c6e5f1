/* A deck in a database, a collection of images and sessions of them, for benchmarks that go straight through
 * the store. Whatever fails ends the program with a line. */
#ifndef TESTS_STORED_DECK_H
#define TESTS_STORED_DECK_H

#include <stdbool.h>

#include "server/store/sessions/store_sessions.h"

/* Ends the program unless that is fine. */
void stored_need(bool fine, const char *what);

/* A collection of `count` images without pixels: one in `one_in` shows no fracture, three in twenty are the
 * test split. */
void stored_collection(struct db *db, const char *name, int count, int one_in);

/* The deck called `name`, of so many items, half of them with a fracture: of the collection, or drawn when it
 * is "". Its choices are no and yes. The result is ready for stored_deck_start, again and again. */
struct srv_store_session stored_deck(struct db *db, const char *name, int items, const char *collection);

/* Starts a session of it, of a new id. */
void stored_deck_start(struct db *db, struct srv_store_session *session);

#endif
