/* Sampling: the prepared plan against the tape, and what a request means. */
#include <math.h>
#include <omp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/checkpoint.h"
#include "engine/engine.h"
#include "engine/rng.h"
#include "engine/sampler.h"
#include "engine/tape.h"
#include "tests/unit/scratch.h"

enum { SIDE = 32, PIXELS = SIDE * SIDE, CLASSES = 3, PARAMS_MAX = 64 };

static const struct nn_checkpoint INFO = {
    .config =
        {.resolution_log2 = 5, .label_count = CLASSES, .fmap_base = 256, .fmap_max = 16, .mbstd_group = 4},
    .class_count = CLASSES,
    .classes = {"intact", "fracture", "implant"},
    .name = "tiny",
    .simulated = true,
    .kimg = 1.5,
    .provenance = "made in a test",
};

/* Weights as at the start of a training, biases that are not zero. */
static float *make_values(const struct nn_network *net)
{
    float *values = malloc(net->value_count * sizeof *values);
    assert_non_null(values);
    nn_network_init_values(net, 3, values);
    for (int i = 0; i < net->param_count; i++)
        if (strstr(net->params[i].name, "/bias"))
            nn_random_normals(4, 9, net->params[i].offset, nn_count(net->params[i].shape),
                              values + net->params[i].offset);
    return values;
}

static void write_model(const char *path)
{
    struct nn_network net;
    struct nn_error err = {0};
    assert_int_equal(nn_network_init(&net, &INFO.config, NN_GENERATOR, NULL), NN_OK);
    float *values = make_values(&net);
    if (nn_checkpoint_write(path, &INFO, &net, values, &err)) fail_msg("%s", err.text);
    free(values);
    nn_network_release(&net);
}

/* ---- the plan against the tape ------------------------------------------------------------------ */

/* The image of `seed` and one-hot label by the graph that training uses; nn_generator normalises. */
static void by_tape(struct nn_backend *be, const struct nn_network *net, float *values, uint64_t seed,
                    int class_index, float *image)
{
    struct nn_tape *t;
    struct nn_error err = {0};
    nn_id params[PARAMS_MAX];
    int latent = nn_gan_latent_size(&net->config);
    float z[256], labels[CLASSES] = {0};
    labels[class_index] = 1;
    assert_true(net->param_count <= PARAMS_MAX && latent <= 256);
    nn_random_normals(seed, NN_STREAM_LATENT, 0, (size_t)latent, z);
    assert_int_equal(nn_tape_new(&t, be, NULL), NN_OK);
    nn_network_leaves(t, net, values, params); /* both backends' memory is the host's */
    nn_id latents = nn_from_host(t, z, nn_shape(1, latent, 1, 1));
    nn_id y = nn_from_host(t, labels, nn_shape(1, CLASSES, 1, 1));
    nn_id made = nn_generator(t, net, params, latents, y, 0);
    if (nn_read(t, made, image, &err)) fail_msg("%s", err.text);
    nn_tape_free(t);
}

static void by_sampler(struct nn_backend *be, const struct nn_network *net, const float *values,
                       uint64_t seed, int class_index, float *image)
{
    struct nn_sampler *sampler;
    struct nn_error err = {0};
    float input[256 + CLASSES], labels[CLASSES] = {0};
    labels[class_index] = 1;
    nn_sampler_latent(&net->config, seed, seed, 0, input);
    nn_sampler_input(&net->config, input, labels, 1, input);
    if (nn_sampler_new(&sampler, be, net, values, &err)) fail_msg("%s", err.text);
    if (nn_sampler_run(sampler, input, image, &err)) fail_msg("%s", err.text);
    nn_sampler_free(sampler);
}

/* Root of the mean square of a - b, in units of the image range -1..1. */
static double rms_difference(const float *a, const float *b)
{
    double sum = 0;
    for (int i = 0; i < PIXELS; i++) sum += (double)(a[i] - b[i]) * (double)(a[i] - b[i]);
    return sqrt(sum / PIXELS);
}

