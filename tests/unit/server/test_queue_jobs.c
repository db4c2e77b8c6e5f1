/* The queue's table: which job is next, and how many may wait. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "server/images/queue_jobs.h"

static int new_table(void **state)
{
    return !(*state = calloc(1, sizeof(struct srv_jobs)));
}

static int free_table(void **state)
{
    free(*state);
    return 0;
}

static struct srv_image_key key_of(uint64_t seed)
{
    struct srv_image_key key = {""};
    snprintf(key.hex, sizeof key.hex, "%064llx", (unsigned long long)seed);
    return key;
}

static struct srv_job *add(struct srv_jobs *jobs, uint64_t seed, enum srv_priority priority, int distance,
                           int64_t now_us)
{
    const struct srv_image_key key = key_of(seed);
    const struct srv_image_request request = {.sample.seed = seed, .depth = 8};
    return srv_jobs_add(jobs, &request, &key, priority, distance, now_us);
}

/* Takes the next job alone and ends it: its seed, or 0 when there is none. */
static uint64_t make_next(struct srv_jobs *jobs, int64_t now_us)
{
    struct srv_job *job = srv_jobs_next(jobs, now_us), *batch[1];
    if (!job) return 0;
    uint64_t seed = job->request.sample.seed;
    assert_int_equal(srv_jobs_take(jobs, job, 1, batch), 1);
    assert_ptr_equal(batch[0], job);
    srv_jobs_end(jobs, job, QUEUE_FAILED, (struct srv_made){0});
    return seed;
}

static void assert_order(struct srv_jobs *jobs, const uint64_t *seeds, int count)
{
    for (int i = 0; i < count; i++) assert_int_equal(make_next(jobs, 1), seeds[i]);
    assert_int_equal(make_next(jobs, 1), 0);
    assert_int_equal(jobs->end, 0);
    assert_int_equal(srv_jobs_before(jobs, PRIORITY_ATLAS), 0);
}

static void learners_go_before_read_ahead_and_that_before_the_atlas(void **state)
{
    static const uint64_t order[] = {5, 7, 9, 2, 6, 1, 4, 3, 8};
    add(*state, 1, PRIORITY_AHEAD, 2, 1);
    add(*state, 2, PRIORITY_AHEAD, 1, 1);
    add(*state, 3, PRIORITY_ATLAS, 0, 1);
    add(*state, 4, PRIORITY_AHEAD, 3, 1);
    add(*state, 5, PRIORITY_LEARNER, 0, 1);
    add(*state, 6, PRIORITY_AHEAD, 1, 1);
    add(*state, 7, PRIORITY_LEARNER, 0, 1);
    add(*state, 8, PRIORITY_ATLAS, 0, 1);
    add(*state, 9, PRIORITY_NEXT, 0, 1);
    assert_order(*state, order, 9);
}

static void who_waits_for_read_ahead_lifts_it_behind_those_who_waited_before(void **state)
{
    static const uint64_t order[] = {3, 2, 1};
    struct srv_waiter waiter = {.priority = PRIORITY_LEARNER}, late = {.priority = PRIORITY_LEARNER};
    add(*state, 1, PRIORITY_AHEAD, 1, 1);
    struct srv_job *far = add(*state, 2, PRIORITY_AHEAD, 3, 1);
    add(*state, 3, PRIORITY_LEARNER, 0, 1);
    srv_jobs_join(*state, far, &waiter, 1);
    srv_jobs_join(*state, far, &late, 1);
    assert_int_equal(srv_jobs_before(*state, PRIORITY_LEARNER), 2);
    srv_jobs_leave(*state, far, &late);
    assert_int_equal(srv_jobs_before(*state, PRIORITY_LEARNER), 2);
    pthread_cond_init(&waiter.news, NULL);
    assert_order(*state, order, 3);
    pthread_cond_destroy(&waiter.news);
    assert_true(waiter.done);
    assert_false(late.done);
}

static void a_job_that_all_have_left_falls_back_to_read_ahead_or_is_dropped(void **state)
{
    static const uint64_t order[] = {3, 1};
    struct srv_jobs *jobs = *state;
    struct srv_waiter waiters[2] = {{.priority = PRIORITY_LEARNER}, {.priority = PRIORITY_LEARNER}};
    struct srv_job *ahead = add(jobs, 1, PRIORITY_AHEAD, 2, 1), *own = add(jobs, 2, PRIORITY_LEARNER, 0, 1);
    add(jobs, 3, PRIORITY_AHEAD, 1, 1);
    srv_jobs_join(jobs, ahead, &waiters[0], 1);
    srv_jobs_join(jobs, own, &waiters[1], 1);
    srv_jobs_leave(jobs, ahead, &waiters[0]);
    srv_jobs_leave(jobs, own, &waiters[1]);
    assert_int_equal(jobs->dropped[PRIORITY_LEARNER], 1);
    assert_order(jobs, order, 2);
}

