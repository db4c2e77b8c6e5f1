/* The queue with its threads, before a sampler that does as it is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "server/clock.h"
#include "tests/unit/server/fake_sampler.h"

enum { ASKS_MAX = 128, PATIENCE_MS = 20000 };

/* One asker on a thread of its own. */
struct ask {
    pthread_t thread;
    struct srv_image_queue *queue;
    struct srv_image_request request;
    struct srv_asker asker;
    enum srv_queue_result result;
    struct srv_made made;
    int retry_after_s;
};

struct bench {
    struct fake_sampler fake;
    struct srv_image_cache *cache;
    struct srv_image_queue *queue;
    struct ask asks[ASKS_MAX];
    int asked;
};

/* ---- set-up ---- */

static int open_bench(void **state, const char *device)
{
    struct nn_error err;
    struct bench *b = calloc(1, sizeof *b);
    fake_sampler_init(&b->fake, device);
    *state = b;
    return srv_cache_open(&b->cache, 16 << 20, NULL, &err) ||
           srv_queue_start(&b->queue, &b->fake.sampler, b->cache, &err);
}

static int open_cpu(void **state)
{
    return open_bench(state, "cpu");
}

static int open_gpu(void **state)
{
    return open_bench(state, "cuda");
}

static int close_bench(void **state)
{
    struct bench *b = *state;
    fake_sampler_open(&b->fake); /* a test may have failed before it did */
    srv_queue_stop(b->queue);
    srv_cache_close(b->cache);
    fake_sampler_release(&b->fake);
    free(b);
    return 0;
}

/* ---- askers ---- */

static int64_t in_ms(int ms)
{
    return srv_clock_monotonic_us() + ms * INT64_C(1000);
}

static enum srv_priority learner(const void *client)
{
    (void)client;
    return PRIORITY_LEARNER;
}

static enum srv_priority atlas(const void *client)
{
    (void)client;
    return PRIORITY_ATLAS;
}

static struct srv_asker asker_of(enum srv_priority priority, int patience_ms)
{
    return (struct srv_asker){in_ms(patience_ms), priority == PRIORITY_ATLAS ? atlas : learner, NULL};
}

static void *run_ask(void *context)
{
    struct ask *a = context;
    a->result = srv_queue_get(a->queue, &a->request, &a->asker, &a->made, &a->retry_after_s);
    return NULL;
}

static struct ask *start_asker(struct bench *b, uint64_t seed, const struct srv_asker *asker)
{
    struct ask *a = &b->asks[b->asked++];
    *a = (struct ask){.queue = b->queue, .request = fake_request(seed), .asker = *asker};
    assert_int_equal(pthread_create(&a->thread, NULL, run_ask, a), 0);
    return a;
}

static struct ask *start_ask(struct bench *b, uint64_t seed, enum srv_priority priority)
{
    const struct srv_asker asker = asker_of(priority, PATIENCE_MS);
    return start_asker(b, seed, &asker);
}

static enum srv_queue_result end_ask(struct ask *a)
{
    pthread_join(a->thread, NULL);
    assert_int_equal(a->result == QUEUE_OK, fake_image_right(a->made.png, a->request.sample.seed));
    srv_blob_release(a->made.png);
    return a->result;
}

static enum srv_queue_result ask_now(struct bench *b, uint64_t seed, enum srv_priority priority)
{
    struct ask *a = &b->asks[b->asked++];
    *a = (struct ask){
        .queue = b->queue, .request = fake_request(seed), .asker = asker_of(priority, PATIENCE_MS)};
    run_ask(a);
    srv_blob_release(a->made.png);
    return a->result;
}

static void pause_ms(int ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000L}, NULL);
}

static struct srv_queue_counts counts_of(struct bench *b)
{
    struct srv_queue_counts counts;
    srv_queue_count(b->queue, &counts);
    return counts;
}

static void wait_for_jobs(struct bench *b, enum srv_priority priority, int waiting)
{
    for (int i = 0; counts_of(b).waiting[priority] != waiting; i++) {
        if (i > PATIENCE_MS) fail_msg("%d jobs wait, not %d", counts_of(b).waiting[priority], waiting);
        pause_ms(1);
    }
}

static void wait_until_idle(struct bench *b)
{
    for (int p = 0; p < PRIORITIES; p++) wait_for_jobs(b, p, 0);
    for (int i = 0; counts_of(b).under_way > 0 && i < PATIENCE_MS; i++) pause_ms(1);
    assert_int_equal(counts_of(b).under_way, 0);
}

