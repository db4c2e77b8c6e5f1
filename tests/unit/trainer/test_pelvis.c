/* Whole pelves: two hips of one person, where they lie on the picture, and that single hips stay as they
 * were. */
#include "trainer/phantom/phantom_image.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PATIENTS 3000
#define SEED 20

static void render(const struct phantom_patient hips[2], bool intact, int size, struct phantom_maps *m)
{
    struct nn_error err;
    assert_int_equal(phantom_maps_init(m, size, &err), NN_OK);
    assert_int_equal(phantom_render_pelvis(hips, intact, m, &err), NN_OK);
}

static size_t block_bytes(const struct phantom_maps *m)
{
    return 4 * sizeof(float) * (size_t)m->size * (size_t)m->size;
}

static bool is_broken(const struct phantom_patient *p)
{
    return p->fracture.type != PHANTOM_FRACTURE_NONE;
}

/* The first pelvis from `from` on whose hip `side` has a fracture of this grade. */
static uint64_t fractured(uint64_t from, int side, enum phantom_fracture_grade grade,
                          struct phantom_patient hips[2])
{
    for (uint64_t k = from; k < from + 20000; k++) {
        phantom_pelvis_draw(SEED, k, hips);
        if (hips[side].fracture.grade == grade) return k;
    }
    fail_msg("no pelvis is %s on side %d", phantom_grade_name(grade), side);
    return 0;
}

/* Means over a quarter of the side of three hips of seed 1, as they were before pelves came. Other processors
 * round otherwise, hence the tolerance of a tenth of a grey level. */
static void the_view_of_one_hip_is_what_it_was(void **state)
{
    (void)state;
    enum { SIZE = 64, CELL = SIZE / 4 };
    static const struct {
        uint64_t index;
        double mean[16];
    } known[] = {
        {0,
         {101.09, 122.59, 82.72, 22.53, 105.75, 137.78, 87.50, 23.26, 82.07, 85.36, 81.23, 22.02, 58.88,
          70.82, 78.01, 16.84}},
        {2,
         {96.40, 117.42, 88.03, 27.92, 94.48, 127.65, 107.07, 39.76, 73.00, 82.84, 103.73, 40.55, 60.57,
          77.52, 108.43, 38.25}},
        {3,
         {85.85, 96.24, 89.04, 32.65, 78.84, 110.57, 103.58, 43.12, 59.96, 76.92, 93.04, 49.73, 32.49, 58.87,
          88.48, 55.99}},
    };
    for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
        struct phantom_patient p;
        struct phantom_picture picture;
        phantom_patient_draw(1, known[k].index, 0, &p);
        assert_int_equal(phantom_picture_make(&p, SIZE, &picture, NULL), NN_OK);
        const uint8_t *grey = picture.film.pixels;
        for (int cell = 0; cell < 16; cell++) {
            double sum = 0.0;
            for (int i = 0; i < CELL * CELL; i++)
                sum += grey[(cell / 4 * CELL + i / CELL) * SIZE + cell % 4 * CELL + i % CELL];
            double mean = sum / (CELL * CELL);
            if (fabs(mean - known[k].mean[cell]) > 0.1)
                fail_msg("hip %d, cell %d: %.2f", (int)known[k].index, cell, mean);
        }
        phantom_picture_release(&picture);
    }
}

static void the_same_pelvis_gives_the_same_maps_and_another_one_others(void **state)
{
    (void)state;
    struct phantom_patient hips[2], other[2];
    struct phantom_maps a, b, c;
    phantom_pelvis_draw(SEED, 3, hips);
    phantom_pelvis_draw(SEED, 4, other);
    render(hips, false, 80, &a);
    render(hips, false, 80, &b);
    render(other, false, 80, &c);
    assert_memory_equal(a.bone, b.bone, block_bytes(&a));
    assert_memory_not_equal(a.bone, c.bone, block_bytes(&a));
    phantom_maps_release(&a);
    phantom_maps_release(&b);
    phantom_maps_release(&c);
}

static void its_hips_are_of_one_person_and_not_each_others_mirror_images(void **state)
{
    (void)state;
    for (uint64_t k = 0; k < 300; k++) {
        struct phantom_patient h[2], alone;
        phantom_pelvis_draw(SEED, k, h);
        phantom_patient_draw(SEED, k, 0, &alone);
        assert_true(h[0].left && !h[1].left && h[0].hip != h[1].hip);
        assert_true(h[0].age_years == h[1].age_years && h[0].head_mm == h[1].head_mm);
        assert_true(h[0].age_years == alone.age_years && h[0].head_mm == alone.head_mm &&
                    h[0].singh == alone.singh);
        assert_true(h[0].frame_mm == h[1].frame_mm && h[0].midline_mm == h[1].midline_mm);
        assert_true(h[0].pelvic_tilt_deg == h[1].pelvic_tilt_deg &&
                    h[0].pelvic_turn_deg == -h[1].pelvic_turn_deg &&
                    h[0].frame_roll_deg == -h[1].frame_roll_deg);
        assert_true(h[0].neck_shaft_deg != h[1].neck_shaft_deg &&
                    fabsf(h[0].neck_shaft_deg - h[1].neck_shaft_deg) < 9.0f);
        assert_true(h[0].rotation_deg != h[1].rotation_deg);
    }
}

