/* Augmentation: what is drawn and how often, that it is unbiased, that images and gradients pass through it,
 * and how its strength follows the signs of the margins. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/host_values.h"
#include "trainer/train/augment.h"

enum { SIDE = 32, SAMPLES = 4000 };

/* A sample's transformation, read back from its map. */
struct measured {
    bool identity, flipped;
    double scale_log2, stretch_log2, turn, move_x, move_y, contrast_log2, brightness;
};

static struct measured measure(struct tr_augmentation a)
{
    const float *m = a.map, identity[6] = {1, 0, 0, 0, 1, 0};
    double middle = 0.5 * (SIDE - 1), x_step = hypot((double)m[0], (double)m[1]),
           y_step = hypot((double)m[3], (double)m[4]);
    struct measured r = {
        .identity = a.gain == 1 && a.offset == 0,
        .flipped = m[0] * m[4] - m[1] * m[3] < 0,
        .scale_log2 = -0.5 * (log2(x_step) + log2(y_step)),
        .stretch_log2 = 0.5 * (log2(y_step) - log2(x_step)),
        .turn = atan2(-(double)m[3], (double)m[4]),
        .contrast_log2 = log2((double)a.gain),
        .brightness = (double)(a.offset / a.gain),
    };
    for (int k = 0; k < 6; k++) r.identity &= m[k] == identity[k];
    /* where the middle of the result comes from */
    r.move_x = (double)m[0] * middle + (double)m[1] * middle + (double)m[2] - middle;
    r.move_y = (double)m[3] * middle + (double)m[4] * middle + (double)m[5] - middle;
    return r;
}

static struct tr_augment_draw draw_of(double p, bool mirror)
{
    return (struct tr_augment_draw){.seed = 3, .role = TR_AUGMENT_REALS, .p = p, .mirror = mirror};
}

/* ---- what is drawn ------------------------------------------------------------------------------ */

static void a_sample_depends_on_seed_role_and_index_alone(void **state)
{
    (void)state;
    struct tr_augment_draw draw = draw_of(0.7, true), later = draw, other = draw;
    later.first = 5;
    for (int i = 0; i < 20; i++) {
        struct tr_augmentation a = tr_augment_sample(&draw, 5 + i, SIDE);
        struct tr_augmentation b = tr_augment_sample(&later, i, SIDE);
        assert_memory_equal(&a, &b, sizeof a);
    }
    struct tr_augmentation a = tr_augment_sample(&draw, 0, SIDE), b;
    other.role = TR_AUGMENT_FAKES;
    b = tr_augment_sample(&other, 0, SIDE);
    assert_memory_not_equal(&a, &b, sizeof a);
    other = draw;
    other.seed++;
    b = tr_augment_sample(&other, 0, SIDE);
    assert_memory_not_equal(&a, &b, sizeof a);
}

static void require_share(int count, double want, const char *what)
{
    double share = (double)count / SAMPLES, error = 4 * sqrt(want * (1 - want) / SAMPLES);
    if (fabs(share - want) > error) fail_msg("%s: %.3f of the samples, wanted %.3f", what, share, want);
}

static void each_is_used_with_its_probability_and_most_samples_stay_as_they_are(void **state)
{
    (void)state;
    static const double strengths[] = {0.05, 0.3};
    for (int k = 0; k < 2; k++) {
        double p = strengths[k];
        struct tr_augment_draw draw = draw_of(p, false);
        int identities = 0, scaled = 0, stretched = 0, turned = 0, contrasted = 0, brightened = 0, slid = 0;
        for (int i = 0; i < SAMPLES; i++) {
            struct measured m = measure(tr_augment_sample(&draw, i, SIDE));
            assert_false(m.flipped);
            identities += m.identity;
            scaled += fabs(m.scale_log2) > 1e-6;
            stretched += fabs(m.stretch_log2) > 1e-6;
            turned += m.turn != 0;
            contrasted += m.contrast_log2 != 0;
            brightened += m.brightness != 0;
            slid += fabs(m.move_x - round(m.move_x)) > 1e-5;
        }
        /* the seven of them, and the shifts that round to nothing: 1 in 8 for each direction */
        require_share(identities, pow(1 - p, 6) * (1 - p + p / 64), "untouched");
        require_share(scaled, p, "scaled");
        require_share(stretched, p, "stretched");
        require_share(turned, p, "turned");
        require_share(contrasted, p, "contrast");
        require_share(brightened, p, "brightness");
        assert_true((double)slid / SAMPLES > 0.9 * p);
    }
}

