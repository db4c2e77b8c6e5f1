/* A deck in a database and sessions of it, for benchmarks that go straight through the store. Whatever fails
 * ends the program with a line. */
#ifndef TESTS_STORED_DECK_H
#define TESTS_STORED_DECK_H

#include <stdbool.h>

#include "server/store/sessions/store_sessions.h"

/* Ends the program unless that is fine. */
void stored_need(bool fine, const char *what);

/* The deck called `name`, of so many items, half of them with a fracture: of the collection, or drawn when it
 * is "". Its choices are no and yes. The result is ready for stored_deck_start, again and again. */
struct srv_store_session stored_deck(struct db *db, const char *name, int items, const char *collection);

/* Starts a session of it, of a new id. */
void stored_deck_start(struct db *db, struct srv_store_session *session);

#endif
