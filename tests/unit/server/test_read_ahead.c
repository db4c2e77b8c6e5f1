/* How far ahead of a session images are asked for. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "server/images/read_ahead.h"

enum { IMAGE = 1000, SIDE = 256, SECOND_US = 1000000 };

static const char ADA[] = "0123456789abcdef0123456789abcdef", BEN[] = "fedcba98765432100000000000000000";

static int open_ahead(void **state)
{
    struct nn_error err;
    return srv_read_ahead_open((struct srv_read_ahead **)state, 100 * READ_AHEAD_MAX * IMAGE, &err);
}

static int close_ahead(void **state)
{
    srv_read_ahead_close(*state);
    return 0;
}

static void assert_span(struct srv_ahead_span span, int first, int last)
{
    if (first > last) {
        assert_true(span.first > span.last);
        return;
    }
    assert_int_equal(span.first, first);
    assert_int_equal(span.last, last);
}

static void a_session_that_walks_on_has_each_item_asked_for_once(void **state)
{
    assert_span(srv_read_ahead_move(*state, ADA, 0, SIDE, IMAGE, 1), 1, READ_AHEAD_MAX);
    for (int at = 1; at < 50; at++) {
        assert_span(srv_read_ahead_move(*state, ADA, at, SIDE, IMAGE, at), at + READ_AHEAD_MAX,
                    at + READ_AHEAD_MAX);
        assert_span(srv_read_ahead_move(*state, ADA, at, 0, IMAGE, at), 1, 0); /* again */
    }
    assert_span(srv_read_ahead_move(*state, ADA, 3, SIDE, IMAGE, 60), 1, 0); /* back */
}

static void a_session_whose_id_is_zero_is_one_like_others(void **state)
{
    assert_span(srv_read_ahead_move(*state, "00000000000000000000000000000000", 0, SIDE, IMAGE, 1), 1,
                READ_AHEAD_MAX);
}

static void another_size_is_asked_for_anew_and_remembered(void **state)
{
    assert_int_equal(srv_read_ahead_move(*state, ADA, 0, 0, IMAGE, 1).size, 0);
    struct srv_ahead_span span = srv_read_ahead_move(*state, ADA, 1, SIDE, IMAGE, 2);
    assert_span(span, 2, 1 + READ_AHEAD_MAX);
    assert_int_equal(span.size, SIDE);
    assert_int_equal(srv_read_ahead_move(*state, ADA, 2, 0, IMAGE, 3).size, SIDE);
}

static void what_was_not_decided_when_it_was_asked_for_is_asked_for_again(void **state)
{
    assert_span(srv_read_ahead_move(*state, ADA, 0, SIDE, IMAGE, 1), 1, READ_AHEAD_MAX);
    srv_read_ahead_undecided(*state, ADA, 2);
    assert_span(srv_read_ahead_move(*state, ADA, 0, SIDE, IMAGE, 1), 2, READ_AHEAD_MAX);
    srv_read_ahead_undecided(*state, ADA, READ_AHEAD_MAX + 5); /* nobody has asked for that */
    assert_span(srv_read_ahead_move(*state, ADA, 1, SIDE, IMAGE, 2), READ_AHEAD_MAX + 1, READ_AHEAD_MAX + 1);
}

static void sessions_do_not_meet_and_an_end_forgets(void **state)
{
    assert_span(srv_read_ahead_move(*state, ADA, 0, SIDE, IMAGE, 1), 1, READ_AHEAD_MAX);
    assert_span(srv_read_ahead_move(*state, BEN, 0, SIDE, IMAGE, 1), 1, READ_AHEAD_MAX);
    srv_read_ahead_end(*state, ADA);
    assert_span(srv_read_ahead_move(*state, BEN, 0, SIDE, IMAGE, 1), 1, 0);
    assert_span(srv_read_ahead_move(*state, ADA, 0, SIDE, IMAGE, 1), 1, READ_AHEAD_MAX);
}

