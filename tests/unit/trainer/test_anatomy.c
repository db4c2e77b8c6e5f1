/* The virtual patients and their material maps: what must hold for every seed. */
#include "trainer/phantom/anatomy.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PATIENTS 4000
#define SEED 20

static void render(const struct phantom_patient *p, bool intact, int size, struct phantom_maps *m)
{
    struct nn_error err;
    assert_int_equal(phantom_maps_init(m, size, &err), NN_OK);
    assert_int_equal(phantom_render(p, intact, m, &err), NN_OK);
}

static size_t block_bytes(const struct phantom_maps *m)
{
    return 4 * sizeof(float) * (size_t)m->size * (size_t)m->size;
}

/* The n-th patient with a fracture of this type; any grade when grade is 0. */
static struct phantom_patient fractured(enum phantom_fracture_type type, enum phantom_fracture_grade grade)
{
    struct phantom_patient p;
    for (uint64_t k = 0; k < 20000; k++) {
        phantom_patient_draw(SEED, k, 0, &p);
        if (p.fracture.type == type && (grade == PHANTOM_GRADE_NONE || p.fracture.grade == grade)) return p;
    }
    fail_msg("no %s, %s in 20000 patients", phantom_fracture_name(type), phantom_grade_name(grade));
    return p;
}

static void the_same_patient_gives_the_same_maps_on_any_thread(void **state)
{
    (void)state;
    enum { COPIES = 4 };
    struct phantom_patient p;
    struct phantom_maps alone, shared[COPIES];
    phantom_patient_draw(SEED, 7, 0, &p);
    render(&p, false, 96, &alone);
    nn_status status[COPIES];
    for (int k = 0; k < COPIES; k++) assert_int_equal(phantom_maps_init(&shared[k], 96, NULL), NN_OK);
#pragma omp parallel for num_threads(COPIES) schedule(static, 1)
    for (int k = 0; k < COPIES; k++) {
        struct phantom_patient own;
        phantom_patient_draw(SEED, 7, 0, &own);
        status[k] = phantom_render(&own, false, &shared[k], NULL);
    }
    for (int k = 0; k < COPIES; k++) {
        assert_int_equal(status[k], NN_OK);
        assert_memory_equal(shared[k].bone, alone.bone, block_bytes(&alone));
        phantom_maps_release(&shared[k]);
    }
    phantom_maps_release(&alone);
}

static void other_patients_and_seeds_give_other_maps(void **state)
{
    (void)state;
    struct phantom_patient p, q, r;
    struct phantom_maps a, b, c;
    phantom_patient_draw(SEED, 1, 0, &p);
    phantom_patient_draw(SEED, 2, 0, &q);
    phantom_patient_draw(SEED + 1, 1, 0, &r);
    render(&p, false, 48, &a);
    render(&q, false, 48, &b);
    render(&r, false, 48, &c);
    assert_memory_not_equal(a.bone, b.bone, block_bytes(&a));
    assert_memory_not_equal(a.bone, c.bone, block_bytes(&a));
    phantom_maps_release(&a);
    phantom_maps_release(&b);
    phantom_maps_release(&c);
}

static void paths_are_finite_and_as_long_as_a_body_is_thick(void **state)
{
    (void)state;
    for (uint64_t k = 0; k < 40; k++) {
        struct phantom_patient p;
        struct phantom_maps m;
        phantom_patient_draw(SEED, k, 0, &p);
        render(&p, false, 64, &m);
        float thickest = 0.0f, bone = 0.0f;
        for (int i = 0; i < m.size * m.size; i++) {
            assert_true(m.bone[i] >= 0.0f && m.soft[i] >= 0.0f && m.fat[i] >= -1e-3f && m.metal[i] >= 0.0f);
            thickest = fmaxf(thickest, m.bone[i] + m.soft[i] + m.fat[i]);
            bone = fmaxf(bone, m.bone[i]);
        }
        assert_true(thickest > 0.07f * p.thickness_mm && thickest < 0.13f * p.thickness_mm + 3.0f);
        assert_true(bone > 1.0f && bone < 9.0f);
        phantom_maps_release(&m);
    }
}

