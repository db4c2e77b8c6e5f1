/* What inspect says of images that look alike. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>
#include <jansson.h>

#include "engine/rng.h"
#include "trainer/inspect/inspect_looks.h"

/* Two copies of each picture, the second ones far from the first. */
static void the_first_pairs_are_named_in_the_tables_order(void **state)
{
    enum { PICTURES = 4000, COUNT = 2 * PICTURES };
    static char files[COUNT][12];
    static struct tr_look looks[COUNT];
    (void)state;
    for (int i = 0; i < COUNT; i++) {
        snprintf(files[i], sizeof files[i], "%d", i);
        looks[i] = (struct tr_look){.file = files[i], .label = "a", .split = i % 2 ? "test" : "train"};
        for (int w = 0; w < TR_PICTURE_HASH_WORDS; w++)
            for (int b = 0; b < 64; b++)
                looks[i].hash.bits[w] |=
                    (uint64_t)(nn_random_uniform(1, (uint64_t)(i % PICTURES), (uint64_t)(64 * w + b)) < 0.5f)
                    << b;
    }
    json_t *facts = json_object();
    tr_inspect_looks(facts, looks, COUNT);
    assert_int_equal(json_integer_value(json_object_get(facts, "pairs_that_look_alike")), PICTURES);
    assert_int_equal(json_integer_value(json_object_get(facts, "alike_in_both_splits")), 0);
    for (int i = 0; i < 5; i++) {
        char pair[32];
        snprintf(pair, sizeof pair, "%d and %d", i, i + PICTURES);
        assert_string_equal(json_string_value(json_array_get(json_object_get(facts, "alike"), (size_t)i)),
                            pair);
    }
    json_decref(facts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_first_pairs_are_named_in_the_tables_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
