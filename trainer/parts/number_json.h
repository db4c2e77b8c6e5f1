/* Numbers as the parts of `roentgym evaluate` write them. New references; NULL when memory ran out. */
#ifndef TR_NUMBER_JSON_H
#define TR_NUMBER_JSON_H

#include <jansson.h>

#include "engine/wilson.h"

/* null where it is not finite, which JSON does not know. */
json_t *tr_number_json(double value);
/* {"value", "low", "high", "count", "of"}; null when nothing was counted. */
json_t *tr_share_json(struct nn_share share);

#endif
