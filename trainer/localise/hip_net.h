/* The network that finds the two hips on a pelvic radiograph.
 *
 * A small convolutional network with one step back up, on grey squares of `side` pixels, each less its own
 * mean and over its own deviation. It gives for each hip a map of side/8 x side/8 logits of where the middle
 * of its box is, one logit more of "nowhere on this picture", and maps of the logarithms of the box's width
 * and height as fractions of the picture's side. */
#ifndef TR_HIP_NET_H
#define TR_HIP_NET_H

#include "engine/ops.h"
#include "engine/safetensors.h"
#include "trainer/localise/place.h"

enum { TR_HIP_NET_STEP = 8, TR_HIP_NET_PARAMS = 18, TR_HIP_NET_SIDE_MIN = 32, TR_HIP_NET_SIDE_MAX = 256 };

struct tr_hip_param {
    const char *name;
    struct nn_shape shape; /* weights (O,I,K,K), stored O,K,K,I; biases (1,O,1,1) */
    size_t offset;         /* into the flat values */
};

struct tr_hip_net {
    int side, cells; /* cells: of a row of the maps */
    struct tr_hip_param params[TR_HIP_NET_PARAMS];
    size_t value_count;
    float *values; /* host memory, owned */
};

/* `side` is a power of two within the bounds above. Values normal with variance 2/fan_in, biases 0. */
nn_status tr_hip_net_init(struct tr_hip_net *net, int side, uint64_t seed,
                          struct nn_error *err) NN_MUST_CHECK;
void tr_hip_net_release(struct tr_hip_net *net); /* harmless on a zeroed struct */

/* A file of its own format: the tensors by name, F32 as they are stored here, and in the metadata the side
 * and what `texts` tell of the training. Loading initialises `net`; NN_ERR_FORMAT names file and tensor. */
nn_status tr_hip_net_save(const struct tr_hip_net *net, const char *path, const struct nn_st_text *texts,
                          int text_count, struct nn_error *err) NN_MUST_CHECK;
nn_status tr_hip_net_load(struct tr_hip_net *net, const char *path, char sha256[65],
                          struct nn_error *err) NN_MUST_CHECK;

struct tr_hip_maps {
    nn_id where[TR_HIPS]; /* (N, cells*cells + 1, 1, 1): log probabilities, row by row, then "nowhere" */
    nn_id sizes;          /* (N, 4, cells, cells): log width, log height of the right hip, then of the left */
};

/* `values` is backend memory with the net's values; `leaves` gets a leaf for each parameter. images
 * (N,1,side,side), as tr_hip_net_view makes them. The backend's maps are of its real_type. */
struct tr_hip_maps tr_hip_net_maps(struct nn_tape *t, const struct tr_hip_net *net, void *values,
                                   nn_id images, nn_id leaves[TR_HIP_NET_PARAMS]);

/* Less the mean and over the deviation, in place. */
void tr_hip_net_view(float *pixels, size_t count);

/* The box that the maps of one picture tell: around the most probable cell the mean of 5x5. *certainty, 0..1,
 * is what these cells have of all probability, "nowhere" included. `where` and `sizes` are host memory in
 * f32. */
struct tr_place tr_hip_net_place(const struct tr_hip_net *net, const float *where, const float *sizes,
                                 int hip, double *certainty);

#endif
