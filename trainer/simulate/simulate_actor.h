/* One simulated learner at work: a drill item by item as a page walks through it, or a study from the
 * invitation to its questions. */
#ifndef TR_SIMULATE_ACTOR_H
#define TR_SIMULATE_ACTOR_H

#include <jansson.h>
#include <stdbool.h>

#include "engine/error.h"
#include "trainer/simulate/simulate_http.h"
#include "trainer/simulate/simulate_skill.h"

enum { TR_NAME_TEXT = 64 };

/* What all learners of one run have in common. */
struct tr_plan {
    const char *server, *admin_token;
    const char *deck, *study; /* one of them, the other NULL */
    struct tr_skill skill;
    uint64_t seed;
    bool images;         /* are loaded, as a page does */
    double leave;        /* chance that a session is left in the middle, and the learner never seen again */
    double withdraw;     /* share of a study's participants who withdraw after a phase */
    double other_device; /* share of a study's sessions that are gone on with on another device */
};

enum tr_outcome {
    TR_FINISHED,
    TR_LEFT,     /* in the middle */
    TR_WITHDREW, /* from the study */
    TR_WAITS,    /* the study's next phase is not open yet */
    TR_STOPPED,  /* the program is to end */
    TR_OUTCOMES
};

struct tr_actor {
    const struct tr_plan *plan;
    struct tr_http *http;
    struct tr_skilled skilled;
    char code[TR_NAME_TEXT]; /* the learner's secret */
    char name[TR_NAME_TEXT]; /* in the export: the session's id, or the participant's code */
    int sessions;            /* that were started */
    long long answers, right;
};

/* Does all that learner `number`, from 1, does. */
nn_status tr_actor_run(struct tr_actor *actor, uint64_t number, enum tr_outcome *outcome,
                       struct nn_error *err) NN_MUST_CHECK;

/* Answers the session's items, from the first that is open, until it is at its end or `stop_after` items have
 * been answered in all. *finished is false then, and when the program is to end. */
nn_status tr_drill(struct tr_actor *actor, const json_t *session, int stop_after, bool *finished,
                   struct nn_error *err) NN_MUST_CHECK;

/* A part of the learner in a study. */
nn_status tr_participate(struct tr_actor *actor, enum tr_outcome *outcome,
                         struct nn_error *err) NN_MUST_CHECK;

/* One session from its start or from where it was left: after how many items the learner leaves, or all. */
int tr_actor_leaves_after(const struct tr_actor *actor, int items);

#endif
