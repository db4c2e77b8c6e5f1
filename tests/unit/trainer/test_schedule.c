/* What a training does when: levels and lod over the images shown, presets, and the text that changes them.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/host_values.h"
#include "trainer/train/schedule.h"

static struct tr_schedule preset(const char *name, int resolution_log2)
{
    struct tr_schedule s;
    assert_int_equal(tr_schedule_preset(&s, name, resolution_log2, NULL), NN_OK);
    return s;
}

/* 4x4 for 2 kimg, 8x8 for 1 + 3 kimg, 16x16 for 4 + 5 kimg. */
static struct tr_schedule three_levels(void)
{
    struct tr_schedule s = preset("paper", 4);
    assert_int_equal(tr_schedule_parse(&s, "4:0/2,8:1/3,16:4/5", NULL), NN_OK);
    return s;
}

static void levels_fade_in_and_then_train(void **state)
{
    (void)state;
    static const struct {
        uint64_t images;
        int side;
        double lod, end_kimg;
        bool fading, finished;
    } points[] = {
        {0, 4, 2, 2, false, false},        {1999, 4, 2, 2, false, false},
        {2000, 8, 1.9999, 3, true, false}, {2250, 8, 1.75, 3, true, false},
        {2999, 8, 1.001, 3, true, false},  {3000, 8, 1, 6, false, false},
        {5999, 8, 1, 6, false, false},     {6000, 16, 0.9999, 10, true, false},
        {8000, 16, 0.5, 10, true, false},  {10000, 16, 0, 15, false, false},
        {14999, 16, 0, 15, false, false},  {15000, 16, 0, 15, false, true},
        {1000000, 16, 0, 15, false, true},
    };
    struct tr_schedule s = three_levels();
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        struct tr_phase phase = tr_schedule_at(&s, points[i].images);
        assert_int_equal(phase.side, points[i].side);
        assert_int_equal(phase.side, 4 << phase.level);
        test_require_near((double)phase.lod, points[i].lod, 1e-6);
        test_require_near(phase.end_kimg, points[i].end_kimg, 1e-9);
        assert_int_equal(phase.fading, points[i].fading);
        assert_int_equal(phase.finished, points[i].finished);
    }
    test_require_near(tr_schedule_total_kimg(&s), 15, 1e-9);
}

static void lod_never_rises_and_its_floor_is_the_level(void **state)
{
    (void)state;
    struct tr_schedule s = three_levels();
    float before = 2;
    for (uint64_t images = 0; images < 16000; images++) {
        struct tr_phase phase = tr_schedule_at(&s, images);
        assert_true(phase.lod <= before);
        assert_int_equal((int)phase.lod, s.level_count - 1 - phase.level);
        assert_int_equal(phase.fading, phase.lod != floorf(phase.lod));
        before = phase.lod;
    }
}

static void levels_of_no_length_are_passed_over(void **state)
{
    (void)state;
    struct tr_schedule s = preset("cpu-small", 4);
    assert_int_equal(tr_schedule_parse(&s, "4:0/0,8:0/0,16:0/1", NULL), NN_OK);
    assert_int_equal(tr_schedule_at(&s, 0).side, 16);
    assert_false(tr_schedule_at(&s, 999).finished);
    assert_true(tr_schedule_at(&s, 1000).finished);
    assert_int_equal(tr_schedule_parse(&s, "16:0/0", NULL), NN_OK);
    assert_true(tr_schedule_at(&s, 0).finished);
}

static void the_paper_preset_is_the_official_v1(void **state)
{
    (void)state;
    struct tr_schedule s = preset("paper", 10);
    static const int minibatch[] = {16, 16, 16, 16, 16, 16, 14, 6, 3};
    assert_int_equal(s.level_count, 9);
    for (int k = 0; k < 9; k++) {
        assert_int_equal(s.levels[k].minibatch, minibatch[k]);
        test_require_near((double)s.levels[k].lr, 0.001, 1e-9);
    }
    assert_int_equal(tr_schedule_at(&s, 799999).side, 4);
    assert_int_equal(tr_schedule_at(&s, 800000).side, 8);
    assert_false(tr_schedule_at(&s, 12800000).fading);
    assert_int_equal(tr_schedule_at(&s, 12800000).side, 1024);
    test_require_near(tr_schedule_total_kimg(&s), 19000, 1e-9);
}

