/* The registry of checkpoints: loading on demand, the limit of memory, files that are replaced, broken and
 * removed while models are in use. */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/checkpoint.h"
#include "engine/sha256.h"
#include "server/clock.h"
#include "server/models.h"
#include "tests/unit/scratch.h"

enum { LOOK_MS = 5, TURN_MS = 100, SIDE = 16 };

/* ---- checkpoints and a registry ------------------------------------------------------------------ */

static const char *file_of(void **state, const char *name)
{
    char file[64];
    snprintf(file, sizeof file, "%s.safetensors", name);
    return scratch_path(state, file);
}

/* Replaces the file by a checkpoint whose weights `seed` chooses. */
static void write_classes(void **state, const char *name, uint64_t seed, const char *second_class)
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
    if (nn_checkpoint_write(file_of(state, name), &info, &net, values, &err)) fail_msg("%s", err.text);
    free(values);
    nn_network_release(&net);
}

static void write_model(void **state, const char *name, uint64_t seed)
{
    write_classes(state, name, seed, "yes");
}

static void sha256_of(void **state, const char *name, char hex[65])
{
    size_t size;
    uint8_t *bytes = scratch_read(file_of(state, name), &size);
    nn_sha256_hex(bytes, size, hex);
    free(bytes);
}

static struct srv_deck decks[2];
static struct srv_models_setup setup;

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

/* A registry with a deck on "a", whose model must exist, and memory for `models` of them. */
static struct srv_models *start_for(void **state, size_t models)
{
    struct srv_models *m;
    struct nn_error err = {0};
    size_t one = access(file_of(state, "a"), F_OK) ? 1 << 20 : memory_of(file_of(state, "a"));
    decks[0] = (struct srv_deck){.id = "d",
                                 .model = "a",
                                 .sources = {{.classes = {{{"no", 1}}, {{"yes", 1}}}, .class_count = {1, 1}}},
                                 .source_count = 1};
    setup = (struct srv_models_setup){.folder = *state,
                                      .device = "cpu",
                                      .memory_bytes = models * one,
                                      .decks = decks,
                                      .deck_count = 1,
                                      .look_us = LOOK_MS * 1000,
                                      .session_keep_us = INT64_C(3600) * 1000000,
                                      .turn_us = TURN_MS * 1000};
    if (srv_models_start(&m, &setup, &err)) fail_msg("%s", err.text);
    return m;
}

static struct srv_models *start(void **state)
{
    struct nn_error err = {0};
    write_model(state, "a", 1);
    struct srv_models *m = start_for(state, 8);
    if (srv_models_wait_ready(m, &err)) fail_msg("%s", err.text);
    return m;
}

static int64_t in_ms(int64_t ms)
{
    return srv_clock_monotonic_us() + ms * 1000;
}

static void sleep_ms(int ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000L}, NULL);
}

static struct srv_model *held(struct srv_models *m, const char *name)
{
    struct srv_model *model;
    assert_int_equal(srv_models_hold(m, name, in_ms(20000), &model), MODELS_OK);
    return model;
}

static struct srv_model *held_version(struct srv_models *m, const char *sha256)
{
    struct srv_model *model;
    assert_int_equal(srv_models_hold_version(m, sha256, in_ms(20000), &model), MODELS_OK);
    assert_string_equal(srv_model_info(model)->sha256, sha256);
    return model;
}

static enum srv_models_result try_hold(struct srv_models *m, const char *name)
{
    struct srv_model *model;
    enum srv_models_result result = srv_models_hold(m, name, in_ms(20000), &model);
    srv_model_release(model);
    return result;
}

static enum srv_models_result try_version(struct srv_models *m, const char *sha256)
{
    struct srv_model *model;
    enum srv_models_result result = srv_models_hold_version(m, sha256, in_ms(20000), &model);
    srv_model_release(model);
    return result;
}

