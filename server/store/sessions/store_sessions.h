/* Sessions, their items and their answers, in the words of the drill rather than of SQL. Each function is one
 * transaction; any thread may call. The tables are in schema.sql. */
#ifndef SRV_STORE_SESSIONS_H
#define SRV_STORE_SESSIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/engine.h"
#include "server/clock.h"
#include "server/database/db.h"
#include "server/decks/checked_list.h"
#include "server/decks/deck.h"
#include "server/decks/next_item.h"
#include "server/decks/session.h"
#include "server/library/library_files.h"
#include "server/secrets.h"
#include "server/store/sessions/answer_context.h"

enum { STORE_KEY_TEXT = 37 }; /* a UUID and the NUL */

/* The version of a checkpoint that a session was drawn for. */
struct srv_store_model {
    char name[128], sha256[SRV_DIGEST_TEXT];
    bool simulated; /* its training data were */
};

/* Whose part in a study a session is. */
struct srv_session_study {
    int64_t participant_id;                              /* 0: of none */
    int64_t study_id;                                    /* given, not found */
    char study[DECK_ID_TEXT], title[DECK_SENTENCE_TEXT]; /* found, not given */
    char phase[DECK_ID_TEXT];
    bool tests;                    /* its truth is told to nobody, not even at the end */
    char closes_at[SRV_TIME_TEXT]; /* "": no limit */
};

struct srv_store_session {
    char id[SRV_ID_TEXT];
    char secret_sha256[SRV_DIGEST_TEXT];
    char created_at[SRV_TIME_TEXT];
    struct srv_deck deck; /* as it was when the session started */
    uint64_t key;         /* its items are drawn by; 0 of a session from before these were kept */
    int64_t deck_version_id;
    int64_t learner_id, class_id; /* for srv_store_session_create; 0 for none */
    struct srv_session_study study;
    struct srv_store_model models[DECK_SOURCES_MAX]; /* the deck's, in its order */
    int model_count;
    bool answered[DECK_ITEMS_MAX]; /* [k]: item k+1 */
    int answered_count;
    int item_count; /* that are decided: when all are answered, the session has ended */
};

struct srv_store_item {
    char session_id[SRV_ID_TEXT];
    int n; /* 1-based */
    char image[SRV_IMAGE_TEXT];
    char class_name[NN_CLASS_NAME_MAX]; /* that the generator is told to draw */
    char truth[NN_CLASS_NAME_MAX];      /* the choice that this class stands for */
    uint64_t seed;
    double strength, truncation;
    struct srv_store_model models[DECK_SOURCES_MAX]; /* the session's */
    int model_count, model;                          /* `model` is the place of the item's */
    bool sent;                                       /* the hash of its image is on record */
    struct srv_library_ref library;                  /* what is shown; width 0: what the model draws */
    struct srv_library_ref mask;                     /* where its finding is; sha256 "": there is none */
    bool has_middle; /* of its finding: parts of the side, from the left and the top */
    double middle_x, middle_y;
    bool correct;   /* how it was answered; false when it was not */
    bool gone;      /* it cannot be shown any more: see below */
    bool reserved;  /* a study tests with its image, and this is no session of a study */
    bool held;      /* there is a library on this server */
    uint64_t apart; /* a srv_image_request's */
    bool twin;      /* another item of the session, which is not answered yet, is drawn of the same latent */
};

struct srv_store_answer {
    int64_t id; /* answers count upwards */
    char key[STORE_KEY_TEXT];
    int item, confidence, rating;
    char choice[NN_CLASS_NAME_MAX];
    bool correct;
    double response_ms;
    /* From the answer before, or the session's start, to this one by the server's steady clock; NaN: not
     * known. Only given, never read back. */
    double at_item_ms;
    char received_at[SRV_TIME_TEXT];
    enum srv_deck_feedback feedback; /* the most that is told right after it; only given, too */
};

/* Writes the session, its items, and the models that are new. `session` gives id, secret_sha256, created_at,
 * deck, key, deck_version_id, learner_id, class_id and study; `checked` is a srv_library_asker's; `models`
 * are the deck's. The `count` items, as srv_session_draw gives them, get their images as by
 * srv_store_library_give: with *lacking nothing was written, else it is NULL. DB_CONFLICT: the participant
 * has started this phase elsewhere, or has left, or the study is frozen. */
enum db_status srv_store_session_create(struct db *db, const struct srv_store_session *session,
                                        const struct srv_checked_list *checked,
                                        struct srv_session_item *items, int count,
                                        const struct nn_model_info *models,
                                        const struct srv_drawn_item **lacking) NN_MUST_CHECK;

/* *found tells whether there is one. */
enum db_status srv_store_session_find(struct db *db, const char *id, struct srv_store_session *session,
                                      bool *found) NN_MUST_CHECK;
/* An item is gone when its collection has been removed, and, not yet sent, when that has happened to any item
 * of the session that was not sent: the session cannot be finished, and which of its items are of a library
 * is not told by those that still are there. */
enum db_status srv_store_item_find(struct db *db, const char *session_id, int n, struct srv_store_item *item,
                                   bool *found) NN_MUST_CHECK;
enum db_status srv_store_image_find(struct db *db, const char *image, struct srv_store_item *item,
                                    bool *found) NN_MUST_CHECK;

/* Records an item's image when it is sent for the first time: its hash, what made it, and how often its
 * learner had been sent the same picture before. Later calls change nothing. */
enum db_status srv_store_image_sent(struct db *db, const struct srv_store_item *item, const char *sha256,
                                    const char *device) NN_MUST_CHECK;

enum srv_store_outcome {
    STORE_ADDED,
    STORE_REPEATED,   /* the same key with the same content: the row that is there is returned */
    STORE_KEY_REUSED, /* the same key with other content */
    STORE_ITEM_TAKEN, /* another key has answered the item */
    STORE_GONE,       /* the session was withdrawn */
    STORE_OVER,       /* of a study: the participant has left, or it is frozen */
    STORE_LATE,       /* of a study: the phase's window is closed */
    STORE_UNAGREED,   /* of a study: the participant has not agreed to its newest text */
};

/* The session's score right after one answer. */
struct srv_store_progress {
    int answered;
    int correct, mastery_hits; /* of first answers to an image */
    bool finished;
};

/* `session` gives id, deck and key; `answer` gives all but id; `context` may be NULL, and is no part of the
 * content; STORE_REPEATED fills it from the row. On disk when this returns DB_OK with STORE_ADDED. */
enum db_status srv_store_answer_add(struct db *db, const struct srv_store_session *session,
                                    struct srv_store_answer *answer, const struct srv_answer_context *context,
                                    enum srv_store_outcome *outcome,
                                    struct srv_store_progress *progress) NN_MUST_CHECK;

/* One answered item, for the summary. */
struct srv_store_trial {
    struct srv_store_answer answer;
    char image[SRV_IMAGE_TEXT], truth[NN_CLASS_NAME_MAX];
};

/* In the order of answering; `trials` and `past`, of the same answers, have room for DECK_ITEMS_MAX. */
enum db_status srv_store_trials(struct db *db, const char *session_id, struct srv_store_trial *trials,
                                struct srv_past *past, int *count) NN_MUST_CHECK;

#endif
