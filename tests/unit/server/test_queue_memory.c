/* The queue of images when memory runs out: the n-th allocation fails, for every n and on whichever of its
 * threads, and each asker gets a whole image or is told that it failed, and nothing is lost. Skipped under a
 * sanitizer, which has its own malloc. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "server/clock.h"
#include "tests/unit/own_malloc.h"
#include "tests/unit/server/fake_sampler.h"

#if !OWN_MALLOC

int main(void)
{
    puts("1..0 # SKIP needs glibc's malloc");
    return 0;
}

#else

enum { IMAGES = 3 };

struct tally {
    int made, failed;
    bool wrong;
};

static enum srv_priority learner(const void *client)
{
    (void)client;
    return PRIORITY_LEARNER;
}

static void ask(struct srv_image_queue *queue, uint64_t seed, struct tally *tally)
{
    struct srv_made made;
    int retry_after_s;
    const struct srv_image_request request = fake_request(seed);
    const struct srv_asker asker = {srv_clock_monotonic_us() + 20000000, learner, NULL};
    enum srv_queue_result result = srv_queue_get(queue, &request, &asker, &made, &retry_after_s);
    if (result == QUEUE_OK)
        tally->made++;
    else if (result == QUEUE_FAILED && !made.png)
        tally->failed++;
    else
        tally->wrong = true;
    long left = atomic_exchange(&own_until_failure, -1); /* looking at the image needs memory, too */
    if (result == QUEUE_OK) tally->wrong |= !fake_image_right(made.png, seed);
    atomic_store(&own_until_failure, left);
    srv_blob_release(made.png);
}

/* Whether an allocation failed. */
static bool try_images(struct fake_sampler *fake, long n, struct tally *tally)
{
    struct nn_error err;
    struct srv_image_cache *cache = NULL;
    struct srv_image_queue *queue = NULL;
    *tally = (struct tally){0};
    atomic_store(&own_until_failure, n);
    nn_status status = srv_cache_open(&cache, 1 << 20, NULL, &err);
    if (!status) status = srv_queue_start(&queue, &fake->sampler, cache, &err);
    for (uint64_t i = 0; !status && i < IMAGES; i++) ask(queue, i, tally);
    long left = atomic_exchange(&own_until_failure, -1);
    srv_queue_stop(queue);
    srv_cache_close(cache);
    return left < 0;
}

static void each_asker_gets_an_image_or_a_failure(void **state)
{
    (void)state;
    bool failed = true;
    int failures = 0;
    struct fake_sampler fake;
    struct tally tally;
    fake_sampler_init(&fake, "cpu");
    fake.fails = true;
    try_images(&fake, -1, &tally); /* what the C library keeps for itself, such as the time zone */
    assert_int_equal(tally.failed, IMAGES);
    fake.fails = false;
    for (long n = 0; failed; n++) {
        long held = atomic_load(&own_blocks_held);
        failed = try_images(&fake, n, &tally);
        failures += tally.failed;
        assert_false(tally.wrong);
        assert_int_equal(atomic_load(&own_blocks_held), held);
    }
    assert_int_equal(tally.made, IMAGES);
    assert_true(failures >= 2 * IMAGES); /* each image has a file and its blob, and the first one pixels */
    fake_sampler_release(&fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_asker_gets_an_image_or_a_failure)};
    return cmocka_run_group_tests_name("queue_memory", tests, NULL, NULL);
}

#endif
