/* The registry of checkpoints: loading on demand, the limit of memory, many who ask at once. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/scratch.h"
#include "tests/unit/server/small_registry.h"

/* ---- on demand ----------------------------------------------------------------------------------- */

static void decks_models_are_loaded_first_and_others_when_asked_for(void **state)
{
    registry_write(state, "b", 2);
    struct srv_models *m = registry_start(state);
    assert_true(srv_models_ready(m));
    assert_int_equal(registry_entry(m, "a").state, MODEL_LOADED);
    struct srv_model_entry b = registry_entry(m, "b");
    assert_int_equal(b.state, MODEL_AVAILABLE);
    assert_true(b.described && b.info.resolution == REGISTRY_SIDE && b.memory_bytes > 0);
    assert_string_equal(b.info.name, "tiny 2");
    assert_string_equal(b.info.sha256, "");
    struct srv_model *model = registry_held(m, "b");
    registry_assert_draws(model);
    char hex[65];
    registry_sha256(state, "b", hex);
    assert_string_equal(srv_model_info(model)->sha256, hex);
    assert_true(registry_is_loaded_as(m, "b", hex));
    assert_int_equal(registry_counts(m).loads, 2);
    srv_model_release(model);
    srv_models_stop(m);
}

static void a_deadline_in_the_past_asks_for_the_load_and_does_not_wait(void **state)
{
    struct srv_model *model;
    registry_write(state, "b", 2);
    struct srv_models *m = registry_start(state);
    assert_int_equal(srv_models_hold(m, "b", 0, &model), MODELS_LOADING);
    assert_null(model);
    wait_until(registry_entry(m, "b").state == MODEL_LOADED);
    assert_int_equal(srv_models_hold(m, "b", 0, &model), MODELS_OK);
    srv_model_release(model);
    srv_models_stop(m);
}

static void a_name_without_a_file_is_unknown_until_there_is_one(void **state)
{
    struct srv_models *m = registry_start(state);
    assert_int_equal(registry_try(m, "late"), MODELS_UNKNOWN);
    assert_int_equal(registry_try(m, "../a"), MODELS_UNKNOWN);
    registry_write(state, "late", 3);
    struct srv_model_entry entry;
    wait_until(srv_models_find(m, "late", &entry));
    assert_int_equal(registry_try(m, "late"), MODELS_OK);
    srv_models_stop(m);
}

static void only_ids_are_offered(void **state)
{
    struct srv_model_entry *list;
    static const char *const odd[] = {"Upper.safetensors", "two words.safetensors", ".hidden.safetensors",
                                      ".safetensors",      "a.safetensors.123.tmp", "README.md"};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) scratch_text(scratch_path(state, odd[i]), "x");
    registry_write(state, "b-2_x", 2);
    struct srv_models *m = registry_start(state);
    assert_int_equal(srv_models_list(m, &list), 2);
    assert_string_equal(list[0].name, "a");
    assert_string_equal(list[1].name, "b-2_x");
    free(list);
    srv_models_stop(m);
}

static void the_models_of_decks_must_be_there_and_have_their_classes(void **state)
{
    struct nn_error err = {0};
    struct srv_models *m = registry_start_for(state, 8);
    assert_int_not_equal(srv_models_wait_ready(m, &err), NN_OK);
    assert_non_null(strstr(err.text, "/a.safetensors: No such file"));
    srv_models_stop(m);
    registry_write_classes(state, "a", 1, "sprain");
    m = registry_start_for(state, 8);
    assert_int_not_equal(srv_models_wait_ready(m, &err), NN_OK);
    assert_string_equal(err.text, "deck \"d\": the model has no class \"yes\"");
    assert_false(srv_models_ready(m));
    srv_models_stop(m);
}

static void a_folder_that_is_not_there_is_named(void **state)
{
    struct nn_error err = {0};
    struct srv_models *m;
    srv_models_stop(registry_start(state));
    registry_setup.folder = scratch_path(state, "none");
    assert_int_equal(srv_models_start(&m, &registry_setup, &err), NN_ERR_IO);
    assert_non_null(strstr(err.text, "/none: No such file"));
    assert_null(m);
}

/* ---- memory -------------------------------------------------------------------------------------- */