static void the_v2_preset_is_the_official_one(void **state)
{
    (void)state;
    struct tr_schedule s = preset("v2", 10);
    static const int minibatch[] = {128, 128, 128, 64, 32, 16, 8, 4, 4};
    assert_int_equal(s.level_count, 9);
    for (int k = 0; k < 9; k++) {
        assert_int_equal(s.levels[k].minibatch, minibatch[k]);
        test_require_near((double)s.levels[k].lr, k == 8 ? 0.0015 : 0.001, 1e-9);
    }
    assert_int_equal(tr_schedule_at(&s, 599999).side, 4);
    assert_int_equal(tr_schedule_at(&s, 600000).side, 8);
    assert_int_equal(tr_schedule_at(&s, 9000000).side, 1024);
    assert_true(tr_schedule_at(&s, 9599999).fading);
    assert_false(tr_schedule_at(&s, 9600000).fading);
    test_require_near(tr_schedule_total_kimg(&s), 12000, 1e-9);
}

static void every_preset_serves_every_resolution(void **state)
{
    (void)state;
    static const char *const names[] = {"paper", "v2", "cpu-small", "gpu-short"};
    for (int i = 0; i < 4; i++)
        for (int res = 2; res <= NN_RESOLUTION_LOG2_MAX; res++) {
            struct tr_schedule s = preset(names[i], res);
            assert_int_equal(s.level_count, res - 1);
            struct tr_phase last = tr_schedule_at(&s, (uint64_t)(1000 * tr_schedule_total_kimg(&s)) - 1);
            assert_int_equal(last.side, 1 << res);
            assert_false(last.finished);
            for (int k = 0; k < s.level_count; k++) {
                assert_true(s.levels[k].minibatch % 4 == 0 || i == 0);
                assert_true(s.levels[k].lr > 0);
            }
        }
}

static void unknown_presets_are_refused_with_the_list(void **state)
{
    (void)state;
    struct tr_schedule s;
    struct nn_error err;
    assert_int_equal(tr_schedule_preset(&s, "fast", 6, &err), NN_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "'fast'"));
    assert_non_null(strstr(err.text, "paper, v2, cpu-small and gpu-short"));
    assert_int_equal(tr_schedule_preset(&s, "paper", 1, &err), NN_ERR_ARGUMENT);
    assert_int_equal(tr_schedule_preset(&s, "paper", 11, &err), NN_ERR_ARGUMENT);
}

static void texts_change_only_the_levels_they_name(void **state)
{
    (void)state;
    struct tr_schedule s = preset("paper", 6), before = s;
    assert_int_equal(tr_schedule_parse(&s, "16:0.5/1.25", NULL), NN_OK);
    test_require_near(s.levels[2].fade_kimg, 0.5, 0);
    test_require_near(s.levels[2].train_kimg, 1.25, 0);
    assert_int_equal(s.levels[2].minibatch, before.levels[2].minibatch);
    s.levels[2] = before.levels[2];
    for (int k = 0; k < s.level_count; k++) {
        test_require_near(s.levels[k].fade_kimg, before.levels[k].fade_kimg, 0);
        test_require_near(s.levels[k].train_kimg, before.levels[k].train_kimg, 0);
    }
    assert_int_equal(tr_schedule_parse(&s, "", NULL), NN_OK);
}

static void minibatch_and_lr_are_given_for_one_level_or_all(void **state)
{
    (void)state;
    struct tr_schedule s = preset("v2", 6), before = s;
    assert_int_equal(tr_schedule_parse_minibatch(&s, "8:12,64:3", NULL), NN_OK);
    assert_int_equal(tr_schedule_parse_lr(&s, "16:0.0025", NULL), NN_OK);
    for (int k = 0; k < s.level_count; k++) {
        assert_int_equal(s.levels[k].minibatch, k == 1 ? 12 : k == 4 ? 3 : before.levels[k].minibatch);
        test_require_near((double)s.levels[k].lr, k == 2 ? 0.0025 : (double)before.levels[k].lr, 1e-9);
        test_require_near(s.levels[k].train_kimg, before.levels[k].train_kimg, 0);
    }
    assert_int_equal(tr_schedule_parse_minibatch(&s, "24", NULL), NN_OK);
    assert_int_equal(tr_schedule_parse_lr(&s, "3e-3", NULL), NN_OK);
    for (int k = 0; k < s.level_count; k++) {
        assert_int_equal(s.levels[k].minibatch, 24);
        test_require_near((double)s.levels[k].lr, 0.003, 1e-9);
    }
}

