/* How long parts will take: sums of work, and words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "trainer/evaluate/part_time.h"
#include "trainer/progress.h"

static void time_is_told_in_the_unit_that_fits(void **state)
{
    (void)state;
    static const struct {
        double seconds;
        const char *text;
    } cases[] = {{0, "0 s"},        {89, "89 s"},         {90, "2 min"},
                 {7000, "117 min"}, {7200, "2 h 00 min"}, {180000, "2 d 2 h"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[32];
        assert_string_equal(tr_duration_text(cases[i].seconds, text), cases[i].text);
    }
}

static void work_is_summed_at_the_pace_that_was_measured(void **state)
{
    (void)state;
    const struct tr_pace pace = {.learn = 0.5, .look = 0.25, .draw = 2};
    assert_true(tr_part_seconds(&pace, (struct tr_part_work){10, 4, 3}) == 12);
    assert_true(tr_network_cost(TR_RESNET18, 64, 64) == 1);
    assert_true(tr_network_cost(TR_RESNET18, 128, 64) == 4);
    assert_in_range(tr_network_cost(TR_VGG16, 224, 224), 8, 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_is_told_in_the_unit_that_fits),
        cmocka_unit_test(work_is_summed_at_the_pace_that_was_measured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
