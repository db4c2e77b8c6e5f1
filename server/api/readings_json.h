/* What statistics/readers.h says about several readers, as the JSON that openapi.json calls ReadersScore. */
#ifndef SRV_READINGS_JSON_H
#define SRV_READINGS_JSON_H

#include <jansson.h>

#include "server/statistics/readings.h"

/* Those who teach learners must not find single ones in a mean: of fewer readers than `fewest` nothing is
 * told, and where it is above 1 values are rounded; 1 tells all. `means` (SRV_STAT_MEASURES) is filled as
 * well, with all that is known. A new reference; NULL when memory ran out. */
json_t *srv_readings_json(const struct srv_readings *readings, int fewest, struct srv_stat_mean *means);

/* Each reader alone: the id as `participant_id`, measures, and the area with DeLong's interval. A new
 * reference, or NULL. */
json_t *srv_readings_each_json(const struct srv_readings *readings);

/* A difference with its test; with a margin above 0 also whether non-inferiority is shown. New reference. */
json_t *srv_welch_json(const struct srv_stat_welch *welch, double margin);

#endif