static void the_mean_transformation_is_none(void **state)
{
    (void)state;
    enum { QUANTITIES = 7 };
    static const char *const names[QUANTITIES] = {"scale",      "stretch",  "turn",      "move across",
                                                  "move along", "contrast", "brightness"};
    struct tr_augment_draw draw = draw_of(0.8, false);
    double sum[QUANTITIES] = {0}, square[QUANTITIES] = {0};
    for (int i = 0; i < SAMPLES; i++) {
        struct measured m = measure(tr_augment_sample(&draw, i, SIDE));
        const double q[QUANTITIES] = {m.scale_log2, m.stretch_log2,  m.turn,      m.move_x,
                                      m.move_y,     m.contrast_log2, m.brightness};
        for (int k = 0; k < QUANTITIES; k++) {
            sum[k] += q[k];
            square[k] += q[k] * q[k];
        }
    }
    for (int k = 0; k < QUANTITIES; k++) {
        double mean = sum[k] / SAMPLES, sd = sqrt(square[k] / SAMPLES - mean * mean);
        if (!(sd > 0) || fabs(mean) > 4 * sd / sqrt(SAMPLES))
            fail_msg("%s: mean %g, standard deviation %g", names[k], mean, sd);
    }
}

static void images_are_flipped_only_where_that_is_allowed(void **state)
{
    (void)state;
    struct tr_augment_draw draw = draw_of(0.6, true);
    int flipped = 0;
    for (int i = 0; i < SAMPLES; i++) flipped += measure(tr_augment_sample(&draw, i, SIDE)).flipped;
    require_share(flipped, 0.3, "flipped");
    draw.mirror = false;
    for (int i = 0; i < SAMPLES; i++) assert_false(measure(tr_augment_sample(&draw, i, SIDE)).flipped);
}

/* ---- images and gradients ----------------------------------------------------------------------- */

enum { N = 6, SMALL = 8, PIXELS = N * SMALL * SMALL };

struct stage {
    struct nn_backend *be;
    struct nn_tape *t;
    double x[PIXELS], g[PIXELS];
    float scratch[8 * N];
};

static void open_stage(struct stage *s)
{
    assert_int_equal(nn_backend_open_reference(&s->be, NN_F64, NULL), NN_OK);
    assert_int_equal(nn_tape_new(&s->t, s->be, NULL), NN_OK);
    test_normals(1, 1, PIXELS, s->x);
    test_normals(1, 2, PIXELS, s->g);
}

static void close_stage(struct stage *s)
{
    nn_tape_free(s->t);
    s->be->close(s->be);
}

static nn_id image_leaf(struct stage *s, const double *values)
{
    return test_leaf(s->t, values, nn_shape(N, 1, SMALL, SMALL));
}

static void without_strength_the_images_themselves_come_back(void **state)
{
    (void)state;
    struct stage s;
    struct tr_augment_draw draw = draw_of(0, true);
    open_stage(&s);
    nn_id x = image_leaf(&s, s.x);
    assert_int_equal(tr_augment_images(s.t, x, &draw, s.scratch).index, x.index);
    close_stage(&s);
}

static void images_are_warped_and_recoloured_by_their_samples(void **state)
{
    (void)state;
    struct stage s;
    double got[PIXELS], want[PIXELS];
    struct tr_augment_draw draw = draw_of(0.5, false);
    float maps[6 * N];
    draw.first = 40;
    open_stage(&s);
    for (int i = 0; i < N; i++)
        memcpy(maps + 6 * i, tr_augment_sample(&draw, i, SMALL).map, 6 * sizeof *maps);
    nn_id x = image_leaf(&s, s.x);
    test_read(s.t, tr_augment_images(s.t, x, &draw, s.scratch), got);
    test_read(s.t, nn_warp(s.t, x, nn_from_host(s.t, maps, nn_shape(N, 6, 1, 1))), want);
    for (int i = 0; i < PIXELS; i++) {
        struct tr_augmentation a = tr_augment_sample(&draw, i / (SMALL * SMALL), SMALL);
        test_require_near(got[i], (double)a.gain * want[i] + (double)a.offset, 1e-12);
    }
    close_stage(&s);
}

