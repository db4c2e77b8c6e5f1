/* The configuration of a training as text and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/trainer/tiny_training.h"

static void a_configuration_comes_back_from_its_text(void **state)
{
    (void)state;
    struct tr_train_config config = tiny_config(4), back;
    config.loss.drift_weight = 0.1f / 3;
    config.loss.kind = TR_LOSS_R3;
    config.loss.fake_labels = TR_FAKE_LABELS_RANDOM;
    config.loss.label_fakes = false;
    config.loss.lazy_interval = 7;
    config.ema_kimg = 10.0f / 3;
    config.schedule.levels[1].lr = 1e-7f / 3;
    config.tick_kimg = 1.0 / 3;
    config.seed = INT64_MAX;
    char *text = tr_train_config_text(&config), *again;
    struct nn_error err = {0};
    tiny_require(tr_train_config_parse(&back, text, "text", &err), &err);
    again = tr_train_config_text(&back);
    assert_string_equal(text, again);
    assert_true(back.loss.drift_weight == config.loss.drift_weight && back.seed == config.seed &&
                back.schedule.levels[1].lr == config.schedule.levels[1].lr &&
                back.tick_kimg == config.tick_kimg);
    assert_true(back.loss.kind == config.loss.kind && back.loss.fake_labels == config.loss.fake_labels &&
                back.loss.label_fakes == config.loss.label_fakes &&
                back.loss.lazy_interval == config.loss.lazy_interval && back.ema_kimg == config.ema_kimg);
    free(text);
    free(again);
}

/* The configuration in the first states, and of what came later the values that such a run had. */
static void a_configuration_of_the_first_format_is_read(void **state)
{
    (void)state;
    static const char first[] =
        "{\"resolution_log2\":2,\"label_count\":2,\"fmap_base\":64,\"fmap_max\":16,\"mbstd_group\":4,"
        "\"penalty_weight\":10.0,\"penalty_target\":1.0,\"drift_weight\":0.001,\"label_weight\":1.0,"
        "\"penalty_native\":true,\"adam_beta1\":0.0,\"adam_beta2\":0.99,\"adam_epsilon\":1e-8,"
        "\"ema_decay\":0.995,\"seed\":3,\"tick_kimg\":2.0,\"levels\":[{\"fade_kimg\":0.0,"
        "\"train_kimg\":4.0,\"minibatch\":16,\"lr\":0.002}]}";
    struct tr_train_config c;
    struct nn_error err = {0};
    tiny_require(tr_train_config_parse(&c, first, "first", &err), &err);
    assert_int_equal(c.loss.kind, TR_LOSS_WGAN_GP);
    assert_true(c.loss.penalty_native && c.loss.label_fakes && c.ema_decay == 0.995f);
    assert_int_equal(c.loss.fake_labels, TR_FAKE_LABELS_REAL_BATCH);
    assert_true(c.d_repeats == 1 && c.ema_kimg == 0 && c.lr_rampup_kimg == 0 && !c.fit_heads);
}

/* As the first states have it. */
static void a_configuration_without_variants_means_the_first_networks(void **state)
{
    static const char first[] =
        "{\"resolution_log2\":2,\"label_count\":2,\"fmap_base\":64,\"fmap_max\":16,\"mbstd_group\":4,"
        "\"penalty_weight\":10,\"penalty_target\":1,\"drift_weight\":0.001,\"label_weight\":1,"
        "\"penalty_native\":true,\"adam_beta1\":0,\"adam_beta2\":0.99,\"adam_epsilon\":1e-8,"
        "\"ema_decay\":0.995,\"seed\":1,\"tick_kimg\":2,"
        "\"levels\":[{\"fade_kimg\":0,\"train_kimg\":4,\"minibatch\":16,\"lr\":0.002}]}";
    struct tr_train_config c;
    struct nn_error err = {0};
    (void)state;
    if (tr_train_config_parse(&c, first, "RUN/state", &err)) fail_msg("%s", err.text);
    assert_int_equal(c.gan.label_kind, NN_LABELS_CLASSES);
    assert_int_equal(c.gan.label_norm, NN_NORM_JOINT);
    assert_int_equal(c.gan.conditioning, NN_CONDITION_CLASSIFIER);
    assert_false(c.gan.unfused);
    assert_true(nn_gan_pixel_norm_epsilon(&c.gan) == 1e-8f);
    assert_int_equal(c.gan.mbstd_group, 4);
    assert_false(c.mirror);
}

static void a_configuration_keeps_every_variant(void **state)
{
    struct tr_train_config c = tiny_config(4), back;
    (void)state;
    c.gan.label_kind = NN_LABELS_MULTI;
    c.gan.label_norm = NN_NORM_LATENT_ONLY;
    c.gan.conditioning = NN_CONDITION_PROJECTION;
    c.gan.unfused = true;
    c.gan.mbstd_group = 0;
    c.gan.pixel_norm_epsilon = 1e-4f;
    char *text = tr_train_config_text(&c);
    assert_int_equal(tr_train_config_parse(&back, text, "RUN/state", NULL), NN_OK);
    assert_memory_equal(&back.gan, &c.gan, sizeof c.gan);
    assert_string_equal(back.preset, "cpu-small");
    free(text);
}

static void a_configuration_out_of_range_is_refused_by_name(void **state)
{
    static const struct {
        const char *from, *to;
    } bad[] = {
        {"\"fmap_max\":6", "\"fmap_max\":0"},
        {"\"mbstd_group\":2", "\"mbstd_group\":257"},
        {"\"minibatch\":4", "\"minibatch\":0"},
        {"\"resolution_log2\":4", "\"resolution_log2\":3"},
        {"\"label_count\":2", "\"label_count\":65"},
        {"\"adam_beta2\":0.", "\"adam_beta2\":1."},
        {"\"loss\":\"wgan-gp\"", "\"loss\":\"?\""},
        {"\"d_repeats\":1", "\"d_repeats\":0"},
        {"\"label_fakes\":true", "\"label_fakes\":1"},
        {"\"lazy_interval\":16", "\"lazy_interval\":1.5"},
        {"\"tick_kimg\":", "\"tick_kimg\":1e300,\"-\":"},
        {"\"fade_kimg\":", "\"fade_kimg\":-1,\"-\":"},
        {"\"train_kimg\":", "\"train_kimg\":1e7,\"-\":"},
        {"\"lr\":", "\"lr\":2.0,\"-\":"},
    };
    struct tr_train_config config = tiny_config(4), back;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *text = tr_train_config_text(&config), changed[4096];
        struct nn_error err = {0};
        const char *at = strstr(text, bad[i].from);
        assert_non_null(at);
        snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - text), text, bad[i].to,
                 at + strlen(bad[i].from));
        assert_int_equal(tr_train_config_parse(&back, changed, "RUN/state", &err), NN_ERR_FORMAT);
        assert_non_null(strstr(err.text, "RUN/state: "));
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_configuration_comes_back_from_its_text),
        cmocka_unit_test(a_configuration_of_the_first_format_is_read),
        cmocka_unit_test(a_configuration_without_variants_means_the_first_networks),
        cmocka_unit_test(a_configuration_keeps_every_variant),
        cmocka_unit_test(a_configuration_out_of_range_is_refused_by_name),
    };
    return cmocka_run_group_tests_name("train config", tests, NULL, NULL);
}