/* Keeps the engine busy with a learner's image of seed 0 until the gate is opened. */
static struct ask *occupy(struct bench *b)
{
    fake_sampler_shut(&b->fake);
    struct ask *a = start_ask(b, 0, PRIORITY_LEARNER);
    fake_sampler_wait(&b->fake);
    return a;
}

static void assert_drawn(const struct bench *b, const uint64_t *seeds, int count)
{
    assert_int_equal(b->fake.drawn, count);
    for (int i = 0; i < count; i++) assert_int_equal(b->fake.seeds[i], seeds[i]);
}

static void read_ahead(struct bench *b, uint64_t seed, int distance)
{
    const struct srv_image_request request = fake_request(seed);
    srv_queue_read_ahead(b->queue, &request, distance);
}

/* ---- order ---- */

static void what_is_urgent_is_made_first(void **state)
{
    static const uint64_t order[] = {0, 4, 3, 2, 1};
    struct bench *b = *state;
    struct ask *first = occupy(b);
    struct ask *browsing = start_ask(b, 1, PRIORITY_ATLAS);
    wait_for_jobs(b, PRIORITY_ATLAS, 1);
    read_ahead(b, 2, 2);
    read_ahead(b, 3, 1);
    read_ahead(b, 4, 3);
    struct ask *waits = start_ask(b, 4, PRIORITY_LEARNER); /* waits for what was read ahead */
    wait_for_jobs(b, PRIORITY_LEARNER, 1);
    assert_int_equal(counts_of(b).joined, 1);
    fake_sampler_open(&b->fake);
    assert_int_equal(end_ask(first), QUEUE_OK);
    assert_int_equal(end_ask(waits), QUEUE_OK);
    assert_int_equal(end_ask(browsing), QUEUE_OK);
    assert_drawn(b, order, 5);
    assert_int_equal(ask_now(b, 2, PRIORITY_LEARNER), QUEUE_OK);
    assert_int_equal(counts_of(b).from_cache, 1);
}

static void equal_requests_are_computed_once(void **state)
{
    struct bench *b = *state;
    struct ask *asks[16], *first = occupy(b);
    for (int i = 0; i < 16; i++) asks[i] = start_ask(b, 1, PRIORITY_LEARNER);
    for (int i = 0; counts_of(b).joined < 15 && i < PATIENCE_MS; i++) pause_ms(1);
    fake_sampler_open(&b->fake);
    for (int i = 0; i < 16; i++) assert_int_equal(end_ask(asks[i]), QUEUE_OK);
    assert_int_equal(end_ask(first), QUEUE_OK);
    assert_int_equal(ask_now(b, 1, PRIORITY_LEARNER), QUEUE_OK);
    assert_int_equal(b->fake.drawn, 2);
}

static void a_gpu_samples_in_large_batches_and_a_cpu_in_pairs(void **state)
{
    struct bench *b = *state;
    bool gpu = b->fake.info.device[1] == 'u';
    struct ask *asks[20], *first = occupy(b);
    for (int i = 0; i < 20; i++) asks[i] = start_ask(b, 1 + (uint64_t)i, PRIORITY_LEARNER);
    wait_for_jobs(b, PRIORITY_LEARNER, 20);
    fake_sampler_open(&b->fake);
    for (int i = 0; i < 20; i++) assert_int_equal(end_ask(asks[i]), QUEUE_OK);
    assert_int_equal(end_ask(first), QUEUE_OK);
    assert_int_equal(b->fake.calls, gpu ? 3 : 11);
    assert_int_equal(b->fake.batches[1], gpu ? QUEUE_BATCH_MAX : QUEUE_CPU_BATCH_MAX);
    struct srv_queue_counts counts = counts_of(b);
    assert_int_equal(counts.batches.sum, 21);
    assert_int_equal(srv_histogram_total(&counts.encoding), 21);
}

/* ---- leaving ---- */

static enum srv_priority learner_until_set(const void *flag)
{
    return atomic_load((const atomic_bool *)flag) ? PRIORITIES : PRIORITY_LEARNER;
}

static enum srv_priority next_until_set(const void *flag)
{
    return atomic_load((const atomic_bool *)flag) ? PRIORITY_LEARNER : PRIORITY_NEXT;
}

