/* Adaptive discriminator augmentation (Karras et al., "Training generative adversarial networks with limited
 * data", NeurIPS 2020), for grey radiographs.
 *
 * The discriminator sees reals and fakes through random transformations, in both networks' steps, so it
 * cannot learn a small data set by heart. Each transformation is used with probability p and left out
 * otherwise: as long as p stays well below 1, undisturbed images are the commonest, and a generator can only
 * match the transformed reals by drawing untransformed ones.
 *
 * Per sample and in this order, each on its own with probability p, R the side, N(0,s) a normal number:
 *   flip         left and right change places, in half the cases; only if `mirror` allows it: otherwise a
 *                flipped image is another patient (heart, marker, fractured side)
 *   shift        by whole pixels, uniform within R/8 in both directions
 *   scale        by 2^N(0,0.2)
 *   stretch      by 2^N(0,0.2) across and by as much less along
 *   turn         by N(0,8 degrees): about what positioning varies by
 *   slide        by N(0,R/8) in both directions, not in whole pixels
 *   brightness   + N(0,0.2), images being -1..1
 *   contrast     x 2^N(0,0.5), about the middle grey
 * The first six are one nn_warp, beyond its edges the image goes on mirrored.
 *
 * Of the published set these are left out. Quarter turns and turns by any angle: radiographs are hung one way
 * up, which a discriminator should watch over, and a leaked quarter turn is the worst of mistakes. Inversion:
 * black bones are another kind of film. Hue and saturation: grey has none. Filters, noise and cut-out were no
 * gain in the paper, and would excuse wrong texture, which is what radiographs are read by.
 *
 * Strength. How far the discriminator overfits is read from r = E[sign(margin)] (trainer/train/loss.h). A
 * loss with a zero has margin D(real): r is the paper's r_t, and 0.6 means that 8 of 10 reals are taken for
 * real. Wasserstein and relativistic scores are only defined up to a constant, so the margin is D(real) -
 * D(fake) of random pairs: r is 2 AUC - 1, whatever the scores' offset and scale, and 0.6 means that 8 of 10
 * pairs are ranked rightly. Like r_t it needs no images held out, which a small data set cannot spare, and
 * cannot tell memorised reals from fakes that are still bad; therefore p is held below 0.8, above which the
 * paper saw augmentations leak. (For scores that are normal and equally spread, r_t = 0.6 is r = 0.77: in
 * pairs the target is a little stricter.) Every 4 steps p moves by a fixed amount, up where r is above the
 * target and down where not, such that it could go from 0 to 1 in `kimg`. */
#ifndef TR_AUGMENT_H
#define TR_AUGMENT_H

#include "engine/ops.h"

enum tr_augment_mode { TR_AUGMENT_NONE, TR_AUGMENT_ADA, TR_AUGMENT_FIXED, TR_AUGMENT_COUNT };
extern const char *const tr_augment_words[TR_AUGMENT_COUNT + 1]; /* "none", "ada", "fixed"; NULL at the end */

static const float TR_AUGMENT_P_MAX = 0.8f; /* of ada */

struct tr_augment_config {
    enum tr_augment_mode mode;
    float p;      /* fixed: the strength; ada: what it begins with */
    float target; /* ada: of r; 0.6 */
    float kimg;   /* ada: 500; 100 for a run that goes on from another */
};

/* What a run remembers. */
struct tr_augment {
    double p;
    int64_t signs, scores; /* the sum of sign(margin) since the last adjustment, and how many they were */
};

/* The paper's constants; no augmentation. */
struct tr_augment_config tr_augment_config_official(void);

/* NN_OK when mode and numbers go together. */
nn_status tr_augment_check(const struct tr_augment_config *config, struct nn_error *err) NN_MUST_CHECK;

void tr_augment_init(struct tr_augment *a, const struct tr_augment_config *config);

/* After discriminator step number `step` (1, 2, ...) with `scores` margins whose signs sum up to `signs`.
 * Only ada changes. */
void tr_augment_observe(struct tr_augment *a, const struct tr_augment_config *config, uint64_t step,
                        int signs, int scores);

/* Who is looked at; each has random numbers of its own. */
enum tr_augment_role { TR_AUGMENT_REALS, TR_AUGMENT_FAKES, TR_AUGMENT_GENERATOR };

struct tr_augment_draw {
    uint64_t seed;
    enum tr_augment_role role;
    uint64_t first; /* index of the batch's first sample, for the random numbers */
    double p;
    bool mirror;
};

/* One sample's transformation: a function of the draw's numbers and first + i alone. */
struct tr_augmentation {
    float map[6];       /* for nn_warp, of an image side x side */
    float gain, offset; /* grey becomes gain * grey + offset */
};
struct tr_augmentation tr_augment_sample(const struct tr_augment_draw *draw, int i, int side);

/* The images (N,1,R,R) transformed; `images` itself where no sample is. `scratch` is host memory for 8 N
 * floats. */
nn_id tr_augment_images(struct nn_tape *t, nn_id images, const struct tr_augment_draw *draw, float *scratch);

#endif
