/* A study's flow as CONSORT draws it: of those who were randomised into each arm, how many came how far in
 * each phase, and why the others did not. */
#ifndef SRV_STUDY_FLOW_H
#define SRV_STUDY_FLOW_H

#include <jansson.h>

#include "server/store/results/store_study_results.h"

/* Everybody of an arm is in one of these, in each phase. */
enum srv_flow_place {
    FLOW_FINISHED,      /* in the window */
    FLOW_UNDER_WAY,     /* started, and the window is open */
    FLOW_WAITING,       /* not started, and may still be */
    FLOW_NEVER_STARTED, /* the window has closed */
    FLOW_NOT_FINISHED,  /* likewise, after a start */
    FLOW_WITHDREW,      /* before finishing it; the answers stay */
    FLOW_DELETED,       /* withdrew, and nothing is left */
    FLOW_PLACES
};

struct srv_flow {
    const struct srv_study *study;
    int64_t now_ms;
    json_t *strata; /* arm/stratum -> how many were randomised; the caller's */
    int64_t randomised[STUDY_ARMS_MAX];
    int64_t places[STUDY_PHASES_MAX][STUDY_ARMS_MAX][FLOW_PLACES];
    int64_t left[3]; /* stop, delete, anonymise */
};

void srv_flow_add(struct srv_flow *flow, const struct srv_study_person *participant);
void srv_flow_gone(struct srv_flow *flow, const struct srv_study_gone *gone);

/* New references; NULL when memory ran out. */
json_t *srv_flow_json(const struct srv_flow *flow, const char *state);
json_t *srv_flow_person_json(const struct srv_study *study, const struct srv_study_person *participant,
                             int64_t now_ms);

#endif
