#include "trainer/phantom/trabeculae.h"

#include "engine/rng.h"
#include "trainer/phantom/lookalike.h"

#include <math.h>
#include <stdlib.h>

#define FINEST_CELL_MM 0.24f

/* The grain: white noise drawn out along a direction. `fine` and `coarse` are lattices of the map's size. */
struct grain {
    const struct trabecular_map *map;
    const float *fine, *coarse;
};

static float lattice(const struct trabecular_map *m, const float *v, float i, float j)
{
    i = fminf(fmaxf(i, 0.0f), (float)m->width - 1.001f);
    j = fminf(fmaxf(j, 0.0f), (float)m->height - 1.001f);
    int a = (int)i, b = (int)j;
    float u = i - (float)a, w = j - (float)b;
    const float *p = v + (size_t)b * (size_t)m->width + a;
    float top = p[0] + u * (p[1] - p[0]), low = p[m->width] + u * (p[m->width + 1] - p[m->width]);
    return top + w * (low - top);
}

/* About unit variance; the line is straight, as bundles are over these few mm. */
static float grain_along(const struct grain *g, float i, float j, float dx, float dy, float half_mm)
{
    int n = (int)(half_mm / g->map->cell_mm);
    float sum = 0.0f, square = 0.0f;
    for (int k = -n; k <= n; k++) {
        float w = 1.0f - (float)(k * k) / (float)((n + 1) * (n + 1));
        float a = i + dx * (float)k, b = j + dy * (float)k;
        sum +=
            w * (lattice(g->map, g->fine, a, b) + 0.32f * lattice(g->map, g->coarse, 0.45f * a, 0.45f * b));
        square += w * w;
    }
    return sum / sqrtf(0.66f * square);
}

static float bump(float x, float width)
{
    float r = x / width;
    return expf(-r * r);
}

/* What the Singh grade leaves of the groups (Singh, JBJS 1970): the tensile ones go first. */
static float tensile_share(int singh)
{
    static const float SHARE[] = {0, 0.05f, 0.15f, 0.40f, 0.70f, 0.9f, 1.0f};
    return SHARE[singh];
}
static float compressive_share(int singh)
{
    static const float SHARE[] = {0, 0.65f, 0.85f, 0.95f, 1.0f, 1.0f, 1.0f};
    return SHARE[singh];
}
static float background_share(int singh)
{
    static const float SHARE[] = {0, 0.55f, 0.62f, 0.70f, 0.78f, 0.9f, 1.0f};
    return SHARE[singh];
}

/* Groups at (x, y) of the femur's plane, in D. */
static float femur_factor(const struct phantom_patient *p, float off, const struct grain *g, float x, float y,
                          float i, float j)
{
    /* principal compressive: a fan from below the calcar into the top of the head */
    float fan_x = x - (off + 0.08f), fan_y = y - 2.0f, norm = 1.0f / sqrtf(fan_x * fan_x + fan_y * fan_y);
    float fan = fan_x / fmaxf(-fan_y, 0.2f) + 0.40f + 0.10f * (off - 0.85f);
    float compressive = bump(fan, 0.13f) * compressive_share(p->singh) / (1.0f + expf((y - 1.0f) * 8.0f));
    /* principal tensile: an arch from the lateral cortex over the neck into the lower head */
    float ax = (x - 0.12f) / (off + 0.12f), ay = (y - 1.0f) / 0.84f, arch_r = sqrtf(ax * ax + ay * ay);
    float tensile = bump(arch_r - 1.0f, 0.13f) * tensile_share(p->singh) / (1.0f + expf((y - 1.3f) * 8.0f));
    float tx = ay / 0.84f, ty = -ax / (off + 0.12f), tn = 1.0f / sqrtf(tx * tx + ty * ty + 1e-6f);
    float ward = bump(x - 0.52f * off - 0.08f, 0.17f) * bump(y - 0.52f, 0.2f);

    float rough = grain_along(g, i, j, fan_x * norm, fan_y * norm, 3.2f);
    float arch = grain_along(g, i, j, tx * tn, ty * tn, 3.2f);
    float base = background_share(p->singh) * (1.0f - 0.45f * ward);
    float grain = (0.125f * base + 0.01f * compressive) * rough + (0.085f * base + 0.03f * tensile) * arch;
    return fmaxf(0.05f, p->density * (0.72f * base + 0.50f * compressive + 0.38f * tensile + grain));
}

static float pelvis_factor(const struct phantom_patient *p, const struct grain *g, float x, float y, float i,
                           float j)
{
    /* above the roof: rays from the head and arcs around it; elsewhere a net */
    float r = 1.0f / sqrtf(x * x + y * y + 0.01f);
    float roof = bump(x - 0.05f, 0.5f) * bump(y + 0.85f, 0.45f);
    float along = grain_along(g, i, j, x * r, y * r, 2.2f);
    float around = grain_along(g, i, j, -y * r, x * r, 1.8f);
    float base = 0.6f + 0.4f * background_share(p->singh);
    return fmaxf(0.05f, p->density * (base + 0.25f * roof + (0.15f + 0.10f * roof) * along +
                                      (0.13f + 0.10f * roof) * around));
}

