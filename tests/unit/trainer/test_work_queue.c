/* The queue that writes images while others are sampled. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "trainer/sample/work_queue.h"

enum { JOBS = 500, SIZE = 64 };

struct tally {
    atomic_int done, wrong;
    atomic_int times[JOBS];
    int fails_at; /* -1: never */
};

static nn_status count_job(void *context, int index, const void *buffer, struct nn_error *err)
{
    struct tally *tally = context;
    uint8_t wanted[SIZE];
    memset(wanted, index % 251, SIZE);
    if (memcmp(buffer, wanted, SIZE) != 0) atomic_fetch_add(&tally->wrong, 1);
    atomic_fetch_add(&tally->times[index], 1);
    atomic_fetch_add(&tally->done, 1);
    return index == tally->fails_at ? nn_fail(err, NN_ERR_IO, "job %d: disk full", index) : NN_OK;
}

/* How many jobs were put before the queue took no more. */
static int put_jobs(struct tr_work_queue *queue)
{
    for (int i = 0; i < JOBS; i++) {
        void *buffer = tr_work_queue_take(queue);
        if (!buffer) return i;
        memset(buffer, i % 251, SIZE);
        tr_work_queue_put(queue, i, buffer);
    }
    return JOBS;
}

static void every_job_is_done_once_with_its_own_buffer(void **state)
{
    (void)state;
    struct tr_work_queue *queue;
    struct tally tally = {.fails_at = -1};
    assert_int_equal(tr_work_queue_open(&queue, SIZE, count_job, &tally, NULL), NN_OK);
    assert_int_equal(put_jobs(queue), JOBS);
    assert_int_equal(tr_work_queue_close(queue, NULL), NN_OK);
    assert_int_equal(tally.wrong, 0);
    for (int i = 0; i < JOBS; i++) assert_int_equal(tally.times[i], 1);
}

static void a_failure_stops_the_work_and_is_told_at_the_end(void **state)
{
    (void)state;
    struct tr_work_queue *queue;
    struct tally tally = {.fails_at = 20};
    struct nn_error err = {.status = NN_OK};
    assert_int_equal(tr_work_queue_open(&queue, SIZE, count_job, &tally, NULL), NN_OK);
    int put = put_jobs(queue);
    assert_in_range(put, 21, 20 + 2 * 2 * 16); /* the buffers of at most 16 threads were under way */
    assert_null(tr_work_queue_take(queue));
    assert_int_equal(tr_work_queue_close(queue, &err), NN_ERR_IO);
    assert_string_equal(err.text, "job 20: disk full");
    assert_true(tally.done <= put);
}

static void a_queue_without_work_closes(void **state)
{
    (void)state;
    struct tr_work_queue *queue;
    assert_int_equal(tr_work_queue_open(&queue, SIZE, count_job, NULL, NULL), NN_OK);
    assert_int_equal(tr_work_queue_close(queue, NULL), NN_OK);
    assert_int_equal(tr_work_queue_close(NULL, NULL), NN_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_job_is_done_once_with_its_own_buffer),
        cmocka_unit_test(a_failure_stops_the_work_and_is_told_at_the_end),
        cmocka_unit_test(a_queue_without_work_closes),
    };
    return cmocka_run_group_tests_name("work_queue", tests, NULL, NULL);
}
