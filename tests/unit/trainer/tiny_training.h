/* A training of tiny networks on a tiny data set, for tests of what surrounds it. Failures fail the test. */
#ifndef TEST_TINY_TRAINING_H
#define TEST_TINY_TRAINING_H

#include "trainer/train/train_state.h"

/* 4:0/4, 8:4/4, 16:4/... in steps of one minibatch: a fade from step 4, another from step 12. */
enum { TINY_IMAGES = 11, TINY_SIDE = 16, TINY_MINIBATCH = 4, TINY_LAST_STEP = 22 };

/* Into the test's folder: training images 0..TINY_IMAGES-1 of two classes, and one for the test split. `grey`
 * 0: noise, else the even images have that grey and the odd ones 255 minus it. */
void tiny_dataset(void **state, int side, int grey);

/* cmocka set-up: scratch_setup and a data set of noise. */
int tiny_setup(void **state);

/* The labels of the two classes. */
extern const float TINY_ONE_HOT[2][2];

struct tr_train_config tiny_config(int resolution_log2);

/* A training with all that it borrows. */
struct tiny_training {
    struct tr_training tr;
    struct tr_losses losses;
    struct nn_backend *be;
    struct tr_dataset *data;
};

struct tiny_training *tiny_begin(void **state, enum nn_type map_type, const struct tr_train_config *config);
void tiny_end(struct tiny_training *t);
void tiny_steps(struct tiny_training *t, int count);
void tiny_write_state(struct tiny_training *t, const char *path);

/* `count` floats of the backend's memory; the caller frees. */
float *tiny_host_copy(const struct tiny_training *t, const void *device, size_t count);

void tiny_require(nn_status status, const struct nn_error *err);
void tiny_assert_same_file(const char *a_path, const char *b_path);

#endif
