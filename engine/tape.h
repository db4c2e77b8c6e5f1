/* An eager tape: operations run at once and are recorded, and gradients are recorded like any other
 * operation, so that they can be differentiated again (the gradient penalty needs it).
 *
 * Errors are sticky. The first operation that fails leaves its text on the tape; from then on every
 * operation is a no-op that returns the invalid id, and the caller checks nn_tape_status once, at the end
 * of a step. A tape belongs to one thread. */
#ifndef NN_TAPE_H
#define NN_TAPE_H

#include "engine/arena.h"
#include "engine/backend.h"

struct nn_tape;

/* A value on a tape, valid until nn_tape_reset. {0} is the invalid id. */
typedef struct {
    int32_t index;
} nn_id;

nn_status nn_tape_new(struct nn_tape **tape, struct nn_backend *backend, struct nn_error *err) NN_MUST_CHECK;
void nn_tape_free(struct nn_tape *tape);

/* Forgets all values and any error; keeps the memory for the next step. */
void nn_tape_reset(struct nn_tape *tape);

/* NN_OK, or the first failure since the last reset. */
nn_status nn_tape_status(const struct nn_tape *tape, struct nn_error *err) NN_MUST_CHECK;

struct nn_backend *nn_tape_backend(const struct nn_tape *tape);
size_t nn_tape_peak_bytes(const struct nn_tape *tape);

/* A value that comes from outside: a parameter, an image. Borrows value->data until the reset. */
nn_id nn_leaf(struct nn_tape *tape, const struct nn_tensor *value);

/* A leaf with a copy of `host`: nn_count(shape) floats, converted to the backend's real_type. */
nn_id nn_from_host(struct nn_tape *tape, const float *host, struct nn_shape shape);

/* The same numbers, with no history: gradients stop here. */
nn_id nn_detach(struct nn_tape *tape, nn_id x);

/* NULL for the invalid id, and for a value whose memory was given back. The pointer is valid until the next
 * operation on the tape. */
const struct nn_tensor *nn_value(const struct nn_tape *tape, nn_id id);

/* A place on the tape, and the way to free the memory of every value recorded since then except `keep`. That
 * one must be a leaf or never be differentiated; the others cannot be used again. */
int nn_tape_mark(const struct nn_tape *tape);
void nn_tape_keep_only(struct nn_tape *tape, int mark, nn_id keep);

/* Copies a value to host memory that holds nn_count(shape) elements of its type. */
nn_status nn_read(const struct nn_tape *tape, nn_id id, void *host, struct nn_error *err) NN_MUST_CHECK;

/* out[i] = d<y, seed>/d wrt[i], as new values on the tape; the invalid id where y does not depend on wrt[i].
 * `seed` has y's shape and type. Only values on a path from some wrt to y are visited. */
void nn_gradient(struct nn_tape *tape, nn_id y, nn_id seed, const nn_id *wrt, int count, nn_id *out);

/* The same when nothing else will be computed from the values that led to y: each one's memory is freed as
 * soon as no rule needs it. Afterwards only `wrt`, `out` and leaves over outside memory are valid. */
void nn_gradient_last(struct nn_tape *tape, nn_id y, nn_id seed, const nn_id *wrt, int count, nn_id *out);

#endif
