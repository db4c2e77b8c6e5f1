/* The classifiers' layouts, files and dropout; what they compute is torchvision's to say (tests/oracle). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/host_values.h"
#include "tests/unit/scratch.h"
#include "trainer/classify/classifier.h"
#include "trainer/classify/layers.h"

enum { SIDE = 32, OUTPUTS = 3 };

static void check(nn_status status, const struct nn_error *err)
{
    if (status) fail_msg("status %d: %s", (int)status, err->text);
}

static void layouts_have_as_many_parameters_as_torchvisions(void **state)
{
    (void)state;
    static const struct {
        enum tr_architecture architecture;
        size_t values, moments;
    } known[] = {{TR_RESNET18, 11689512, 2 * 4800},
                 {TR_INCEPTION_V3, 23834568, 2 * 17216}, /* without AuxLogits' 3,326,696 */
                 {TR_VGG16, 138357544, 0}};
    for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
        struct tr_classifier net;
        struct nn_error err;
        enum tr_architecture architecture = known[k].architecture;
        check(tr_classifier_init(&net, architecture, tr_architecture_side(architecture), 1000, &err), &err);
        assert_true(net.value_count == known[k].values);
        assert_true(net.moment_count == known[k].moments);
        tr_classifier_release(&net);
    }
}

static void sides_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    static const int sides[][2] = {
        {TR_RESNET18, 31}, {TR_INCEPTION_V3, 74}, {TR_VGG16, 225}, {TR_VGG16, 112}};
    for (size_t k = 0; k < sizeof sides / sizeof *sides; k++) {
        struct tr_classifier net;
        struct nn_error err;
        assert_int_equal(tr_classifier_init(&net, (enum tr_architecture)sides[k][0], sides[k][1], 1, &err),
                         NN_ERR_ARGUMENT);
        assert_non_null(strstr(err.text, tr_architecture_words[sides[k][0]]));
    }
}

/* Two sets of buffers for the same network. */
struct copies {
    struct tr_classifier net;
    float *values[2], *moments[2];
};

static struct copies make_copies(int outputs)
{
    struct copies c;
    struct nn_error err;
    check(tr_classifier_init(&c.net, TR_RESNET18, SIDE, outputs, &err), &err);
    for (int k = 0; k < 2; k++) {
        c.values[k] = malloc(c.net.value_count * sizeof(float));
        c.moments[k] = malloc(c.net.moment_count * sizeof(float));
        assert_true(c.values[k] && c.moments[k]);
        tr_classifier_init_values(&c.net, (uint64_t)k + 1, c.values[k], c.moments[k]);
    }
    return c;
}

static void release_copies(struct copies *c)
{
    for (int k = 0; k < 2; k++) {
        free(c->values[k]);
        free(c->moments[k]);
    }
    tr_classifier_release(&c->net);
}

static bool same(const struct copies *c, const struct tr_entry *e)
{
    return memcmp(c->values[0] + e->offset, c->values[1] + e->offset, nn_count(e->shape) * sizeof(float)) ==
           0;
}

static void what_is_saved_is_loaded(void **state)
{
    struct copies c = make_copies(OUTPUTS);
    struct nn_error err;
    const char *path = scratch_path(state, "net.safetensors");
    c.moments[0][7] = 0.5f;
    check(tr_classifier_save(&c.net, path, c.values[0], c.moments[0], NULL, 0, &err), &err);
    check(tr_classifier_load(&c.net, path, false, c.values[1], c.moments[1], &err), &err);
    assert_memory_equal(c.values[0], c.values[1], c.net.value_count * sizeof(float));
    assert_memory_equal(c.moments[0], c.moments[1], c.net.moment_count * sizeof(float));
    release_copies(&c);
}

static void a_head_of_another_size_is_refused_unless_a_fresh_one_is_wanted(void **state)
{
    struct copies large = make_copies(1000), small = make_copies(OUTPUTS);
    struct nn_error err;
    const char *path = scratch_path(state, "large.safetensors");
    check(tr_classifier_save(&large.net, path, large.values[0], large.moments[0], NULL, 0, &err), &err);
    memcpy(small.values[0], small.values[1], small.net.value_count * sizeof(float));
    assert_int_equal(tr_classifier_load(&small.net, path, false, small.values[1], small.moments[1], &err),
                     NN_ERR_FORMAT);
    assert_non_null(strstr(err.text, "fc.weight"));
    assert_memory_equal(small.values[0], small.values[1], small.net.value_count * sizeof(float));
    check(tr_classifier_load(&small.net, path, true, small.values[1], small.moments[1], &err), &err);
    for (int k = 0; k < small.net.entry_count; k++) {
        const struct tr_entry *e = &small.net.entries[k];
        bool weight = e->role == TR_CONV_WEIGHT || e->role == TR_DENSE_WEIGHT;
        if (weight) assert_true(same(&small, e) == e->head);
    }
    release_copies(&small);
    release_copies(&large);
}