static double spread(const float *a)
{
    double sum = 0, square = 0;
    for (int i = 0; i < PIXELS; i++) sum += (double)a[i], square += (double)a[i] * (double)a[i];
    return sqrt(square / PIXELS - sum / PIXELS * (sum / PIXELS));
}

static void compare_with_tape(struct nn_backend *be, double tolerance)
{
    struct nn_network net;
    assert_int_equal(nn_network_init(&net, &INFO.config, NN_GENERATOR, NULL), NN_OK);
    float *values = make_values(&net), *a = malloc(2 * PIXELS * sizeof *a), *b = a + PIXELS;
    assert_non_null(a);
    for (uint64_t seed = 0; seed < 6; seed++) {
        by_tape(be, &net, values, seed, (int)seed % CLASSES, a);
        by_sampler(be, &net, values, seed, (int)seed % CLASSES, b);
        assert_true(spread(a) > 0.1); /* there is something to compare */
        double got = rms_difference(a, b) / spread(a);
        if (!(got <= tolerance)) fail_msg("seed %d: differs by %g, more than %g", (int)seed, got, tolerance);
    }
    free(a);
    free(values);
    nn_network_release(&net);
    be->close(be);
}

static void the_plan_equals_the_tape_on_the_reference_to_1e_5(void **state)
{
    (void)state;
    struct nn_backend *be;
    assert_int_equal(nn_backend_open_reference(&be, NN_F32, NULL), NN_OK);
    compare_with_tape(be, 1e-5);
}

static void the_plan_equals_the_tape_on_the_cpu_in_f32_to_1e_5(void **state)
{
    (void)state;
    struct nn_backend *be;
    assert_int_equal(nn_backend_open_cpu(&be, NN_F32, NULL), NN_OK);
    compare_with_tape(be, 1e-5);
}

static void the_plan_equals_the_tape_on_the_cpu_in_bf16_to_3_percent(void **state)
{
    (void)state;
    struct nn_backend *be;
    if (!nn_cpu_has_bf16()) skip();
    assert_int_equal(nn_backend_open_cpu(&be, NN_BF16, NULL), NN_OK);
    compare_with_tape(be, 0.03);
}

/* ---- models ------------------------------------------------------------------------------------- */

static struct nn_model *open_model(void **state)
{
    struct nn_model *model;
    struct nn_error err = {0};
    const char *path = scratch_path(state, "m.safetensors");
    write_model(path);
    if (nn_model_open(&model, path, "cpu", &err)) fail_msg("%s", err.text);
    return model;
}

static void sample(struct nn_model *model, const struct nn_sample_request *requests, int count,
                   uint8_t *pixels)
{
    struct nn_error err = {0};
    if (nn_model_sample(model, requests, count, pixels, &err)) fail_msg("%s", err.text);
}

static struct nn_sample_request request(uint64_t seed, int class_index, float strength, float truncation)
{
    return (struct nn_sample_request){seed, class_index, strength, truncation};
}

static void a_model_tells_what_its_checkpoint_says(void **state)
{
    struct nn_model *model = open_model(state);
    const struct nn_model_info *info = nn_model_info(model);
    assert_int_equal(info->resolution, SIDE);
    assert_int_equal(info->class_count, CLASSES);
    assert_string_equal(info->classes[2], "implant");
    assert_string_equal(info->name, "tiny");
    assert_string_equal(info->provenance, "made in a test");
    assert_true(info->simulated);
    assert_true(fabs(info->kimg - 1.5) < 1e-9);
    assert_int_equal(strlen(info->sha256), 64);
    assert_non_null(strstr(info->device, "cpu"));
    nn_model_close(model);
    nn_model_close(NULL);
}

static void a_header_alone_describes_the_model_and_what_it_will_cost(void **state)
{
    struct nn_model *model = open_model(state);
    struct nn_model_info info, wanted = *nn_model_info(model);
    struct nn_error err = {0};
    size_t estimate = 0, bytes = nn_model_memory_bytes(model);
    if (nn_model_describe(scratch_path(state, "m.safetensors"), &info, &estimate, &err))
        fail_msg("%s", err.text);
    memset(wanted.sha256, 0, sizeof wanted.sha256);
    memset(wanted.device, 0, sizeof wanted.device);
    memset(wanted.device_note, 0, sizeof wanted.device_note);
    assert_memory_equal(&info, &wanted, sizeof info);
    size_t own = 1 << 18; /* what oneDNN may want for itself, however small the layer: with AMX it does */
    if (estimate > bytes * 2 || bytes > estimate * 2 + own)
        fail_msg("estimated %zu, is %zu", estimate, bytes);
    nn_model_close(model);
}

