/* A folder of checkpoints of 16x16 pixels, and a registry of models on it that looks often. Failures fail the
 * test; `state` is that of scratch.h, whose folder they are in. */
#ifndef TESTS_SMALL_REGISTRY_H
#define TESTS_SMALL_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/models/models.h"

enum { REGISTRY_LOOK_MS = 5, REGISTRY_TURN_MS = 100, REGISTRY_SIDE = 16 };

/* The path of NAME.safetensors, as good as that of scratch_path. */
const char *registry_file(void **state, const char *name);
/* Replaces the file by a checkpoint whose weights `seed` chooses, of the classes "no" and "yes" or another.
 */
void registry_write(void **state, const char *name, uint64_t seed);
void registry_write_classes(void **state, const char *name, uint64_t seed, const char *second_class);
void registry_sha256(void **state, const char *name, char hex[65]);

/* What registry_start_for has set up, for tests that start with a change of it. */
extern struct srv_models_setup registry_setup;

/* A registry with a deck on "a", whose model must exist, and memory for `models` of them. */
struct srv_models *registry_start_for(void **state, size_t models);
/* The same with an "a" of seed 1 and memory for 8, ready. */
struct srv_models *registry_start(void **state);

int64_t registry_in_ms(int64_t ms); /* on the steady clock */
void registry_sleep_ms(int ms);

/* Waits for it to be loaded, 20 s at most; the caller releases. */
struct srv_model *registry_held(struct srv_models *m, const char *name);
struct srv_model *registry_held_version(struct srv_models *m, const char *sha256);
/* The result, with nothing held. */
enum srv_models_result registry_try(struct srv_models *m, const char *name);
enum srv_models_result registry_try_version(struct srv_models *m, const char *sha256);

struct srv_models_counts registry_counts(struct srv_models *m);
struct srv_model_entry registry_entry(struct srv_models *m, const char *name);
bool registry_is_loaded_as(struct srv_models *m, const char *name, const char *sha256);
void registry_assert_draws(const struct srv_model *model);

/* Long enough for a change to be believed and acted upon, if it were. */
void registry_let_it_look(void);

#define wait_until(condition)                                                                                \
    do {                                                                                                     \
        for (int rest = 20000; !(condition); rest--) {                                                       \
            if (!rest) fail_msg("waited in vain for %s", #condition);                                        \
            registry_sleep_ms(REGISTRY_LOOK_MS);                                                             \
        }                                                                                                    \
    } while (0)

#endif
