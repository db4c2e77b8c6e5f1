#include "trainer/phantom/phantom_image.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "trainer/phantom/blur.h"
#include "trainer/phantom/exposure.h"
#include "trainer/phantom/film.h"

/* A pixel belongs to the mask where density changes by this much (natural logarithm) at 1 mm scale: about
 * the noise of a single pixel. */
static const float MASK_THRESHOLD = 0.03f;

typedef nn_status render_fn(const struct phantom_patient *, bool, struct phantom_maps *, struct nn_error *);

/* What a picture is taken of: one hip, or both of a pelvis. */
struct subject {
    const struct phantom_patient *hips;
    render_fn *render;
};

static nn_status expose(const struct subject *s, bool intact, int size, float *signal, float *pitch_mm,
                        struct nn_error *err)
{
    const struct phantom_patient *p = s->hips;
    struct phantom_maps maps = {0};
    struct phantom_exposure exposure;
    uint64_t noise = phantom_stream(p->index, p->hip, PHANTOM_STREAM_NOISE);
    phantom_exposure_draw(p->seed, phantom_stream(p->index, p->hip, PHANTOM_STREAM_EXPOSURE), &exposure);
    nn_status status = phantom_maps_init(&maps, size, err);
    if (status == NN_OK) status = s->render(p, intact, &maps, err);
    if (status == NN_OK) status = phantom_expose(&exposure, &maps, p->seed, noise, signal, err);
    *pitch_mm = maps.pitch_mm;
    phantom_maps_release(&maps);
    return status;
}

/* Change of density against the twin, blurred to 1 mm; the mask and its largest value over the noise. */
static nn_status compare_with_twin(const struct subject *s, const float *signal, int size,
                                   struct phantom_picture *picture, struct nn_error *err)
{
    size_t count = (size_t)size * (size_t)size;
    float pitch_mm, largest = 0, *change = malloc(count * sizeof *change);
    if (!change) return nn_fail(err, NN_ERR_MEMORY, "out of memory for the intact twin");
    nn_status status = expose(s, true, size, change, &pitch_mm, err);
    for (size_t i = 0; i < count && status == NN_OK; i++) change[i] = logf(change[i] / signal[i]);
    if (status == NN_OK) status = phantom_blur(change, size, 1 / pitch_mm, err);
    if (status == NN_OK) status = nn_image_init(&picture->mask, size, size, 8, err);
    if (status == NN_OK) {
        uint8_t *mask = picture->mask.pixels;
        for (size_t i = 0; i < count; i++) {
            mask[i] = fabsf(change[i]) > MASK_THRESHOLD ? 255 : 0;
            largest = fmaxf(largest, fabsf(change[i]));
        }
        picture->visibility = largest / MASK_THRESHOLD;
    }
    free(change);
    return status;
}

static nn_status make(const struct subject *s, bool fractured, const struct phantom_film *film, int size,
                      struct phantom_picture *picture, struct nn_error *err)
{
    float pitch_mm;
    memset(picture, 0, sizeof *picture);
    float *signal = malloc((size_t)size * (size_t)size * sizeof *signal);
    if (!signal) return nn_fail(err, NN_ERR_MEMORY, "out of memory for a film of %dx%d", size, size);
    nn_status status = expose(s, false, size, signal, &pitch_mm, err);
    if (status == NN_OK && fractured) status = compare_with_twin(s, signal, size, picture, err);
    if (status == NN_OK) status = nn_image_init(&picture->film, size, size, 8, err);
    if (status == NN_OK) status = phantom_develop(film, signal, size, pitch_mm, &picture->film, err);
    if (status != NN_OK) phantom_picture_release(picture);
    free(signal);
    return status;
}

static bool is_fractured(const struct phantom_patient *p)
{
    return p->fracture.type != PHANTOM_FRACTURE_NONE;
}

nn_status phantom_picture_make(const struct phantom_patient *p, int size, struct phantom_picture *picture,
                               struct nn_error *err)
{
    const struct subject hip = {p, phantom_render};
    struct phantom_film film;
    phantom_film_draw(p->seed, phantom_stream(p->index, p->hip, PHANTOM_STREAM_FILM), p->left, &film);
    return make(&hip, is_fractured(p), &film, size, picture, err);
}

nn_status phantom_pelvis_picture_make(const struct phantom_patient hips[2], int size,
                                      struct phantom_picture *picture, struct nn_error *err)
{
    const struct subject pelvis = {hips, phantom_render_pelvis};
    struct phantom_film film;
    phantom_film_draw_pelvis(hips->seed, phantom_stream(hips->index, 0, PHANTOM_STREAM_FILM), &film);
    return make(&pelvis, is_fractured(&hips[0]) || is_fractured(&hips[1]), &film, size, picture, err);
}

void phantom_picture_release(struct phantom_picture *picture)
{
    nn_image_release(&picture->film);
    nn_image_release(&picture->mask);
}