static struct srv_models_counts counts_of(struct srv_models *m)
{
    struct srv_models_counts counts;
    srv_models_count(m, &counts);
    return counts;
}

static struct srv_model_entry entry_of(struct srv_models *m, const char *name)
{
    struct srv_model_entry entry;
    if (!srv_models_find(m, name, &entry)) fail_msg("%s is not listed", name);
    return entry;
}

#define wait_until(condition)                                                                                \
    do {                                                                                                     \
        for (int rest = 4000; !(condition); rest--) {                                                        \
            if (!rest) fail_msg("waited in vain for %s", #condition);                                        \
            sleep_ms(LOOK_MS);                                                                               \
        }                                                                                                    \
    } while (0)

/* Long enough for a change to be believed and acted upon, if it were. */
static void let_it_look(void)
{
    sleep_ms(20 * LOOK_MS);
}

static void assert_draws(const struct srv_model *model)
{
    uint8_t pixels[SIDE * SIDE];
    struct nn_error err = {0};
    struct nn_sample_request request = {.seed = 7, .class_index = 1, .strength = 1, .truncation = 1};
    if (nn_model_sample(srv_model_engine(model), &request, 1, pixels, &err)) fail_msg("%s", err.text);
}

static bool is_loaded_as(struct srv_models *m, const char *name, const char *sha256)
{
    struct srv_model_entry e = entry_of(m, name);
    return e.state == MODEL_LOADED && !strcmp(e.info.sha256, sha256);
}

/* ---- on demand ----------------------------------------------------------------------------------- */

static void decks_models_are_loaded_first_and_others_when_asked_for(void **state)
{
    write_model(state, "b", 2);
    struct srv_models *m = start(state);
    assert_true(srv_models_ready(m));
    assert_int_equal(entry_of(m, "a").state, MODEL_LOADED);
    struct srv_model_entry b = entry_of(m, "b");
    assert_int_equal(b.state, MODEL_AVAILABLE);
    assert_true(b.described && b.info.resolution == SIDE && b.memory_bytes > 0);
    assert_string_equal(b.info.name, "tiny 2");
    assert_string_equal(b.info.sha256, "");
    struct srv_model *model = held(m, "b");
    assert_draws(model);
    char hex[65];
    sha256_of(state, "b", hex);
    assert_string_equal(srv_model_info(model)->sha256, hex);
    assert_true(is_loaded_as(m, "b", hex));
    assert_int_equal(counts_of(m).loads, 2);
    srv_model_release(model);
    srv_models_stop(m);
}

static void a_deadline_in_the_past_asks_for_the_load_and_does_not_wait(void **state)
{
    struct srv_model *model;
    write_model(state, "b", 2);
    struct srv_models *m = start(state);
    assert_int_equal(srv_models_hold(m, "b", 0, &model), MODELS_LOADING);
    assert_null(model);
    wait_until(entry_of(m, "b").state == MODEL_LOADED);
    assert_int_equal(srv_models_hold(m, "b", 0, &model), MODELS_OK);
    srv_model_release(model);
    srv_models_stop(m);
}

static void a_name_without_a_file_is_unknown_until_there_is_one(void **state)
{
    struct srv_models *m = start(state);
    assert_int_equal(try_hold(m, "late"), MODELS_UNKNOWN);
    assert_int_equal(try_hold(m, "../a"), MODELS_UNKNOWN);
    write_model(state, "late", 3);
    struct srv_model_entry entry;
    wait_until(srv_models_find(m, "late", &entry));
    assert_int_equal(try_hold(m, "late"), MODELS_OK);
    srv_models_stop(m);
}

static void only_ids_are_offered(void **state)
{
    struct srv_model_entry *list;
    static const char *const odd[] = {"Upper.safetensors", "two words.safetensors", ".hidden.safetensors",
                                      ".safetensors",      "a.safetensors.123.tmp", "README.md"};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) scratch_text(scratch_path(state, odd[i]), "x");
    write_model(state, "b-2_x", 2);
    struct srv_models *m = start(state);
    assert_int_equal(srv_models_list(m, &list), 2);
    assert_string_equal(list[0].name, "a");
    assert_string_equal(list[1].name, "b-2_x");
    free(list);
    srv_models_stop(m);
}

