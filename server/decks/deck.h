/* A deck: what a session shows, what it asks, and what it tells afterwards. The definition is a JSON document
 * of format 2, which deck.schema.json describes; deck_read.c adds what a schema cannot say. */
#ifndef SRV_DECK_H
#define SRV_DECK_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/engine.h"
#include "engine/error.h"
#include "server/decks/arts.h"
#include "server/decks/quest_plus.h"

enum {
    DECK_FORMAT = 2,
    DECK_ITEMS_MAX = 200,
    DECK_SOURCES_MAX = 8,
    DECK_CLASSES_MAX = 8, /* of one choice in one source */
    DECK_EXCLUDED_MAX = 200,
    DECK_CATEGORIES_MAX = DECK_SOURCES_MAX * 2 * DECK_CLASSES_MAX,
    DECK_CATEGORIES_MIN = 4, /* for DECK_ADAPTIVE */
    DECK_TIME_LIMIT_MIN_S = 3,
    DECK_TIME_LIMIT_MAX_S = 600,
    DECK_ID_TEXT = 49,
    DECK_LABEL_TEXT = 81,
    DECK_SENTENCE_TEXT = 241,
    DECK_DESCRIPTION_TEXT = 2001,
    DECK_FILE_TEXT = 101,
};

/* Choices are a yes/no question about one finding; the six-step rating scale needs exactly two. */
enum { DECK_NO = 0, DECK_YES = 1, DECK_CHOICES = 2 };

struct srv_deck_choice {
    char id[NN_CLASS_NAME_MAX];
    char label[DECK_LABEL_TEXT];
};

/* Drawn evenly from low to high for each item; low == high is one number. 0 <= low <= high <= 1. */
struct srv_deck_range {
    double low, high;
};

/* A class that the generator draws, or a label of the collection: a sub-category of one choice. */
struct srv_deck_class {
    char name[NN_CLASS_NAME_MAX];
    double share; /* > 0, relative to the others of its choice */
};

struct srv_deck_source {
    int model; /* its place among the deck's */
    /* Real or phantom images of that collection, "" for what the model draws. They are shown in the size of
     * the model, which also has to draw an image for each, so that none comes sooner than another. */
    char collection[DECK_ID_TEXT];
    bool test;     /* of a collection: its test split, else its training split */
    bool checked;  /* drawn from the model's checked_list.h alone; then strength and
                      truncation are 1 */
    double weight; /* > 0, relative to the other sources */
    struct srv_deck_range strength, truncation; /* as in nn_sample_request */
    struct srv_deck_class classes[DECK_CHOICES][DECK_CLASSES_MAX];
    int class_count[DECK_CHOICES]; /* 1 or more each */
};

/* One image that an educator has chosen. */
struct srv_deck_pick {
    char class_name[NN_CLASS_NAME_MAX];
    int truth;                 /* DECK_NO or DECK_YES, which that class stands for */
    int source;                /* the place of a source that has this class */
    char file[DECK_FILE_TEXT]; /* of its collection: in the data set; what follows is then 0, 1 and 1. Else ""
                                */
    uint64_t seed;
    double strength, truncation;
};

/* An image that is never drawn, in whatever strength and truncation. */
struct srv_deck_exclusion {
    char class_name[NN_CLASS_NAME_MAX];
    int source;                /* as above */
    char file[DECK_FILE_TEXT]; /* of its collection, and seed is 0; else "" */
    uint64_t seed;
};

/* The last two decide each item after the answer before (next_item.h): which sub-category, or which strength.
 */
enum srv_deck_order { DECK_RANDOM, DECK_GIVEN, DECK_EASY_FIRST, DECK_ADAPTIVE, DECK_STAIRCASE, DECK_ORDERS };
enum srv_deck_feedback {
    DECK_TELLS_NOTHING,
    DECK_TELLS_CORRECT,
    DECK_TELLS_TRUTH,
    DECK_TELLS_LOCATION
}; /* each with all before */

/* A session ends early once of its last `of` answers `correct` are right, each within `within_s` seconds. */
struct srv_deck_mastery {
    int correct, of; /* 1 <= correct <= of <= items; of 0: there is no such rule */
    double within_s; /* 0: any time */
};

