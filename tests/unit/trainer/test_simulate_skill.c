/* What simulated learners answer, against the closed forms of signal detection. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "trainer/simulate/simulate_skill.h"

enum { TRIALS = 40000, ITEMS = 200 };

static double share_below(double z)
{
    return 0.5 * erfc(-z / sqrt(2));
}

static struct tr_skill skill_of(const char *text)
{
    struct tr_skill skill = tr_skill_default;
    assert_int_equal(tr_skill_read(text, &skill, NULL), NN_OK);
    return skill;
}

/* The share of yes among `TRIALS` images of one truth. */
static double share_of_yes(const struct tr_skill *skill, bool truth)
{
    int yes = 0;
    for (int i = 0; i < TRIALS; i++) {
        struct tr_skilled learner;
        tr_skilled_init(&learner, skill, 7, (uint64_t)(1 + i / ITEMS));
        yes += tr_skilled_answer(&learner, 0, 1 + i % ITEMS, TR_GAN, truth).yes;
    }
    return (double)yes / TRIALS;
}

static void hits_and_false_alarms_are_those_of_d_and_criterion(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double d, criterion, lapse;
    } cases[] = {{"d=1.5,criterion=0.3,lapse=0,spread=0", 1.5, 0.3, 0},
                 {"d=0,criterion=0,lapse=0,spread=0", 0, 0, 0},
                 {"d=2,criterion=-0.5,lapse=0.2,spread=0", 2, -0.5, 0.2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tr_skill skill = skill_of(cases[i].text);
        for (int truth = 0; truth < 2; truth++) {
            double mean = (truth ? 0.5 : -0.5) * cases[i].d;
            double wanted = share_below(mean - cases[i].criterion);
            wanted = (1 - cases[i].lapse) * wanted + cases[i].lapse / 2;
            double error = sqrt(wanted * (1 - wanted) / TRIALS);
            assert_float_equal(share_of_yes(&skill, truth), wanted, 4 * error);
        }
    }
}

static void sure_answers_are_far_from_the_criterion(void **state)
{
    (void)state;
    struct tr_skill skill = skill_of("d=0,lapse=0,spread=0");
    int count[4] = {0};
    struct tr_skilled learner;
    for (int i = 0; i < TRIALS; i++) {
        tr_skilled_init(&learner, &skill, 3, (uint64_t)(1 + i / ITEMS));
        count[tr_skilled_answer(&learner, 1, 1 + i % ITEMS, TR_LIBRARY, i % 2).confidence]++;
    }
    double perhaps = 2 * share_below(0.4) - 1, probably = 2 * share_below(1) - 1 - perhaps;
    assert_float_equal((double)count[1] / TRIALS, perhaps, 0.01);
    assert_float_equal((double)count[2] / TRIALS, probably, 0.01);
    assert_int_equal(count[0], 0);
}

static void response_times_are_log_normal(void **state)
{
    (void)state;
    struct tr_skill skill = skill_of("rt=3000,rt-sigma=0.7");
    double sum = 0, squares = 0;
    struct tr_skilled learner;
    for (int i = 0; i < TRIALS; i++) {
        tr_skilled_init(&learner, &skill, 5, (uint64_t)(1 + i / ITEMS));
        double x = log(tr_skilled_answer(&learner, 2, 1 + i % ITEMS, TR_GAN, true).response_ms / 3000);
        sum += x, squares += x * x;
    }
    assert_float_equal(sum / TRIALS, 0, 0.015);
    assert_float_equal(sqrt(squares / TRIALS), 0.7, 0.015);
}

static void an_image_teaches_by_its_source_whatever_is_looked_at_next(void **state)
{
    (void)state;
    struct tr_skill skill = skill_of("d=0.5,max=2.5,gan:learn=0.01,library:learn=0.03,library:d=1,spread=0");
    struct tr_skilled learner;
    tr_skilled_init(&learner, &skill, 1, 1);
    assert_float_equal(tr_skilled_d(&learner, TR_GAN), 0.5, 1e-12);
    assert_float_equal(tr_skilled_d(&learner, TR_LIBRARY), 1, 1e-12);
    for (int i = 0; i < 20; i++) tr_skilled_told(&learner, TR_GAN);
    for (int i = 0; i < 10; i++) tr_skilled_told(&learner, TR_LIBRARY);
    assert_float_equal(tr_skilled_d(&learner, TR_GAN), 0.5 + 2 * (1 - exp(-0.5)), 1e-12);
    assert_float_equal(tr_skilled_d(&learner, TR_LIBRARY), 1 + 1.5 * (1 - exp(-0.5)), 1e-12);
}

static void learners_differ_by_their_spread_and_are_the_same_each_time(void **state)
{
    (void)state;
    struct tr_skill skill = skill_of("d=3,spread=0.4");
    double sum = 0, squares = 0;
    for (uint64_t number = 1; number <= 4000; number++) {
        struct tr_skilled learner, again;
        tr_skilled_init(&learner, &skill, 9, number);
        tr_skilled_init(&again, &skill, 9, number);
        double x = tr_skilled_d(&learner, TR_GAN) - 3;
        sum += x, squares += x * x;
        assert_true(tr_skilled_d(&again, TR_GAN) - 3 == x);
        struct tr_response one = tr_skilled_answer(&learner, 3, 4, TR_GAN, true);
        struct tr_response two = tr_skilled_answer(&again, 3, 4, TR_GAN, true);
        assert_true(one.yes == two.yes && one.response_ms == two.response_ms);
    }
    assert_float_equal(sum / 4000, 0, 0.03);
    assert_float_equal(sqrt(squares / 4000), 0.4, 0.02);
}

static void a_skill_that_is_no_skill_changes_nothing(void **state)
{
    (void)state;
    static const char *const wrong[] = {"d",        "d=",     "d=x",         "d=7",  "d=nan", "speed=1",
                                        "d=1,,d=1", "real:d", "gan:lapse=0", "d=1 ", "=1",    "d=1,lapse=2"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct tr_skill skill = tr_skill_default;
        struct nn_error err = {0};
        assert_int_equal(tr_skill_read(wrong[i], &skill, &err), NN_ERR_ARGUMENT);
        assert_memory_equal(&skill, &tr_skill_default, sizeof skill);
        assert_true(*err.text);
    }
    assert_true(skill_of("library:max=3").max[TR_GAN] == tr_skill_default.max[TR_GAN]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hits_and_false_alarms_are_those_of_d_and_criterion),
        cmocka_unit_test(sure_answers_are_far_from_the_criterion),
        cmocka_unit_test(response_times_are_log_normal),
        cmocka_unit_test(an_image_teaches_by_its_source_whatever_is_looked_at_next),
        cmocka_unit_test(learners_differ_by_their_spread_and_are_the_same_each_time),
        cmocka_unit_test(a_skill_that_is_no_skill_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
