/* The parts of a deck, each read by a file of its own into the struct that srv_deck_read fills. They are
 * called in this order, as later ones look at what earlier ones have read; nobody but deck_read.c calls them.
 * `json` is the deck, its members of the types that srv_json_fields_check has found right. */
#ifndef SRV_DECK_PARTS_H
#define SRV_DECK_PARTS_H

#include "server/decks/deck.h"

/* deck_read_sources.c: where images are from. */
nn_status srv_deck_read_sources(const json_t *json, const char *where, struct srv_deck *deck,
                                struct nn_error *err) NN_MUST_CHECK;
/* One class more for that choice of the source; `where` is the choice's classes. */
nn_status srv_deck_class_add(const char *name, double share, const char *where,
                             struct srv_deck_source *source, int truth, struct nn_error *err) NN_MUST_CHECK;

/* deck_read_asked.c: rating, feedback, time limit. */
nn_status srv_deck_read_asking(const json_t *json, const char *where, struct srv_deck *deck,
                               struct nn_error *err) NN_MUST_CHECK;

/* deck_read_order.c: in which order, and when it is enough. */
nn_status srv_deck_read_order(const json_t *json, const char *where, struct srv_deck *deck,
                              struct nn_error *err) NN_MUST_CHECK;

/* deck_read_shown.c: which images of the sources, one of the two. */
nn_status srv_deck_read_list(const json_t *json, const char *where, struct srv_deck *deck,
                             struct nn_error *err) NN_MUST_CHECK;
nn_status srv_deck_read_drawing(const json_t *json, const char *where, struct srv_deck *deck,
                                struct nn_error *err) NN_MUST_CHECK;

/* deck_read_order.c again, when all is read: whether what is shown goes with the order. */
nn_status srv_deck_check_order(const char *where, struct srv_deck *deck, struct nn_error *err) NN_MUST_CHECK;

#endif