struct srv_deck {
    char id[DECK_ID_TEXT];
    char title[DECK_SENTENCE_TEXT], question[DECK_SENTENCE_TEXT];
    char description[DECK_DESCRIPTION_TEXT];      /* or "" */
    struct srv_deck_choice choices[DECK_CHOICES]; /* DECK_NO, DECK_YES */
    int items; /* 1 .. DECK_ITEMS_MAX, at most where mastery ends a session; of a list its length, but for
                  DECK_ADAPTIVE, which shows images of the list again when there are more items */
    char models[DECK_SOURCES_MAX][DECK_ID_TEXT]; /* of all sources, each once, in their order */
    int model_count;                             /* 1 or more, of one image size */
    struct srv_deck_source sources[DECK_SOURCES_MAX];
    int source_count;
    struct srv_deck_pick list[DECK_ITEMS_MAX]; /* shown instead of drawing when list_count > 0 */
    int list_count;
    /* What follows is for drawing. */
    double prevalence; /* share of DECK_YES among the items, 0..1 */
    bool fixed;        /* by `seed`, the same for everyone */
    uint64_t seed;
    bool pairs; /* every latent twice, once for each choice */
    struct srv_deck_exclusion exclude[DECK_EXCLUDED_MAX];
    int exclude_count;
    /* What follows is how it is asked. */
    enum srv_deck_order order;
    struct srv_arts arts;                /* of DECK_ADAPTIVE */
    struct srv_quest_settings staircase; /* of DECK_STAIRCASE; its range is that of the sources' strength */
    struct srv_deck_mastery mastery;
    bool two_buttons; /* else with confidence, on six steps */
    enum srv_deck_feedback feedback;
    int time_limit_s; /* 0: none */
};

/* Reads a deck from JSON of format 2, or in the keys of before (no `format`; one model, choices named like
 * its classes). The error text starts with `where` and names the field. */
nn_status srv_deck_read(const json_t *json, const char *where, struct srv_deck *deck,
                        struct nn_error *err) NN_MUST_CHECK;

/* New references; NULL when memory ran out. The definition is all of the deck in format 2, every key written
 * out, and srv_deck_read reads it back; the public part leaves out how the images are drawn. */
json_t *srv_deck_definition(const struct srv_deck *deck);
json_t *srv_deck_public(const struct srv_deck *deck);
json_t *srv_deck_choices(const struct srv_deck *deck);

/* Whether any source is drawn from the list of the model at that place. */
bool srv_deck_has_checked(const struct srv_deck *deck, int model);

/* Whether a session's items are decided one at a time. */
bool srv_deck_stepwise(const struct srv_deck *deck);

/* DECK_NO or DECK_YES, or -1 when the deck has no such choice. */
int srv_deck_choice_find(const struct srv_deck *deck, const char *id);

/* The choice that a class of the sources stands for, or -1. */
int srv_deck_truth_of(const struct srv_deck *deck, const char *class_name);

/* The place of a model among the deck's, or -1. */
int srv_deck_model_find(const struct srv_deck *deck, const char *name);

/* What the model at that place draws for the other choice, in the first of its sources that has the class:
 * that of the largest share, the first of equals. NULL when no source of it has the class. */
const char *srv_deck_other_class(const struct srv_deck *deck, int model, const char *class_name);

/* Whether any source is a collection of the library. */
bool srv_deck_has_collection(const struct srv_deck *deck);

/* A class that the sources have the model at that place draw, but that it does not have, or NULL. */
const char *srv_deck_class_missing(const struct srv_deck *deck, int model, const struct nn_model_info *info);

/* The label of the class called `name` in the model, or -1. */
int srv_deck_class_find(const struct nn_model_info *model, const char *name);

/* An id: 1 .. DECK_ID_TEXT-1 of a-z, 0-9, '_', '-'. Safe in a path and in a URL. */
bool srv_deck_id_valid(const char *id);

/* The names of orders and kinds of feedback in JSON, by value. */
extern const char *const srv_deck_orders[DECK_ORDERS], *const srv_deck_feedbacks[4];

#endif
