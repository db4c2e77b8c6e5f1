/* What statistics/readers.h says about several readers, as the JSON that openapi.json calls ReadersScore. */
#ifndef SRV_READINGS_JSON_H
#define SRV_READINGS_JSON_H

#include <jansson.h>

#include "server/statistics/readings.h"

/* What is compared between groups: all measures, and the accuracy by what was shown. */
struct srv_readings_means {
    struct srv_stat_mean of[SRV_STAT_MEASURES];
    struct srv_readings_kind kinds[READINGS_KINDS_MAX];
    struct srv_stat_mean accuracy[READINGS_KINDS_MAX];
    int kind_count;
};

/* Those who teach learners must not find single ones in a mean: of fewer readers than `fewest` nothing is
 * told, and where it is above 1 values are rounded; 1 tells all. `means` is filled as well, with all that is
 * known. A new reference; NULL when memory ran out. */
json_t *srv_readings_json(const struct srv_readings *readings, int fewest, struct srv_readings_means *means);

/* Each reader alone: the id as `participant_id`, measures, and the area with DeLong's interval. A new
 * reference, or NULL. */
json_t *srv_readings_each_json(const struct srv_readings *readings);

/* `first` less `second`, all measures by their names, and `classes`, the accuracies by what both were shown.
 * The margin, if above 0, is one of `measure`, and with the accuracy one of the classes' too. New reference.
 */
json_t *srv_readings_difference_json(const struct srv_readings_means *first,
                                     const struct srv_readings_means *second, enum srv_stat_measure measure,
                                     double margin);

#endif
