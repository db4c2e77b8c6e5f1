#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/histogram.h"

static char *printed(const struct srv_histogram *histogram, const char *labels)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    srv_histogram_print(histogram, out, "x", labels);
    fclose(out);
    return text;
}

static void a_value_counts_in_its_bucket_and_all_above(void **state)
{
    (void)state;
    struct srv_histogram pieces = {.scale = HISTOGRAM_COUNT};
    const int64_t values[] = {-3, 1, 2, 3, 128, 129};
    for (int i = 0; i < 6; i++) srv_histogram_observe(&pieces, values[i]);
    char *text = printed(&pieces, "");
    assert_string_equal(text, "x_bucket{le=\"1\"} 2\nx_bucket{le=\"2\"} 3\nx_bucket{le=\"4\"} 4\n"
                              "x_bucket{le=\"8\"} 4\nx_bucket{le=\"16\"} 4\nx_bucket{le=\"32\"} 4\n"
                              "x_bucket{le=\"64\"} 4\nx_bucket{le=\"128\"} 5\nx_bucket{le=\"+Inf\"} 6\n"
                              "x_sum 263\nx_count 6\n");
    free(text);
}

static void times_are_taken_in_microseconds_and_told_in_seconds(void **state)
{
    (void)state;
    struct srv_histogram times = {0};
    srv_histogram_observe(&times, 50000);
    srv_histogram_observe(&times, 100001);
    srv_histogram_observe(&times, 31000000);
    char *text = printed(&times, "a=\"b\"");
    assert_non_null(strstr(text, "x_bucket{a=\"b\",le=\"0.025\"} 0\n"));
    assert_non_null(strstr(text, "x_bucket{a=\"b\",le=\"0.05\"} 1\n"));
    assert_non_null(strstr(text, "x_bucket{a=\"b\",le=\"0.1\"} 1\n"));
    assert_non_null(strstr(text, "x_bucket{a=\"b\",le=\"0.25\"} 2\n"));
    assert_non_null(strstr(text, "x_bucket{a=\"b\",le=\"30\"} 2\n"));
    assert_non_null(strstr(text, "x_bucket{a=\"b\",le=\"+Inf\"} 3\n"));
    assert_non_null(strstr(text, "x_sum{a=\"b\"} 31.150001\nx_count{a=\"b\"} 3\n"));
    free(text);
}

static void nothing_is_counted_where_there_is_no_histogram(void **state)
{
    (void)state;
    srv_histogram_observe(NULL, 1);
}

static void *observe_many(void *context)
{
    for (int i = 0; i < 20000; i++) srv_histogram_observe(context, i % 200);
    return NULL;
}

static void threads_lose_no_count(void **state)
{
    (void)state;
    struct srv_histogram pieces = {.scale = HISTOGRAM_COUNT};
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&threads[i], NULL, observe_many, &pieces), 0);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    assert_int_equal(srv_histogram_total(&pieces), 80000);
    assert_int_equal(atomic_load(&pieces.sum), 4 * 100 * 19900);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_counts_in_its_bucket_and_all_above),
        cmocka_unit_test(times_are_taken_in_microseconds_and_told_in_seconds),
        cmocka_unit_test(nothing_is_counted_where_there_is_no_histogram),
        cmocka_unit_test(threads_lose_no_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
