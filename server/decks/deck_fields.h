/* Single fields of a deck, whose types srv_json_fields_check has found right. The error text is
 * "WHERE.NAME: what it must be"; an absent field leaves what is there, unless said otherwise. */
#ifndef SRV_DECK_FIELDS_H
#define SRV_DECK_FIELDS_H

#include "server/decks/deck.h"

enum { DECK_WHERE_TEXT = 128 };

/* 1 to size - 1 bytes. */
nn_status srv_deck_field_text(const json_t *json, const char *where, const char *name, char *text,
                              size_t size, struct nn_error *err) NN_MUST_CHECK;
/* As srv_deck_id_valid has it. */
nn_status srv_deck_field_id(const json_t *json, const char *where, const char *name, char id[DECK_ID_TEXT],
                            struct nn_error *err) NN_MUST_CHECK;
/* A number in [0,1]. */
nn_status srv_deck_field_share(const json_t *json, const char *where, const char *name, double *share,
                               struct nn_error *err) NN_MUST_CHECK;
nn_status srv_deck_field_whole(const json_t *json, const char *where, const char *name, int low, int high,
                               int *value, struct nn_error *err) NN_MUST_CHECK;
/* A number from low to high. */
nn_status srv_deck_field_number(const json_t *json, const char *where, const char *name, double low,
                                double high, double *value, struct nn_error *err) NN_MUST_CHECK;
/* An array of 1 to max numbers from low to high. Checks their types too. */
nn_status srv_deck_field_numbers(const json_t *json, const char *where, const char *name, double low,
                                 double high, double *values, int max, int *count,
                                 struct nn_error *err) NN_MUST_CHECK;
/* The place of the text among `names`. */
nn_status srv_deck_field_name(const json_t *json, const char *where, const char *name,
                              const char *const *names, int count, int *value,
                              struct nn_error *err) NN_MUST_CHECK;
/* The field "seed", which must be there: decimal, as text. */
nn_status srv_deck_field_seed(const json_t *json, const char *where, uint64_t *seed,
                              struct nn_error *err) NN_MUST_CHECK;
/* A number in [0,1] or [min, max]; absent: 1. Checks its type too. */
nn_status srv_deck_field_range(const json_t *json, const char *where, const char *name,
                               struct srv_deck_range *range, struct nn_error *err) NN_MUST_CHECK;

#endif
