/* What statistics/ says about a vector of trials, as the JSON that openapi.json calls Score. */
#ifndef SRV_SCORE_JSON_H
#define SRV_SCORE_JSON_H

#include <jansson.h>

#include "server/statistics/learning_curve.h"
#include "server/statistics/trial.h"

/* A new reference; NULL when memory ran out. `trials` are in the order of answering. All of it follows from
 * the truths: it goes to no learner who has items left whose truth the deck keeps back. */
json_t *srv_score_json(const struct srv_stat_trial *trials, int count);

/* One value with its interval, as the JSON that openapi.json calls Estimate. A new reference. */
json_t *srv_estimate_json(struct srv_stat_estimate estimate);

/* A number, rounded to `step` where that is above 0; null when it is not known or not finite. A new
 * reference. */
json_t *srv_number_json(bool known, double value, double step);
/* The name of why something is not whole; null when it is. A new reference. */
json_t *srv_gap_json(enum srv_stat_gap gap);

/* The learning_curve of both Score and ReadersScore: takes its `average`, a list of points, and says how it
 * was fitted, shares rounded to `step` and the rate to a tenth of it; 0 leaves them as they are. A new
 * reference. */
json_t *srv_curve_json(json_t *average, const struct srv_stat_curve_fit *fit, double step);

#endif