static void a_coarse_picture_shows_the_same_bones_as_a_fine_one(void **state)
{
    (void)state;
    struct phantom_patient p;
    struct phantom_maps coarse, fine;
    phantom_patient_draw(SEED, 11, 0, &p);
    render(&p, false, 64, &coarse);
    render(&p, false, 256, &fine);
    double a = 0.0, b = 0.0;
    for (int i = 0; i < 64 * 64; i++) a += coarse.bone[i];
    for (int i = 0; i < 256 * 256; i++) b += fine.bone[i] / 16.0;
    assert_true(fabs(a / b - 1.0) < 0.03);
    assert_true(fabsf(coarse.pitch_mm / fine.pitch_mm - 4.0f) < 1e-3f);
    phantom_maps_release(&coarse);
    phantom_maps_release(&fine);
}

static void twins_without_a_fracture_are_equal(void **state)
{
    (void)state;
    struct phantom_patient p = fractured(PHANTOM_FRACTURE_NONE, PHANTOM_GRADE_NONE);
    struct phantom_maps a, b;
    float column, row;
    render(&p, false, 64, &a);
    render(&p, true, 64, &b);
    assert_memory_equal(a.bone, b.bone, block_bytes(&a));
    assert_false(phantom_fracture_site(&p, 64, &column, &row));
    phantom_maps_release(&a);
    phantom_maps_release(&b);
}

/* Pelvis and the soft tissue beside the femur keep their bytes; at the fracture something has changed. */
static void twins_differ_at_the_fracture_and_in_the_femur_only(void **state)
{
    (void)state;
    enum { SIZE = 192 };
    for (int type = PHANTOM_SUBCAPITAL; type < PHANTOM_FRACTURE_TYPES; type++)
        for (int grade = PHANTOM_HAIRLINE; grade < PHANTOM_FRACTURE_GRADES; grade++) {
            struct phantom_patient p = fractured(type, grade);
            struct phantom_maps broken, intact;
            float column, row, near = 0.0f;
            render(&p, false, SIZE, &broken);
            render(&p, true, SIZE, &intact);
            assert_true(phantom_fracture_site(&p, SIZE, &column, &row));
            /* the femur does not reach further medially than this, rotated and displaced as it may be */
            float left = 0.5f * SIZE + (p.frame_x_mm - 0.5f * p.head_mm - 30.0f) / broken.pitch_mm;
            for (int y = 0; y < SIZE; y++)
                for (int x = 0; x < SIZE; x++) {
                    int i = y * SIZE + x;
                    float change = fabsf(broken.bone[i] - intact.bone[i]);
                    float away = hypotf((float)x - column, (float)y - row) * broken.pitch_mm;
                    if (away < 35.0f) near = fmaxf(near, change);
                    bool above = (float)y < 0.5f * SIZE + (p.frame_y_mm - 1.5f * p.head_mm) / broken.pitch_mm;
                    if ((float)x < left || above) {
                        assert_true(change == 0.0f);
                        assert_true(broken.soft[i] == intact.soft[i] && broken.fat[i] == intact.fat[i]);
                    }
                    assert_true(broken.metal[i] == intact.metal[i]);
                }
            assert_true(near > 0.05f);
            phantom_maps_release(&broken);
            phantom_maps_release(&intact);
        }
}

/* However far the shaft goes, the middle of the head stays where it was. */
static void the_head_stays_in_its_socket(void **state)
{
    (void)state;
    enum { SIZE = 128 };
    struct phantom_patient p = fractured(PHANTOM_INTERTROCHANTERIC, PHANTOM_DISPLACED);
    struct phantom_maps broken, intact;
    render(&p, false, SIZE, &broken);
    render(&p, true, SIZE, &intact);
    float x0 = 0.5f * SIZE + (p.frame_x_mm - 0.2f * p.head_mm) / broken.pitch_mm;
    float y0 = 0.5f * SIZE + (p.frame_y_mm - 0.2f * p.head_mm) / broken.pitch_mm;
    double change = 0.0, bone = 0.0;
    for (int y = (int)y0 - 5; y <= (int)y0 + 5; y++)
        for (int x = (int)x0 - 5; x <= (int)x0 + 5; x++) {
            change += fabsf(broken.bone[y * SIZE + x] - intact.bone[y * SIZE + x]);
            bone += intact.bone[y * SIZE + x];
        }
    assert_true(bone / 121.0 > 0.4);
    assert_true(change < 0.12 * bone);
    phantom_maps_release(&broken);
    phantom_maps_release(&intact);
}

