/* Classifiers on the tested backend: what they give, their gradients and short trainings beside the CPU's in
 * f32, and stops that change no byte; and the samples that they are trained on, when a GPU fails amid them.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/checkpoint.h"
#include "engine/rng.h"
#include "tests/unit/scratch.h"
#include "tests/unit/tested_backend.h"
#include "trainer/classify/classify_device.h"
#include "trainer/classify/classify_training.h"
#include "trainer/data/image_source.h"
#include "trainer/experiments/lab.h"

enum { COUNT = 16, SIDE = 48, SHOWN = 4, EPOCHS = 2, STEPS = 10 };

static void check(nn_status status, const struct nn_error *err)
{
    if (status) fail_msg("status %d: %s", (int)status, err->text);
}

/* Noise; every other case is brighter in its middle. */
static struct tr_cases make_cases(int side)
{
    struct tr_cases c = {.side = side, .count = COUNT, .finding = "spot", .source = "test"};
    size_t pixels = (size_t)side * (size_t)side;
    c.pixels = malloc(COUNT * pixels);
    c.truth = malloc(COUNT);
    c.file = calloc(COUNT, sizeof *c.file);
    assert_true(c.pixels && c.truth && c.file);
    for (int i = 0; i < COUNT; i++) c.truth[i] = i % 2;
    for (size_t k = 0; k < COUNT * pixels; k++) {
        int x = (int)(k % (size_t)side), y = (int)(k % pixels / (size_t)side);
        bool middle = abs(2 * x - side) < side / 3 && abs(2 * y - side) < side / 3;
        bool bright = middle && c.truth[k / pixels];
        c.pixels[k] = (uint8_t)(60 + 80 * nn_random_uniform(1, 2, k) + (bright ? 60 : 0));
    }
    return c;
}

static struct nn_device open_tested(enum nn_type type)
{
    struct nn_device device = {.name = "tested"};
    struct nn_error err;
    check(test_backend_open(&device.backend, type, &err), &err);
    return device;
}

static struct nn_device open_cpu(void)
{
    struct nn_device device = {.name = "cpu"};
    struct nn_error err;
    check(nn_backend_open_cpu(&device.backend, NN_F32, &err), &err);
    return device;
}

/* The CPU's own trainings are checked by tests/oracle and tests/commands. */
static void skip_but_on_a_gpu(void)
{
    struct nn_device device = open_tested(NN_F32);
    bool gpu = strcmp(device.backend->name, "cuda") == 0;
    device.backend->close(device.backend);
    test_skip_where_slow();
    if (gpu) return;
    print_message("skipped: for a GPU only\n");
    skip();
}

/* |a - b| / |b| */
static double distance(const float *a, const float *b, size_t count)
{
    double difference = 0, size = 0;
    for (size_t i = 0; i < count; i++) {
        difference += pow((double)a[i] - (double)b[i], 2);
        size += pow((double)b[i], 2);
    }
    return sqrt(difference / size);
}

/* ---- one pass ----------------------------------------------------------------------------------------- */

/* The logits of the first cases by their own moments and, where it is not NULL, in `gradient` that of their
 * mean in all weights. Closes the device. */
static void one_pass(struct nn_device device, const struct tr_classifier *net, const float *values,
                     const float *moments, float *logits, float *gradient)
{
    struct tr_cases cases = make_cases(net->side);
    struct tr_classify_device d;
    struct nn_error err;
    static const int indices[SHOWN] = {0, 1, 2, 3};
    static const float seeds[SHOWN] = {1.0f / SHOWN, 1.0f / SHOWN, 1.0f / SHOWN, 1.0f / SHOWN};
    check(tr_classify_device_open(&d, net, device.backend, values, moments, SHOWN, &err), &err);
    tr_classify_device_begin(&d);
    nn_id y = tr_classify_device_logits(&d, tr_classify_device_grey(&d, &cases, indices, SHOWN), true, 7);
    check(nn_tape_status(d.t, &err), &err);
    check(nn_read(d.t, y, logits, &err), &err);
    if (gradient) {
        nn_id seed = nn_from_host(d.t, seeds, nn_shape(SHOWN, 1, 1, 1));
        nn_gradient_last(d.t, y, seed, d.leaves, net->entry_count, d.gradients);
        check(nn_tape_status(d.t, &err), &err);
        for (int k = 0; k < net->entry_count; k++)
            if (!tr_entry_is_running(&net->entries[k]))
                check(nn_read(d.t, d.gradients[k], gradient + net->entries[k].offset, &err), &err);
    }
    tr_classify_device_close(&d);
    device.backend->close(device.backend);
    tr_cases_release(&cases);
}