static void what_was_used_longest_ago_makes_room(void **state)
{
    registry_write(state, "a", 1);
    registry_write(state, "b", 2);
    registry_write(state, "c", 3);
    struct srv_models *m = registry_start_for(state, 2);
    assert_int_equal(registry_try(m, "a"), MODELS_OK);
    assert_int_equal(registry_try(m, "b"), MODELS_OK);
    assert_int_equal(registry_try(m, "a"), MODELS_OK);
    assert_int_equal(registry_try(m, "c"), MODELS_OK);
    assert_int_equal(registry_entry(m, "a").state, MODEL_LOADED);
    assert_int_equal(registry_entry(m, "b").state, MODEL_AVAILABLE);
    assert_int_equal(registry_entry(m, "c").state, MODEL_LOADED);
    struct srv_models_counts counts = registry_counts(m);
    assert_int_equal(counts.evictions, 1);
    assert_int_equal(counts.loaded, 2);
    assert_in_range(counts.memory_bytes, 1, counts.memory_limit_bytes);
    assert_int_equal(registry_try(m, "b"), MODELS_OK);
    assert_int_equal(registry_entry(m, "a").state, MODEL_AVAILABLE);
    assert_int_equal(registry_entry(m, "c").state, MODEL_LOADED);
    assert_int_equal(registry_counts(m).loaded, 2);
    srv_models_stop(m);
}

static void what_no_file_could_give_back_goes_last(void **state)
{
    registry_write(state, "a", 1);
    registry_write(state, "b", 2);
    registry_write(state, "c", 3);
    struct srv_models *m = registry_start_for(state, 2);
    assert_int_equal(registry_try(m, "a"), MODELS_OK);
    assert_int_equal(registry_try(m, "b"), MODELS_OK);
    scratch_text(registry_file(state, "b"), "no checkpoint");
    wait_until(registry_entry(m, "b").reason[0]);
    assert_int_equal(registry_try(m, "a"), MODELS_OK);
    assert_int_equal(registry_try(m, "c"), MODELS_OK);
    assert_int_equal(registry_entry(m, "a").state, MODEL_AVAILABLE);
    assert_int_equal(registry_entry(m, "b").state, MODEL_LOADED);
    srv_models_stop(m);
}

static void what_is_held_stays_and_a_load_waits_for_it(void **state)
{
    struct srv_model *other;
    registry_write(state, "a", 1);
    registry_write(state, "b", 2);
    struct srv_models *m = registry_start_for(state, 1);
    struct srv_model *model = registry_held(m, "a");
    assert_int_equal(srv_models_hold(m, "b", registry_in_ms(50), &other), MODELS_LOADING);
    assert_null(other);
    registry_assert_draws(model);
    srv_model_release(srv_model_hold_again(model));
    assert_int_equal(srv_models_hold(m, "b", registry_in_ms(50), &other), MODELS_LOADING);
    srv_model_release(model);
    assert_int_equal(registry_try(m, "b"), MODELS_OK);
    assert_int_equal(registry_entry(m, "a").state, MODEL_AVAILABLE);
    assert_int_equal(registry_counts(m).loaded, 1);
    srv_models_stop(m);
}

static void *ask_for_b(void *models)
{
    struct srv_model *model;
    bool held_it = srv_models_hold(models, "b", registry_in_ms(20000), &model) == MODELS_OK;
    srv_model_release(model);
    return held_it ? models : NULL;
}

static void letting_go_of_a_model_lets_the_next_one_load_at_once(void **state)
{
    pthread_t asker;
    void *held_it;
    struct srv_model *other;
    registry_write(state, "a", 1);
    registry_write(state, "b", 2);
    srv_models_stop(registry_start_for(state, 1));
    registry_setup.look_us = INT64_C(3600) * 1000000; /* nothing else would wake the loader */
    struct srv_models *m;
    assert_int_equal(srv_models_start(&m, &registry_setup, NULL), NN_OK);
    struct srv_model *model = registry_held(m, "a");
    assert_int_equal(pthread_create(&asker, NULL, ask_for_b, m), 0);
    assert_int_equal(srv_models_hold(m, "b", registry_in_ms(200), &other), MODELS_LOADING);
    srv_model_release(model);
    pthread_join(asker, &held_it);
    assert_non_null(held_it);
    srv_models_stop(m);
}

static void a_model_that_is_larger_than_the_limit_is_refused_with_both_sizes(void **state)
{
    struct nn_error err = {0};
    registry_write(state, "a", 1);
    struct srv_models *m = registry_start_for(state, 0);
    assert_int_equal(srv_models_wait_ready(m, &err), NN_ERR_MEMORY);
    assert_non_null(strstr(err.text, "more than the 0 MB of model_memory_mb"));
    struct srv_model_entry entry = registry_entry(m, "a");
    assert_int_equal(entry.state, MODEL_BROKEN);
    assert_false(entry.described);
    assert_int_equal(registry_try(m, "a"), MODELS_BROKEN);
    srv_models_stop(m);
}
/* ---- many at once -------------------------------------------------------------------------------- */

struct crowd {
    struct srv_models *m;
    atomic_bool stop;
    atomic_int failed, held;
    pthread_mutex_t engine; /* the tests' engine thread */
};

static void *ask_all_the_time(void *context)
{
    struct crowd *crowd = context;
    static const char *const names[] = {"a", "b", "c"};
    for (unsigned i = 0; !crowd->stop; i++) {
        struct srv_model *model;
        if (srv_models_hold(crowd->m, names[i % 3], registry_in_ms(20000), &model)) crowd->failed++;
        if (!model) continue;
        pthread_mutex_lock(&crowd->engine);
        registry_assert_draws(model);
        pthread_mutex_unlock(&crowd->engine);
        srv_model_release(model);
        crowd->held++;
    }
    return NULL;
}

