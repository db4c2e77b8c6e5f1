/* Images of a generator checkpoint as the network gives them, in f32 on the reference backend.
 *
 *   dump_images CHECKPOINT CLASS FIRST_SEED COUNT OUT
 *
 * OUT gets for each seed the latent vector and then the image (side*side), little-endian f32. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/checkpoint.h"
#include "engine/sampler.h"

enum { LATENT_MAX = 8192 };

static void check(nn_status status, const struct nn_error *err)
{
    if (status == NN_OK) return;
    fprintf(stderr, "dump_images: %s\n", err->text);
    exit(1);
}

int main(int argc, char **argv)
{
    struct nn_checkpoint info;
    struct nn_network net;
    struct nn_backend *be;
    struct nn_sampler *sampler;
    struct nn_error err = {.status = NN_OK};
    float *values, latent[LATENT_MAX], input[LATENT_MAX], labels[NN_LABELS_MAX];
    char sha256[65];
    FILE *out = argc == 6 ? fopen(argv[5], "wb") : NULL;
    if (!out) return 2;
    check(nn_checkpoint_read(argv[1], &info, &net, &values, sha256, &err), &err);
    check(nn_backend_open_reference(&be, NN_F32, &err), &err);
    check(nn_sampler_new(&sampler, be, &net, values, &err), &err);
    size_t size = (size_t)nn_gan_latent_size(&net.config),
           area = (size_t)1 << (2 * net.config.resolution_log2);
    float *image = malloc(area * sizeof *image);
    if (!image) return 1;
    unsigned long long first = strtoull(argv[3], NULL, 10), count = strtoull(argv[4], NULL, 10);
    nn_sampler_labels(&net.config, atoi(argv[2]), 1, labels);
    for (unsigned long long seed = first; seed < first + count; seed++) {
        nn_sampler_latent(&net.config, seed, seed, 0, latent);
        nn_sampler_input(&net.config, latent, labels, 1, input);
        check(nn_sampler_run(sampler, input, image, &err), &err);
        if (fwrite(latent, sizeof *latent, size, out) != size ||
            fwrite(image, sizeof *image, area, out) != area)
            return 1;
    }
    free(image);
    nn_sampler_free(sampler);
    be->close(be);
    nn_network_release(&net);
    free(values);
    return fclose(out) == 0 ? 0 : 1;
}