static void bad_headers_are_refused(void **state)
{
    const char *path = scratch_path(state, "m.safetensors");
    struct nn_model_info info;
    size_t bytes;
    struct nn_error err = {0};
    assert_int_equal(nn_model_describe(path, &info, &bytes, &err), NN_ERR_IO);
    const char *const texts[] = {"", "short", "\x89PNG, but not a model", "\x10\0\0\0\0\0\0\0{}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        scratch_text(path, texts[i]);
        assert_int_equal(nn_model_describe(path, &info, &bytes, &err), NN_ERR_FORMAT);
    }
    write_model(path);
    struct stat file;
    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(truncate(path, file.st_size - 1), 0);
    assert_int_equal(nn_model_describe(path, &info, &bytes, &err), NN_ERR_FORMAT);
    assert_non_null(strstr(err.text, path));
}

static void samples_are_the_reference_images_rounded(void **state)
{
    struct nn_model *model = open_model(state);
    struct nn_backend *be;
    struct nn_network net;
    static uint8_t pixels[PIXELS];
    static float image[PIXELS];
    assert_int_equal(nn_backend_open_reference(&be, NN_F32, NULL), NN_OK);
    assert_int_equal(nn_network_init(&net, &INFO.config, NN_GENERATOR, NULL), NN_OK);
    float *values = make_values(&net);
    struct nn_sample_request r = request(11, 1, 1, 1);
    sample(model, &r, 1, pixels);
    by_tape(be, &net, values, 11, 1, image);
    double sum = 0;
    for (int i = 0; i < PIXELS; i++) {
        double wanted = fmin(fmax((double)image[i] * 127.5 + 127.5, 0), 255);
        double difference = fabs(pixels[i] - wanted);
        assert_true(difference <= 0.6 || nn_cpu_has_bf16());
        sum += difference;
    }
    assert_true(sum / PIXELS < 3); /* grey levels, bf16 */
    free(values);
    nn_network_release(&net);
    be->close(be);
    nn_model_close(model);
}

static void a_sample_does_not_depend_on_its_place_in_a_batch(void **state)
{
    struct nn_model *model = open_model(state);
    const struct nn_sample_request four[] = {request(1, 0, 1, 1), request(99, 2, 0.5f, 0.7f),
                                             request(UINT64_MAX, 1, 1, 1), request(1, 0, 1, 1)};
    static uint8_t together[4][PIXELS], alone[PIXELS];
    sample(model, four, 4, together[0]);
    for (int i = 3; i >= 0; i--) {
        sample(model, &four[i], 1, alone);
        assert_memory_equal(alone, together[i], PIXELS);
    }
    assert_memory_not_equal(together[0], together[1], PIXELS);
    assert_memory_not_equal(together[0], together[2], PIXELS);
    nn_model_close(model);
}

static void a_sample_does_not_depend_on_the_thread_count(void **state)
{
    static uint8_t pixels[4][PIXELS];
    struct nn_sample_request r = request(5, 1, 1, 0.9f);
    int before = omp_get_max_threads();
    for (int threads = 1; threads <= 4; threads++) {
        omp_set_num_threads(threads);
        struct nn_model *model = open_model(state);
        sample(model, &r, 1, pixels[threads - 1]);
        nn_model_close(model);
        assert_memory_equal(pixels[threads - 1], pixels[0], PIXELS);
    }
    omp_set_num_threads(before);
}

static void seed_class_strength_and_truncation_each_change_the_sample(void **state)
{
    struct nn_model *model = open_model(state);
    const struct nn_sample_request five[] = {request(1, 0, 1, 1), request(2, 0, 1, 1), request(1, 1, 1, 1),
                                             request(1, 0, 0.5f, 1), request(1, 0, 1, 0.5f)};
    static uint8_t pixels[5][PIXELS];
    sample(model, five, 5, pixels[0]);
    for (int i = 1; i < 5; i++)
        for (int k = 0; k < i; k++) assert_memory_not_equal(pixels[i], pixels[k], PIXELS);
    nn_model_close(model);
}

