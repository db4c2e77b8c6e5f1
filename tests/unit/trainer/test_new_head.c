/* The start of a new level's grey head, on a tiny network with an image to remember. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/rng.h"
#include "trainer/train/new_head.h"

enum { N = 8, SIDE = 16, PIXELS = N * SIDE * SIDE };

/* As much of a training as the fit needs: it has no data. */
static struct tr_training new_training(struct nn_backend *be)
{
    struct tr_training tr = {.backend = be};
    const struct nn_gan_config config = {
        .resolution_log2 = 4, .label_count = 2, .fmap_base = 256, .fmap_max = 16, .mbstd_group = 4};
    struct nn_network *net = &tr.generator.net;
    assert_int_equal(nn_network_init(net, &config, NN_GENERATOR, NULL), NN_OK);
    assert_int_equal(nn_tape_new(&tr.tape, be, NULL), NN_OK);
    size_t size = net->value_count * sizeof(float);
    float *values = malloc(size);
    assert_non_null(values);
    nn_network_init_values(net, 3, values);
    values[net->params[nn_network_find(net, "ToRGB_lod1/bias")].offset] = -0.7f;
    tr.generator.values = be->alloc(be, size);
    tr.average = be->alloc(be, size);
    tr.generator.leaves = calloc((size_t)net->param_count, sizeof *tr.generator.leaves);
    assert_int_equal(be->upload(be, tr.generator.values, values, size, NULL), NN_OK);
    memset(values, 0, size);
    assert_int_equal(be->upload(be, tr.average, values, size, NULL), NN_OK);
    free(values);
    return tr;
}

static void free_training(struct tr_training *tr)
{
    nn_tape_free(tr->tape);
    tr->backend->free(tr->backend, tr->generator.values);
    tr->backend->free(tr->backend, tr->average);
    free(tr->generator.leaves);
    nn_network_release(&tr->generator.net);
}

static nn_id normals(struct nn_tape *t, uint64_t stream, int channels)
{
    float values[N * 16];
    nn_random_normals(1, stream, 0, (size_t)(N * channels), values);
    return nn_from_host(t, values, nn_shape(N, channels, 1, 1));
}

/* Latents and labels on the emptied tape. */
static void begin(struct tr_training *tr, nn_id *latents, nn_id *labels)
{
    nn_tape_reset(tr->tape);
    nn_network_leaves(tr->tape, &tr->generator.net, tr->generator.values, tr->generator.leaves);
    *latents = normals(tr->tape, 1, 16);
    *labels = normals(tr->tape, 2, 2);
}

/* The images of level `lod`, those of a lower one shown at SIDE. */
static void images_at(struct tr_training *tr, float lod, float images[PIXELS])
{
    nn_id latents, labels;
    begin(tr, &latents, &labels);
    nn_id image = nn_generator(tr->tape, &tr->generator.net, tr->generator.leaves, latents, labels, lod);
    if (lod >= 1) image = nn_upsample2(tr->tape, image);
    assert_int_equal(nn_read(tr->tape, image, images, NULL), NN_OK);
}

/* The mean square of a - b over that of a about its mean. */
static double missed(const float a[PIXELS], const float b[PIXELS])
{
    double mean = 0, square = 0, difference = 0;
    for (int i = 0; i < PIXELS; i++) mean += (double)a[i] / PIXELS;
    for (int i = 0; i < PIXELS; i++) {
        square += ((double)a[i] - mean) * ((double)a[i] - mean);
        difference += (double)(a[i] - b[i]) * (double)(a[i] - b[i]);
    }
    return difference / square;
}

static void the_new_head_comes_close_to_the_level_below(void **state)
{
    (void)state;
    static float below[PIXELS], drawn[PIXELS], fitted[PIXELS];
    struct nn_backend *be;
    struct nn_error err = {0};
    nn_id latents, labels;
    double left = -1;
    assert_int_equal(nn_backend_open_reference(&be, NN_F32, NULL), NN_OK);
    struct tr_training tr = new_training(be);
    images_at(&tr, 1, below);
    images_at(&tr, 0, drawn);
    begin(&tr, &latents, &labels);
    if (tr_new_head_fit(&tr, latents, labels, 0.9999f, &left, &err) != NN_OK) fail_msg("%s", err.text);
    images_at(&tr, 0, fitted);
    double before = missed(below, drawn), after = missed(below, fitted);
    if (!(before > 2 && after < 0.9 && fabs(after - left) < 0.01))
        fail_msg("missed %.3f before, %.3f after, said to be %.3f", before, after, left);
    free_training(&tr);
    be->close(be);
}

static void only_the_new_head_changes_and_the_average_gets_the_same(void **state)
{
    (void)state;
    struct nn_backend *be;
    nn_id latents, labels;
    assert_int_equal(nn_backend_open_reference(&be, NN_F32, NULL), NN_OK);
    struct tr_training tr = new_training(be);
    size_t count = tr.generator.net.value_count, size = count * sizeof(float), changed = 0;
    float *before = malloc(size), *after = malloc(size), *average = malloc(size);
    assert_int_equal(be->download(be, before, tr.generator.values, size, NULL), NN_OK);
    begin(&tr, &latents, &labels);
    assert_int_equal(tr_new_head_fit(&tr, latents, labels, 0.5f, NULL, NULL), NN_OK);
    assert_int_equal(be->download(be, after, tr.generator.values, size, NULL), NN_OK);
    assert_int_equal(be->download(be, average, tr.average, size, NULL), NN_OK);
    for (int i = 0; i < tr.generator.net.param_count; i++) {
        const struct nn_param *p = &tr.generator.net.params[i];
        bool head = strncmp(p->name, "ToRGB_lod0/", 11) == 0;
        for (size_t k = p->offset; k < p->offset + nn_count(p->shape); k++) {
            changed += before[k] != after[k];
            assert_true(head ? average[k] == after[k] : before[k] == after[k] && average[k] == 0);
        }
    }
    assert_int_equal(changed, 16 + 1);
    free(before);
    free(after);
    free(average);
    free_training(&tr);
    be->close(be);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_new_head_comes_close_to_the_level_below),
        cmocka_unit_test(only_the_new_head_changes_and_the_average_gets_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