/* A network's distances from the CPU in f32 that are allowed, of logits and of gradients; 0: not compared.
 * The reference backend's are, in f32: ResNet-18 5e-6 and 3e-6, Inception-v3 5e-4 and 2e-2 at sides up to
 * 139. Inception-v3 has no limits in bf16: what its 94 norms make of a rounding in the first layers is,
 * before any training, as large as the logits. */
struct limits {
    double logits[2], gradients[2]; /* f32, bf16 */
};

static void compare_pass(enum tr_architecture architecture, int side, const struct limits *limits)
{
    struct tr_classifier net;
    struct nn_error err;
    float logits[2][SHOWN], *gradients[2] = {NULL, NULL};
    check(tr_classifier_init(&net, architecture, side, 1, &err), &err);
    float *values = calloc(net.value_count, sizeof *values);
    float *moments = calloc(net.moment_count + 1, sizeof *moments);
    assert_true(values && moments);
    for (int k = 0; k < 2 && limits->gradients[0] > 0; k++)
        assert_non_null(gradients[k] = calloc(net.value_count, sizeof *gradients[k]));
    tr_classifier_init_values(&net, 1, values, moments);
    one_pass(open_cpu(), &net, values, moments, logits[1], gradients[1]);
    for (int narrow = 0; narrow < (test_backend_has_bf16() ? 2 : 1); narrow++) {
        if (limits->logits[narrow] == 0) continue;
        one_pass(open_tested(narrow ? NN_BF16 : NN_F32), &net, values, moments, logits[0], gradients[0]);
        double off = distance(logits[0], logits[1], SHOWN);
        double turned = gradients[0] ? distance(gradients[0], gradients[1], net.value_count) : 0;
        print_message("%s of %d pixels, %s: logits differ by %.1e of their size, gradients by %.1e\n",
                      tr_architecture_words[architecture], side, narrow ? "bf16" : "f32", off, turned);
        assert_true(off <= limits->logits[narrow]);
        assert_true(turned <= limits->gradients[narrow]);
    }
    free(gradients[0]);
    free(gradients[1]);
    free(values);
    free(moments);
    tr_classifier_release(&net);
}

static void small_networks_give_what_they_give_on_the_cpu(void **state)
{
    (void)state;
    compare_pass(TR_RESNET18, SIDE, &(struct limits){{1e-4, 0.2}, {0}});
    compare_pass(TR_INCEPTION_V3, 75, &(struct limits){{5e-3}, {0}});
}

static void whole_networks_and_their_gradients_are_those_of_the_cpu(void **state)
{
    (void)state;
    static const struct limits limits[] = {[TR_RESNET18] = {{1e-4, 0.2}, {1e-3, 0.3}},
                                           [TR_INCEPTION_V3] = {{5e-3}, {0.1}},
                                           [TR_VGG16] = {{1e-4, 0.2}, {1e-3, 0.3}}};
    skip_but_on_a_gpu();
    for (int k = 0; tr_architecture_words[k]; k++) compare_pass((enum tr_architecture)k, 224, &limits[k]);
}

/* ---- training ----------------------------------------------------------------------------------------- */

static bool until_epoch(void *context, const struct tr_classify_progress *p)
{
    return !(p->epoch_done && p->epoch == *(const int *)context);
}

/* The weights, heap memory. Stops after `stop` epochs and goes on where that is over 0. Closes the device. */
static float *train(struct nn_device device, const char *state_path, int stop, size_t *count)
{
    struct tr_classify_settings settings = tr_classify_defaults(TR_RESNET18, false);
    struct tr_trained *trained = calloc(1, sizeof *trained);
    struct tr_cases cases = make_cases(SIDE);
    struct nn_error err;
    settings.minibatch = SHOWN;
    settings.epochs = EPOCHS;
    settings.steps_least = STEPS;
    settings.augment = true;
    assert_non_null(trained);
    if (stop)
        assert_int_equal(tr_classify_train(trained, &cases, NULL, &settings, &device, state_path, until_epoch,
                                           &stop, &err),
                         NN_STOPPED);
    check(tr_classify_train(trained, &cases, NULL, &settings, &device, state_path, NULL, NULL, &err), &err);
    float *values = trained->values;
    *count = trained->net.value_count;
    trained->values = NULL;
    tr_trained_release(trained);
    free(trained);
    tr_cases_release(&cases);
    device.backend->close(device.backend);
    return values;
}

/* Rounding differs from the first step on, and training enlarges what differs. */
static void a_short_training_stays_close_to_the_cpu_s(void **state)
{
    (void)state;
    size_t count;
    skip_but_on_a_gpu();
    float *got = train(open_tested(NN_F32), NULL, 0, &count), *want = train(open_cpu(), NULL, 0, &count);
    double off = distance(got, want, count);
    print_message("after %d steps the classifiers' weights differ by %.1e of their size\n", EPOCHS * STEPS,
                  off);
    assert_true(off < 0.02); /* cpu and reference: 0.0023 */
    free(got);
    free(want);
}

