/* What statistics/ says about a vector of trials, as the JSON that openapi.json calls Score. */
#ifndef SRV_SCORE_JSON_H
#define SRV_SCORE_JSON_H

#include <jansson.h>

#include "server/statistics/trial.h"

/* A new reference; NULL when memory ran out. `trials` are in the order of answering. All of it follows from
 * the truths: it goes to no learner who has items left whose truth the deck keeps back. */
json_t *srv_score_json(const struct srv_stat_trial *trials, int count);

/* One value with its interval, as the JSON that openapi.json calls Estimate. A new reference. */
json_t *srv_estimate_json(struct srv_stat_estimate estimate);

#endif
