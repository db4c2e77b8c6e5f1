#include "trainer/phantom/exposure.h"

#include <math.h>
#include <stdlib.h>

#include "engine/rng.h"
#include "trainer/phantom/blur.h"

/* Three energy bins fitted to a 75 kVp tungsten spectrum (3 mm Al, energy-integrating 0.5 mm CsI) over 0-30
 * cm of soft tissue, 0-5 cm of bone, 0-4 cm of fat; maximum error of -log signal 0.0033. Attenuation per cm
 * from xraylib's ICRU-44 mixtures; the metal is Ti64. */
static const struct {
    float weight, soft, fat, bone, metal;
} bins[3] = {
    {0.183f, 0.421f, 0.301f, 2.765f, 23.0f},
    {0.409f, 0.258f, 0.213f, 0.999f, 6.86f},
    {0.408f, 0.211f, 0.183f, 0.553f, 2.82f},
};

/* Absorbed quanta per mm2 and uGy: 33,500 photons behind 20 cm, 0.76 of them absorbed by the CsI. */
static const float QUANTA_PER_MM2_UGY = 33500.0f * 0.76f;

void phantom_exposure_draw(uint64_t seed, uint64_t stream, struct phantom_exposure *e)
{
    struct nn_rng r = {.seed = seed, .stream = stream};
    e->dose_ugy = (float)nn_rng_range(&r, 2.0, 4.5);        /* 2-4 uGy is usual */
    e->scatter_ratio = (float)nn_rng_range(&r, 0.35, 0.75); /* 10-12:1 grid */
    e->scatter_mm = (float)nn_rng_range(&r, 25, 40);
    e->blur_mm =
        (float)nn_rng_range(&r, 0.14, 0.22); /* detector MTF and a 0.6-1.2 mm focus, added in squares */
    e->noise_blur_px = (float)nn_rng_range(&r, 0.54, 0.68);
}

static void attenuate(const struct phantom_maps *m, float *signal)
{
    size_t count = (size_t)m->size * (size_t)m->size;
    for (size_t i = 0; i < count; i++) {
        float sum = 0;
        for (int k = 0; k < 3; k++)
            sum += bins[k].weight * expf(-(bins[k].soft * m->soft[i] + bins[k].fat * m->fat[i] +
                                           bins[k].bone * m->bone[i] + bins[k].metal * m->metal[i]));
        signal[i] = sum;
    }
}

/* Scatter is born in the tissue: primary energy times thickness, spread wide, scaled to the ratio. */
static nn_status add_scatter(const struct phantom_exposure *e, const struct phantom_maps *m, float *signal,
                             struct nn_error *err)
{
    size_t count = (size_t)m->size * (size_t)m->size;
    float *source = calloc(2 * count, sizeof *source), *scatter = source + count;
    if (!source) return nn_fail(err, NN_ERR_MEMORY, "out of memory for scatter");
    double primary = 0, spread = 0;
    for (size_t i = 0; i < count; i++) {
        float thickness_cm = m->soft[i] + m->fat[i] + 2 * m->bone[i];
        /* Bare detector beside the patient would otherwise outshine all else. */
        source[i] = thickness_cm > 2 ? signal[i] * thickness_cm : 0;
    }
    nn_status status = phantom_blur_coarse(source, m->size, e->scatter_mm / m->pitch_mm, scatter, err);
    for (size_t i = 0; i < count; i++) {
        if (source[i] <= 0) continue;
        primary += (double)signal[i];
        spread += (double)scatter[i];
    }
    float scale = spread > 0 ? e->scatter_ratio * (float)(primary / spread) : 0;
    for (size_t i = 0; i < count; i++) signal[i] += scale * scatter[i];
    free(source);
    return status;
}

/* The exposure is ended when the middle of the picture, behind the hip, has had its dose. */
static float middle_signal(const float *signal, int size)
{
    double sum = 0;
    for (int y = size * 3 / 8; y < size * 5 / 8; y++)
        for (int x = size * 3 / 8; x < size * 5 / 8; x++)
            sum += (double)signal[(size_t)y * (size_t)size + (size_t)x];
    return (float)(sum / ((double)(size / 4) * (size / 4)));
}

/* Poisson noise as a normal of the same variance (hundreds of quanta a pixel), then the detector's blur. */
static nn_status add_noise(const struct phantom_exposure *e, const struct phantom_maps *m, uint64_t seed,
                           uint64_t stream, float *signal, struct nn_error *err)
{
    size_t count = (size_t)m->size * (size_t)m->size;
    float *normal = malloc(count * sizeof *normal);
    if (!normal) return nn_fail(err, NN_ERR_MEMORY, "out of memory for noise");
    float quanta =
        e->dose_ugy * QUANTA_PER_MM2_UGY * m->pitch_mm * m->pitch_mm / middle_signal(signal, m->size);
    nn_random_normals(seed, stream, 0, count, normal);
    for (size_t i = 0; i < count; i++) normal[i] *= sqrtf(signal[i] / quanta);
    nn_status status = phantom_blur(normal, m->size, e->noise_blur_px * (float)m->size / 1024, err);
    for (size_t i = 0; i < count; i++) signal[i] = fmaxf(signal[i] + normal[i], 1e-5f);
    free(normal);
    return status;
}

nn_status phantom_expose(const struct phantom_exposure *e, const struct phantom_maps *m, uint64_t seed,
                         uint64_t stream, float *signal, struct nn_error *err)
{
    attenuate(m, signal);
    nn_status status = add_scatter(e, m, signal, err);
    if (status == NN_OK) status = phantom_blur(signal, m->size, e->blur_mm / m->pitch_mm, err);
    if (status == NN_OK) status = add_noise(e, m, seed, stream, signal, err);
    return status;
}
