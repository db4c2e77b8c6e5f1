/* What a run's report is made of: the log read back, charts, text and bytes within a page. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base64.h"
#include "tests/unit/scratch.h"
#include "trainer/drawing/html_text.h"
#include "trainer/drawing/svg_chart.h"
#include "trainer/report/report_charts.h"
#include "trainer/train/run_log.h"

#define LINE(kimg) "{\"kimg\":" kimg ",\"side\":16,\"lod\":0,\"real\":1,\"fake\":null}\n"

static struct tr_run_log read_log(void **state, const char *text)
{
    struct tr_run_log log;
    struct nn_error err = {0};
    const char *path = scratch_path(state, "metrics.jsonl");
    scratch_text(path, text);
    if (tr_run_log_read(&log, path, &err) != NN_OK) fail_msg("%s", err.text);
    return log;
}

static void a_log_gives_its_numbers_and_nan_for_what_is_missing(void **state)
{
    struct tr_run_log log = read_log(
        state, LINE("0.5") "{\"kimg\":1,\"side\":32,\"skipped\":3,\"swd\":{\"form\":\"swd-3x\",\"images\":8,"
                           "\"sides\":[32,16],\"distance\":[2,4],\"floor\":[1,1.5],\"mean\":3,"
                           "\"floor_mean\":1.25}}"); /* no line end: as good */
    assert_int_equal(log.count, 2);
    assert_int_equal(log.bad_count, 0);
    const struct tr_log_entry *a = &log.entries[0], *b = &log.entries[1];
    assert_true(a->kimg == 0.5 && a->side == 16 && a->real == 1 && isnan(a->fake) && isnan(a->penalty));
    assert_int_equal(a->swd_levels, 0);
    assert_true(b->skipped == 3 && b->swd_levels == 2 && b->swd_images == 8 && b->swd_mean == 3);
    assert_true(b->swd_sides[1] == 16 && b->swd[1] == 4 && b->swd_floor[1] == 1.5 &&
                b->swd_floor_mean == 1.25);
    tr_run_log_release(&log);
}

static void bad_lines_are_named_and_left_out(void **state)
{
    struct tr_run_log log = read_log(
        state, LINE("1") "{\"kimg\":2,\"si\n\n" LINE(
                   "3") "[]\n{\"kimg\":-1,\"side\":16}\n"
                        "{\"kimg\":4,\"side\":3}\n{\"kimg\":4,\"kimg\":5,\"side\":16}\nnull\nx\n" LINE("6"));
    assert_int_equal(log.count, 3);
    assert_int_equal(log.bad_count, 7);
    assert_int_equal(log.bad[0].line, 2);
    assert_int_equal(log.bad[1].line, 5);
    assert_non_null(strstr(log.bad[1].why, "kimg"));
    assert_true(log.entries[2].kimg == 6);
    tr_run_log_release(&log);
}

static void a_run_that_went_back_shows_what_came_of_it(void **state)
{
    struct tr_run_log log = read_log(state, LINE("1") LINE("2") LINE("3") LINE("2") LINE("4"));
    assert_int_equal(log.count, 3);
    assert_true(log.entries[1].kimg == 2 && log.entries[2].kimg == 4);
    tr_run_log_release(&log);
    log = read_log(state, "");
    assert_int_equal(log.count, 0);
    tr_run_log_release(&log);
}

static char *put_text(const char *text)
{
    char *out;
    size_t size;
    FILE *page = open_memstream(&out, &size);
    tr_html_put(page, text);
    fclose(page);
    return out;
}