static void bad_minibatches_and_lrs_are_refused_and_change_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *text, *mention;
    } minibatches[] = {{"0", "0 is not in 1..4096"},
                       {"4097", "4097"},
                       {"8:2.5", "2.5 is not a whole"},
                       {"", "side:number"},
                       {"8:4,", "''"},
                       {"8:4;16:4", "8:4;16:4"},
                       {"12:4", "side 12"},
                       {"128:4", "4..64"},
                       {"8:nan", "nan"},
                       {"x", "'x'"},
                       {"8:4x", "'8:4x'"},
                       {"8:4,16:0", "0 is not"},
                       {"8/4", "'8/4'"}},
      lrs[] = {
          {"0", "0 is not in"}, {"8:-1", "-1"}, {"2", "2 is not in"}, {"nan", "nan"}, {"fast", "'fast'"}};
    const struct tr_schedule before = preset("v2", 6);
    struct tr_schedule s = before;
    struct nn_error err;
    for (size_t i = 0; i < sizeof minibatches / sizeof *minibatches; i++) {
        assert_int_equal(tr_schedule_parse_minibatch(&s, minibatches[i].text, &err), NN_ERR_ARGUMENT);
        if (!strstr(err.text, minibatches[i].mention)) fail_msg("'%s': %s", minibatches[i].text, err.text);
        assert_non_null(strstr(err.text, "minibatch: "));
    }
    for (size_t i = 0; i < sizeof lrs / sizeof *lrs; i++) {
        assert_int_equal(tr_schedule_parse_lr(&s, lrs[i].text, &err), NN_ERR_ARGUMENT);
        if (!strstr(err.text, lrs[i].mention)) fail_msg("'%s': %s", lrs[i].text, err.text);
    }
    for (int k = 0; k < s.level_count; k++) {
        assert_int_equal(s.levels[k].minibatch, before.levels[k].minibatch);
        test_require_near((double)s.levels[k].lr, (double)before.levels[k].lr, 0);
    }
}

static void bad_texts_are_refused_and_change_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *text, *mention;
    } bad[] = {
        {"4", "'4'"},
        {"4:1", "'4:1'"},
        {"8:1/2x", "'8:1/2x'"},
        {"8:1/2;16:1/2", "side:fade/train"},
        {"12:1/2", "side 12"},
        {"128:1/2", "4..64"},
        {"-8:1/2", "side -8"},
        {"4294967300:0/1", "side 4294967300"},
        {"8:-1/2", "kimg"},
        {"8:1/-2", "kimg"},
        {"8:nan/2", "kimg"},
        {"8:1/inf", "kimg"},
        {"8:1/1e7", "kimg"},
        {"8:1e7/1", "kimg"},
        {"4:1/2", "no fade"},
        {"8:/2", "'8:/2'"},
        {",8:1/2", "side:fade/train"},
        {"8:1/2,16", "'16'"},
        {"8:1/2,24:1/2", "24"},
        {"eight:1/2", "'eight:1"},
        {"8:1/2,,16:1/2", "side:fade/train"},
    };
    const struct tr_schedule before = preset("paper", 6);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct tr_schedule s = before;
        struct nn_error err;
        if (tr_schedule_parse(&s, bad[i].text, &err) != NN_ERR_ARGUMENT)
            fail_msg("accepted '%s'", bad[i].text);
        if (!strstr(err.text, bad[i].mention)) fail_msg("'%s': %s", bad[i].text, err.text);
        for (int k = 0; k < s.level_count; k++) {
            test_require_near(s.levels[k].fade_kimg, before.levels[k].fade_kimg, 0);
            test_require_near(s.levels[k].train_kimg, before.levels[k].train_kimg, 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_fade_in_and_then_train),
        cmocka_unit_test(lod_never_rises_and_its_floor_is_the_level),
        cmocka_unit_test(levels_of_no_length_are_passed_over),
        cmocka_unit_test(the_paper_preset_is_the_official_v1),
        cmocka_unit_test(the_v2_preset_is_the_official_one),
        cmocka_unit_test(every_preset_serves_every_resolution),
        cmocka_unit_test(unknown_presets_are_refused_with_the_list),
        cmocka_unit_test(texts_change_only_the_levels_they_name),
        cmocka_unit_test(bad_texts_are_refused_and_change_nothing),
        cmocka_unit_test(minibatch_and_lr_are_given_for_one_level_or_all),
        cmocka_unit_test(bad_minibatches_and_lrs_are_refused_and_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