static void what_was_asked_for_early_rises_when_the_learner_comes_to_it(void **state)
{
    static const uint64_t order[] = {0, 3, 1, 2};
    struct bench *b = *state;
    atomic_bool comes = false;
    struct ask *first = occupy(b);
    const struct srv_asker early = {in_ms(PATIENCE_MS), next_until_set, &comes};
    static const atomic_bool never = false;
    const struct srv_asker stays_early = {in_ms(PATIENCE_MS), next_until_set, &never};
    struct ask *second = start_asker(b, 1, &stays_early);
    wait_for_jobs(b, PRIORITY_NEXT, 1);
    read_ahead(b, 2, 1);
    struct ask *rises = start_asker(b, 3, &early);
    wait_for_jobs(b, PRIORITY_NEXT, 2);
    atomic_store(&comes, true);
    wait_for_jobs(b, PRIORITY_LEARNER, 1);
    fake_sampler_open(&b->fake);
    assert_int_equal(end_ask(first), QUEUE_OK);
    assert_int_equal(end_ask(second), QUEUE_OK);
    assert_int_equal(end_ask(rises), QUEUE_OK);
    wait_until_idle(b);
    assert_drawn(b, order, 4);
}

static void what_nobody_waits_for_any_more_is_not_made(void **state)
{
    static const uint64_t order[] = {0, 3, 2};
    struct bench *b = *state;
    atomic_bool left = false;
    struct ask *first = occupy(b);
    const struct srv_asker leaves = {in_ms(PATIENCE_MS), learner_until_set, &left};
    struct ask *alone = start_asker(b, 1, &leaves), *one_of_two = start_asker(b, 3, &leaves);
    struct ask *stays = start_ask(b, 3, PRIORITY_LEARNER);
    read_ahead(b, 2, 1);
    struct ask *of_ahead = start_asker(b, 2, &leaves);
    wait_for_jobs(b, PRIORITY_LEARNER, 3);
    atomic_store(&left, true);
    assert_int_equal(end_ask(alone), QUEUE_LEFT);
    assert_int_equal(end_ask(one_of_two), QUEUE_LEFT);
    assert_int_equal(end_ask(of_ahead), QUEUE_LEFT);
    assert_int_equal(counts_of(b).dropped[PRIORITY_LEARNER], 1);
    fake_sampler_open(&b->fake);
    assert_int_equal(end_ask(stays), QUEUE_OK);
    assert_int_equal(end_ask(first), QUEUE_OK);
    wait_until_idle(b);
    assert_drawn(b, order, 3);
}

static void a_deadline_ends_the_wait_and_the_job(void **state)
{
    struct bench *b = *state;
    struct ask *first = occupy(b);
    const struct srv_asker hurried = asker_of(PRIORITY_LEARNER, 50);
    struct ask *late = start_asker(b, 1, &hurried), *under_way = start_asker(b, 0, &hurried);
    assert_int_equal(end_ask(late), QUEUE_BUSY);
    assert_int_equal(end_ask(under_way), QUEUE_BUSY);
    assert_true(late->retry_after_s >= 1);
    assert_int_equal(counts_of(b).late, 2);
    fake_sampler_open(&b->fake);
    assert_int_equal(end_ask(first), QUEUE_OK);
    wait_until_idle(b);
    assert_int_equal(b->fake.drawn, 1);
}

/* ---- bounds ---- */

static void a_full_atlas_is_refused_at_once_and_learners_are_not(void **state)
{
    struct bench *b = *state;
    struct ask *first = occupy(b), *waits;
    for (int i = 0; i < QUEUE_ATLAS_MAX; i++) start_ask(b, 1 + (uint64_t)i, PRIORITY_ATLAS);
    for (int i = 0; i < QUEUE_AHEAD_MAX + 10; i++) read_ahead(b, 1000 + (uint64_t)i, 1);
    wait_for_jobs(b, PRIORITY_ATLAS, QUEUE_ATLAS_MAX);
    wait_for_jobs(b, PRIORITY_AHEAD, QUEUE_AHEAD_MAX);
    assert_int_equal(ask_now(b, 500, PRIORITY_ATLAS), QUEUE_BUSY);
    assert_true(b->asks[b->asked - 1].retry_after_s >= 1);
    assert_int_equal(counts_of(b).refused[PRIORITY_ATLAS], 1);
    assert_int_equal(counts_of(b).refused[PRIORITY_AHEAD], 10);
    waits = start_ask(b, 501, PRIORITY_LEARNER);
    wait_for_jobs(b, PRIORITY_LEARNER, 1);
    fake_sampler_open(&b->fake);
    assert_int_equal(end_ask(waits), QUEUE_OK);
    assert_int_equal(end_ask(first), QUEUE_OK);
    for (int i = 1; i <= QUEUE_ATLAS_MAX; i++) assert_int_equal(end_ask(&b->asks[i]), QUEUE_OK);
}