/* augment(x) = J x + b, so <augment(x) - augment(0), g> = <x, J'g>. */
static void gradients_pass_through_it(void **state)
{
    (void)state;
    struct stage s;
    double zeros[PIXELS] = {0}, at_x[PIXELS], at_0[PIXELS], back[PIXELS];
    struct tr_augment_draw draw = draw_of(0.8, true);
    open_stage(&s);
    nn_id x = image_leaf(&s, s.x), y = tr_augment_images(s.t, x, &draw, s.scratch), gradient;
    nn_gradient(s.t, y, image_leaf(&s, s.g), &x, 1, &gradient);
    test_read(s.t, y, at_x);
    test_read(s.t, gradient, back);
    test_read(s.t, tr_augment_images(s.t, image_leaf(&s, zeros), &draw, s.scratch), at_0);
    double forward = test_dot(at_x, s.g, PIXELS) - test_dot(at_0, s.g, PIXELS);
    assert_true(fabs(forward) > 1);
    test_require_near(test_dot(s.x, back, PIXELS), forward, 1e-9);
    close_stage(&s);
}

/* ---- strength ----------------------------------------------------------------------------------- */

static const struct tr_augment_config ada = {TR_AUGMENT_ADA, 0.1f, 0.6f, 1};

/* Four steps of 10 scores with that sum of signs each. */
static void four_steps(struct tr_augment *a, const struct tr_augment_config *config, int signs)
{
    for (uint64_t step = 1; step <= 4; step++) tr_augment_observe(a, config, step, signs, 10);
}

static void strength_rises_above_the_target_and_falls_below_it(void **state)
{
    (void)state;
    struct tr_augment a;
    tr_augment_init(&a, &ada);
    test_require_near(a.p, 0.1, 1e-7);
    four_steps(&a, &ada, 7); /* 0.7: 40 images of the 1000 in which it could go from 0 to 1 */
    test_require_near(a.p, 0.14, 1e-7);
    four_steps(&a, &ada, 5);
    test_require_near(a.p, 0.10, 1e-7);
    four_steps(&a, &ada, -10);
    test_require_near(a.p, 0.06, 1e-7);
}

static void it_moves_every_fourth_step_by_all_the_scores_since(void **state)
{
    (void)state;
    struct tr_augment a;
    tr_augment_init(&a, &ada);
    double p = a.p;
    const int signs[] = {10, 10, 10, -9}; /* 0.525 together */
    for (uint64_t step = 1; step <= 3; step++) {
        tr_augment_observe(&a, &ada, step, signs[step - 1], 10);
        assert_true(a.p == p);
    }
    tr_augment_observe(&a, &ada, 4, signs[3], 10);
    assert_true(a.p < p);
    assert_int_equal(a.signs, 0);
    assert_int_equal(a.scores, 0);
}

static void it_stays_between_none_and_where_augmentations_leak(void **state)
{
    (void)state;
    struct tr_augment a;
    tr_augment_init(&a, &ada);
    for (int i = 0; i < 10; i++) four_steps(&a, &ada, 0);
    assert_true(a.p == 0);
    for (int i = 0; i < 100; i++) four_steps(&a, &ada, 10);
    assert_true(a.p == (double)TR_AUGMENT_P_MAX);
}

static void fixed_strength_and_none_do_not_move(void **state)
{
    (void)state;
    struct tr_augment_config config = ada;
    struct tr_augment a;
    config.mode = TR_AUGMENT_FIXED;
    tr_augment_init(&a, &config);
    four_steps(&a, &config, 10);
    assert_true(a.p == (double)config.p);
    config.mode = TR_AUGMENT_NONE;
    tr_augment_init(&a, &config);
    four_steps(&a, &config, 10);
    assert_true(a.p == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sample_depends_on_seed_role_and_index_alone),
        cmocka_unit_test(each_is_used_with_its_probability_and_most_samples_stay_as_they_are),
        cmocka_unit_test(the_mean_transformation_is_none),
        cmocka_unit_test(images_are_flipped_only_where_that_is_allowed),
        cmocka_unit_test(without_strength_the_images_themselves_come_back),
        cmocka_unit_test(images_are_warped_and_recoloured_by_their_samples),
        cmocka_unit_test(gradients_pass_through_it),
        cmocka_unit_test(strength_rises_above_the_target_and_falls_below_it),
        cmocka_unit_test(it_moves_every_fourth_step_by_all_the_scores_since),
        cmocka_unit_test(it_stays_between_none_and_where_augmentations_leak),
        cmocka_unit_test(fixed_strength_and_none_do_not_move),
    };
    return cmocka_run_group_tests_name("augment", tests, NULL, NULL);
}