static void dropout_keeps_half_doubled_and_goes_by_the_seed(void **state)
{
    (void)state;
    enum { COUNT = 4096 };
    static float ones[COUNT];
    static double first[COUNT], again[COUNT], other[COUNT];
    double *results[] = {first, again, other};
    struct nn_backend *be;
    struct nn_tape *t;
    struct nn_error err;
    struct tr_norm_use unused;
    check(nn_backend_open_reference(&be, NN_F32, &err), &err);
    check(nn_tape_new(&t, be, &err), &err);
    for (int i = 0; i < COUNT; i++) ones[i] = 1;
    for (uint64_t k = 0; k < 3; k++) {
        struct tr_pass pass = {.uses = &unused, .dropout = true, .seed = k / 2};
        struct tr_layers l = {.t = t, .pass = &pass};
        struct tr_map x = {nn_from_host(t, ones, nn_shape(4, COUNT / 4, 1, 1)), nn_shape(4, COUNT / 4, 1, 1)};
        test_read(t, tr_dropout(&l, x).id, results[k]);
        pass.uses = NULL;
        assert_int_equal(tr_dropout(&l, x).id.index, x.id.index);
    }
    int kept = 0;
    for (int i = 0; i < COUNT; i++) {
        assert_true(first[i] == 0 || first[i] == 2);
        kept += first[i] > 0;
    }
    assert_true(kept > COUNT * 0.45 && kept < COUNT * 0.55);
    assert_memory_equal(first, again, sizeof first);
    assert_memory_not_equal(first, other, sizeof first);
    nn_tape_free(t);
    be->close(be);
}

/* One batch norm on two values of one channel: mean 3, variance 1 (biased) or 2. */
static void running_moments_follow_those_of_the_batches(void **state)
{
    (void)state;
    struct tr_entry entries[] = {{.shape = {1, 1, 1, 1}, .role = TR_MEAN},
                                 {.shape = {1, 1, 1, 1}, .role = TR_VARIANCE, .offset = 1}};
    struct tr_classifier net = {.entries = entries, .entry_count = 2, .norm_count = 1, .moment_count = 2};
    float x[] = {2, 4}, running[] = {1, 1};
    struct nn_backend *be;
    struct nn_tape *t;
    struct nn_error err;
    check(nn_backend_open_reference(&be, NN_F64, &err), &err);
    check(nn_tape_new(&t, be, &err), &err);
    struct tr_norm_use use = {nn_moments(t, nn_from_host(t, x, nn_shape(2, 1, 1, 1))), 2};
    check(tr_classifier_update_moments(t, &net, &use, 0.25f, running, &err), &err);
    test_require_near((double)running[0], 1.5, 1e-6);
    test_require_near((double)running[1], 1.25, 1e-6);
    nn_tape_free(t);
    be->close(be);
}

static double *ones(size_t count)
{
    double *values = malloc(count * sizeof *values);
    assert_non_null(values);
    for (size_t i = 0; i < count; i++) values[i] = 1;
    return values;
}

static void who_asks_is_told_what_each_convolution_and_the_head_sees(void **state)
{
    (void)state;
    enum { CONVOLUTIONS = 20 };
    struct tr_classifier net;
    struct nn_backend *be;
    struct nn_tape *t;
    struct nn_error err;
    check(tr_classifier_init(&net, TR_RESNET18, SIDE, OUTPUTS, &err), &err);
    check(nn_backend_open_cpu(&be, NN_F32, &err), &err);
    check(nn_tape_new(&t, be, &err), &err);
    float *values = malloc(net.value_count * sizeof *values);
    float *moments = malloc(net.moment_count * sizeof *moments);
    nn_id *leaves = malloc((size_t)net.entry_count * sizeof *leaves), maps[CONVOLUTIONS + 1], features = {0};
    assert_true(values && moments && leaves);
    maps[CONVOLUTIONS] = nn_none;
    tr_classifier_init_values(&net, 1, values, moments);
    tr_classifier_leaves(t, &net, values, leaves); /* host memory, on this backend */
    struct tr_pass pass = {.leaves = leaves, .moments = moments, .convolutions = maps, .features = &features};
    double *image = ones(3 * SIDE * SIDE);
    nn_id logits = tr_classifier_logits(t, &net, &pass, test_leaf(t, image, nn_shape(1, 3, SIDE, SIDE)));
    test_require_ok(t);

    int k = 0;
    for (int e = 0; e < net.entry_count; e++)
        if (net.entries[e].role == TR_CONV_WEIGHT)
            assert_int_equal(nn_value(t, maps[k++])->shape.c, net.entries[e].shape.n);
    assert_int_equal(k, CONVOLUTIONS);
    assert_int_equal(maps[CONVOLUTIONS].index, 0);
    /* The head of these features are the logits. */
    double x[512], y[OUTPUTS];
    test_read(t, features, x);
    test_read(t, logits, y);
    const float *w = values + net.entries[net.entry_count - 2].offset;
    for (int o = 0; o < OUTPUTS; o++, w += 512) {
        double sum = 0;
        for (int i = 0; i < 512; i++) sum += x[i] * (double)w[i];
        test_require_near(y[o], sum, 1e-4);
    }
    free(image);
    free(leaves);
    free(moments);
    free(values);
    nn_tape_free(t);
    be->close(be);
    tr_classifier_release(&net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layouts_have_as_many_parameters_as_torchvisions),
        cmocka_unit_test(sides_that_do_not_fit_are_refused),
        cmocka_unit_test_setup_teardown(what_is_saved_is_loaded, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(a_head_of_another_size_is_refused_unless_a_fresh_one_is_wanted,
                                        scratch_setup, scratch_teardown),
        cmocka_unit_test(who_asks_is_told_what_each_convolution_and_the_head_sees),
        cmocka_unit_test(dropout_keeps_half_doubled_and_goes_by_the_seed),
        cmocka_unit_test(running_moments_follow_those_of_the_batches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