static void many_sessions_share_the_memory_and_each_keeps_one_image(void **state)
{
    char id[33];
    int64_t now_us = 1;
    struct srv_ahead_span span = {0};
    for (int i = 1; i <= 1000; i++) {
        snprintf(id, sizeof id, "%016x%016x", i, i);
        now_us += 2 * SECOND_US / 20; /* all within the time after which a session is silent */
        span = srv_read_ahead_move(*state, id, 0, SIDE, IMAGE, now_us);
        /* Sessions are counted once a second, that is, once in ten of these. */
        assert_in_range(span.last, 1, i > 165 ? 1 : i > 115 ? 2 : READ_AHEAD_MAX);
    }
    assert_int_equal(span.last, 1);
    now_us += READ_AHEAD_SILENT_MS * INT64_C(1000);
    assert_span(srv_read_ahead_move(*state, ADA, 0, SIDE, IMAGE, now_us), 1, READ_AHEAD_MAX);
}

static void an_item_after_the_one_that_is_looked_at_is_asked_for_early(void **state)
{
    assert_true(srv_read_ahead_waits(*state, ADA, 7));
    srv_read_ahead_answered(*state, ADA, 0, 0);
    assert_true(srv_read_ahead_waits(*state, ADA, 1));
    assert_false(srv_read_ahead_waits(*state, ADA, 2));
    srv_read_ahead_answered(*state, ADA, 1, 0);
    assert_true(srv_read_ahead_waits(*state, ADA, 2));
    assert_false(srv_read_ahead_waits(*state, ADA, 3));
    assert_true(srv_read_ahead_waits(*state, BEN, 3));
    srv_read_ahead_end(*state, ADA);
    assert_true(srv_read_ahead_waits(*state, ADA, 3));
}

static void
the_time_at_an_item_begins_with_the_answer_before_and_a_repeated_one_does_not_restart_it(void **state)
{
    assert_true(isnan(srv_read_ahead_at_item_ms(*state, ADA, 0)));
    srv_read_ahead_answered(*state, ADA, 0, 1000000);
    assert_true(srv_read_ahead_at_item_ms(*state, ADA, 1250000) == 250);
    srv_read_ahead_answered(*state, ADA, 1, 2000000);
    srv_read_ahead_answered(*state, ADA, 1, 2500000);
    srv_read_ahead_answered(*state, ADA, 0, 2600000); /* of two at once the earlier came later */
    assert_true(srv_read_ahead_at_item_ms(*state, ADA, 3000000) == 1000);
    assert_true(isnan(srv_read_ahead_at_item_ms(*state, BEN, 3000000)));
    srv_read_ahead_end(*state, ADA);
    assert_true(isnan(srv_read_ahead_at_item_ms(*state, ADA, 3000000)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_session_that_walks_on_has_each_item_asked_for_once, open_ahead,
                                        close_ahead),
        cmocka_unit_test_setup_teardown(a_session_whose_id_is_zero_is_one_like_others, open_ahead,
                                        close_ahead),
        cmocka_unit_test_setup_teardown(another_size_is_asked_for_anew_and_remembered, open_ahead,
                                        close_ahead),
        cmocka_unit_test_setup_teardown(what_was_not_decided_when_it_was_asked_for_is_asked_for_again,
                                        open_ahead, close_ahead),
        cmocka_unit_test_setup_teardown(sessions_do_not_meet_and_an_end_forgets, open_ahead, close_ahead),
        cmocka_unit_test_setup_teardown(an_item_after_the_one_that_is_looked_at_is_asked_for_early,
                                        open_ahead, close_ahead),
        cmocka_unit_test_setup_teardown(
            the_time_at_an_item_begins_with_the_answer_before_and_a_repeated_one_does_not_restart_it,
            open_ahead, close_ahead),
        cmocka_unit_test_setup_teardown(many_sessions_share_the_memory_and_each_keeps_one_image, open_ahead,
                                        close_ahead),
    };
    return cmocka_run_group_tests_name("read_ahead", tests, NULL, NULL);
}
