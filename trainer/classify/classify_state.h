/* A classifier's training between two epochs, and the safetensors file of flat buffers that keeps it. */
#ifndef TR_CLASSIFY_STATE_H
#define TR_CLASSIFY_STATE_H

#include "trainer/classify/classify_training.h"

/* Host memory; value_count floats of the first four, moment_count of the others. Owned by the state. */
struct tr_classify_state {
    char key[65]; /* tr_classify_training_key's */
    size_t value_count, moment_count;
    float *values, *adam_m, *adam_v, *best_values;
    float *moments, *best_moments;
    int epochs, best_epoch; /* trained so far; of the best ones, 0: none yet */
    double best_auc;
    struct tr_classify_epoch history[TR_CLASSIFY_EPOCHS_MAX];
};

nn_status tr_classify_state_init(struct tr_classify_state *s, const struct tr_classifier *net,
                                 struct nn_error *err) NN_MUST_CHECK;
void tr_classify_state_release(struct tr_classify_state *s); /* harmless on a zeroed struct */

nn_status tr_classify_state_write(const struct tr_classify_state *s, const char *path,
                                  struct nn_error *err) NN_MUST_CHECK;
/* Into a state whose key is set. *found is false where there is no such file. NN_ERR_ARGUMENT: it is of
 * another training; NN_ERR_FORMAT: it is damaged. Then, as where there is none, nothing has changed. */
nn_status tr_classify_state_read(struct tr_classify_state *s, const char *path, bool *found,
                                 struct nn_error *err) NN_MUST_CHECK;

#endif
