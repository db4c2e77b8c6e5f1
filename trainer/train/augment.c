#include "trainer/train/augment.h"

#include <math.h>

#include "engine/rng.h"

const char *const tr_augment_words[] = {"none", "ada", "fixed", NULL};

enum { ADJUST_EVERY_STEPS = 4 };

struct tr_augment_config tr_augment_config_official(void)
{
    return (struct tr_augment_config){.mode = TR_AUGMENT_NONE, .p = 0, .target = 0.6f, .kimg = 500};
}

nn_status tr_augment_check(const struct tr_augment_config *c, struct nn_error *err)
{
    if (c->mode == TR_AUGMENT_NONE && c->p > 0)
        return nn_fail(err, NN_ERR_ARGUMENT, "augment-p %g needs augment ada or fixed", (double)c->p);
    if (c->mode == TR_AUGMENT_FIXED && !(c->p > 0))
        return nn_fail(err, NN_ERR_ARGUMENT, "augment fixed needs an augment-p above 0");
    if (c->mode == TR_AUGMENT_ADA && c->p > TR_AUGMENT_P_MAX)
        return nn_fail(err, NN_ERR_ARGUMENT, "augment-p %g is more than augment ada's limit of %g",
                       (double)c->p, (double)TR_AUGMENT_P_MAX);
    return NN_OK;
}

/* ---- strength ----------------------------------------------------------------------------------- */

void tr_augment_init(struct tr_augment *a, const struct tr_augment_config *config)
{
    *a = (struct tr_augment){.p = config->mode == TR_AUGMENT_NONE ? 0 : (double)config->p};
}

void tr_augment_observe(struct tr_augment *a, const struct tr_augment_config *config, uint64_t step,
                        int signs, int scores)
{
    if (config->mode != TR_AUGMENT_ADA) return;
    a->signs += signs;
    a->scores += scores;
    if (step % ADJUST_EVERY_STEPS != 0) return;
    double excess = (double)a->signs - (double)config->target * (double)a->scores;
    double change = (double)a->scores / (1000 * (double)config->kimg);
    a->p += excess > 0 ? change : -change;
    a->p = fmin(fmax(a->p, 0), (double)TR_AUGMENT_P_MAX);
    a->signs = a->scores = 0;
}

/* ---- one sample --------------------------------------------------------------------------------- */

static const double SHIFT = 0.125, SCALE_LOG2 = 0.2, TURN = 8 * 3.14159265358979323846 / 180, SLIDE = 0.125,
                    BRIGHTNESS = 0.2, CONTRAST_LOG2 = 0.5;

/* A sample's random words: whether each transformation is used, the uniform numbers, the normal ones. */
enum {
    USE_FLIP,
    USE_SHIFT,
    USE_SCALE,
    USE_STRETCH,
    USE_TURN,
    USE_SLIDE,
    USE_BRIGHTNESS,
    USE_CONTRAST,
    FLIP,
    SHIFT_X,
    SHIFT_Y,
    NORMALS = 16,
    WORDS = 32
};
enum { SCALE, STRETCH, ANGLE, SLIDE_X, SLIDE_Y, LIGHT, GAIN, NORMAL_COUNT };

/* A stream for each role follows; training.c's lie below. */
enum { STREAM = 0x7101 };

struct words {
    const struct tr_augment_draw *draw;
    uint64_t first;
    float normals[NORMAL_COUNT];
};

static double uniform(const struct words *w, int index)
{
    return (double)nn_random_uniform(w->draw->seed, STREAM + w->draw->role, w->first + (uint64_t)index);
}

static bool used(const struct words *w, int index)
{
    return uniform(w, index) < w->draw->p;
}

static double normal(const struct words *w, int use, int index)
{
    return used(w, use) ? (double)w->normals[index] : 0;
}

/* Whole pixels, -SHIFT*side..SHIFT*side. */
static double shift(const struct words *w, int index, int side)
{
    return used(w, USE_SHIFT) ? round((2 * uniform(w, index) - 1) * SHIFT * side) : 0;
}