static void text_is_never_markup_and_always_utf8(void **state)
{
    (void)state;
    static const struct {
        const char *text, *wanted;
    } cases[] = {
        {"a<b>&\"'", "a&lt;b&gt;&amp;&quot;&#39;"},
        {"H\xC3\xBC"
         "fte \xE2\x82\xAC \xF0\x9F\xA6\xB4",
         "H\xC3\xBC"
         "fte \xE2\x82\xAC \xF0\x9F\xA6\xB4"},
        {"\x01\x7f\xff", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
        {"\xC0\xAF", "\xEF\xBF\xBD\xEF\xBF\xBD"},                 /* overlong */
        {"\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"}, /* surrogate */
        {"\xE2\x82", "\xEF\xBF\xBD\xEF\xBF\xBD"},                 /* cut off */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = put_text(cases[i].text);
        assert_string_equal(text, cases[i].wanted);
        free(text);
    }
}

static void base64_is_that_of_rfc_4648(void **state)
{
    (void)state;
    static const char *const wanted[] = {"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
    for (size_t n = 0; n <= 6; n++) {
        char text[NN_BASE64_TEXT(6)];
        nn_base64((const uint8_t *)"foobar", n, text);
        assert_string_equal(text, wanted[n]);
        assert_int_equal(NN_BASE64_TEXT(n), strlen(wanted[n]) + 1);
    }
}

static void ticks_are_round_and_few(void **state)
{
    (void)state;
    static const double ranges[][2] = {{0, 1},     {0, 7},        {-3, 12}, {0.00101, 0.0019},
                                       {1e6, 9e6}, {-1e-9, 1e-9}, {99, 101}};
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        for (int wanted = 3; wanted <= 9; wanted++) {
            double first, step, low = ranges[i][0], high = ranges[i][1];
            tr_chart_ticks(low, high, wanted, &first, &step);
            double digit = step / pow(10, floor(log10(step) + 1e-9));
            assert_true(fabs(digit - 1) < 1e-6 || fabs(digit - 2) < 1e-6 || fabs(digit - 5) < 1e-6);
            assert_true(first >= low - 1e-9 * step && first < low + step);
            assert_true((high - first) / step <= wanted + 1e-6);
            assert_true((high - first) / step >= wanted / 2.5 - 2);
            assert_true(fabs(first / step - round(first / step)) < 1e-6);
        }
}

static char *put_chart(const struct tr_chart *chart)
{
    char *out;
    size_t size;
    FILE *page = open_memstream(&out, &size);
    tr_chart_put(page, chart);
    fclose(page);
    assert_null(strstr(out, "nan"));
    assert_null(strstr(out, "inf"));
    return out;
}

static void gaps_interrupt_a_line_and_lone_points_show(void **state)
{
    (void)state;
    const double x[] = {0, 1, 2, 3, 4, 5}, y[] = {1, 2, NAN, 5, INFINITY, -7};
    struct tr_chart chart = {.id = "c",
                             .title = "A & B",
                             .x_label = "x",
                             .y_label = "y",
                             .width = 300,
                             .height = 200,
                             .series_count = 1,
                             .series = {{.name = "one", .x = x, .y = y, .count = 6}}};
    char *text = put_chart(&chart);
    assert_non_null(strstr(text, "<title id=\"c-title\">A &amp; B</title>"));
    assert_non_null(strstr(text, "one: from 1 at 0 to -7 at 5; lowest -7 at 5, highest 5 at 3."));
    int circles = 0; /* of the points at 3 and 5 */
    for (const char *at = text; (at = strstr(at, "<circle")); at++) circles++;
    assert_int_equal(circles, 2);
    free(text);
    chart.log_y = true; /* -7 has no place there */
    text = put_chart(&chart);
    assert_non_null(strstr(text, "one: from 1 at 0 to 5 at 3;"));
    free(text);
}

static void charts_of_nothing_and_of_one_value_are_drawn(void **state)
{
    (void)state;
    const double x[] = {3}, y[] = {0}, none[] = {NAN};
    struct tr_chart chart = {.id = "c",
                             .title = "t",
                             .x_label = "x",
                             .y_label = "y",
                             .width = 300,
                             .height = 200,
                             .series_count = 1,
                             .series = {{.name = "one", .x = x, .y = y, .count = 1}}};
    char *text = put_chart(&chart);
    assert_null(strstr(text, ">no values<"));
    free(text);
    chart.series[0].y = none;
    text = put_chart(&chart);
    assert_non_null(strstr(text, ">no values<"));
    free(text);
    chart.series_count = 0;
    free(put_chart(&chart));
}

/* 0.001 exp(-5 (1 - 19.999/40)^2), as training has it at the step before 20 kimg. */
static void the_step_size_shown_is_that_of_training(void **state)
{
    struct tr_run_log log = read_log(state, LINE("20"));
    struct tr_train_config config;
    struct nn_error err = {0};
    char *out;
    size_t size;
    FILE *page = open_memstream(&out, &size);
    assert_int_equal(tr_train_config_init(&config, "paper", 4, &err), NN_OK);
    config.lr_rampup_kimg = 40;
    assert_int_equal(tr_report_put_curves(page, &log, &config, &err), NN_OK);
    fclose(page);
    assert_non_null(strstr(out, "learning rate of the generator: from 0.0002865 at 20 "));
    free(out);
    tr_run_log_release(&log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_log_gives_its_numbers_and_nan_for_what_is_missing, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(bad_lines_are_named_and_left_out, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(a_run_that_went_back_shows_what_came_of_it, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(the_step_size_shown_is_that_of_training, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test(text_is_never_markup_and_always_utf8),
        cmocka_unit_test(base64_is_that_of_rfc_4648),
        cmocka_unit_test(ticks_are_round_and_few),
        cmocka_unit_test(gaps_interrupt_a_line_and_lone_points_show),
        cmocka_unit_test(charts_of_nothing_and_of_one_value_are_drawn),
    };
    return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
