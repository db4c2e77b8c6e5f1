/* Maps of where a finding is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/images/location_map.h"

enum { SIDE = 256 };

static uint8_t a[SIDE * SIDE], b[SIDE * SIDE], map[SIDE * SIDE], other[SIDE * SIDE];

static void draw(const uint8_t *x, const uint8_t *y, uint8_t *to)
{
    struct nn_error err = {0};
    assert_int_equal(srv_difference_map(x, y, SIDE, to, &err), NN_OK);
}

static int set_noise(void **state)
{
    (void)state;
    for (int i = 0; i < SIDE * SIDE; i++) a[i] = (uint8_t)((i * 2654435761u) >> 24);
    memcpy(b, a, sizeof b);
    return 0;
}

/* A square of 16 pixels that is `by` darker in b, from (x, y) on. */
static void change(int x, int y, int by)
{
    for (int i = 0; i < 16; i++)
        for (int k = 0; k < 16; k++) {
            a[(y + i) * SIDE + x + k] = 100;
            b[(y + i) * SIDE + x + k] = (uint8_t)(100 - by);
        }
}

static void images_that_agree_give_black(void **state)
{
    (void)state;
    draw(a, b, map);
    for (int i = 0; i < SIDE * SIDE; i++) assert_int_equal(map[i], 0);
}

static void it_is_brightest_in_the_middle_of_what_changed_and_black_far_away(void **state)
{
    (void)state;
    int best = 0;
    change(150, 40, 32);
    draw(a, b, map);
    for (int i = 0; i < SIDE * SIDE; i++)
        if (map[i] > map[best]) best = i;
    assert_in_range(best % SIDE, 150, 165);
    assert_in_range(best / SIDE, 40, 55);
    assert_int_equal(map[48 * SIDE + 158], 32 * 255 / DIFFERENCE_FULL);
    assert_int_equal(map[48 * SIDE + 158 - 30], 0);
    assert_int_equal(map[(48 + 30) * SIDE + 158], 0);
}

static void it_is_the_same_from_either_side_and_brighter_the_more_has_changed(void **state)
{
    (void)state;
    change(20, 200, 10);
    change(200, 20, 90);
    draw(a, b, map);
    draw(b, a, other);
    assert_memory_equal(map, other, sizeof map);
    assert_int_equal(map[208 * SIDE + 28], 10 * 255 / DIFFERENCE_FULL);
    assert_int_equal(map[28 * SIDE + 208], 255);
}

/* Of a change at the border, what is blurred beyond it is lost, nothing comes in at the other side. */
static void a_change_at_the_border_stays_there(void **state)
{
    (void)state;
    change(0, 0, 60);
    change(SIDE - 16, SIDE - 16, 60);
    draw(a, b, map);
    assert_true(map[0] > 0 && map[SIDE * SIDE - 1] > 0);
    assert_int_equal(map[SIDE - 1], 0);
    assert_int_equal(map[(SIDE - 1) * SIDE], 0);
}

static void a_map_fades_with_the_distance_from_the_middle(void **state)
{
    (void)state;
    memset(map, 255, sizeof map);
    map[100 * SIDE + 64] = 0;
    srv_location_narrow(map, SIDE, 0.25, 0.5);
    assert_true(map[128 * SIDE + 64] >= 254);
    assert_in_range(map[128 * SIDE + 64 + SIDE / 12], 150, 158); /* 255 exp(-1/2) at one deviation */
    assert_in_range(map[(128 + SIDE / 12) * SIDE + 64], 150, 158);
    assert_int_equal(map[128 * SIDE + 64 + SIDE / 2], 0);
    assert_int_equal(map[100 * SIDE + 64], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(images_that_agree_give_black, set_noise),
        cmocka_unit_test_setup(it_is_brightest_in_the_middle_of_what_changed_and_black_far_away, set_noise),
        cmocka_unit_test_setup(it_is_the_same_from_either_side_and_brighter_the_more_has_changed, set_noise),
        cmocka_unit_test(a_map_fades_with_the_distance_from_the_middle),
        cmocka_unit_test_setup(a_change_at_the_border_stays_there, set_noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