static void the_models_of_decks_must_be_there_and_have_their_classes(void **state)
{
    struct nn_error err = {0};
    struct srv_models *m = start_for(state, 8);
    assert_int_not_equal(srv_models_wait_ready(m, &err), NN_OK);
    assert_non_null(strstr(err.text, "/a.safetensors: No such file"));
    srv_models_stop(m);
    write_classes(state, "a", 1, "sprain");
    m = start_for(state, 8);
    assert_int_not_equal(srv_models_wait_ready(m, &err), NN_OK);
    assert_string_equal(err.text, "deck \"d\": the model has no class \"yes\"");
    assert_false(srv_models_ready(m));
    srv_models_stop(m);
}

static void a_folder_that_is_not_there_is_named(void **state)
{
    struct nn_error err = {0};
    struct srv_models *m;
    srv_models_stop(start(state));
    setup.folder = scratch_path(state, "none");
    assert_int_equal(srv_models_start(&m, &setup, &err), NN_ERR_IO);
    assert_non_null(strstr(err.text, "/none: No such file"));
    assert_null(m);
}

/* ---- memory -------------------------------------------------------------------------------------- */

static void what_was_used_longest_ago_makes_room(void **state)
{
    write_model(state, "a", 1);
    write_model(state, "b", 2);
    write_model(state, "c", 3);
    struct srv_models *m = start_for(state, 2);
    assert_int_equal(try_hold(m, "a"), MODELS_OK);
    assert_int_equal(try_hold(m, "b"), MODELS_OK);
    assert_int_equal(try_hold(m, "a"), MODELS_OK);
    assert_int_equal(try_hold(m, "c"), MODELS_OK);
    assert_int_equal(entry_of(m, "a").state, MODEL_LOADED);
    assert_int_equal(entry_of(m, "b").state, MODEL_AVAILABLE);
    assert_int_equal(entry_of(m, "c").state, MODEL_LOADED);
    struct srv_models_counts counts = counts_of(m);
    assert_int_equal(counts.evictions, 1);
    assert_int_equal(counts.loaded, 2);
    assert_in_range(counts.memory_bytes, 1, counts.memory_limit_bytes);
    assert_int_equal(try_hold(m, "b"), MODELS_OK);
    assert_int_equal(entry_of(m, "a").state, MODEL_AVAILABLE);
    assert_int_equal(entry_of(m, "c").state, MODEL_LOADED);
    assert_int_equal(counts_of(m).loaded, 2);
    srv_models_stop(m);
}

static void what_no_file_could_give_back_goes_last(void **state)
{
    write_model(state, "a", 1);
    write_model(state, "b", 2);
    write_model(state, "c", 3);
    struct srv_models *m = start_for(state, 2);
    assert_int_equal(try_hold(m, "a"), MODELS_OK);
    assert_int_equal(try_hold(m, "b"), MODELS_OK);
    scratch_text(file_of(state, "b"), "no checkpoint");
    wait_until(entry_of(m, "b").reason[0]);
    assert_int_equal(try_hold(m, "a"), MODELS_OK);
    assert_int_equal(try_hold(m, "c"), MODELS_OK);
    assert_int_equal(entry_of(m, "a").state, MODEL_AVAILABLE);
    assert_int_equal(entry_of(m, "b").state, MODEL_LOADED);
    srv_models_stop(m);
}