static nn_status map_init(struct trabecular_map *m, float x0, float y0, float x1, float y1, float pitch_mm,
                          const struct phantom_patient *p, uint64_t first, struct grain *g,
                          struct nn_error *err)
{
    m->cell_mm = fmaxf(FINEST_CELL_MM, 0.8f * pitch_mm);
    m->x0 = x0;
    m->y0 = y0;
    m->width = (int)((x1 - x0) / m->cell_mm) + 2;
    m->height = (int)((y1 - y0) / m->cell_mm) + 2;
    size_t n = (size_t)m->width * (size_t)m->height;
    m->factor = malloc(3 * n * sizeof *m->factor);
    if (!m->factor) return nn_fail(err, NN_ERR_MEMORY, "no memory for trabeculae");
    float *fine = m->factor + n, *coarse = fine + n;
    uint64_t stream = phantom_stream(p->index, p->hip, PHANTOM_STREAM_TEXTURE);
    nn_random_normals(p->seed, stream, first, n, fine);
    nn_random_normals(p->seed, stream, first + (1u << 24), n, coarse);
    *g = (struct grain){m, fine, coarse};
    return NN_OK;
}

nn_status trabeculae_of_femur(const struct phantom_patient *p, const struct femur_frame *f, float pitch_mm,
                              struct trabecular_map *out, struct nn_error *err)
{
    struct grain g;
    float d = f->head, off = f->offset / d;
    struct grain_marks marks;
    grain_marks_make(p, f, &marks);
    nn_status status =
        map_init(out, -0.8f * d, -0.8f * d, f->offset + 0.8f * d, 3.4f * d, pitch_mm, p, 0, &g, err);
    if (status != NN_OK) return status;
    for (int j = 0; j < out->height; j++)
        for (int i = 0; i < out->width; i++) {
            float x = (out->x0 + (float)i * out->cell_mm) / d, y = (out->y0 + (float)j * out->cell_mm) / d;
            out->factor[(size_t)j * (size_t)out->width + (size_t)i] =
                femur_factor(p, off, &g, x, y, (float)i, (float)j) * grain_marks_factor(&marks, x * d, y * d);
        }
    return NN_OK;
}

nn_status trabeculae_of_pelvis(const struct phantom_patient *p, float pitch_mm, struct trabecular_map *out,
                               struct nn_error *err)
{
    struct grain g;
    float d = p->head_mm;
    float top = p->midline_mm > 0.0f ? -3.5f : -2.5f; /* the crest of a whole wing */
    nn_status status = map_init(out, -2.7f * d, top * d, 1.6f * d, 1.8f * d, pitch_mm, p, 1u << 25, &g, err);
    if (status != NN_OK) return status;
    for (int j = 0; j < out->height; j++)
        for (int i = 0; i < out->width; i++) {
            float x = (out->x0 + (float)i * out->cell_mm) / d, y = (out->y0 + (float)j * out->cell_mm) / d;
            out->factor[(size_t)j * (size_t)out->width + (size_t)i] =
                pelvis_factor(p, &g, x, y, (float)i, (float)j);
        }
    return NN_OK;
}

/* A net, more of it up and down than across, with the plates of denser bone that vertebrae have. */
nn_status trabeculae_of_spine(const struct phantom_patient *p, float pitch_mm, struct trabecular_map *out,
                              struct nn_error *err)
{
    struct grain g;
    float d = p->head_mm, base = 0.7f + 0.3f * background_share(p->singh);
    nn_status status =
        map_init(out, -1.4f * d, -5.6f * d, 1.4f * d, 0.6f * d, pitch_mm, p, 3u << 25, &g, err);
    if (status != NN_OK) return status;
    for (int j = 0; j < out->height; j++)
        for (int i = 0; i < out->width; i++) {
            float upright = grain_along(&g, (float)i, (float)j, 0.0f, 1.0f, 2.0f);
            float across = grain_along(&g, (float)i, (float)j, 1.0f, 0.0f, 1.4f);
            out->factor[(size_t)j * (size_t)out->width + (size_t)i] =
                fmaxf(0.05f, p->density * (base + 0.17f * upright + 0.13f * across));
        }
    return NN_OK;
}

void trabecular_map_release(struct trabecular_map *m)
{
    free(m->factor);
    *m = (struct trabecular_map){0};
}

float trabecular_factor(const struct trabecular_map *m, float x, float y)
{
    return lattice(m, m->factor, (x - m->x0) / m->cell_mm, (y - m->y0) / m->cell_mm);
}
