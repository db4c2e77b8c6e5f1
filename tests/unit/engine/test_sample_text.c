/* What the file of a sample says about itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/rng.h"
#include "engine/sample_text.h"

static const struct nn_model_info MODEL = {.name = "hips",
                                           .sha256 = "ab12",
                                           .class_count = 2,
                                           .label_count = 2,
                                           .classes = {"no_fracture", "fracture"}};

static void assert_texts(const struct nn_sample_texts *texts, const struct nn_png_text *wanted, int count)
{
    assert_int_equal(texts->count, count);
    for (int i = 0; i < count; i++) {
        assert_string_equal(texts->list[i].keyword, wanted[i].keyword);
        if (wanted[i].text) assert_string_equal(texts->list[i].text, wanted[i].text);
    }
}

static void a_sample_of_a_class_names_model_label_and_seed(void **state)
{
    (void)state;
    struct nn_sample_texts texts;
    const struct nn_sample_request request = {UINT64_MAX, 1, 0.7f, 0.9f};
    struct nn_sample_point point = nn_sample_point_of(&MODEL, &request);
    const struct nn_png_text wanted[] = {
        {"Disclaimer", NULL},  {"Origin", "synthetic"},   {"Training data", "real"},
        {"Model", "hips"},     {"Model SHA-256", "ab12"}, {"Seed", "18446744073709551615"},
        {"Label", "fracture"}, {"Strength", "0.7"},       {"Label vector", NULL},
        {"Truncation", "0.9"}, {"Software", "test 1"},
    };
    nn_sample_texts_init(&texts, &MODEL, &point, "fracture", request.strength, "test 1");
    assert_texts(&texts, wanted, 11);
    float first, second;
    assert_int_equal(sscanf(texts.vector, "%f,%f", &first, &second), 2);
    assert_true(first == point.labels[0] && second == point.labels[1]);
}

static void a_point_between_seeds_and_labels_names_both_ends(void **state)
{
    (void)state;
    struct nn_sample_texts texts;
    struct nn_model_info model = MODEL;
    model.simulated = true;
    const struct nn_sample_point point = {
        .seed = 1, .seed_to = 2, .blend = 0.25f, .labels = {0.2f, 0.8f}, .truncation = 1};
    const struct nn_png_text wanted[] = {
        {"Disclaimer", NULL}, {"Origin", "synthetic"},   {"Training data", "simulated"},
        {"Model", "hips"},    {"Model SHA-256", "ab12"}, {"Seed", "1"},
        {"Seed to", "2"},     {"Blend", "0.25"},         {"Label vector", "0.2,0.8"},
        {"Truncation", "1"},  {"Software", "s"},
    };
    nn_sample_texts_init(&texts, &model, &point, NULL, 1, "s");
    assert_texts(&texts, wanted, 11);
}

static void numbers_are_short_and_read_back_exactly(void **state)
{
    (void)state;
    char text[NN_FLOAT_TEXT_MAX];
    for (uint64_t i = 0; i < 2000; i++) {
        float value = nn_random_uniform(1, 2, i);
        nn_float_text(value, text);
        assert_true(strtof(text, NULL) == value);
    }
    nn_float_text(0.1f, text);
    assert_string_equal(text, "0.1");
    nn_float_text(0, text);
    assert_string_equal(text, "0");
}

static void the_longest_vector_fits(void **state)
{
    (void)state;
    float values[NN_CLASSES_MAX];
    char text[NN_VECTOR_TEXT_MAX];
    for (int k = 0; k < NN_CLASSES_MAX; k++) values[k] = 1.17549449e-38f;
    nn_vector_text(values, NN_CLASSES_MAX, text);
    int commas = 0;
    for (const char *c = text; *c; c++) commas += *c == ',';
    assert_int_equal(commas, NN_CLASSES_MAX - 1);
    assert_true(strtof(strrchr(text, ',') + 1, NULL) == values[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sample_of_a_class_names_model_label_and_seed),
        cmocka_unit_test(a_point_between_seeds_and_labels_names_both_ends),
        cmocka_unit_test(numbers_are_short_and_read_back_exactly),
        cmocka_unit_test(the_longest_vector_fits),
    };
    return cmocka_run_group_tests_name("sample_text", tests, NULL, NULL);
}
