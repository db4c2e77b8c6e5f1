/* Training tiny networks: counters, determinism, augmentation, and that it learns. */
#include <math.h>
#include <omp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/scratch.h"
#include "tests/unit/trainer/tiny_training.h"

/* ---- counters and determinism -------------------------------------------------------------------- */

static void counters_follow_steps_images_and_phases(void **state)
{
    struct tr_train_config config = tiny_config(4);
    struct tiny_training *f = tiny_begin(state, NN_F32, &config);
    assert_int_equal(f->tr.images, 0);
    for (int i = 1; i <= TINY_LAST_STEP; i++) {
        tiny_steps(f, 1);
        assert_int_equal(f->tr.steps, i);
        assert_int_equal(f->tr.images, i * TINY_MINIBATCH);
        assert_int_equal(f->losses.steps, i);
        /* Adam starts anew after 4, 8, 12 and 16 steps; the last level goes on to its end and beyond. */
        assert_int_equal(f->tr.generator.adam_step, i <= 16 ? (i - 1) % 4 + 1 : i - 16);
        assert_int_equal(f->tr.discriminator.adam_step, f->tr.generator.adam_step);
        assert_int_equal(f->tr.adam_phase, (i <= 16 ? (i - 1) / 4 : 4) + 1);
        assert_int_equal(tr_training_phase(&f->tr).side, i < 4 ? 4 : i < 12 ? 8 : 16);
    }
    assert_int_equal(f->tr.skipped, 0);
    assert_true(tr_training_phase(&f->tr).finished);
    assert_true(isfinite(f->losses.real) && isfinite(f->losses.penalty) && isfinite(f->losses.generator));
    assert_true(f->losses.penalty > 0 && f->losses.label > 0);
    assert_true(fabs(f->losses.real_sign) <= TINY_LAST_STEP && f->losses.real_sign != 0);
    tiny_end(f);
}

static void a_lazy_penalty_is_an_update_more_once_in_its_interval(void **state)
{
    struct tr_train_config config = tiny_config(3);
    config.loss.kind = TR_LOSS_NONSAT_R1;
    config.loss.lazy_interval = 3;
    config.schedule.levels[0].train_kimg = 1;
    struct tiny_training *f = tiny_begin(state, NN_F32, &config);
    for (int i = 1; i <= 8; i++) {
        tiny_steps(f, 1);
        assert_int_equal(f->tr.generator.adam_step, i);
        assert_int_equal(f->tr.discriminator.adam_step, i + (i + 2) / 3); /* after steps 1, 4, 7 */
    }
    assert_true(f->losses.penalty > 0);
    tiny_end(f);
}

static void the_discriminator_may_step_more_often_each_time_on_other_images(void **state)
{
    struct tr_train_config config = tiny_config(3);
    config.d_repeats = 3;
    config.schedule.levels[0].train_kimg = 1;
    struct tiny_training *f = tiny_begin(state, NN_F32, &config);
    tiny_steps(f, 2);
    assert_int_equal(f->tr.steps, 6);
    assert_int_equal(f->losses.steps, 6);
    assert_int_equal(f->tr.images, 6 * TINY_MINIBATCH);
    assert_int_equal(f->tr.generator.adam_step, 2);
    assert_int_equal(f->tr.discriminator.adam_step, 6);
    tiny_end(f);
}

/* Without learning, the generator's loss after three steps of the other is that of the third of three turns.
 */
static void the_generator_s_mean_loss_does_not_depend_on_how_often_the_other_steps(void **state)
{
    struct tr_train_config config = tiny_config(3);
    config.schedule.levels[0].train_kimg = 1;
    config.schedule.levels[0].lr = 0;
    struct tiny_training *single = tiny_begin(state, NN_F32, &config);
    tiny_steps(single, 2);
    single->losses = (struct tr_losses){0};
    tiny_steps(single, 1);
    config.d_repeats = 3;
    struct tiny_training *repeated = tiny_begin(state, NN_F32, &config);
    tiny_steps(repeated, 1);
    assert_true(fabs(repeated->losses.generator / 3 - single->losses.generator) < 1e-6);
    tiny_end(single);
    tiny_end(repeated);
}

