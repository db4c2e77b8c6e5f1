/* What the parts of `roentgym evaluate` have left in a folder, as one page and as text for a model card. */
#ifndef TR_EVALUATION_REPORT_H
#define TR_EVALUATION_REPORT_H

#include <stdbool.h>

#include "engine/error.h"

struct tr_evaluation {
    const char *folder;
    const char *data, *model; /* their names; texts borrowed */
    const char *data_sha256, *model_sha256;
    bool simulated_data, simulated_model; /* what real images are, and the generator's training images */
    const char *warning;                  /* of all figures, or NULL */
    char missing[7][512]; /* by section: the command that would make the part; "" is not shown */
};

/* Replaces FOLDER/report.html, which needs no other file, and FOLDER/card.md. Parts that are of other data or
 * another model, or whose file cannot be read, are named as that. */
nn_status tr_evaluation_report_write(const struct tr_evaluation *evaluation,
                                     struct nn_error *err) NN_MUST_CHECK;

#endif
