/* What is told of several readers, to those who may know all and to those who must not find single ones. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "server/api/results/readings_json.h"

enum { TRIALS = 80, GUESSED = 20 };

/* Readers who guess at first and then know, the more of them right the longer the name. */
static void answer_all(struct srv_readings *readings, int readers)
{
    for (int r = 0; r < readers; r++) {
        char name[24];
        snprintf(name, sizeof name, "reader %d", r);
        for (int n = 0; n < TRIALS; n++) {
            bool signal = n / 2 % 2, correct = n % 2 || (n >= GUESSED && (n * 7 + r) % 11);
            srv_readings_add(readings, &(struct srv_reading){.reader = name,
                                                             .class_name = signal ? "fracture" : "none",
                                                             .source = "gan",
                                                             .truth = signal ? "yes" : "no",
                                                             .correct = correct,
                                                             .rating = signal == correct ? 5 : 2,
                                                             .response_ms = 1000 + 7 * n + r});
        }
    }
    assert_false(readings->failed);
}

static json_t *told(int readers, int fewest)
{
    struct srv_readings readings = {0};
    struct srv_readings_means means;
    answer_all(&readings, readers);
    json_t *json = srv_readings_json(&readings, fewest, &means);
    assert_non_null(json);
    srv_readings_release(&readings);
    return json;
}

static double fitted(const json_t *json, const char *parameter)
{
    const json_t *fit = json_object_get(json_object_get(json, "learning_curve"), "fit");
    const json_t *value = json_object_get(fit, parameter);
    assert_true(json_is_real(value));
    return json_real_value(value);
}

static void what_was_fitted_is_rounded_as_the_means_are(void **state)
{
    static const struct {
        const char *parameter;
        double step;
    } rounded[] = {{"start", 0.01}, {"asymptote", 0.01}, {"last", 0.01}, {"rate", 0.001}};
    (void)state;
    json_t *all = told(5, 1), *some = told(5, 5);
    for (size_t i = 0; i < sizeof rounded / sizeof *rounded; i++) {
        double exact = fitted(all, rounded[i].parameter), near = fitted(some, rounded[i].parameter);
        assert_true(fabs(near - exact) <= rounded[i].step / 2 + 1e-12);
        assert_true(fabs(near / rounded[i].step - round(near / rounded[i].step)) < 1e-9);
    }
    assert_true(fitted(all, "asymptote") != fitted(some, "asymptote"));
    json_decref(all);
    json_decref(some);
}

static void nothing_is_told_of_fewer_than_it_takes(void **state)
{
    (void)state;
    json_t *json = told(4, 5);
    const json_t *curve = json_object_get(json, "learning_curve");
    assert_true(json_is_null(json_object_get(json, "readers")));
    assert_true(json_is_null(json_object_get(json_object_get(json, "accuracy"), "value")));
    assert_int_equal(json_array_size(json_object_get(json, "roc")), 0);
    assert_int_equal(json_array_size(json_object_get(curve, "average")), 0);
    assert_true(json_is_null(json_object_get(curve, "fit")));
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_fitted_is_rounded_as_the_means_are),
        cmocka_unit_test(nothing_is_told_of_fewer_than_it_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