static void a_training_that_was_stopped_ends_in_the_same_bytes(void **state)
{
    size_t count;
    skip_but_on_a_gpu();
    for (int narrow = 0; narrow < (test_backend_has_bf16() ? 2 : 1); narrow++) {
        enum nn_type type = narrow ? NN_BF16 : NN_F32;
        char path[32];
        snprintf(path, sizeof path, "state%d", narrow);
        float *whole = train(open_tested(type), NULL, 0, &count);
        float *stopped = train(open_tested(type), scratch_path(state, path), 1, &count);
        assert_memory_equal(whole, stopped, count * sizeof *whole);
        free(whole);
        free(stopped);
    }
}

/* ---- samples --------------------------------------------------------------------------------------- */

static const struct nn_checkpoint TINY = {
    .config = {.resolution_log2 = 4, .label_count = 2, .fmap_base = 64, .fmap_max = 16, .mbstd_group = 4},
    .classes = {"no", "yes"},
    .class_count = 2,
    .simulated = true,
    .name = "tiny",
    .provenance = "none",
};

static void write_tiny(const char *path)
{
    struct nn_network net;
    struct nn_error err;
    check(nn_network_init(&net, &TINY.config, NN_GENERATOR, &err), &err);
    float *values = malloc(net.value_count * sizeof *values);
    assert_non_null(values);
    nn_network_init_values(&net, 3, values);
    check(nn_checkpoint_write(path, &TINY, &net, values, &err), &err);
    free(values);
    nn_network_release(&net);
}

/* Skips the running test unless the host plays the GPU: the environment cannot spoil a real one. */
static void require_host(void)
{
    if (test_backend_is_slow()) return;
    print_message("skipped: only where the host plays the GPU\n");
    skip();
}

static void samples_of_one_set_are_of_one_device_or_an_error(void **state)
{
    struct nn_error err = {0};
    struct tr_cases like = {.side = 16, .count = 2, .class_count = 2, .classes = {"no", "yes"}}, drawn;
    struct tr_lab lab = {.settings = {.model = "m"}};
    struct tr_image_source *source;
    uint8_t pixels[70 * 16 * 16];
    like.truth = (uint8_t[]){0, 1};
    like.labels = (uint64_t[]){1, 2};
    strcpy(like.finding, "yes");
    require_host();
    const char *path = scratch_path(state, "m.safetensors");
    write_tiny(path);
    check(tr_cases_draw(&drawn, path, "auto", &like, 70, 1, 16, NULL, NULL, &err), &err);
    strcpy(lab.model_device, drawn.device);
    strcpy(lab.model_sha256, drawn.sha256);
    check(tr_lab_check_drawn(&lab, &drawn, &err), &err);
    tr_cases_release(&drawn);
    setenv("TEST_CUDA_LOSE_AFTER", "5", 1); /* after the weights and the first 32 */
    assert_int_equal(tr_cases_draw(&drawn, path, "auto", &like, 70, 1, 16, NULL, NULL, &err), NN_ERR_DEVICE);
    unsetenv("TEST_CUDA_LOSE_AFTER");
    assert_non_null(strstr(err.text, "the GPU has failed"));
    assert_non_null(strstr(err.text, "were begun on cuda"));
    check(tr_cases_draw(&drawn, path, "cpu", &like, 2, 1, 16, NULL, NULL, &err), &err);
    assert_int_equal(tr_lab_check_drawn(&lab, &drawn, &err), NN_ERR_DEVICE);
    tr_cases_release(&drawn);
    check(tr_image_source_open_model(&source, path, "auto", NULL, 1, &err), &err);
    check(tr_image_source_read(source, 0, 70, 16, pixels, &err), &err);
    setenv("TEST_CUDA_LOSE_AFTER", "3", 1); /* after the first 64 */
    assert_int_equal(tr_image_source_read(source, 0, 70, 16, pixels, &err), NN_ERR_DEVICE);
    unsetenv("TEST_CUDA_LOSE_AFTER");
    assert_non_null(strstr(err.text, "were begun on cuda"));
    tr_image_source_close(source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_networks_give_what_they_give_on_the_cpu),
        cmocka_unit_test(whole_networks_and_their_gradients_are_those_of_the_cpu),
        cmocka_unit_test(a_short_training_stays_close_to_the_cpu_s),
        cmocka_unit_test_setup_teardown(samples_of_one_set_are_of_one_device_or_an_error, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(a_training_that_was_stopped_ends_in_the_same_bytes, scratch_setup,
                                        scratch_teardown),
    };
    return cmocka_run_group_tests_name("classifiers on a device", tests, NULL, NULL);
}