/* From a pixel of the result back to the image: slide, turn, stretch and scale, shift and flip undone, about
 * the middle. */
static void map_back(const struct words *w, int side, float map[6])
{
    double middle = 0.5 * (side - 1), angle = TURN * normal(w, USE_TURN, ANGLE);
    double scale = exp2(SCALE_LOG2 * normal(w, USE_SCALE, SCALE));
    double stretch = exp2(SCALE_LOG2 * normal(w, USE_STRETCH, STRETCH));
    double x_step = 1 / (scale * stretch), y_step = stretch / scale;
    double flip = w->draw->mirror && used(w, USE_FLIP) && uniform(w, FLIP) < 0.5 ? -1 : 1;
    double x = middle + SLIDE * side * normal(w, USE_SLIDE, SLIDE_X);
    double y = middle + SLIDE * side * normal(w, USE_SLIDE, SLIDE_Y);
    double to_x[2] = {flip * x_step * cos(angle), flip * x_step * sin(angle)};
    double to_y[2] = {-y_step * sin(angle), y_step * cos(angle)};
    map[0] = (float)to_x[0];
    map[1] = (float)to_x[1];
    map[2] = (float)(middle - flip * shift(w, SHIFT_X, side) - to_x[0] * x - to_x[1] * y);
    map[3] = (float)to_y[0];
    map[4] = (float)to_y[1];
    map[5] = (float)(middle - shift(w, SHIFT_Y, side) - to_y[0] * x - to_y[1] * y);
}

struct tr_augmentation tr_augment_sample(const struct tr_augment_draw *draw, int i, int side)
{
    struct tr_augmentation a;
    struct words w = {.draw = draw, .first = (draw->first + (uint64_t)i) * WORDS};
    nn_random_normals(draw->seed, STREAM + draw->role, w.first + NORMALS, NORMAL_COUNT, w.normals);
    map_back(&w, side, a.map);
    a.gain = (float)exp2(CONTRAST_LOG2 * normal(&w, USE_CONTRAST, GAIN));
    a.offset = (float)((double)a.gain * BRIGHTNESS * normal(&w, USE_BRIGHTNESS, LIGHT));
    return a;
}

/* ---- a minibatch -------------------------------------------------------------------------------- */

static bool moves(const struct tr_augmentation *a)
{
    static const float identity[6] = {1, 0, 0, 0, 1, 0};
    bool moved = false;
    for (int k = 0; k < 6; k++) moved |= a->map[k] != identity[k];
    return moved;
}

static nn_id recoloured(struct nn_tape *t, nn_id images, struct nn_shape s, const float *gains,
                        const float *offsets)
{
    enum nn_type type = nn_tape_backend(t)->real_type;
    struct nn_shape each = nn_shape(s.n, 1, 1, 1);
    nn_id gain = nn_broadcast(t, nn_from_host(t, gains, each), s, type);
    nn_id offset = nn_broadcast(t, nn_from_host(t, offsets, each), s, type);
    return nn_axpby(t, 1, nn_mul(t, images, gain), 1, offset);
}

nn_id tr_augment_images(struct nn_tape *t, nn_id images, const struct tr_augment_draw *draw, float *scratch)
{
    const struct nn_tensor *value = nn_value(t, images);
    if (!value || draw->p <= 0) return images;
    struct nn_shape s = value->shape;
    float *maps = scratch, *gains = maps + 6 * (size_t)s.n, *offsets = gains + s.n;
    bool warps = false, colours = false;
    for (int i = 0; i < s.n; i++) {
        struct tr_augmentation a = tr_augment_sample(draw, i, s.w);
        for (int k = 0; k < 6; k++) maps[6 * i + k] = a.map[k];
        gains[i] = a.gain;
        offsets[i] = a.offset;
        warps |= moves(&a);
        colours |= a.gain != 1 || a.offset != 0;
    }
    if (warps) images = nn_warp(t, images, nn_from_host(t, maps, nn_shape(s.n, 6, 1, 1)));
    if (colours) images = recoloured(t, images, s, gains, offsets);
    return images;
}
