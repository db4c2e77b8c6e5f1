#include "tests/unit/server/small_registry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/checkpoint.h"
#include "engine/sha256.h"
#include "server/clock.h"
#include "tests/unit/scratch.h"

const char *registry_file(void **state, const char *name)
{
    char file[64];
    snprintf(file, sizeof file, "%s.safetensors", name);
    return scratch_path(state, file);
}

void registry_write_classes(void **state, const char *name, uint64_t seed, const char *second_class)
{
    struct nn_network net;
    struct nn_error err = {0};
    struct nn_checkpoint info = {
        .config = {.resolution_log2 = 4, .label_count = 2, .fmap_base = 64, .fmap_max = 8, .mbstd_group = 4},
        .class_count = 2,
        .classes = {"no"},
        .simulated = true,
    };
    snprintf(info.classes[1], sizeof info.classes[1], "%s", second_class);
    snprintf(info.name, sizeof info.name, "tiny %d", (int)seed);
    assert_int_equal(nn_network_init(&net, &info.config, NN_GENERATOR, NULL), NN_OK);
    float *values = malloc(net.value_count * sizeof *values);
    assert_non_null(values);
    nn_network_init_values(&net, seed, values);
    if (nn_checkpoint_write(registry_file(state, name), &info, &net, values, &err)) fail_msg("%s", err.text);
    free(values);
    nn_network_release(&net);
}

void registry_write(void **state, const char *name, uint64_t seed)
{
    registry_write_classes(state, name, seed, "yes");
}

void registry_sha256(void **state, const char *name, char hex[65])
{
    size_t size;
    uint8_t *bytes = scratch_read(registry_file(state, name), &size);
    nn_sha256_hex(bytes, size, hex);
    free(bytes);
}

static struct srv_deck decks[2];
struct srv_models_setup registry_setup;

/* What the checkpoint takes, by the estimate or when it is open, whichever is more. */
static size_t memory_of(const char *path)
{
    struct nn_model_info info;
    struct nn_model *model;
    size_t estimate, taken;
    assert_int_equal(nn_model_describe(path, &info, &estimate, NULL), NN_OK);
    assert_int_equal(nn_model_open(&model, path, "cpu", NULL), NN_OK);
    taken = nn_model_memory_bytes(model);
    nn_model_close(model);
    return taken > estimate ? taken : estimate;
}

struct srv_models *registry_start_for(void **state, size_t models)
{
    struct srv_models *m;
    struct nn_error err = {0};
    size_t one = access(registry_file(state, "a"), F_OK) ? 1 << 20 : memory_of(registry_file(state, "a"));
    decks[0] = (struct srv_deck){.id = "d",
                                 .models = {"a"},
                                 .model_count = 1,
                                 .sources = {{.classes = {{{"no", 1}}, {{"yes", 1}}}, .class_count = {1, 1}}},
                                 .source_count = 1};
    registry_setup = (struct srv_models_setup){.folder = *state,
                                               .device = "cpu",
                                               .memory_bytes = models * one,
                                               .decks = decks,
                                               .deck_count = 1,
                                               .look_us = REGISTRY_LOOK_MS * 1000,
                                               .session_keep_us = INT64_C(3600) * 1000000,
                                               .turn_us = REGISTRY_TURN_MS * 1000};
    if (srv_models_start(&m, &registry_setup, &err)) fail_msg("%s", err.text);
    return m;
}

struct srv_models *registry_start(void **state)
{
    struct nn_error err = {0};
    registry_write(state, "a", 1);
    struct srv_models *m = registry_start_for(state, 8);
    if (srv_models_wait_ready(m, &err)) fail_msg("%s", err.text);
    return m;
}

int64_t registry_in_ms(int64_t ms)
{
    return srv_clock_monotonic_us() + ms * 1000;
}

void registry_sleep_ms(int ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000L}, NULL);
}

struct srv_model *registry_held(struct srv_models *m, const char *name)
{
    struct srv_model *model;
    assert_int_equal(srv_models_hold(m, name, registry_in_ms(20000), &model), MODELS_OK);
    return model;
}

struct srv_model *registry_held_version(struct srv_models *m, const char *sha256)
{
    struct srv_model *model;
    assert_int_equal(srv_models_hold_version(m, sha256, registry_in_ms(20000), &model), MODELS_OK);
    assert_string_equal(srv_model_info(model)->sha256, sha256);
    return model;
}

enum srv_models_result registry_try(struct srv_models *m, const char *name)
{
    struct srv_model *model;
    enum srv_models_result result = srv_models_hold(m, name, registry_in_ms(20000), &model);
    srv_model_release(model);
    return result;
}

enum srv_models_result registry_try_version(struct srv_models *m, const char *sha256)
{
    struct srv_model *model;
    enum srv_models_result result = srv_models_hold_version(m, sha256, registry_in_ms(20000), &model);
    srv_model_release(model);
    return result;
}

struct srv_models_counts registry_counts(struct srv_models *m)
{
    struct srv_models_counts counts;
    srv_models_count(m, &counts);
    return counts;
}

struct srv_model_entry registry_entry(struct srv_models *m, const char *name)
{
    struct srv_model_entry entry;
    if (!srv_models_find(m, name, &entry)) fail_msg("%s is not listed", name);
    return entry;
}

void registry_let_it_look(void)
{
    registry_sleep_ms(20 * REGISTRY_LOOK_MS);
}

void registry_assert_draws(const struct srv_model *model)
{
    uint8_t pixels[REGISTRY_SIDE * REGISTRY_SIDE];
    struct nn_error err = {0};
    struct nn_sample_request request = {.seed = 7, .class_index = 1, .strength = 1, .truncation = 1};
    if (nn_model_sample(srv_model_engine(model), &request, 1, pixels, &err)) fail_msg("%s", err.text);
}

bool registry_is_loaded_as(struct srv_models *m, const char *name, const char *sha256)
{
    struct srv_model_entry e = registry_entry(m, name);
    return e.state == MODEL_LOADED && !strcmp(e.info.sha256, sha256);
}