static void truncation_0_gives_each_class_one_image_whatever_the_seed(void **state)
{
    struct nn_model *model = open_model(state);
    static uint8_t first[CLASSES][PIXELS], other[PIXELS];
    for (int k = 0; k < CLASSES; k++)
        for (uint64_t seed = 0; seed < 5; seed++) {
            struct nn_sample_request r = request(seed, k, 1, 0);
            sample(model, &r, 1, seed ? other : first[k]);
            if (seed) assert_memory_equal(other, first[k], PIXELS);
        }
    assert_memory_not_equal(first[0], first[1], PIXELS);
    nn_model_close(model);
}

static void strength_0_gives_each_seed_one_image_whatever_the_class(void **state)
{
    struct nn_model *model = open_model(state);
    static uint8_t first[2][PIXELS], other[PIXELS];
    for (uint64_t seed = 0; seed < 2; seed++)
        for (int k = 0; k < CLASSES; k++) {
            struct nn_sample_request r = request(seed, k, 0, 1);
            sample(model, &r, 1, k ? other : first[seed]);
            if (k) assert_memory_equal(other, first[seed], PIXELS);
        }
    assert_memory_not_equal(first[0], first[1], PIXELS);
    nn_model_close(model);
}

static void requests_out_of_range_are_refused_and_write_nothing(void **state)
{
    struct nn_model *model = open_model(state);
    const struct nn_sample_request bad[] = {
        request(1, -1, 1, 1),        request(1, CLASSES, 1, 1), request(1, 0, -0.001f, 1),
        request(1, 0, 1.001f, 1),    request(1, 0, NAN, 1),     request(1, 0, 1, -0.001f),
        request(1, 0, 1, 1.001f),    request(1, 0, 1, NAN),     request(1, 0, INFINITY, 1),
        request(1, 0, 1, -INFINITY),
    };
    static uint8_t pixels[2 * PIXELS], blank[2 * PIXELS];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct nn_error err = {0};
        const struct nn_sample_request two[] = {request(1, 0, 1, 1), bad[i]}; /* a good one before it */
        assert_int_equal(nn_model_sample(model, two, 2, pixels, &err), NN_ERR_ARGUMENT);
        assert_true(err.text[0] && !strchr(err.text, '\n'));
        assert_memory_equal(pixels, blank, sizeof pixels);
    }
    nn_model_close(model);
}

static void draw(struct nn_model *model, struct nn_sample_point point, int side, int depth, void *pixels)
{
    struct nn_error err = {0};
    if (nn_model_draw(model, &point, 1, side, depth, pixels, &err)) fail_msg("%s", err.text);
}

static void a_point_draws_the_pixels_of_its_request_in_8_and_16_bits(void **state)
{
    struct nn_model *model = open_model(state);
    static uint8_t wanted[PIXELS], pixels[PIXELS];
    static uint16_t fine[PIXELS];
    struct nn_sample_request r = request(3, 1, 0.4f, 0.8f);
    sample(model, &r, 1, wanted);
    draw(model, nn_sample_point_of(nn_model_info(model), &r), SIDE, 8, pixels);
    assert_memory_equal(pixels, wanted, PIXELS);
    draw(model, nn_sample_point_of(nn_model_info(model), &r), SIDE, 16, fine);
    bool finer = false;
    for (int i = 0; i < PIXELS; i++) {
        if (fabs(fine[i] / 257.0 - wanted[i]) > 0.502) fail_msg("%d, wanted %d * 257", fine[i], wanted[i]);
        finer |= fine[i] % 257 != 0;
    }
    assert_true(finer);
    nn_model_close(model);
}