static void the_fracture_site_lies_on_bone(void **state)
{
    (void)state;
    enum { SIZE = 64 };
    for (int type = PHANTOM_SUBCAPITAL; type < PHANTOM_FRACTURE_TYPES; type++) {
        struct phantom_patient p = fractured(type, PHANTOM_GRADE_NONE);
        struct phantom_maps m;
        float column, row;
        render(&p, true, SIZE, &m);
        assert_true(phantom_fracture_site(&p, SIZE, &column, &row));
        int x = (int)roundf(column), y = (int)roundf(row);
        assert_in_range(x, 0, SIZE - 1);
        assert_in_range(y, 0, SIZE - 1);
        assert_true(m.bone[y * SIZE + x] > 0.05f);
        phantom_maps_release(&m);
    }
}

static void every_type_and_grade_of_fracture_occurs_and_28_percent_are_broken(void **state)
{
    (void)state;
    int images = 0, broken = 0, types[PHANTOM_FRACTURE_TYPES] = {0}, grades[PHANTOM_FRACTURE_GRADES] = {0};
    for (uint64_t k = 0; k < PATIENTS; k++)
        for (int hip = 0; hip < phantom_hip_count(SEED, k); hip++) {
            struct phantom_patient p;
            phantom_patient_draw(SEED, k, hip, &p);
            images++;
            broken += p.fracture.type != PHANTOM_FRACTURE_NONE;
            types[p.fracture.type]++;
            grades[p.fracture.grade]++;
            assert_int_equal(p.fracture.type == PHANTOM_FRACTURE_NONE,
                             p.fracture.grade == PHANTOM_GRADE_NONE);
        }
    assert_true(fabs((double)broken / images - 0.28) < 0.02);
    for (int t = PHANTOM_SUBCAPITAL; t < PHANTOM_FRACTURE_TYPES; t++) assert_true(types[t] > 40);
    for (int g = PHANTOM_HAIRLINE; g < PHANTOM_FRACTURE_GRADES; g++) assert_true(grades[g] > 80);
    assert_true(types[PHANTOM_SUBCAPITAL] > types[PHANTOM_TRANSCERVICAL]);
}

static void two_hips_share_the_person_and_at_most_one_is_broken(void **state)
{
    (void)state;
    int pairs = 0;
    for (uint64_t k = 0; k < 300; k++) {
        struct phantom_patient a, b;
        phantom_patient_draw(SEED, k, 0, &a);
        assert_in_range(a.hips, 1, 2);
        assert_int_equal(a.hips, phantom_hip_count(SEED, k));
        if (a.hips == 1) continue;
        phantom_patient_draw(SEED, k, 1, &b);
        assert_true(a.sex == b.sex && a.age_years == b.age_years && a.head_mm == b.head_mm &&
                    a.density == b.density && a.singh == b.singh);
        assert_int_not_equal(a.left, b.left);
        assert_true(a.rotation_deg != b.rotation_deg);
        assert_true(a.fracture.type == PHANTOM_FRACTURE_NONE || b.fracture.type == PHANTOM_FRACTURE_NONE);
        pairs++;
    }
    assert_in_range(pairs, 60, 120);
}

/* ---- distributions ---- */

struct moments {
    double n, sum, square;
};
static void moments_add(struct moments *m, double v)
{
    m->n += 1.0;
    m->sum += v;
    m->square += v * v;
}
static double mean_of(const struct moments *m)
{
    return m->sum / m->n;
}
static double variance_of(const struct moments *m)
{
    return m->square / m->n - mean_of(m) * mean_of(m);
}

#define NUMBER(field)                                                                                        \
    {                                                                                                        \
#field, offsetof(struct phantom_patient, field)                                                      \
    }
