/* The settings of a classifier's training as JSON, for files that record them. */
#ifndef TR_SETTINGS_JSON_H
#define TR_SETTINGS_JSON_H

#include <jansson.h>

#include "trainer/classify/classify_training.h"

/* {"architecture", "side", "minibatch", "epochs", "patience", "step_size", "weight_decay", "pretrained"
 * (null: from scratch), "seed", "device"}. New reference; NULL when memory ran out. */
json_t *tr_classify_settings_json(const struct tr_classify_settings *settings, int side,
                                  const struct nn_device *device);

#endif