static void either_side_is_fractured_as_often_and_never_both(void **state)
{
    (void)state;
    int broken[2] = {0};
    for (uint64_t k = 0; k < PATIENTS; k++) {
        struct phantom_patient h[2];
        phantom_pelvis_draw(SEED, k, h);
        for (int side = 0; side < 2; side++) broken[side] += is_broken(&h[side]);
        assert_false(is_broken(&h[0]) && is_broken(&h[1]));
    }
    for (int side = 0; side < 2; side++) assert_true(fabs((double)broken[side] / PATIENTS - 0.28) < 0.03);
}

static void boxes_lie_on_the_picture_side_by_side(void **state)
{
    (void)state;
    for (uint64_t k = 0; k < PATIENTS; k++) {
        struct phantom_patient h[2];
        struct phantom_box box[2];
        phantom_pelvis_draw(SEED, k, h);
        for (int side = 0; side < 2; side++) {
            box[side] = phantom_hip_box(&h[side], 256);
            const struct phantom_box *b = &box[side];
            if (b->x < 0 || b->y < 0 || b->x + b->side > 256 || b->y + b->side > 256)
                fail_msg("patient %d: box of %.1f at %.1f, %.1f", (int)k, (double)b->side, (double)b->x,
                         (double)b->y);
            assert_true(b->side > 90 && b->side < 135);
        }
        float apart = box[0].x - box[1].x; /* a left hip is on the right of the picture */
        assert_true(apart > 0.7f * box[0].side && apart < 1.15f * box[0].side);
    }
}

/* A left hip and the same as a right one, in the middle of the picture. */
static void boxes_of_mirrored_hips_are_mirrored(void **state)
{
    (void)state;
    struct phantom_patient h[2];
    phantom_pelvis_draw(SEED, 8, h);
    h[0].frame_x_mm = h[0].midline_mm;
    h[0].frame_roll_deg = h[0].pelvic_turn_deg = 0.0f;
    h[1] = h[0];
    h[1].left = false;
    struct phantom_box left = phantom_hip_box(&h[0], 200), right = phantom_hip_box(&h[1], 200);
    assert_true(fabsf(right.x + right.side - (200 - left.x)) < 1e-2f && fabsf(right.y - left.y) < 1e-2f);
    /* a little more lateral and caudal of the head than it is medial and cranial */
    float d = left.side / 4.05f, x = 100 + h[0].midline_mm / h[0].frame_mm * 200;
    assert_true(fabsf(left.x + 0.5f * left.side - x - 0.13f * d) < 0.5f);
}

/* Somebody who lies three pixels further to the left and two lower has the same bones there. */
static void boxes_go_where_the_bones_go(void **state)
{
    (void)state;
    enum { SIZE = 96, RIGHT = 3, DOWN = 2 };
    struct phantom_patient h[2], moved[2];
    struct phantom_maps a, b;
    phantom_pelvis_draw(SEED, 5, h);
    memcpy(moved, h, sizeof moved);
    float pitch = h[0].frame_mm / SIZE;
    for (int side = 0; side < 2; side++) {
        moved[side].frame_x_mm += pitch * (side == 0 ? RIGHT : -RIGHT);
        moved[side].frame_y_mm += pitch * DOWN;
        struct phantom_box was = phantom_hip_box(&h[side], SIZE), is = phantom_hip_box(&moved[side], SIZE);
        assert_true(fabsf(is.x - was.x - RIGHT) < 1e-3f && fabsf(is.y - was.y - DOWN) < 1e-3f);
        assert_true(fabsf(is.side - was.side) < 1e-3f);
    }
    render(h, true, SIZE, &a);
    render(moved, true, SIZE, &b);
    double change = 0.0, bone = 0.0;
    for (int y = 0; y < SIZE - DOWN; y++)
        for (int x = 0; x < SIZE - RIGHT; x++) {
            change += fabsf(a.bone[y * SIZE + x] - b.bone[(y + DOWN) * SIZE + x + RIGHT]);
            bone += a.bone[y * SIZE + x];
        }
    assert_true(change < 0.01 * bone);
    phantom_maps_release(&a);
    phantom_maps_release(&b);
}

/* How much brighter a ring of this radius about (x, y) is over the head than those beside it. */
static double ring(const struct phantom_maps *m, double x, double y, double radius, double apart)
{
    double sum = 0.0;
    for (int k = -1; k <= 1; k++)
        for (int i = -20; i <= 20; i++) {
            double r = radius + k * apart, u = x + r * sin(0.03 * i), v = y - r * cos(0.03 * i);
            sum += (k == 0 ? 2.0 : -1.0) * (double)m->bone[(int)v * m->size + (int)u];
        }
    return sum;
}