static void what_is_held_stays_and_a_load_waits_for_it(void **state)
{
    struct srv_model *other;
    write_model(state, "a", 1);
    write_model(state, "b", 2);
    struct srv_models *m = start_for(state, 1);
    struct srv_model *model = held(m, "a");
    assert_int_equal(srv_models_hold(m, "b", in_ms(50), &other), MODELS_LOADING);
    assert_null(other);
    assert_draws(model);
    srv_model_release(srv_model_hold_again(model));
    assert_int_equal(srv_models_hold(m, "b", in_ms(50), &other), MODELS_LOADING);
    srv_model_release(model);
    assert_int_equal(try_hold(m, "b"), MODELS_OK);
    assert_int_equal(entry_of(m, "a").state, MODEL_AVAILABLE);
    assert_int_equal(counts_of(m).loaded, 1);
    srv_models_stop(m);
}

static void *ask_for_b(void *models)
{
    struct srv_model *model;
    bool held_it = srv_models_hold(models, "b", in_ms(20000), &model) == MODELS_OK;
    srv_model_release(model);
    return held_it ? models : NULL;
}

static void letting_go_of_a_model_lets_the_next_one_load_at_once(void **state)
{
    pthread_t asker;
    void *held_it;
    struct srv_model *other;
    write_model(state, "a", 1);
    write_model(state, "b", 2);
    srv_models_stop(start_for(state, 1));
    setup.look_us = INT64_C(3600) * 1000000; /* nothing else would wake the loader */
    struct srv_models *m;
    assert_int_equal(srv_models_start(&m, &setup, NULL), NN_OK);
    struct srv_model *model = held(m, "a");
    assert_int_equal(pthread_create(&asker, NULL, ask_for_b, m), 0);
    assert_int_equal(srv_models_hold(m, "b", in_ms(200), &other), MODELS_LOADING);
    srv_model_release(model);
    pthread_join(asker, &held_it);
    assert_non_null(held_it);
    srv_models_stop(m);
}

static void a_model_that_is_larger_than_the_limit_is_refused_with_both_sizes(void **state)
{
    struct nn_error err = {0};
    write_model(state, "a", 1);
    struct srv_models *m = start_for(state, 0);
    assert_int_equal(srv_models_wait_ready(m, &err), NN_ERR_MEMORY);
    assert_non_null(strstr(err.text, "more than the 0 MB of model_memory_mb"));
    struct srv_model_entry entry = entry_of(m, "a");
    assert_int_equal(entry.state, MODEL_BROKEN);
    assert_false(entry.described);
    assert_int_equal(try_hold(m, "a"), MODELS_BROKEN);
    srv_models_stop(m);
}

/* ---- replacing ----------------------------------------------------------------------------------- */

static void a_replaced_file_is_loaded_beside_the_version_in_use(void **state)
{
    char first[65], second[65];
    struct srv_models *m = start(state);
    sha256_of(state, "a", first);
    struct srv_model *old = held(m, "a");
    write_model(state, "a", 2);
    sha256_of(state, "a", second);
    wait_until(is_loaded_as(m, "a", second));
    struct srv_model *new = held(m, "a");
    assert_ptr_not_equal(old, new);
    assert_string_equal(srv_model_info(old)->sha256, first);
    assert_string_equal(srv_model_info(new)->sha256, second);
    assert_draws(old);
    assert_draws(new);
    srv_model_release(new);
    assert_int_equal(counts_of(m).loaded, 2);
    srv_model_release(old);
    wait_until(counts_of(m).loaded == 1);
    srv_models_stop(m);
}