static void train_and_write(void **state, uint64_t seed, const char *file)
{
    struct tr_train_config config = tiny_config(4);
    config.seed = seed;
    struct tiny_training *f = tiny_begin(state, NN_F32, &config);
    tiny_steps(f, 14);
    tiny_write_state(f, scratch_path(state, file));
    tiny_end(f);
}

static void the_same_seed_gives_the_same_bytes_and_another_seed_others(void **state)
{
    size_t a_size, b_size;
    train_and_write(state, 1, "a");
    train_and_write(state, 1, "b");
    tiny_assert_same_file(scratch_path(state, "a"), scratch_path(state, "b"));
    train_and_write(state, 2, "b");
    uint8_t *a = scratch_read(scratch_path(state, "a"), &a_size);
    uint8_t *b = scratch_read(scratch_path(state, "b"), &b_size);
    assert_memory_not_equal(a + a_size / 2, b + b_size / 2, 64);
    free(a);
    free(b);
}

/* The averaged generator after 200 steps in f32 on the tested backend and on another: rounding differs from
 * the first step on, and training enlarges what differs. */
static void two_hundred_steps_stay_close_to_another_backends(void **state)
{
    struct tr_train_config config = tiny_config(3);
    config.schedule.levels[1].train_kimg = 1;
    struct tiny_training *f = tiny_begin(state, NN_F32, &config), *other = calloc(1, sizeof *other);
    struct nn_error err = {0};
    assert_non_null(other);
    tiny_require(strcmp(f->be->name, "cuda") == 0 ? nn_backend_open_cpu(&other->be, NN_F32, &err)
                                                  : nn_backend_open_reference(&other->be, NN_F32, &err),
                 &err);
    tiny_require(tr_dataset_open(&other->data, *state, NULL, NULL, &err), &err);
    tiny_require(tr_training_init(&other->tr, &config, other->be, other->data, &err), &err);
    tiny_steps(f, 200);
    tiny_steps(other, 200);
    size_t count = f->tr.generator.net.value_count;
    float *a = tiny_host_copy(f, f->tr.average, count), *b = tiny_host_copy(other, other->tr.average, count);
    double difference = 0, size = 0;
    for (size_t i = 0; i < count; i++) {
        difference += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
        size += (double)b[i] * (double)b[i];
    }
    print_message("after 200 steps the averages differ by %.1e of their size\n", sqrt(difference / size));
    assert_true(sqrt(difference / size) <= 0.03); /* cpu and reference: 0.008 */
    assert_true(fabs(f->losses.penalty - other->losses.penalty) <= 0.05 * fabs(other->losses.penalty));
    free(a);
    free(b);
    tiny_end(f);
    tiny_end(other);
}

static void sampling_does_not_disturb_training(void **state)
{
    struct tr_train_config config = tiny_config(4);
    static float images[3 * TINY_SIDE * TINY_SIDE], again[3 * TINY_SIDE * TINY_SIDE];
    struct tiny_training *a = tiny_begin(state, NN_F32, &config), *b = tiny_begin(state, NN_F32, &config);
    for (int i = 0; i < 14; i++) {
        tiny_steps(a, 1);
        tiny_steps(b, 1);
        assert_int_equal(tr_training_sample(&b->tr, 3, 3, TINY_ONE_HOT[i % 2], images, NULL), NN_OK);
        assert_int_equal(tr_training_sample(&b->tr, 3, 3, TINY_ONE_HOT[i % 2], again, NULL), NN_OK);
        assert_memory_equal(images, again, sizeof images);
    }
    tiny_write_state(a, scratch_path(state, "a"));
    tiny_write_state(b, scratch_path(state, "b"));
    tiny_assert_same_file(scratch_path(state, "a"), scratch_path(state, "b"));
    tiny_end(a);
    tiny_end(b);
}

/* ---- gradients that are not finite --------------------------------------------------------------- */

