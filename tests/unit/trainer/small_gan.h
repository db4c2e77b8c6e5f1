/* Both networks, small, with parameters and a minibatch on the host, for tests of the losses. */
#ifndef TEST_SMALL_GAN_H
#define TEST_SMALL_GAN_H

#include "tests/unit/host_values.h"
#include "trainer/train/loss.h"

enum { N = 4, LABELS = 2, PARAMS_MAX = 64, PIXELS_MAX = N * 16 * 16, LATENT_MAX = 16 };

struct small_gan_form {
    int resolution_log2; /* 3 or 4 */
    float lod;
    int label_count; /* LABELS or 0 */
    enum nn_label_kind label_kind;
    enum nn_conditioning conditioning;
};

struct small_gan {
    struct nn_backend *be;
    struct nn_tape *t;
    struct nn_network g, d;
    double *g_values, *d_values; /* on the host */
    struct tr_loss_config loss;  /* official, to be changed */
    float lod;
    int side;
    double reals[PIXELS_MAX], fakes[PIXELS_MAX], mix[N], latents[N * LATENT_MAX];
    double labels[N * LABELS], fake_labels[N * LABELS]; /* the same at first, one-hot */
};

/* Weights as at the start of a training, but biases that matter. Takes `be`. */
struct small_gan *small_gan_new(struct nn_backend *be, const struct small_gan_form *form);
struct small_gan *small_gan_f64(const struct small_gan_form *form);
void small_gan_free(struct small_gan *s);
struct nn_backend *small_reference(enum nn_type type);

struct nn_shape small_image_shape(const struct small_gan *s);
nn_id small_labels(const struct small_gan *s, const double *labels); /* nn_none if unconditional */

/* Like nn_network_leaves, from the host's doubles. */
void small_leaves(const struct small_gan *s, const struct nn_network *net, nn_id *ids);

/* A loss on the emptied tape, and the leaves of the parameters that it is minimised over. */
typedef nn_id small_loss(struct small_gan *s, nn_id *params);
struct tr_discriminator_loss small_discriminator(struct small_gan *s, nn_id *params);
nn_id small_discriminator_total(struct small_gan *s, nn_id *params);
nn_id small_lazy_penalty(struct small_gan *s, nn_id *params);
nn_id small_generator_total(struct small_gan *s, nn_id *params);

double small_scalar(const struct small_gan *s, nn_id id);

/* D's scores and logits of images on the host. */
void small_scores(struct small_gan *s, const double *images, double out[N][1 + LABELS]);

/* The squared norm of each sample's d(sum of scores)/d(images), native. */
void small_gradient_squares(struct small_gan *s, const double *images, double square[N]);

/* The generator's images of the latents and fake labels. */
void small_generate(struct small_gan *s, double *images);

/* The gradient of `y`, a value of any shape, summed, in `net`'s flat layout. The caller frees. */
double *small_gradient(struct small_gan *s, const struct nn_network *net, nn_id y, const nn_id *params);

/* Fails the running test unless up to 20 gradients of every parameter of `net` match central differences;
 * those beside a kink of the leaky ReLU are left out, and may be 2 % at most. */
void small_check_differences(struct small_gan *s, const struct nn_network *net, small_loss *build);

#endif
