/* A deck: what a session asks, of how many images, and what it tells afterwards. Decks come from the
 * configuration; the database keeps the definition that each session ran under. */
#ifndef SRV_DECK_H
#define SRV_DECK_H

#include <jansson.h>
#include <stdbool.h>

#include "engine/engine.h"
#include "engine/error.h"

enum { DECK_ITEMS_MAX = 200, DECK_ID_TEXT = 49, DECK_LABEL_TEXT = 81, DECK_SENTENCE_TEXT = 241 };

/* Choices are a yes/no question about one finding; the six-step rating scale needs exactly two. */
enum { DECK_NO = 0, DECK_YES = 1, DECK_CHOICES = 2 };

struct srv_deck_choice {
    char id[NN_CLASS_NAME_MAX]; /* also the name of the class that the generator draws */
    char label[DECK_LABEL_TEXT];
};

struct srv_deck {
    char id[DECK_ID_TEXT];
    char title[DECK_SENTENCE_TEXT], question[DECK_SENTENCE_TEXT];
    char model[DECK_ID_TEXT];
    int items;                                    /* 1 .. DECK_ITEMS_MAX */
    struct srv_deck_choice choices[DECK_CHOICES]; /* DECK_NO, DECK_YES */
    double prevalence;                            /* share of DECK_YES among the items, 0..1 */
    double strength, truncation;                  /* as in nn_sample_request */
    bool feedback;                                /* tell the truth after every answer */
};

/* Reads a deck from JSON; strength and truncation may be left out (1). The error text starts with `where`. */
nn_status srv_deck_read(const json_t *json, const char *where, struct srv_deck *deck,
                        struct nn_error *err) NN_MUST_CHECK;

/* New references; NULL when memory ran out. The definition is all of the deck, and srv_deck_read reads it
 * back; the public part leaves out prevalence and how the images are drawn. */
json_t *srv_deck_definition(const struct srv_deck *deck);
json_t *srv_deck_public(const struct srv_deck *deck);
json_t *srv_deck_choices(const struct srv_deck *deck);

/* DECK_NO or DECK_YES, or -1 when the deck has no such choice. */
int srv_deck_choice_find(const struct srv_deck *deck, const char *id);

/* The label of the class called `name` in the model, or -1. */
int srv_deck_class_find(const struct nn_model_info *model, const char *name);

/* An id: 1 .. DECK_ID_TEXT-1 of a-z, 0-9, '_', '-'. Safe in a path and in a URL. */
bool srv_deck_id_valid(const char *id);

#endif
