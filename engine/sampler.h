/* Inference without the tape: one generator prepared on one backend, its up-sampling kernels folded, its
 * buffers allocated once. Belongs to the backend's thread.
 *
 * On the CPU an input gives the same bytes whatever its place in a batch and the number of threads. In f32
 * they are those of the reference backend but for the rounding to a grey level: at most 0.51 levels from its
 * values. In bf16 they lie half a level apart on average, and 4 at most where the image is smooth; where a
 * network decides between black and white, as at the letters of a side marker, single pixels may fall either
 * way. A sample allocates no buffer. */
#ifndef NN_SAMPLER_H
#define NN_SAMPLER_H

#include "engine/gan.h"

struct nn_sampler;

/* Copies the weights; `values` is the generator's flat buffer on the host. Borrows the backend and `net`
 * until nn_sampler_free. */
nn_status nn_sampler_new(struct nn_sampler **sampler, struct nn_backend *backend,
                         const struct nn_network *net, const float *values,
                         struct nn_error *err) NN_MUST_CHECK;
void nn_sampler_free(struct nn_sampler *sampler); /* NULL is harmless */

/* Memory that the sampler holds, host and device together; and about what one for `net` would on the CPU. */
size_t nn_sampler_memory_bytes(const struct nn_sampler *sampler);
size_t nn_sampler_memory_estimate(const struct nn_network *net);

/* `input`: latent_size + label_count floats as they enter the first layer, already normalised.
 * `image`: host memory for R*R floats, about -1..1. The full resolution, fully grown. */
nn_status nn_sampler_run(struct nn_sampler *sampler, const float *input, float *image,
                         struct nn_error *err) NN_MUST_CHECK;

/* `count` samples in 8-bit grey, as many at once as the device has memory for: inputs and images lie one
 * after another. */
nn_status nn_sampler_run_grey(struct nn_sampler *sampler, const float *inputs, int count, uint8_t *grey,
                              struct nn_error *err) NN_MUST_CHECK;

/* The classes that a model offers, whatever its labels are, and their label vectors (label_count floats).
 *
 *   NN_LABELS_CLASSES: the classes themselves. Strength 1 is the class's own label, 0 the mean of all.
 *   NN_LABELS_MULTI: each finding by itself, and last the class that has none of them. Strength 1 is the
 *     finding's own label, 0 that of none.
 *   unconditional: one class, which has no label; `labels` is not written. */
int nn_sampler_class_count(const struct nn_gan_config *config);
void nn_sampler_labels(const struct nn_gan_config *config, int class_index, float strength, float *labels);

/* The latent of `seed` or, for a blend in (0,1], one on the way to that of `seed_to`: the direction turns at
 * even speed along the great circle, the length changes evenly, and the ends are the seeds' own latents.
 * `latent` has room for latent_size floats. */
void nn_sampler_latent(const struct nn_gan_config *config, uint64_t seed, uint64_t seed_to, float blend,
                       float *latent);

/* The step of length `truncation` from the labels' mean input towards `latent`: at 1 the latent beside the
 * labels, normalised as in training; at 0 no latent, and the labels as they are with NN_NORM_LATENT_ONLY,
 * with NN_NORM_JOINT normalised as beside a latent of expected length. `labels` is any vector of label_count
 * floats (not read when there are none). `input` has room for latent_size + label_count floats and may begin
 * with `latent`. */
void nn_sampler_input(const struct nn_gan_config *config, const float *latent, const float *labels,
                      float truncation, float *input);

/* A network's -1..1 as grey levels: 127.5 v + 127.5 for 8 bits, 32767.5 v + 32767.5 for 16, rounded and
 * clipped. */
void nn_sampler_grey(const float *image, size_t count, uint8_t *grey);
void nn_sampler_grey16(const float *image, size_t count, uint16_t *grey);

/* The stream of nn_random_normals that latents are drawn from: part of what a seed means. */
enum { NN_STREAM_LATENT = 0x6c61 };

#endif
