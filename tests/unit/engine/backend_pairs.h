/* The same kernels on the reference backend and on the tested one: the cpu backend, or the one that
 * ROENTGYM_TEST_DEVICE names, with f32 and with bf16 maps; with guard words around every tensor. Whatever
 * fails, fails the running test. */
#ifndef BACKEND_PAIRS_H
#define BACKEND_PAIRS_H

#include "engine/backend.h"

enum { REFERENCE, TESTED };

/* Normalised mean squared errors. bf16 keeps 8 bits: rounding one factor costs up to 3.8e-6. */
static const double limit_f32 = 1e-7, limit_bf16 = 2e-5;

struct pair_setup {
    struct nn_backend *be[2];
    enum nn_type map; /* the tested backend's; the reference's is f32 */
};

extern struct pair_setup pair_setups[2];
extern int pair_setup_count;

#define FOR_EACH_SETUP(s) for (struct pair_setup *s = pair_setups; s < pair_setups + pair_setup_count; s++)

/* Of a group of tests. */
int pair_setups_open(void **state);
int pair_setups_close(void **state);

/* One tensor on both backends with the same values, and a copy of each on the host. */
struct pair {
    const struct pair_setup *setup;
    struct nn_tensor t[2], host[2];
};

void pair_require(nn_status status, const struct nn_error *err);

/* `type` is the tested side's. pair_make leaves the values open; the others are uniform with variance 1,
 * around `centre` or 0, and the same on both sides. */
struct pair pair_make(const struct pair_setup *s, struct nn_shape shape, enum nn_type type);
struct pair pair_random(const struct pair_setup *s, struct nn_shape shape, enum nn_type type, float centre);
struct pair pair_random_map(const struct pair_setup *s, struct nn_shape shape);
struct pair pair_random_real(const struct pair_setup *s, struct nn_shape shape);
void pair_release(const struct pair_setup *s, struct pair *p);

/* The host's values and guard words to the backends, and back. */
void pair_send(struct pair *p);
void pair_fetch(struct pair *p);

/* Of f32 and bf16, in host memory. */
float pair_value(const struct nn_tensor *t, size_t i);
void pair_set_value(struct nn_tensor *t, size_t i, float value);

void pair_check_guards(const struct pair *p); /* after pair_fetch */
/* Fetches, and compares both sides by the normalised mean squared error, and the guard words. */
void pair_check_close(struct pair *p, double limit, const char *what);
/* Of results that are sums of terms with `terms` as the expected sum of their squares, which counts beside
 * the result's own: few small results may be what is left of terms that cancel, whose rounding is as before.
 */
void pair_check_sums(struct pair *p, double limit, double terms, const char *what);
double pair_map_limit(const struct pair_setup *s);

/* Runs one kernel on one backend: inputs a and b, output out. */
typedef nn_status (*pair_kernel)(struct nn_backend *be, const struct nn_tensor *a, const struct nn_tensor *b,
                                 struct nn_tensor *out, struct nn_error *err);

/* On both sides; then compares `out` and releases all three. */
void pair_check_kernel(const struct pair_setup *s, pair_kernel k, const char *what, struct pair a,
                       struct pair b, struct pair out, double limit);

#endif