static void a_session_keeps_its_version_until_memory_is_needed(void **state)
{
    char first[65];
    write_model(state, "b", 2);
    struct srv_models *m = start(state);
    sha256_of(state, "a", first);
    srv_model_release(held_version(m, first));
    write_model(state, "a", 3);
    wait_until(!is_loaded_as(m, "a", first));
    let_it_look();
    srv_model_release(held_version(m, first));
    srv_models_stop(m);

    m = start_for(state, 2);
    sha256_of(state, "a", first);
    srv_model_release(held_version(m, first));
    write_model(state, "a", 4);
    wait_until(!is_loaded_as(m, "a", first));
    assert_int_equal(try_hold(m, "b"), MODELS_OK); /* a's new version went, which its file still has */
    srv_model_release(held_version(m, first));
    struct srv_model *b = held(m, "b");
    assert_int_equal(try_hold(m, "a"), MODELS_OK);
    srv_model_release(b);
    assert_int_equal(try_version(m, first), MODELS_GONE);
    srv_models_stop(m);
}

static void a_version_that_no_session_asks_for_any_more_goes(void **state)
{
    char first[65], second[65];
    struct srv_models *m;
    srv_models_stop(start(state));
    setup.session_keep_us = 200 * 1000;
    assert_int_equal(srv_models_start(&m, &setup, NULL), NN_OK);
    sha256_of(state, "a", first);
    srv_model_release(held_version(m, first));
    write_model(state, "a", 2);
    sha256_of(state, "a", second);
    wait_until(is_loaded_as(m, "a", second));
    wait_until(counts_of(m).loaded == 1);
    assert_int_equal(try_version(m, first), MODELS_GONE);
    assert_true(is_loaded_as(m, "a", second));
    srv_models_stop(m);
}

static void a_version_is_found_whatever_its_file_is_called_now(void **state)
{
    char first[65];
    write_model(state, "b", 2);
    struct srv_models *m = start(state);
    sha256_of(state, "b", first);
    assert_int_equal(rename(file_of(state, "b"), file_of(state, "c")), 0);
    struct srv_model_entry entry;
    wait_until(srv_models_find(m, "c", &entry) && !srv_models_find(m, "b", &entry));
    assert_string_equal(entry_of(m, "c").info.sha256, "");
    srv_model_release(held_version(m, first));
    assert_true(is_loaded_as(m, "c", first));
    char none[65];
    nn_sha256_hex("x", 1, none);
    assert_int_equal(try_version(m, none), MODELS_GONE);
    srv_models_stop(m);
}

static void a_file_that_is_only_touched_is_not_loaded_anew(void **state)
{
    struct srv_models *m = start(state);
    struct srv_model *before = held(m, "a");
    assert_int_equal(chmod(file_of(state, "a"), 0640), 0);
    let_it_look();
    write_model(state, "a", 1);
    let_it_look();
    struct srv_model *after = held(m, "a");
    assert_ptr_equal(before, after);
    assert_int_equal(counts_of(m).loads, 1);
    srv_model_release(before);
    srv_model_release(after);
    srv_models_stop(m);
}

static void a_version_that_comes_back_is_taken_from_memory(void **state)
{
    char first[65], second[65];
    struct srv_models *m = start(state);
    sha256_of(state, "a", first);
    struct srv_model *old = held(m, "a");
    write_model(state, "a", 2);
    sha256_of(state, "a", second);
    wait_until(is_loaded_as(m, "a", second));
    write_model(state, "a", 1);
    wait_until(is_loaded_as(m, "a", first));
    assert_int_equal(counts_of(m).loads, 2);
    srv_model_release(old);
    wait_until(counts_of(m).loaded == 1);
    assert_true(is_loaded_as(m, "a", first));
    srv_models_stop(m);
}

static void fifty_reloads_leave_one_model_in_memory(void **state)
{
    struct srv_models *m = start(state);
    size_t bytes = counts_of(m).memory_bytes;
    for (uint64_t seed = 2; seed <= 51; seed++) {
        char hex[65];
        write_model(state, "a", seed);
        sha256_of(state, "a", hex);
        wait_until(is_loaded_as(m, "a", hex));
    }
    wait_until(counts_of(m).loaded == 1);
    struct srv_models_counts counts = counts_of(m);
    assert_int_equal(counts.loads, 51);
    assert_int_equal(counts.memory_bytes, bytes);
    assert_int_equal(counts.failures + counts.evictions, 0);
    srv_models_stop(m);
}