/* Half a second an image: who finds more than twenty before them would wait for more than ten seconds. */
static void a_wait_that_would_be_too_long_is_refused_at_once(void **state)
{
    struct bench *b = *state;
    struct ask *first = occupy(b), *second;
    pause_ms(500);
    fake_sampler_open(&b->fake);
    assert_int_equal(end_ask(first), QUEUE_OK);
    fake_sampler_shut(&b->fake);
    second = start_ask(b, 1, PRIORITY_LEARNER);
    fake_sampler_wait(&b->fake);
    for (int i = 0; i < 50; i++) read_ahead(b, 100 + (uint64_t)i, 1);
    assert_in_range(counts_of(b).waiting[PRIORITY_AHEAD], 1, 20);
    assert_int_equal(ask_now(b, 2, PRIORITY_ATLAS), QUEUE_BUSY);
    assert_in_range(b->asks[b->asked - 1].retry_after_s, 5, QUEUE_RETRY_MAX_S);
    struct ask *waits = start_ask(b, 3, PRIORITY_LEARNER);
    wait_for_jobs(b, PRIORITY_LEARNER, 1);
    fake_sampler_open(&b->fake);
    assert_int_equal(end_ask(waits), QUEUE_OK);
    assert_int_equal(end_ask(second), QUEUE_OK);
}

/* ---- ends ---- */

static void a_failure_is_told_to_all_who_wait_and_the_next_is_made(void **state)
{
    struct bench *b = *state;
    struct ask *first = occupy(b), *second = start_ask(b, 0, PRIORITY_LEARNER);
    for (int i = 0; counts_of(b).joined < 1 && i < PATIENCE_MS; i++) pause_ms(1);
    b->fake.fails = true; /* the sampler stands before the gate */
    fake_sampler_open(&b->fake);
    assert_int_equal(end_ask(first), QUEUE_FAILED);
    assert_int_equal(end_ask(second), QUEUE_FAILED);
    b->fake.fails = false;
    assert_int_equal(ask_now(b, 0, PRIORITY_LEARNER), QUEUE_OK);
    assert_int_equal(counts_of(b).failed, 1);
}

/* In the place of an image of a library: while it is encoded, the drawing of another one fails on the GPU. */
static nn_status move_amid_encoding(void *context, const struct srv_image_request *request,
                                    const struct nn_model_info *info, void *pixels, struct nn_error *err)
{
    struct fake_sampler *fake = context;
    (void)request, (void)info, (void)pixels, (void)err;
    pthread_mutex_lock(&fake->mutex);
    fake->moved = true;
    pthread_mutex_unlock(&fake->mutex);
    return NN_OK;
}

static const char *device_of(struct bench *b, uint64_t seed, int library_width)
{
    struct srv_made made;
    int retry_s;
    struct srv_image_request request = fake_request(seed);
    const struct srv_asker asker = asker_of(PRIORITY_LEARNER, PATIENCE_MS);
    request.library.width = library_width;
    assert_int_equal(srv_queue_get(b->queue, &request, &asker, &made, &retry_s), QUEUE_OK);
    srv_blob_release(made.png);
    return made.by->device;
}

static void what_drew_an_image_is_told_whatever_the_model_is_on_by_then(void **state)
{
    struct bench *b = *state;
    b->fake.sampler.replace = move_amid_encoding;
    assert_string_equal(device_of(b, 1, 0), "cuda (fake)");
    assert_string_equal(device_of(b, 1, 0), "cuda (fake)"); /* it was kept */
    assert_string_equal(device_of(b, 2, FAKE_SIDE), "cuda (fake)");
    assert_string_equal(device_of(b, 1, 0), "cpu (fake)"); /* made anew */
    assert_int_equal(b->fake.drawn, 3);
    b->fake.moved = false;
    b->fake.moves = true;
    assert_string_equal(device_of(b, 3, 0), "cpu (fake)"); /* asked for when it was on the GPU */
}

static void *open_soon(void *fake)
{
    pause_ms(50);
    fake_sampler_open(fake);
    return NULL;
}

