/* The judge of `roentgym evaluate labels`: a classifier that was trained on real images, and what it is worth
 * on others. */
#ifndef TR_LABEL_JUDGE_H
#define TR_LABEL_JUDGE_H

#include "trainer/classify/classify_training.h"
#include "trainer/evaluate/label_gate.h"
#include "trainer/experiments/lab.h"

struct tr_label_judge {
    struct tr_trained trained;
    char sha256[65];           /* of its weights */
    struct tr_label_gate gate; /* chosen on the validation part */
    int train, validation;     /* images of each */
    double *test;              /* heap: scores of the lab's test images */
};

/* Has the judge: its weights are those of `weights` (a file of `roentgym classify train`, for the lab's side
 * and finding, whose seed is the lab's; NN_ERR_ARGUMENT: of the lab's data, but with another validation
 * part), or with NULL those of an earlier start in the lab's folder, or it is trained on the training split
 * but for the validation part, which goes on where it was stopped. NN_STOPPED after a signal. On
 * failure nothing is held.
 */
nn_status tr_label_judge_init(struct tr_label_judge *judge, struct tr_lab *lab, const char *weights,
                              double margin, struct nn_error *err) NN_MUST_CHECK;
void tr_label_judge_release(struct tr_label_judge *judge); /* harmless on a zeroed struct */

#endif