/* ---- bad files ----------------------------------------------------------------------------------- */

/* What lies aside, as the hidden ".a", takes the place of "a" at once, whatever both are. */
static void swap_in(void **state)
{
    const char *aside = file_of(state, ".a");
    assert_int_equal(renameat2(AT_FDCWD, aside, AT_FDCWD, file_of(state, "a"), RENAME_EXCHANGE), 0);
    assert_int_equal(remove(aside), 0);
}

static void put_a_folder(void **state)
{
    assert_int_equal(mkdir(file_of(state, ".a"), 0700), 0);
}

static void put_a_pipe(void **state)
{
    assert_int_equal(mkfifo(file_of(state, ".a"), 0600), 0);
}

static void put_garbage(void **state)
{
    scratch_text(file_of(state, ".a"), "hello, this is a letter and not a checkpoint at all");
}

static void put_nothing(void **state)
{
    scratch_text(file_of(state, ".a"), "");
}

static void put_a_part(void **state)
{
    size_t size;
    uint8_t *bytes = scratch_read(file_of(state, "a"), &size);
    scratch_write(file_of(state, ".a"), bytes, size / 2);
    free(bytes);
}

static void put_a_longer_one(void **state)
{
    size_t size;
    uint8_t *bytes = scratch_read(file_of(state, "a"), &size);
    bytes = realloc(bytes, size + 4);
    assert_non_null(bytes);
    memset(bytes + size, 0, 4);
    scratch_write(file_of(state, ".a"), bytes, size + 4);
    free(bytes);
}

/* The header is as good as before: only opening tells. */
static void put_a_weight_that_is_no_number(void **state)
{
    size_t size;
    uint8_t *bytes = scratch_read(file_of(state, "a"), &size);
    memset(bytes + size - 4, 0xff, 4);
    scratch_write(file_of(state, ".a"), bytes, size);
    free(bytes);
}

static void put_other_classes(void **state)
{
    write_classes(state, ".a", 9, "sprain");
}

static void a_bad_file_never_takes_the_version_in_memory_down(void **state)
{
    static const struct {
        const char *what;
        void (*put)(void **state);
    } kinds[] = {
        {"a folder", put_a_folder},
        {"a pipe", put_a_pipe},
        {"garbage", put_garbage},
        {"nothing in it", put_nothing},
        {"a part", put_a_part},
        {"more than a checkpoint", put_a_longer_one},
        {"a weight that is no number", put_a_weight_that_is_no_number},
        {"other classes", put_other_classes},
    };
    struct srv_models *m = start(state);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char good[65], next[65];
        sha256_of(state, "a", good);
        uint64_t failures = counts_of(m).failures;
        kinds[i].put(state);
        swap_in(state);
        wait_until(entry_of(m, "a").reason[0]);
        struct srv_model_entry entry = entry_of(m, "a");
        if (entry.state != MODEL_LOADED || strcmp(entry.info.sha256, good))
            fail_msg("%s took the model down", kinds[i].what);
        if (strstr(entry.reason, *state))
            fail_msg("%s: the reason has a path: %s", kinds[i].what, entry.reason);
        let_it_look();
        assert_int_equal(counts_of(m).failures, failures + 1);
        assert_int_equal(try_hold(m, "a"), MODELS_OK);
        assert_int_equal(try_version(m, good), MODELS_OK);
        write_model(state, ".a", 100 + i);
        swap_in(state);
        sha256_of(state, "a", next);
        wait_until(is_loaded_as(m, "a", next));
        assert_string_equal(entry_of(m, "a").reason, "");
    }
    srv_models_stop(m);
}