static void a_stop_finishes_what_is_under_way_and_refuses_the_rest(void **state)
{
    struct bench *b = *state;
    struct ask *asks[20], *first = occupy(b);
    for (int i = 0; i < 20; i++) {
        const struct srv_asker patient = asker_of(i % 2 ? PRIORITY_LEARNER : PRIORITY_ATLAS, 1000 * 3600);
        asks[i] = start_asker(b, 1 + (uint64_t)i, &patient);
    }
    wait_for_jobs(b, PRIORITY_LEARNER, 10);
    wait_for_jobs(b, PRIORITY_ATLAS, 10);
    read_ahead(b, 100, 1);
    pthread_t opener;
    assert_int_equal(pthread_create(&opener, NULL, open_soon, &b->fake), 0);
    srv_queue_stop(b->queue);
    b->queue = NULL;
    pthread_join(opener, NULL);
    assert_int_equal(end_ask(first), QUEUE_OK);
    for (int i = 0; i < 20; i++) assert_int_equal(end_ask(asks[i]), QUEUE_BUSY);
    assert_int_equal(b->fake.drawn, 1);
}

/* ---- all together ---- */

enum { CROWD = 12, EACH = 300, SEEDS = 40 };

struct member {
    pthread_t thread;
    struct bench *bench;
    uint64_t random;
    int right, wrong;
};

static void *run_member(void *context)
{
    struct member *m = context;
    for (int i = 0; i < EACH; i++) {
        m->random = m->random * 6364136223846793005u + 1442695040888963407u;
        uint64_t seed = (m->random >> 33) % SEEDS;
        const struct srv_image_request request = fake_request(seed);
        const struct srv_asker asker = asker_of(i % 3 ? PRIORITY_LEARNER : PRIORITY_ATLAS, PATIENCE_MS);
        struct srv_made made;
        int retry_s;
        if (i % 5 == 0) {
            srv_queue_read_ahead(m->bench->queue, &request, i % 4);
            continue;
        }
        if (srv_queue_get(m->bench->queue, &request, &asker, &made, &retry_s) == QUEUE_OK &&
            fake_image_right(made.png, seed))
            m->right++;
        else
            m->wrong++;
        srv_blob_release(made.png);
    }
    return NULL;
}

static void a_crowd_gets_its_own_images_each_of_which_is_made_once(void **state)
{
    struct bench *b = *state;
    static struct member crowd[CROWD];
    int times[SEEDS] = {0};
    for (int i = 0; i < CROWD; i++) {
        crowd[i] = (struct member){.bench = b, .random = (uint64_t)i * 77 + 1};
        assert_int_equal(pthread_create(&crowd[i].thread, NULL, run_member, &crowd[i]), 0);
    }
    for (int i = 0; i < CROWD; i++) {
        pthread_join(crowd[i].thread, NULL);
        assert_int_equal(crowd[i].wrong, 0);
        assert_int_equal(crowd[i].right, EACH - EACH / 5);
    }
    wait_until_idle(b);
    for (int i = 0; i < b->fake.drawn; i++) times[b->fake.seeds[i]]++;
    for (int i = 0; i < SEEDS; i++) assert_int_equal(times[i], 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_cpu, close_bench)
#define TEST_GPU(f)                                                                                          \
    {                                                                                                        \
#f "_gpu", f, open_gpu, close_bench, NULL                                                            \
    }
    const struct CMUnitTest tests[] = {
        TEST(what_is_urgent_is_made_first),
        TEST(equal_requests_are_computed_once),
        TEST(a_gpu_samples_in_large_batches_and_a_cpu_in_pairs),
        TEST_GPU(a_gpu_samples_in_large_batches_and_a_cpu_in_pairs),
        TEST(what_was_asked_for_early_rises_when_the_learner_comes_to_it),
        TEST(what_nobody_waits_for_any_more_is_not_made),
        TEST(a_deadline_ends_the_wait_and_the_job),
        TEST(a_full_atlas_is_refused_at_once_and_learners_are_not),
        TEST(a_wait_that_would_be_too_long_is_refused_at_once),
        TEST(a_failure_is_told_to_all_who_wait_and_the_next_is_made),
        TEST_GPU(what_drew_an_image_is_told_whatever_the_model_is_on_by_then),
        TEST(a_stop_finishes_what_is_under_way_and_refuses_the_rest),
        TEST(a_crowd_gets_its_own_images_each_of_which_is_made_once),
        TEST_GPU(a_crowd_gets_its_own_images_each_of_which_is_made_once),
    };
    return cmocka_run_group_tests_name("image_queue", tests, NULL, NULL);
}
