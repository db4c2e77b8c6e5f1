/* The answers as they stood at one moment, for exports. */
#ifndef SRV_STORE_EXPORT_H
#define SRV_STORE_EXPORT_H

#include <stdbool.h>

#include "server/database/db.h"
#include "server/decks/deck.h"

/* NULL: no bound. Days are UTC, YYYY-MM-DD, both included. Borrowed while the log is open. */
struct srv_export_filter {
    const char *deck, *from, *to;
};

/* One transaction of reading, in the caller's stack frame. While it is open the write-ahead log cannot start
 * over: it must end soon, and never wait for a client. */
struct srv_export_log {
    struct db_transaction transaction;
    struct srv_export_filter filter;
    const char *home; /* "https://host", with which names of ours begin in files for others; borrowed */
};

void srv_export_begin(struct srv_export_log *log, struct db *db, const struct srv_export_filter *filter);
enum db_status srv_export_end(struct srv_export_log *log) NN_MUST_CHECK;

/* Whether there ever was a deck of the filter's name; true without one. */
bool srv_export_deck_known(struct srv_export_log *log);

/* The question of that version of the deck, "" when there is none. */
void srv_export_question(struct srv_export_log *log, const char *deck, const char *version,
                         char question[DECK_SENTENCE_TEXT]);

/* The cells are the text of srv_export_columns, "" where there is nothing, borrowed. False: enough. */
typedef bool srv_export_row(void *context, const char *const *cells);

/* Calls `row` for each answer: sessions in the order of their (random) ids, in each the order of answering.
 * May be called again, and gives the same rows. False when `row` did not want them all, or when the data base
 * failed, which srv_export_end will tell. */
bool srv_export_each(struct srv_export_log *log, srv_export_row *row, void *context);

#endif
