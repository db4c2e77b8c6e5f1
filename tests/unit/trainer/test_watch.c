/* When a run is stopped because it no longer learns, and what is remembered of it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "trainer/train/watch.h"

/* A tick at which nothing is wrong. */
static struct tr_sighting sight(uint64_t images)
{
    return (struct tr_sighting){
        .images = images, .side = 64, .metric = NAN, .margin = 3, .margin_limit = 128};
}

static nn_status tick(struct tr_watch *w, const struct tr_sighting *seen, struct nn_error *err)
{
    *err = (struct nn_error){0};
    return tr_watch_tick(w, seen, err);
}

static nn_status metric(struct tr_watch *w, uint64_t images, double value, struct nn_error *err)
{
    struct tr_sighting seen = sight(images);
    seen.metric = value;
    return tick(w, &seen, err);
}

static void the_best_is_the_lowest_metric_of_the_level(void **state)
{
    (void)state;
    struct tr_watch w = {0};
    struct nn_error err;
    static const double metrics[] = {50, 20, 30, NAN, 10, 29};
    static const uint64_t best_at[] = {1, 2, 2, 2, 5, 5};
    for (int i = 0; i < 6; i++) {
        assert_int_equal(metric(&w, (uint64_t)i + 1, metrics[i], &err), NN_OK);
        assert_int_equal(w.best_images, best_at[i]);
        assert_int_equal(w.good_images, i + 1);
    }
    assert_true(w.best == 10);
    struct tr_sighting larger = sight(7);
    larger.side = 128;
    larger.metric = 500; /* at a new level a new best, however bad */
    assert_int_equal(tick(&w, &larger, &err), NN_OK);
    assert_int_equal(w.best_images, 7);
}

static void a_metric_far_above_its_best_for_long_ends_the_run_and_names_the_best(void **state)
{
    (void)state;
    struct tr_watch w = {0};
    struct nn_error err;
    assert_int_equal(metric(&w, 1, 10, &err), NN_OK);
    assert_int_equal(metric(&w, 2, 29, &err), NN_OK); /* good still */
    for (int i = 1; i < TR_WATCH_METRIC_TICKS; i++) assert_int_equal(metric(&w, 9, 31, &err), NN_OK);
    assert_int_equal(w.good_images, 2);
    assert_int_equal(metric(&w, 10, 29, &err), NN_OK); /* once below: the count begins anew */
    for (int i = 1; i < TR_WATCH_METRIC_TICKS; i++) assert_int_equal(metric(&w, 11, 31, &err), NN_OK);
    struct tr_sighting unmeasured = sight(11);
    assert_int_equal(tick(&w, &unmeasured, &err), NN_OK); /* says nothing either way */
    assert_int_equal(w.good_images, 10);
    assert_int_equal(metric(&w, 12345, 31, &err), NN_ERR_NUMERIC);
    assert_string_equal(err.text,
                        "collapsed at 12.35 kimg: the metric is 31, more than 3 times its best of 10, "
                        "for 5 ticks; lower the learning rate");
    assert_int_equal(w.good_images, 1);
}

static void a_margin_beyond_its_limit_for_three_ticks_ends_the_run(void **state)
{
    (void)state;
    for (int sign = -1; sign <= 1; sign += 2) {
        struct tr_watch w = {0};
        struct nn_error err;
        struct tr_sighting good = sight(7), bad = sight(8), unknown = sight(8);
        bad.margin = sign * 129;
        unknown.margin = NAN; /* a skipped step's */
        assert_int_equal(tick(&w, &good, &err), NN_OK);
        assert_int_equal(tick(&w, &bad, &err), NN_OK);
        assert_int_equal(tick(&w, &bad, &err), NN_OK);
        assert_int_equal(tick(&w, &unknown, &err), NN_OK);
        assert_int_equal(w.good_images, 7);
        assert_int_equal(tick(&w, &bad, &err), NN_OK);
        assert_int_equal(tick(&w, &bad, &err), NN_OK);
        assert_int_equal(tick(&w, &bad, &err), NN_ERR_NUMERIC);
        assert_non_null(strstr(err.text, "discriminator is saturated"));
        assert_int_equal(w.good_images, 7);
    }
}

static void a_class_that_has_become_one_image_for_two_ticks_ends_the_run(void **state)
{
    (void)state;
    struct tr_watch w = {0};
    struct nn_error err;
    struct tr_sighting good = sight(7), bad = sight(8);
    bad.alike = true;
    assert_int_equal(tick(&w, &bad, &err), NN_OK);
    assert_int_equal(w.good_images, 0);
    assert_int_equal(tick(&w, &good, &err), NN_OK);
    assert_int_equal(tick(&w, &bad, &err), NN_OK);
    assert_int_equal(tick(&w, &bad, &err), NN_ERR_NUMERIC);
    assert_non_null(strstr(err.text, "one image"));
    assert_int_equal(w.good_images, 7);
}

static void ten_steps_in_a_row_without_a_finite_gradient_end_the_run(void **state)
{
    (void)state;
    struct nn_error err;
    assert_int_equal(tr_watch_step(0, &err), NN_OK);
    assert_int_equal(tr_watch_step(9, &err), NN_OK);
    assert_int_equal(tr_watch_step(10, &err), NN_ERR_NUMERIC);
    assert_non_null(strstr(err.text, "lower the learning rate"));
}

static void it_comes_back_from_its_text(void **state)
{
    (void)state;
    struct tr_watch w = {.best = 1.0 / 3,
                         .best_images = UINT64_MAX / 3,
                         .best_side = 1024,
                         .worse = 4,
                         .beyond = 2,
                         .alike = 1,
                         .good_images = 12345678},
                    back;
    char text[TR_WATCH_TEXT], again[TR_WATCH_TEXT + 1];
    tr_watch_text(&w, text);
    assert_true(tr_watch_parse(&back, text));
    assert_true(back.best == w.best && back.best_images == w.best_images && back.best_side == 1024);
    assert_true(back.worse == 4 && back.beyond == 2 && back.alike == 1 && back.good_images == 12345678);
    strcpy(again, text);
    assert_false(tr_watch_parse(&back, strcat(again, "0 ")));
    assert_false(tr_watch_parse(&back, ""));
    assert_false(tr_watch_parse(&back, "best nan at 1 side 4 worse 0 beyond 0 alike 0 good 0"));
    for (size_t cut = 0; cut + 8 < strlen(text); cut++) {
        snprintf(again, sizeof again, "%.*s", (int)cut, text);
        assert_false(tr_watch_parse(&back, again));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_is_the_lowest_metric_of_the_level),
        cmocka_unit_test(a_metric_far_above_its_best_for_long_ends_the_run_and_names_the_best),
        cmocka_unit_test(a_margin_beyond_its_limit_for_three_ticks_ends_the_run),
        cmocka_unit_test(a_class_that_has_become_one_image_for_two_ticks_ends_the_run),
        cmocka_unit_test(ten_steps_in_a_row_without_a_finite_gradient_end_the_run),
        cmocka_unit_test(it_comes_back_from_its_text),
    };
    return cmocka_run_group_tests_name("watch", tests, NULL, NULL);
}