static void a_gradient_that_is_not_finite_skips_the_update_and_is_counted(void **state)
{
    struct tr_train_config config = tiny_config(4);
    struct tiny_training *f = tiny_begin(state, NN_F32, &config);
    struct tr_player *g = &f->tr.generator, *d = &f->tr.discriminator;
    tiny_steps(f, 2);
    float *weights = tiny_host_copy(f, d->values, d->net.value_count), good = weights[d->net.value_count - 1];
    weights[d->net.value_count - 1] = NAN; /* the last bias: every score and logit depends on it */
    size_t d_size = d->net.value_count * sizeof *weights, g_size = g->net.value_count * sizeof *weights;
    assert_int_equal(f->be->upload(f->be, d->values, weights, d_size, NULL), NN_OK);
    float *d_v = tiny_host_copy(f, d->v, d->net.value_count),
          *g_values = tiny_host_copy(f, g->values, g->net.value_count);

    tiny_steps(f, 1);
    assert_int_equal(f->tr.skipped, 2); /* both networks' updates */
    assert_int_equal(f->tr.skipped_in_a_row, 1);
    tiny_steps(f, 1);
    assert_int_equal(f->tr.skipped, 4);
    assert_int_equal(f->tr.skipped_in_a_row, 2);
    assert_int_equal(f->tr.steps, 4);
    float *after = tiny_host_copy(f, d->values, d->net.value_count),
          *v = tiny_host_copy(f, d->v, d->net.value_count);
    float *g_after = tiny_host_copy(f, g->values, g->net.value_count);
    assert_memory_equal(after, weights, d_size);
    assert_memory_equal(v, d_v, d_size);
    assert_memory_equal(g_after, g_values, g_size);

    weights[d->net.value_count - 1] = good;
    assert_int_equal(f->be->upload(f->be, d->values, weights, d_size, NULL), NN_OK);
    tiny_steps(f, 1); /* and it goes on */
    assert_int_equal(f->tr.skipped, 4);
    assert_int_equal(f->tr.skipped_in_a_row, 0);
    float *later = tiny_host_copy(f, d->values, d->net.value_count);
    assert_memory_not_equal(later, weights, d_size);
    void *all[] = {weights, d_v, g_values, after, v, g_after, later};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
    tiny_end(f);
}

/* ---- learning ------------------------------------------------------------------------------------ */

static double mean_grey(struct tiny_training *f, int class_index)
{
    enum { COUNT = 16 };
    static float images[COUNT * 8 * 8];
    struct nn_error err = {0};
    double sum = 0;
    tiny_require(tr_training_sample(&f->tr, 100, COUNT, TINY_ONE_HOT[class_index], images, &err), &err);
    for (int i = 0; i < COUNT * 8 * 8; i++) sum += (double)images[i] * 127.5 + 127.5;
    return sum / (COUNT * 8 * 8);
}

static void learn_greys(void **state, struct tr_augment_config augment)
{
    const int even = 60, odd = 195;
    tiny_dataset(state, 8, even);
    struct tr_train_config config = tiny_config(3);
    config.gan.fmap_max = 16;
    config.gan.fmap_base = 64;
    config.ema_decay = 0.95f;
    config.augment = augment;
    config.schedule.levels[0] = (struct tr_level){0, 0, 8, 0.004f};
    config.schedule.levels[1] = (struct tr_level){0, 8, 8, 0.004f};
    struct tiny_training *f = tiny_begin(state, NN_F32, &config);
    tiny_steps(f, 400);
    double got_even = mean_grey(f, 0), got_odd = mean_grey(f, 1);
    if (!(fabs(got_even - even) < 25 && fabs(got_odd - odd) < 25))
        fail_msg("greys %.1f and %.1f, wanted %d and %d", got_even, got_odd, even, odd);
    assert_int_equal(f->tr.skipped, 0);
    tiny_end(f);
}

static void the_generator_learns_the_grey_of_each_class(void **state)
{
    learn_greys(state, tr_augment_config_official());
}

/* Brightness and contrast of what the discriminator sees vary; what is learnt must not drift with them. */
static void augmented_training_learns_the_grey_of_each_class_unaugmented(void **state)
{
    learn_greys(state, (struct tr_augment_config){TR_AUGMENT_FIXED, 0.4f, 0.6f, 500});
}

/* ---- augmentation -------------------------------------------------------------------------------- */

