/* Step sizes and the average's memory, against the formulas that their header cites. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "trainer/train/optimiser.h"

static const struct tr_phase first_level = {.level = 0};

static struct tr_train_config config_of(void)
{
    struct tr_train_config c;
    assert_int_equal(tr_train_config_init(&c, "paper", 5, NULL), NN_OK);
    c.schedule.levels[0].lr = 0.004f;
    return c;
}

static void near(double got, double want)
{
    if (!(fabs(got - want) <= 1e-6 * fabs(want))) fail_msg("%.9g is not %.9g", got, want);
}

static void without_ramp_or_lazy_penalty_both_networks_take_the_level_s_constants(void **state)
{
    (void)state;
    struct tr_train_config c = config_of();
    struct nn_adam g = tr_generator_adam(&c, &first_level, 0), d = tr_discriminator_adam(&c, &first_level, 0);
    assert_true(g.lr == 0.004f && g.beta1 == 0 && g.beta2 == 0.99f && g.epsilon == 1e-8f);
    assert_true(d.lr == g.lr && d.beta1 == g.beta1 && d.beta2 == g.beta2 && d.epsilon == g.epsilon);
}

static void the_step_size_rises_over_the_first_images(void **state)
{
    (void)state;
    struct tr_train_config c = config_of();
    c.lr_rampup_kimg = 40;
    near((double)tr_generator_adam(&c, &first_level, 0).lr, 0.004 * exp(-5));
    near((double)tr_discriminator_adam(&c, &first_level, 10000).lr, 0.004 * exp(-5 * 0.75 * 0.75));
    near((double)tr_generator_adam(&c, &first_level, 40000).lr, 0.004);
    near((double)tr_generator_adam(&c, &first_level, 90000).lr, 0.004);
}

/* Of k + 1 updates each with beta^c, c = k/(k+1), as much is left of the moments as of k updates with beta.
 */
static void a_lazy_penalty_corrects_the_discriminator_s_adam_only(void **state)
{
    (void)state;
    struct tr_train_config c = config_of();
    c.loss.kind = TR_LOSS_NONSAT_R1;
    c.loss.lazy_interval = 4;
    c.adam_beta1 = 0.5f;
    struct nn_adam g = tr_generator_adam(&c, &first_level, 0), d = tr_discriminator_adam(&c, &first_level, 0);
    near((double)d.lr, 0.004 * 4 / 5);
    near(pow((double)d.beta1, 5), pow(0.5, 4));
    near(pow((double)d.beta2, 5), pow((double)0.99f, 4));
    assert_true(g.lr == 0.004f && g.beta1 == 0.5f && g.beta2 == 0.99f);
    c.loss.lazy_interval = 1;
    assert_true(tr_discriminator_adam(&c, &first_level, 0).lr == 0.004f);
    c.loss = (struct tr_loss_config){.kind = TR_LOSS_R3, .lazy_interval = 4};
    assert_true(tr_discriminator_adam(&c, &first_level, 0).lr == 0.004f);
}

static void the_average_forgets_by_step_or_by_half_life(void **state)
{
    (void)state;
    struct tr_train_config c = config_of();
    near((double)tr_ema_decay(&c, 16, 5000), 0.999);
    c.ema_kimg = 10;
    near((double)tr_ema_decay(&c, 16, 5000), pow(0.5, 16.0 / 10000));
    near((double)tr_ema_decay(&c, 4, 0), pow(0.5, 4.0 / 10000));
    c.ema_rampup = 0.05f;
    assert_true(tr_ema_decay(&c, 16, 0) == 0); /* a copy */
    near((double)tr_ema_decay(&c, 16, 20000), pow(0.5, 16.0 / 1000));
    near((double)tr_ema_decay(&c, 16, 1000000), pow(0.5, 16.0 / 10000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_ramp_or_lazy_penalty_both_networks_take_the_level_s_constants),
        cmocka_unit_test(the_step_size_rises_over_the_first_images),
        cmocka_unit_test(a_lazy_penalty_corrects_the_discriminator_s_adam_only),
        cmocka_unit_test(the_average_forgets_by_step_or_by_half_life),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