static const struct {
    const char *name;
    size_t offset;
} NUMBERS[] = {NUMBER(age_years),
               NUMBER(stature_cm),
               NUMBER(bmi),
               NUMBER(head_mm),
               NUMBER(neck_shaft_deg),
               NUMBER(version_deg),
               NUMBER(neck_length_mm),
               NUMBER(shaft_mm),
               NUMBER(canal_ratio),
               NUMBER(center_edge_deg),
               NUMBER(joint_mm),
               NUMBER(density),
               NUMBER(cortex),
               NUMBER(thickness_mm),
               NUMBER(lateral_fat_mm),
               NUMBER(gas),
               NUMBER(rotation_deg),
               NUMBER(abduction_deg),
               NUMBER(pelvic_tilt_deg),
               NUMBER(pelvic_turn_deg),
               NUMBER(frame_mm),
               NUMBER(frame_x_mm),
               NUMBER(frame_y_mm),
               NUMBER(frame_roll_deg)};
enum { NUMBER_COUNT = sizeof NUMBERS / sizeof NUMBERS[0] };

static double number_of(const struct phantom_patient *p, int k)
{
    return *(const float *)((const char *)p + NUMBERS[k].offset);
}

static void no_number_tells_the_class(void **state)
{
    (void)state;
    struct moments m[2][NUMBER_COUNT] = {0}, sex[2] = {0}, singh[2] = {0};
    for (uint64_t k = 0; k < PATIENTS; k++) {
        struct phantom_patient p;
        phantom_patient_draw(SEED, k, 0, &p);
        int class = p.fracture.type != PHANTOM_FRACTURE_NONE;
        for (int i = 0; i < NUMBER_COUNT; i++) moments_add(&m[class][i], number_of(&p, i));
        moments_add(&sex[class], p.sex);
        moments_add(&singh[class], p.singh);
    }
    for (int i = 0; i < NUMBER_COUNT + 2; i++) {
        const struct moments *a = i < NUMBER_COUNT ? &m[0][i] : i == NUMBER_COUNT ? &sex[0] : &singh[0];
        const struct moments *b = i < NUMBER_COUNT ? &m[1][i] : i == NUMBER_COUNT ? &sex[1] : &singh[1];
        double z = (mean_of(a) - mean_of(b)) / sqrt(variance_of(a) / a->n + variance_of(b) / b->n);
        if (fabs(z) > 3.5)
            fail_msg("%s differs by %.1f sd", i < NUMBER_COUNT ? NUMBERS[i].name : "sex/singh", z);
    }
}

static void no_lookalike_tells_the_class(void **state)
{
    (void)state;
    double count[2] = {0}, with[2][PHANTOM_LOOKALIKES] = {0};
    for (uint64_t k = 0; k < PATIENTS; k++) {
        struct phantom_patient p;
        phantom_patient_draw(SEED, k, 0, &p);
        int class = p.fracture.type != PHANTOM_FRACTURE_NONE;
        count[class] += 1.0;
        for (int i = 0; i < PHANTOM_LOOKALIKES; i++) with[class][i] += (p.lookalikes >> i) & 1u;
    }
    for (int i = 0; i < PHANTOM_LOOKALIKES; i++) {
        double all = (with[0][i] + with[1][i]) / (count[0] + count[1]);
        double z = (with[0][i] / count[0] - with[1][i] / count[1]) /
                   sqrt(all * (1.0 - all) * (1.0 / count[0] + 1.0 / count[1]));
        assert_true(with[1][i] > 5.0);
        if (fabs(z) > 3.5) fail_msg("look-alike %d: %.1f sd", i, z);
    }
}