static void a_bad_file_of_a_model_that_is_not_in_memory_is_an_error_until_it_is_mended(void **state)
{
    write_model(state, "b", 2);
    struct srv_models *m = start(state);
    scratch_text(file_of(state, "b"), "no checkpoint");
    wait_until(entry_of(m, "b").state == MODEL_BROKEN);
    assert_int_equal(try_hold(m, "b"), MODELS_BROKEN);
    assert_false(entry_of(m, "b").described);
    write_model(state, "b", 3);
    wait_until(entry_of(m, "b").state == MODEL_AVAILABLE);
    assert_int_equal(try_hold(m, "b"), MODELS_OK);
    srv_models_stop(m);
}

static void a_removed_file_refuses_new_holders_and_keeps_what_sessions_use(void **state)
{
    char sha256[65], other[65];
    struct srv_model_entry entry;
    write_model(state, "b", 2);
    struct srv_models *m = start(state);
    sha256_of(state, "a", sha256);
    sha256_of(state, "b", other);
    srv_model_release(held_version(m, sha256));
    srv_model_release(held_version(m, other));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(unlink(file_of(state, "a")), 0);
        if (i == 1) assert_int_equal(symlink("nowhere", file_of(state, "a")), 0);
        wait_until(entry_of(m, "a").state == MODEL_BROKEN);
        assert_string_equal(entry_of(m, "a").reason, "No such file or directory");
        assert_int_equal(try_hold(m, "a"), MODELS_BROKEN);
        assert_draws(held_version(m, sha256)); /* never released: nothing closes it before the stop */
        remove(file_of(state, "a"));
        write_model(state, "a", 1);
        wait_until(is_loaded_as(m, "a", sha256));
    }
    assert_int_equal(unlink(file_of(state, "b")), 0);
    wait_until(!srv_models_find(m, "b", &entry));
    assert_int_equal(try_hold(m, "b"), MODELS_UNKNOWN);
    assert_int_equal(try_version(m, other), MODELS_OK);
    assert_int_equal(counts_of(m).loads, 2);
    srv_models_stop(m);
}

static void a_file_that_is_being_written_in_place_is_left_alone(void **state)
{
    char hex[65];
    size_t size;
    struct srv_models *m = start(state);
    write_model(state, "b", 2);
    uint8_t *bytes = scratch_read(file_of(state, "b"), &size);
    sha256_of(state, "b", hex);
    FILE *file = fopen(file_of(state, "a"), "w");
    assert_non_null(file);
    for (size_t i = 0; i < size; i += 64) {
        size_t part = size - i < 64 ? size - i : 64;
        assert_int_equal(fwrite(bytes + i, 1, part, file), part);
        assert_int_equal(fflush(file), 0);
        assert_int_equal(try_hold(m, "a"), MODELS_OK);
        sleep_ms(1);
    }
    fclose(file);
    free(bytes);
    wait_until(is_loaded_as(m, "a", hex));
    srv_models_stop(m);
}

static void without_its_folder_what_is_in_memory_goes_on(void **state)
{
    char aside[256], hex[65];
    snprintf(aside, sizeof aside, "%s.aside", (char *)*state);
    struct srv_models *m = start(state);
    assert_int_equal(rename(*state, aside), 0);
    let_it_look();
    assert_int_equal(try_hold(m, "a"), MODELS_OK);
    assert_int_equal(entry_of(m, "a").state, MODEL_LOADED);
    assert_int_equal(rename(aside, *state), 0);
    write_model(state, "a", 2);
    sha256_of(state, "a", hex);
    wait_until(is_loaded_as(m, "a", hex));
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
        if (srv_models_hold(crowd->m, names[i % 3], in_ms(20000), &model)) crowd->failed++;
        if (!model) continue;
        pthread_mutex_lock(&crowd->engine);
        assert_draws(model);
        pthread_mutex_unlock(&crowd->engine);
        srv_model_release(model);
        crowd->held++;
    }
    return NULL;
}

struct user {
    struct crowd *crowd;
    const char *name;
    int held;
};

