/* What statistics/ says about a vector of trials, as the JSON that openapi.json calls Score. */
#ifndef SRV_SCORE_JSON_H
#define SRV_SCORE_JSON_H

#include <jansson.h>

#include "server/statistics/trial.h"

/* A new reference; NULL when memory ran out. `trials` are in the order of answering. All of it follows from
 * the truths: it goes to no learner who has items left whose truth the deck keeps back. */
json_t *srv_score_json(const struct srv_stat_trial *trials, int count);

#endif