/* Published means, with what the sources differ among themselves as tolerance. */
static void anatomy_stays_within_published_ranges(void **state)
{
    (void)state;
    struct moments head[2] = {0}, angle = {0}, version = {0}, edge = {0}, space = {0}, age = {0}, sex = {0};
    struct moments offset = {0}, index = {0};
    for (uint64_t k = 0; k < PATIENTS; k++) {
        struct phantom_patient p;
        phantom_patient_draw(SEED, k, 0, &p);
        moments_add(&head[p.sex], p.head_mm);
        moments_add(&angle, p.neck_shaft_deg);
        moments_add(&version, p.version_deg);
        moments_add(&edge, p.center_edge_deg);
        moments_add(&space, p.joint_mm);
        moments_add(&age, p.age_years);
        moments_add(&sex, p.sex);
        moments_add(&offset, p.neck_length_mm * sin(p.neck_shaft_deg * 0.01745329));
        moments_add(&index, 1.0 - p.canal_ratio);
        assert_true(p.head_mm > 34.0f && p.head_mm < 60.0f);
        assert_true(p.neck_shaft_deg > 105.0f && p.neck_shaft_deg < 148.0f);
        assert_true(p.joint_mm >= 2.0f && p.joint_mm <= 6.5f);
        assert_in_range(p.singh, 1, 6);
    }
    const struct {
        const struct moments *m;
        double low, high, sd_low, sd_high;
    } range[] = {
        {&head[PHANTOM_MALE], 46.5, 49.5, 1.5, 3.5},
        {&head[PHANTOM_FEMALE], 41.5, 44.5, 1.5, 3.5},
        {&angle, 124.0, 129.5, 4.0, 7.0},
        {&version, 9.5, 17.0, 5.0, 9.0},
        {&edge, 34.0, 38.0, 4.5, 8.0},
        {&space, 3.4, 4.4, 0.5, 1.0},
        {&age, 74.0, 82.0, 9.0, 13.0},
        {&sex, 0.31, 0.41, 0.4, 0.6},
        {&offset, 37.0, 43.5, 3.0, 7.0},
        {&index, 0.42, 0.58, 0.03, 0.09},
    };
    for (size_t i = 0; i < sizeof range / sizeof range[0]; i++) {
        double mean = mean_of(range[i].m), sd = sqrt(variance_of(range[i].m));
        if (mean < range[i].low || mean > range[i].high || sd < range[i].sd_low || sd > range[i].sd_high)
            fail_msg("range %zu: mean %.2f, sd %.2f", i, mean, sd);
    }
}

static void women_are_smaller_and_old_bones_thinner(void **state)
{
    (void)state;
    struct moments stature[2] = {0}, density[2] = {0}, angle[2] = {0};
    for (uint64_t k = 0; k < PATIENTS; k++) {
        struct phantom_patient p;
        phantom_patient_draw(SEED, k, 0, &p);
        moments_add(&stature[p.sex], p.stature_cm);
        moments_add(&density[p.age_years > 77.0f], p.density);
        moments_add(&angle[p.sex], p.neck_shaft_deg);
    }
    assert_true(mean_of(&stature[PHANTOM_FEMALE]) < mean_of(&stature[PHANTOM_MALE]) - 8.0);
    assert_true(mean_of(&density[1]) < mean_of(&density[0]) - 0.05);
    assert_true(mean_of(&angle[PHANTOM_FEMALE]) > mean_of(&angle[PHANTOM_MALE]));
}

static void sizes_out_of_range_are_refused_by_name(void **state)
{
    (void)state;
    struct phantom_maps m = {0};
    struct nn_error err;
    assert_int_equal(phantom_maps_init(&m, 15, &err), NN_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "15"));
    assert_int_equal(phantom_maps_init(&m, 4097, &err), NN_ERR_ARGUMENT);
    assert_null(m.bone);
    phantom_maps_release(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_patient_gives_the_same_maps_on_any_thread),
        cmocka_unit_test(other_patients_and_seeds_give_other_maps),
        cmocka_unit_test(paths_are_finite_and_as_long_as_a_body_is_thick),
        cmocka_unit_test(a_coarse_picture_shows_the_same_bones_as_a_fine_one),
        cmocka_unit_test(twins_without_a_fracture_are_equal),
        cmocka_unit_test(twins_differ_at_the_fracture_and_in_the_femur_only),
        cmocka_unit_test(the_head_stays_in_its_socket),
        cmocka_unit_test(the_fracture_site_lies_on_bone),
        cmocka_unit_test(every_type_and_grade_of_fracture_occurs_and_28_percent_are_broken),
        cmocka_unit_test(two_hips_share_the_person_and_at_most_one_is_broken),
        cmocka_unit_test(no_number_tells_the_class),
        cmocka_unit_test(no_lookalike_tells_the_class),
        cmocka_unit_test(anatomy_stays_within_published_ranges),
        cmocka_unit_test(women_are_smaller_and_old_bones_thinner),
        cmocka_unit_test(sizes_out_of_range_are_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