static void *use_one_all_the_time(void *context)
{
    struct user *user = context;
    while (!user->crowd->stop) {
        struct srv_model *model;
        if (srv_models_hold(user->crowd->m, user->name, in_ms(20000), &model)) user->crowd->failed++;
        sleep_ms(2);
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
    for (int i = 0; i < MODELS; i++) write_model(state, names[i], (uint64_t)i + 1);
    struct crowd crowd = {.m = start_for(state, 1)};
    for (int i = 0; i < USERS; i++) {
        users[i] = (struct user){&crowd, names[i % MODELS], 0};
        assert_int_equal(pthread_create(&threads[i], NULL, use_one_all_the_time, &users[i]), 0);
    }
    wait_until(counts_of(crowd.m).loads >= 3 * MODELS);
    crowd.stop = true;
    for (int i = 0; i < USERS; i++) pthread_join(threads[i], NULL);
    for (int i = 0; i < USERS; i++) assert_true(users[i].held > 0);
    assert_int_equal(crowd.failed, 0);
    srv_models_stop(crowd.m);
}

/* With room for two of three models, so that they push each other out all the time. */
static void no_asker_fails_while_files_are_replaced(void **state)
{
    pthread_t threads[4];
    write_model(state, "a", 1);
    write_model(state, "b", 2);
    write_model(state, "c", 3);
    struct crowd crowd = {.m = start_for(state, 2), .engine = PTHREAD_MUTEX_INITIALIZER};
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_all_the_time, &crowd), 0);
    for (uint64_t i = 0; i < 20; i++) {
        write_model(state, i % 2 ? "a" : "b", 10 + i);
        sleep_ms(4 * LOOK_MS);
    }
    crowd.stop = true;
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    assert_int_equal(crowd.failed, 0);
    assert_true(crowd.held > 20);
    struct srv_models_counts counts = counts_of(crowd.m);
    assert_int_equal(counts.failures, 0);
    assert_in_range(counts.loaded, 1, 2);
    assert_in_range(counts.memory_bytes, 1, counts.memory_limit_bytes);
    srv_models_stop(crowd.m);
}

static void loading_leaves_no_threads_behind(void **state)
{
    write_model(state, "b", 2);
    struct srv_models *m = start(state);
    int threads = scratch_count("/proc/self/task");
    assert_int_equal(try_hold(m, "b"), MODELS_OK);
    wait_until(scratch_count("/proc/self/task") <=
               threads); /* the kernel lets go of ended ones in its time */
    srv_models_stop(m);
    wait_until(scratch_count("/proc/self/task") < threads);
}

static void stopping_frees_those_who_wait(void **state)
{
    struct nn_error err = {0};
    for (int i = 0; i < 10; i++) {
        write_model(state, "a", 1);
        struct srv_models *m = start_for(state, 8);
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
        test(a_replaced_file_is_loaded_beside_the_version_in_use),
        test(a_session_keeps_its_version_until_memory_is_needed),
        test(a_version_that_no_session_asks_for_any_more_goes),
        test(a_version_is_found_whatever_its_file_is_called_now),
        test(a_file_that_is_only_touched_is_not_loaded_anew),
        test(a_version_that_comes_back_is_taken_from_memory),
        test(fifty_reloads_leave_one_model_in_memory),
        test(a_bad_file_never_takes_the_version_in_memory_down),
        test(a_bad_file_of_a_model_that_is_not_in_memory_is_an_error_until_it_is_mended),
        test(a_removed_file_refuses_new_holders_and_keeps_what_sessions_use),
        test(a_file_that_is_being_written_in_place_is_left_alone),
        test(without_its_folder_what_is_in_memory_goes_on),
        test(models_in_constant_use_take_turns_where_not_all_fit),
        test(no_asker_fails_while_files_are_replaced),
        test(loading_leaves_no_threads_behind),
        test(stopping_frees_those_who_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
