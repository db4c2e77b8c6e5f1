/* Convolutions of many channels in bf16 by Winograd's minimal filtering (Lavin and Gray, "Fast algorithms for
 * convolutional neural networks", 2015), for maps whose weights never change, with bias, leaky ReLU and pixel
 * norm. 3x3 by F(2x2,3x3): 16 multiplications in place of 36 for four pixels and a pair of channels. Fused
 * up-sampling by F(2x2,2x2) of each of the four output phases, which share the transformed inputs: 9 in place
 * of 16.
 *
 * Worth it only in builds for CPUs that multiply bf16 (AVX-512 BF16); elsewhere nothing fits. */
#ifndef NN_WINOGRAD_H
#define NN_WINOGRAD_H

#include "engine/backend.h"

struct winograd;

/* Whether a stage of the sampler's plan, its up-sampling fused, can go this way, and is faster so than as
 * oneDNN has it. */
bool winograd_fits(const struct nn_stage *stage, enum nn_type type);

/* Transforms the weights and copies the bias of a stage that fits. */
nn_status winograd_new(struct winograd **layer, const struct nn_stage *stage,
                       struct nn_error *err) NN_MUST_CHECK;
void winograd_free(struct winograd *layer); /* NULL is harmless */
size_t winograd_bytes(const struct winograd *layer);

/* Of one thread. */
size_t winograd_scratch_bytes(const struct winograd *layer);

/* One sample, (H,W,I) to (H,W,O) or (2H,2W,O), by at most `threads` threads, with scratch memory for as many,
 * 64-byte aligned. The same bytes whatever their number. */
void winograd_run(const struct winograd *layer, const uint16_t *from, uint16_t *to, void *scratch,
                  int threads);

#endif