struct user {
    struct crowd *crowd;
    const char *name;
    atomic_int held;
};

static void *use_one_all_the_time(void *context)
{
    struct user *user = context;
    while (!user->crowd->stop) {
        struct srv_model *model;
        if (srv_models_hold(user->crowd->m, user->name, registry_in_ms(20000), &model)) user->crowd->failed++;
        registry_sleep_ms(2);
        user->held += model != NULL;
        srv_model_release(model);
    }
    return NULL;
}

/* With room for one, which its users would hold without a gap. */
static void models_in_constant_use_take_turns_where_not_all_fit(void **state)
{
    enum { MODELS = 3, USERS = 4 * MODELS };
    static const char *const names[MODELS] = {"a", "b", "c"};
    pthread_t threads[USERS];
    struct user users[USERS];
    for (int i = 0; i < MODELS; i++) registry_write(state, names[i], (uint64_t)i + 1);
    struct crowd crowd = {.m = registry_start_for(state, 1)};
    for (int i = 0; i < USERS; i++) {
        users[i] = (struct user){.crowd = &crowd, .name = names[i % MODELS]};
        assert_int_equal(pthread_create(&threads[i], NULL, use_one_all_the_time, &users[i]), 0);
    }
    wait_until(registry_counts(crowd.m).loads >= 3 * MODELS);
    for (int i = 0; i < USERS; i++) wait_until(users[i].held > 0);
    crowd.stop = true;
    for (int i = 0; i < USERS; i++) pthread_join(threads[i], NULL);
    assert_int_equal(crowd.failed, 0);
    srv_models_stop(crowd.m);
}

/* With room for two of three models, so that they push each other out all the time. */
static void no_asker_fails_while_files_are_replaced(void **state)
{
    pthread_t threads[4];
    registry_write(state, "a", 1);
    registry_write(state, "b", 2);
    registry_write(state, "c", 3);
    struct crowd crowd = {.m = registry_start_for(state, 2), .engine = PTHREAD_MUTEX_INITIALIZER};
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_all_the_time, &crowd), 0);
    for (uint64_t i = 0; i < 20; i++) {
        registry_write(state, i % 2 ? "a" : "b", 10 + i);
        registry_sleep_ms(4 * REGISTRY_LOOK_MS);
    }
    wait_until(crowd.held > 20 || crowd.failed > 0);
    crowd.stop = true;
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    assert_int_equal(crowd.failed, 0);
    struct srv_models_counts counts = registry_counts(crowd.m);
    assert_int_equal(counts.failures, 0);
    assert_in_range(counts.loaded, 1, 2);
    assert_in_range(counts.memory_bytes, 1, counts.memory_limit_bytes);
    srv_models_stop(crowd.m);
}

static void loading_leaves_no_threads_behind(void **state)
{
    registry_write(state, "b", 2);
    struct srv_models *m = registry_start(state);
    int threads = scratch_count("/proc/self/task");
    assert_int_equal(registry_try(m, "b"), MODELS_OK);
    wait_until(scratch_count("/proc/self/task") <=
               threads); /* the kernel lets go of ended ones in its time */
    srv_models_stop(m);
    wait_until(scratch_count("/proc/self/task") < threads);
}

static void stopping_frees_those_who_wait(void **state)
{
    struct nn_error err = {0};
    for (int i = 0; i < 10; i++) {
        registry_write(state, "a", 1);
        struct srv_models *m = registry_start_for(state, 8);
        if (i % 2) assert_int_equal(srv_models_wait_ready(m, &err), NN_OK);
        srv_models_stop(m);
    }
    srv_models_stop(NULL);
}
#define test(claim) cmocka_unit_test_setup_teardown(claim, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(decks_models_are_loaded_first_and_others_when_asked_for),
        test(a_deadline_in_the_past_asks_for_the_load_and_does_not_wait),
        test(a_name_without_a_file_is_unknown_until_there_is_one),
        test(only_ids_are_offered),
        test(the_models_of_decks_must_be_there_and_have_their_classes),
        test(a_folder_that_is_not_there_is_named),
        test(what_was_used_longest_ago_makes_room),
        test(what_no_file_could_give_back_goes_last),
        test(what_is_held_stays_and_a_load_waits_for_it),
        test(letting_go_of_a_model_lets_the_next_one_load_at_once),
        test(a_model_that_is_larger_than_the_limit_is_refused_with_both_sizes),
        test(models_in_constant_use_take_turns_where_not_all_fit),
        test(no_asker_fails_while_files_are_replaced),
        test(loading_leaves_no_threads_behind),
        test(stopping_frees_those_who_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
