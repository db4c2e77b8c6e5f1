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

static nn_status expose(const struct phantom_patient *p, bool intact, int size, float *signal,
                        float *pitch_mm, struct nn_error *err)
{
    struct phantom_maps maps = {0};
    struct phantom_exposure exposure;
    uint64_t noise = phantom_stream(p->index, p->hip, PHANTOM_STREAM_NOISE);
    phantom_exposure_draw(p->seed, phantom_stream(p->index, p->hip, PHANTOM_STREAM_EXPOSURE), &exposure);
    nn_status status = phantom_maps_init(&maps, size, err);
    if (status == NN_OK) status = phantom_render(p, intact, &maps, err);
    if (status == NN_OK) status = phantom_expose(&exposure, &maps, p->seed, noise, signal, err);
    *pitch_mm = maps.pitch_mm;
    phantom_maps_release(&maps);
    return status;
}

/* Change of density against the twin, blurred to 1 mm; the mask and its largest value over the noise. */
static nn_status compare_with_twin(const struct phantom_patient *p, const float *signal, int size,
                                   struct phantom_picture *picture, struct nn_error *err)
{
    size_t count = (size_t)size * (size_t)size;
    float pitch_mm, largest = 0, *change = malloc(count * sizeof *change);
    if (!change) return nn_fail(err, NN_ERR_MEMORY, "out of memory for the intact twin");
    nn_status status = expose(p, true, size, change, &pitch_mm, err);
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

nn_status phantom_picture_make(const struct phantom_patient *p, int size, struct phantom_picture *picture,
                               struct nn_error *err)
{
    struct phantom_film film;
    float pitch_mm;
    memset(picture, 0, sizeof *picture);
    float *signal = malloc((size_t)size * (size_t)size * sizeof *signal);
    if (!signal) return nn_fail(err, NN_ERR_MEMORY, "out of memory for a film of %dx%d", size, size);
    phantom_film_draw(p->seed, phantom_stream(p->index, p->hip, PHANTOM_STREAM_FILM), p->left, &film);
    nn_status status = expose(p, false, size, signal, &pitch_mm, err);
    if (status == NN_OK && p->fracture.type != PHANTOM_FRACTURE_NONE)
        status = compare_with_twin(p, signal, size, picture, err);
    if (status == NN_OK) status = nn_image_init(&picture->film, size, size, 8, err);
    if (status == NN_OK) status = phantom_develop(&film, signal, size, pitch_mm, &picture->film, err);
    if (status != NN_OK) phantom_picture_release(picture);
    free(signal);
    return status;
}

void phantom_picture_release(struct phantom_picture *picture)
{
    nn_image_release(&picture->film);
    nn_image_release(&picture->mask);
}