/* Bytes that differ between the weights of both networks after 14 steps with either configuration. */
static int different_weights(void **state, const struct tr_train_config *a, const struct tr_train_config *b)
{
    const struct tr_train_config *configs[] = {a, b};
    float *weights[2][2];
    size_t sizes[2];
    int different = 0;
    for (int i = 0; i < 2; i++) {
        struct tiny_training *f = tiny_begin(state, NN_F32, configs[i]);
        const struct tr_player *players[] = {&f->tr.generator, &f->tr.discriminator};
        tiny_steps(f, 14);
        for (int k = 0; k < 2; k++) {
            sizes[k] = players[k]->net.value_count;
            weights[i][k] = tiny_host_copy(f, players[k]->values, sizes[k]);
        }
        tiny_end(f);
    }
    for (int k = 0; k < 2; k++) {
        different += memcmp(weights[0][k], weights[1][k], sizes[k] * sizeof(float)) != 0;
        free(weights[0][k]);
        free(weights[1][k]);
    }
    return different;
}

static void augmentation_of_no_strength_changes_nothing(void **state)
{
    struct tr_train_config without = tiny_config(4), with = without;
    with.augment = (struct tr_augment_config){TR_AUGMENT_ADA, 0, 1, 0.1f}; /* no sign is above 1 */
    assert_int_equal(different_weights(state, &without, &with), 0);
    with.augment = (struct tr_augment_config){TR_AUGMENT_FIXED, 0.3f, 0.6f, 500};
    assert_int_equal(different_weights(state, &without, &with), 2);
}

static void mirroring_changes_only_images_that_are_not_symmetric(void **state)
{
    struct tr_train_config without = tiny_config(4), with = without;
    with.mirror = true;
    assert_int_equal(different_weights(state, &without, &with), 2);
    tiny_dataset(state, TINY_SIDE, 60);
    assert_int_equal(different_weights(state, &without, &with), 0);
}

static void adaptive_strength_follows_the_scores_of_the_training(void **state)
{
    struct tr_train_config config = tiny_config(4);
    config.augment = (struct tr_augment_config){TR_AUGMENT_ADA, 0.4f, 0, 0.125f};
    struct tiny_training *f = tiny_begin(state, NN_F32, &config);
    double p = f->tr.augment.p;
    for (int turn = 0; turn < 5; turn++) {
        f->losses.real_sign = 0;
        tiny_steps(f, 4);
        double rise = f->tr.augment.p - p; /* 16 of 125 images, one way or the other */
        assert_true(fabs(rise - (f->losses.real_sign > 0 ? 0.128 : -0.128)) < 1e-9 || f->tr.augment.p == 0 ||
                    f->tr.augment.p == (double)TR_AUGMENT_P_MAX);
        assert_true(rise > 0 || f->losses.real_sign <= 0 || p == (double)TR_AUGMENT_P_MAX);
        p = f->tr.augment.p;
    }
    tiny_end(f);
}

#define on_data(name) cmocka_unit_test_setup_teardown(name, tiny_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        on_data(counters_follow_steps_images_and_phases),
        on_data(a_lazy_penalty_is_an_update_more_once_in_its_interval),
        on_data(the_discriminator_may_step_more_often_each_time_on_other_images),
        on_data(the_generator_s_mean_loss_does_not_depend_on_how_often_the_other_steps),
        on_data(the_same_seed_gives_the_same_bytes_and_another_seed_others),
        on_data(two_hundred_steps_stay_close_to_another_backends),
        on_data(sampling_does_not_disturb_training),
        on_data(a_gradient_that_is_not_finite_skips_the_update_and_is_counted),
        on_data(the_generator_learns_the_grey_of_each_class),
        on_data(augmented_training_learns_the_grey_of_each_class_unaugmented),
        on_data(augmentation_of_no_strength_changes_nothing),
        on_data(mirroring_changes_only_images_that_are_not_symmetric),
        on_data(adaptive_strength_follows_the_scores_of_the_training),
    };
    omp_set_num_threads(1); /* networks this small only wait for each other */
    return cmocka_run_group_tests_name("training", tests, NULL, NULL);
}