static void a_smaller_side_has_the_means_of_boxes(void **state)
{
    struct nn_model *model = open_model(state);
    static uint16_t whole[PIXELS], small[PIXELS];
    const struct nn_sample_request r = request(3, 1, 1, 1);
    struct nn_sample_point point = nn_sample_point_of(nn_model_info(model), &r);
    draw(model, point, SIDE, 16, whole);
    for (int side = SIDE / 2; side >= 4; side /= 2) {
        int box = SIDE / side;
        draw(model, point, side, 16, small);
        for (int y = 0; y < side; y++)
            for (int x = 0; x < side; x++) {
                double sum = 0;
                for (int i = 0; i < box * box; i++)
                    sum += whole[(y * box + i / box) * SIDE + x * box + i % box];
                assert_true(fabs(sum / (box * box) - small[y * side + x]) <= 1.01);
            }
    }
    nn_model_close(model);
}

static void a_blend_leads_from_one_seed_to_the_other(void **state)
{
    struct nn_model *model = open_model(state);
    static uint8_t ends[2][PIXELS], pixels[PIXELS], before[PIXELS];
    const struct nn_sample_request two[] = {request(1, 1, 1, 1), request(2, 1, 1, 1)};
    sample(model, two, 2, ends[0]);
    struct nn_sample_point point = nn_sample_point_of(nn_model_info(model), &two[0]);
    point.seed_to = 2;
    draw(model, point, SIDE, 8, pixels);
    assert_memory_equal(pixels, ends[0], PIXELS);
    for (point.blend = 0.25f; point.blend < 1; point.blend += 0.25f) {
        memcpy(before, pixels, PIXELS);
        draw(model, point, SIDE, 8, pixels);
        assert_memory_not_equal(pixels, before, PIXELS);
    }
    point.blend = 1;
    draw(model, point, SIDE, 8, pixels);
    assert_memory_equal(pixels, ends[1], PIXELS);
    nn_model_close(model);
}

static void points_drawn_together_are_those_drawn_alone(void **state)
{
    struct nn_model *model = open_model(state);
    static uint8_t together[5][PIXELS], alone[PIXELS];
    static uint16_t deep_together[5][PIXELS], deep_alone[PIXELS];
    struct nn_sample_point points[5];
    struct nn_error err = {0};
    for (int i = 0; i < 5; i++) {
        const struct nn_sample_request r = request((uint64_t)i, i % CLASSES, 1, 0.25f * (float)i);
        points[i] = nn_sample_point_of(nn_model_info(model), &r);
    }
    points[2].seed_to = 9, points[2].blend = 0.5f;
    if (nn_model_draw(model, points, 5, SIDE, 8, together, &err)) fail_msg("%s", err.text);
    if (nn_model_draw(model, points, 5, SIDE, 16, deep_together, &err)) fail_msg("%s", err.text);
    for (int i = 4; i >= 0; i--) {
        draw(model, points[i], SIDE, 8, alone);
        assert_memory_equal(alone, together[i], PIXELS);
        draw(model, points[i], SIDE, 16, deep_alone);
        assert_memory_equal(deep_alone, deep_together[i], sizeof deep_alone);
    }
    nn_model_close(model);
}

static double length_of(const float *v, int size)
{
    double square = 0;
    for (int i = 0; i < size; i++) square += (double)v[i] * (double)v[i];
    return sqrt(square);
}

static double cosine_of(const float *a, const float *b, int size)
{
    double product = 0;
    for (int i = 0; i < size; i++) product += (double)a[i] * (double)b[i];
    return product / length_of(a, size) / length_of(b, size);
}

static void a_blended_latent_turns_evenly_and_keeps_its_length(void **state)
{
    (void)state;
    float a[16], b[16], at[16]; /* latents of 16, of which some pairs lie far apart */
    for (uint64_t seed = 0; seed < 20; seed++) {
        nn_sampler_latent(&INFO.config, seed, seed + 1, 0, a);
        nn_sampler_latent(&INFO.config, seed, seed + 1, 1, b);
        double angle = acos(cosine_of(a, b, 16));
        for (int k = 1; k < 8; k++) {
            double blend = k / 8.0;
            nn_sampler_latent(&INFO.config, seed, seed + 1, (float)blend, at);
            assert_true(fabs(acos(cosine_of(a, at, 16)) - blend * angle) < 1e-5);
            assert_true(fabs(acos(cosine_of(b, at, 16)) - (1 - blend) * angle) < 1e-5);
            assert_true(fabs(length_of(at, 16) / ((1 - blend) * length_of(a, 16) + blend * length_of(b, 16)) -
                             1) < 1e-5);
        }
    }
}

