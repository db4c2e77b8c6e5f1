/* A study: who is asked, by which consent, into which arms they are put, and which decks they get when. The
 * definition is a JSON document that study.schema.json describes; study_read.c adds what a schema cannot say.
 */
#ifndef SRV_STUDY_H
#define SRV_STUDY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/error.h"
#include "server/decks/deck.h"

enum {
    STUDY_FORMAT = 1,
    STUDY_STRATA_MAX = 3,
    STUDY_BLOCKS_MAX = 4,
    STUDY_BLOCK_MAX = 64, /* participants in a block */
    STUDY_ARMS_MIN = 2,
    STUDY_ARMS_MAX = 8,
    STUDY_PHASES_MAX = 8,
    STUDY_QUESTIONS_MAX = 20,
    STUDY_CHOICES_MIN = 2,
    STUDY_CHOICES_MAX = 12,
    STUDY_DAYS_MAX = 3650,
    STUDY_CONSENT_TEXT = 20001,
    STUDY_QUESTION_TEXT = 501,
    STUDY_STRATUM_TEXT = STUDY_STRATA_MAX * DECK_ID_TEXT,
};

struct srv_study_choice {
    char id[DECK_ID_TEXT];
    char label[DECK_LABEL_TEXT];
};

/* Asked at enrolment; every combination of choices has blocks of its own. */
struct srv_study_stratum {
    char id[DECK_ID_TEXT];
    char label[DECK_SENTENCE_TEXT];
    struct srv_study_choice choices[STUDY_CHOICES_MAX];
    int choice_count;
};

struct srv_study_arm {
    char id[DECK_ID_TEXT];
    char label[DECK_LABEL_TEXT]; /* for researchers; participants are never told */
    char deck[DECK_ID_TEXT];     /* of the training */
    int weight;                  /* participants in the smallest block, 1 .. STUDY_BLOCK_MAX */
};

enum srv_study_kind { STUDY_TEST, STUDY_TRAINING };
extern const char *const srv_study_kinds[2]; /* "test", "training" */

struct srv_study_phase {
    char id[DECK_ID_TEXT];
    enum srv_study_kind kind;
    char deck[DECK_ID_TEXT]; /* of a test; "" for a training, whose deck is the arm's */
    /* From the end of the phase before, or from enrolment; closes after it opens, or never. */
    double opens_after_days, closes_after_days; /* INFINITY: never */
};

enum srv_study_asks { STUDY_ASKS_CHOICE, STUDY_ASKS_SCALE, STUDY_ASKS_TEXT };

struct srv_study_question {
    char id[DECK_ID_TEXT];
    char text[STUDY_QUESTION_TEXT];
    enum srv_study_asks kind;
    struct srv_study_choice choices[STUDY_CHOICES_MAX]; /* of a scale in its order */
    int choice_count;                                   /* 0 for a text */
};

/* Some 70 kB: on the stack once or twice, not in loops. */
struct srv_study {
    char id[DECK_ID_TEXT];
    char title[DECK_SENTENCE_TEXT], contact[DECK_SENTENCE_TEXT];
    char consent[STUDY_CONSENT_TEXT];
    char practice_deck[DECK_ID_TEXT]; /* for those who do not take part; or "" */
    struct srv_study_stratum strata[STUDY_STRATA_MAX];
    int stratum_count;
    int blocks[STUDY_BLOCKS_MAX]; /* sizes, multiples of the sum of the arms' weights */
    int block_count;
    struct srv_study_arm arms[STUDY_ARMS_MAX];
    int arm_count;
    struct srv_study_phase phases[STUDY_PHASES_MAX];
    int phase_count;
    struct srv_study_question questions[STUDY_QUESTIONS_MAX];
    int question_count;
};

/* The error text starts with `where` and names the field. */
nn_status srv_study_read(const json_t *json, const char *where, struct srv_study *study,
                         struct nn_error *err) NN_MUST_CHECK;

/* New references; NULL when memory ran out. The definition is all of the study, every key written out, and
 * srv_study_read reads it back. */
json_t *srv_study_definition(const struct srv_study *study);
/* What is asked of participants: at enrolment, and at the end. */
json_t *srv_study_strata(const struct srv_study *study);
json_t *srv_study_questions(const struct srv_study *study);

/* By id; -1 when there is none. */
int srv_study_arm_find(const struct srv_study *study, const char *id);
int srv_study_phase_find(const struct srv_study *study, const char *id);
int srv_study_choice_find(const struct srv_study_choice *choices, int count, const char *id);

/* The deck of a phase for somebody in that arm. Borrowed from the study. */
const char *srv_study_deck(const struct srv_study *study, int phase, int arm);

/* What keeps a deck from being a study's test, which shows everybody the same images of the library and tells
 * nothing of the truth: the end of a sentence, or NULL. */
const char *srv_study_test_flaw(const struct srv_deck *deck);

#endif