static void read_ahead_that_nobody_came_for_is_dropped(void **state)
{
    struct srv_jobs *jobs = *state;
    const int64_t long_us = QUEUE_AHEAD_MS * INT64_C(1000);
    struct srv_waiter waiter = {.priority = PRIORITY_LEARNER};
    add(jobs, 1, PRIORITY_AHEAD, 1, 1);
    srv_jobs_join(jobs, add(jobs, 2, PRIORITY_AHEAD, 1, 1), &waiter, 1);
    add(jobs, 3, PRIORITY_AHEAD, 1, long_us);
    pthread_cond_init(&waiter.news, NULL);
    assert_int_equal(make_next(jobs, long_us + 2), 2);
    pthread_cond_destroy(&waiter.news);
    assert_int_equal(make_next(jobs, long_us + 2), 3);
    assert_int_equal(make_next(jobs, long_us + 2), 0);
    assert_int_equal(jobs->dropped[PRIORITY_AHEAD], 1);
}

static void each_priority_has_a_bound_of_its_own(void **state)
{
    static const int max[PRIORITIES] = {QUEUE_LEARNERS_MAX, QUEUE_NEXT_MAX, QUEUE_AHEAD_MAX, QUEUE_ATLAS_MAX};
    uint64_t seed = 1;
    for (int p = PRIORITIES - 1; p >= 0; p--) {
        for (int i = 0; i < max[p]; i++) assert_non_null(add(*state, seed++, p, 5, 1));
        assert_null(add(*state, seed++, p, 5, 1));
    }
    for (uint64_t i = 1; i < seed; i++) {
        const struct srv_image_key key = key_of(i);
        struct srv_job *job = srv_jobs_find(*state, &key);
        if (job) assert_int_equal(job->request.sample.seed, i);
    }
}

static void nearer_read_ahead_takes_the_place_of_the_furthest(void **state)
{
    struct srv_jobs *jobs = *state;
    for (int i = 0; i < QUEUE_AHEAD_MAX; i++) add(jobs, 100 + (uint64_t)i, PRIORITY_AHEAD, i == 7 ? 3 : 2, 1);
    assert_null(add(jobs, 1, PRIORITY_AHEAD, 3, 1));
    assert_non_null(add(jobs, 2, PRIORITY_AHEAD, 2, 1));
    const struct srv_image_key gone = key_of(107), kept = key_of(108);
    assert_null(srv_jobs_find(jobs, &gone));
    assert_non_null(srv_jobs_find(jobs, &kept));
    assert_int_equal(jobs->waiting[PRIORITY_AHEAD], QUEUE_AHEAD_MAX);
    assert_null(add(jobs, 3, PRIORITY_AHEAD, 2, 1));
    assert_non_null(add(jobs, 4, PRIORITY_AHEAD, 1, 1));
}

static void the_atlas_gets_its_turn_however_many_learners_wait(void **state)
{
    int turns = 0;
    int64_t now_us = 1;
    uint64_t seed = 1000;
    for (uint64_t i = 1; i <= 4; i++) add(*state, i, PRIORITY_ATLAS, 0, now_us);
    for (int i = 0; i < 100; i++) add(*state, seed++, PRIORITY_LEARNER, 0, now_us);
    for (int i = 0; i < 2 * QUEUE_ATLAS_TURN; i++) assert_true(make_next(*state, now_us) >= 1000);
    now_us += QUEUE_PATIENCE_MS * INT64_C(1000) + 1;
    for (int i = 0; i < 3 * QUEUE_ATLAS_TURN; i++) turns += make_next(*state, now_us) < 1000;
    assert_int_equal(turns, 3);
}

static void a_batch_holds_what_is_alike_in_priority_and_depth(void **state)
{
    struct srv_jobs *jobs = *state;
    struct srv_job *batch[8];
    for (uint64_t i = 1; i <= 6; i++) {
        struct srv_job *job = add(jobs, i, i == 4 ? PRIORITY_ATLAS : PRIORITY_LEARNER, 0, 1);
        if (i == 2) job->request.depth = 16;
    }
    assert_int_equal(srv_jobs_take(jobs, srv_jobs_next(jobs, 1), 3, batch), 3);
    assert_int_equal(batch[0]->request.sample.seed, 1);
    assert_int_equal(batch[1]->request.sample.seed, 3);
    assert_int_equal(batch[2]->request.sample.seed, 5);
    assert_int_equal(jobs->under_way, 3);
    assert_int_equal(srv_jobs_take(jobs, srv_jobs_next(jobs, 1), 8, batch), 1);
    assert_int_equal(batch[0]->request.sample.seed, 2);
    assert_int_equal(srv_jobs_take(jobs, srv_jobs_next(jobs, 1), 8, batch), 1);
    assert_int_equal(batch[0]->request.sample.seed, 6);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, new_table, free_table)
    const struct CMUnitTest tests[] = {
        TEST(learners_go_before_read_ahead_and_that_before_the_atlas),
        TEST(who_waits_for_read_ahead_lifts_it_behind_those_who_waited_before),
        TEST(a_job_that_all_have_left_falls_back_to_read_ahead_or_is_dropped),
        TEST(read_ahead_that_nobody_came_for_is_dropped),
        TEST(each_priority_has_a_bound_of_its_own),
        TEST(nearer_read_ahead_takes_the_place_of_the_furthest),
        TEST(the_atlas_gets_its_turn_however_many_learners_wait),
        TEST(a_batch_holds_what_is_alike_in_priority_and_depth),
    };
    return cmocka_run_group_tests_name("queue_jobs", tests, NULL, NULL);
}