/* The roof's dense plate lies over the head at the distance of the joint space, and nowhere else as well. */
static void the_head_is_where_the_box_says(void **state)
{
    (void)state;
    enum { SIZE = 512 };
    for (uint64_t k = 0; k < 8; k++) {
        struct phantom_patient h[2];
        struct phantom_maps m;
        phantom_pelvis_draw(SEED, k, h);
        render(h, true, SIZE, &m);
        for (int side = 0; side < 2; side++) {
            struct phantom_box b = phantom_hip_box(&h[side], SIZE);
            double d = (double)b.side / 4.05, space = (double)(h[side].joint_mm / m.pitch_mm);
            double x = (double)b.x + (2.025 - (side == 0 ? 0.13 : -0.13)) * d,
                   y = (double)b.y + (2.025 - 0.31) * d, best = 0.0, shift = 1.0;
            for (double s = -0.2; s < 0.2; s += 0.01) {
                double found = ring(&m, x, y + s * d, 0.5 * d + 1.25 * space, space);
                if (found > best) best = found, shift = s;
            }
            if (fabs(shift) > 0.06) fail_msg("pelvis %d side %d: %.2f D off", (int)k, side, shift);
        }
        phantom_maps_release(&m);
    }
}

static void a_fracture_changes_its_own_hip_within_its_box(void **state)
{
    (void)state;
    enum { SIZE = 192 };
    for (int side = 0; side < 2; side++)
        for (int grade = PHANTOM_HAIRLINE; grade < PHANTOM_FRACTURE_GRADES; grade++) {
            struct phantom_patient h[2];
            struct phantom_maps broken, intact;
            float column, row;
            fractured((uint64_t)(100 * grade), side, grade, h);
            render(h, false, SIZE, &broken);
            render(h, true, SIZE, &intact);
            assert_true(phantom_fracture_site(&h[side], SIZE, &column, &row));
            assert_false(phantom_fracture_site(&h[1 - side], SIZE, &column, &row));
            phantom_fracture_site(&h[side], SIZE, &column, &row);
            struct phantom_box b = phantom_hip_box(&h[side], SIZE);
            assert_true(column > b.x && column < b.x + b.side && row > b.y && row < b.y + b.side);
            assert_true(intact.bone[(int)(row + 0.5f) * SIZE + (int)(column + 0.5f)] > 0.05f);
            float near = 0.0f;
            for (int y = 0; y < SIZE; y++)
                for (int x = 0; x < SIZE; x++) {
                    int i = y * SIZE + x;
                    float change = fabsf(broken.bone[i] - intact.bone[i]);
                    if (hypotf((float)x - column, (float)y - row) * intact.pitch_mm < 35.0f)
                        near = fmaxf(near, change);
                    bool other_half = side == 0 ? x < SIZE / 2 - 12 : x > SIZE / 2 + 12;
                    if (other_half) assert_true(change == 0.0f && broken.soft[i] == intact.soft[i]);
                }
            assert_true(near > 0.04f);
            phantom_maps_release(&broken);
            phantom_maps_release(&intact);
        }
}

static void paths_are_finite_and_as_long_as_a_body_is_thick(void **state)
{
    (void)state;
    for (uint64_t k = 0; k < 30; k++) {
        struct phantom_patient h[2];
        struct phantom_maps m;
        phantom_pelvis_draw(SEED, k, h);
        render(h, false, 64, &m);
        float thickest = 0.0f;
        for (int i = 0; i < m.size * m.size; i++) {
            assert_true(m.bone[i] >= 0.0f && m.soft[i] >= 0.0f && m.fat[i] >= -1e-3f && m.metal[i] >= 0.0f);
            thickest = fmaxf(thickest, m.bone[i] + m.soft[i] + m.fat[i]);
        }
        assert_true(thickest > 0.08f * h[0].thickness_mm && thickest < 0.13f * h[0].thickness_mm + 6.0f);
        phantom_maps_release(&m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_view_of_one_hip_is_what_it_was),
        cmocka_unit_test(the_same_pelvis_gives_the_same_maps_and_another_one_others),
        cmocka_unit_test(its_hips_are_of_one_person_and_not_each_others_mirror_images),
        cmocka_unit_test(either_side_is_fractured_as_often_and_never_both),
        cmocka_unit_test(boxes_lie_on_the_picture_side_by_side),
        cmocka_unit_test(boxes_of_mirrored_hips_are_mirrored),
        cmocka_unit_test(boxes_go_where_the_bones_go),
        cmocka_unit_test(the_head_is_where_the_box_says),
        cmocka_unit_test(a_fracture_changes_its_own_hip_within_its_box),
        cmocka_unit_test(paths_are_finite_and_as_long_as_a_body_is_thick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