static void points_out_of_range_are_refused_and_write_nothing(void **state)
{
    struct nn_model *model = open_model(state);
    static uint8_t pixels[PIXELS], blank[PIXELS];
    const struct nn_sample_point good = {.seed = 1, .seed_to = 1, .labels = {1}, .truncation = 1};
    struct nn_sample_point bad[6];
    for (int i = 0; i < 6; i++) bad[i] = good;
    bad[0].blend = -0.1f, bad[1].blend = NAN, bad[2].truncation = 1.1f;
    bad[3].labels[2] = 1.5f, bad[4].labels[0] = NAN, bad[5].labels[1] = -1;
    for (int i = 0; i < 6; i++)
        assert_int_equal(nn_model_draw(model, &bad[i], 1, SIDE, 8, pixels, NULL), NN_ERR_ARGUMENT);
    const int sides[] = {0, 2, 3, SIDE - 1, SIDE * 2, -SIDE};
    for (int i = 0; i < 6; i++)
        assert_int_equal(nn_model_draw(model, &good, 1, sides[i], 8, pixels, NULL), NN_ERR_ARGUMENT);
    assert_int_equal(nn_model_draw(model, &good, 1, SIDE, 12, pixels, NULL), NN_ERR_ARGUMENT);
    assert_memory_equal(pixels, blank, PIXELS);
    nn_model_close(model);
}

static void assert_not_opened(const char *path, const char *device, nn_status wanted, const char *part)
{
    struct nn_model *model;
    struct nn_error err = {0};
    assert_int_equal(nn_model_open(&model, path, device, &err), wanted);
    if (!strstr(err.text, part) || strchr(err.text, '\n'))
        fail_msg("got \"%s\", wanted \"%s\"", err.text, part);
}

static void bad_checkpoints_and_devices_are_refused(void **state)
{
    const char *path = scratch_path(state, "m.safetensors");
    assert_not_opened(path, "cpu", NN_ERR_IO, path);
    scratch_text(path, "\x89PNG, but not a model");
    assert_not_opened(path, "cpu", NN_ERR_FORMAT, path);
    write_model(path);
    assert_not_opened(path, "tpu", NN_ERR_ARGUMENT, "tpu");
}

#define in_folder(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_plan_equals_the_tape_on_the_reference_to_1e_5),
        cmocka_unit_test(the_plan_equals_the_tape_on_the_cpu_in_f32_to_1e_5),
        cmocka_unit_test(the_plan_equals_the_tape_on_the_cpu_in_bf16_to_3_percent),
        in_folder(a_model_tells_what_its_checkpoint_says),
        in_folder(a_header_alone_describes_the_model_and_what_it_will_cost),
        in_folder(bad_headers_are_refused),
        in_folder(samples_are_the_reference_images_rounded),
        in_folder(a_sample_does_not_depend_on_its_place_in_a_batch),
        in_folder(a_sample_does_not_depend_on_the_thread_count),
        in_folder(seed_class_strength_and_truncation_each_change_the_sample),
        in_folder(truncation_0_gives_each_class_one_image_whatever_the_seed),
        in_folder(strength_0_gives_each_seed_one_image_whatever_the_class),
        in_folder(requests_out_of_range_are_refused_and_write_nothing),
        in_folder(a_point_draws_the_pixels_of_its_request_in_8_and_16_bits),
        in_folder(a_smaller_side_has_the_means_of_boxes),
        in_folder(a_blend_leads_from_one_seed_to_the_other),
        in_folder(points_drawn_together_are_those_drawn_alone),
        cmocka_unit_test(a_blended_latent_turns_evenly_and_keeps_its_length),
        in_folder(points_out_of_range_are_refused_and_write_nothing),
        in_folder(bad_checkpoints_and_devices_are_refused),
    };
    return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
