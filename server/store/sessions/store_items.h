/* The rows of a session's items, in an open transaction. Where each item is decided after the answer before,
 * it is added in the transaction of that answer: there is never an answer without the item that follows it.
 */
#ifndef SRV_STORE_ITEMS_H
#define SRV_STORE_ITEMS_H

#include "server/decks/next_item.h"
#include "server/store/sessions/store_sessions.h"

/* Adds item n; `state` is JSON that tells what it was chosen by, or "". */
void srv_store_item_add(struct db_transaction *t, const struct srv_store_session *session, int n,
                        const struct srv_session_item *item, const char *state);

/* Where items are decided one at a time: decides the one after these answers, all of the session's, and adds
 * it. False at the session's end. */
bool srv_store_item_decide(struct db_transaction *t, const struct srv_store_session *session,
                           const struct srv_past *past, int count);

/* What srv_store_past_read reads from column `first` on, of an answer `a` and its item `i`. */
#define STORE_PAST_COLUMNS                                                                                   \
    "coalesce(i.schedule_state ->> '$.category', -1), coalesce(i.schedule_state ->> '$.list', -1),"          \
    " i.strength, a.response_ms, a.correct"
struct srv_past srv_store_past_read(struct db_rows *rows, int first);

/* Reads the session's answers up to that one, in their order; `past` has room for DECK_ITEMS_MAX. Their
 * number.
 */
int srv_store_past(struct db_transaction *t, const char *session_id, int64_t last_answer,
                   struct srv_past *past);

/* How many other items, of this session or of another of the same learner, show the picture of item n: the
 * same pixels of the library, or what one model draws of a class and seed. */
struct srv_showings {
    int64_t sent, answered;
};
struct srv_showings srv_store_showings(struct db_transaction *t, const char *session_id, int n);

/* How many items the session has so far. */
int srv_store_item_count(struct db_transaction *t, const char *session_id);

#endif
