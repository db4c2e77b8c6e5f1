#include "trainer/phantom/solid.h"

#include <math.h>
#include <string.h>

#define DEPTH_STEP 2.0f /* mm; surfaces are interpolated between samples, so thin shells survive it */

/* The quadratic through the three values, as coefficients of 1, s, s*s. */
struct quadratic {
    float c0, c1, c2;
};
static struct quadratic quadratic_of(const struct along *a)
{
    return (struct quadratic){a->start, -3.0f * a->start + 4.0f * a->middle - a->end,
                              2.0f * a->start - 4.0f * a->middle + 2.0f * a->end};
}

/* Per lane: signed distance (to first order), cortical thickness and trabecular fraction so far. */
struct field {
    float d[SOLID_LANES], t[SOLID_LANES], f[SOLID_LANES];
};

/* Distance and cortex of one part alone. Loops over lanes hold no branches, or they would not vectorise. */
static void part_field(const struct solid_part *p, const float *restrict x, const float *restrict y, float z,
                       float *restrict distance, float *restrict cortex)
{
    const float a0 = p->axis[0][0], a1 = p->axis[0][1], a2 = p->axis[0][2] * (z - p->origin[2]);
    const float b0 = p->axis[1][0], b1 = p->axis[1][1], b2 = p->axis[1][2] * (z - p->origin[2]);
    const float c0 = p->axis[2][0], c1 = p->axis[2][1], c2 = p->axis[2][2] * (z - p->origin[2]);
    const float ox = p->origin[0], oy = p->origin[1], length = p->length;
    const float per_length = length > 0.0f ? 1.0f / length : 0.0f, per_cap = 1.0f / fmaxf(p->cap, 0.1f);
    const struct quadratic q1 = quadratic_of(&p->first), q2 = quadratic_of(&p->second),
                           qt = quadratic_of(&p->cortex);
    const float bend1 = 4.0f * p->bend_first, bend2 = 4.0f * p->bend_second, side = p->cortex_side;
    const float nx = p->halved ? p->normal[0] : 0.0f, ny = p->halved ? p->normal[1] : 0.0f;
    const float nz = p->halved ? p->normal[2] * z - p->offset : -1e9f;

#pragma omp simd
    for (int i = 0; i < SOLID_LANES; i++) {
        float dx = x[i] - ox, dy = y[i] - oy;
        float u = a0 * dx + a1 * dy + a2, v = b0 * dx + b1 * dy + b2, w = c0 * dx + c1 * dy + c2;
        float along = fminf(fmaxf(u, 0.0f), length), s = along * per_length, hump = s * (1.0f - s);
        float r1 = 1.0f / (q1.c0 + s * (q1.c1 + s * q1.c2)), r2 = 1.0f / (q2.c0 + s * (q2.c1 + s * q2.c2));
        float e = (u - along) * per_cap, g = (v - bend1 * hump) * r1, h = (w - bend2 * hump) * r2;
        float square = e * e + g * g + h * h + 1e-6f;
        float slope = e * e * per_cap * per_cap + g * g * r1 * r1 + h * h * r2 * r2 + 1e-9f;
        float lopsided = fmaxf(1.0f + side * fminf(fmaxf(g, -1.0f), 1.0f), 0.25f);
        distance[i] = fmaxf((square - sqrtf(square)) / sqrtf(slope), nx * x[i] + ny * y[i] + nz);
        cortex[i] = (qt.c0 + s * (qt.c1 + s * qt.c2)) * lopsided;
    }
}

static void field_add(const struct solid_part *p, const float *restrict d, const float *restrict t,
                      struct field *restrict out)
{
    const float blend = p->blend, per_blend = 1.0f / p->blend, marrow = p->marrow;
#pragma omp simd
    for (int i = 0; i < SOLID_LANES; i++) {
        float mix = fminf(fmaxf(0.5f + 0.5f * (out->d[i] - d[i]) * per_blend, 0.0f), 1.0f);
        out->d[i] += (d[i] - out->d[i]) * mix - blend * mix * (1.0f - mix);
        out->t[i] += (t[i] - out->t[i]) * mix;
        out->f[i] += (marrow - out->f[i]) * mix;
    }
}

/* Cutting is joining the part to the complement, and taking the complement of that. What is cut open keeps
 * the cortex that it had, and gets a lining. */
static void field_cut(const struct solid_part *p, const float *restrict d, const float *restrict t,
                      struct field *restrict out)
{
    const float blend = p->blend, per_blend = 1.0f / p->blend;
#pragma omp simd
    for (int i = 0; i < SOLID_LANES; i++) {
        float mix = fminf(fmaxf(0.5f - 0.5f * (out->d[i] + d[i]) * per_blend, 0.0f), 1.0f);
        float wall = out->d[i] + out->t[i];
        float joined = out->d[i] - (d[i] + out->d[i]) * mix + blend * mix * (1.0f - mix);
        out->t[i] = fmaxf(wall, t[i] - d[i]) - joined;
        out->d[i] = joined;
    }
}

/* Signed distance to the clip surface at depth z, positive on the side that goes. */
static void clip_distance(const struct solid_clip *c, const float *restrict x, const float *restrict y,
                          float z, float *restrict out)
{
    float m[3][3], o[3];
    for (int i = 0; i < 3; i++) {
        o[i] = 0.0f;
        for (int j = 0; j < 3; j++) {
            m[i][j] = c->place.rotate[j][i];
            o[i] -= c->place.rotate[j][i] * c->place.move[j];
        }
        o[i] += m[i][2] * z;
    }
    const struct solid_clip k = *c;
#pragma omp simd
    for (int i = 0; i < SOLID_LANES; i++) {
        float u = m[0][0] * x[i] + m[0][1] * y[i] + o[0];
        float v = m[1][0] * x[i] + m[1][1] * y[i] + o[1];
        float w = m[2][0] * x[i] + m[2][1] * y[i] + o[2];
        float rough = 0.0f;
        for (int j = 0; j < 6; j++) {
            /* a parabolic stand-in for the sine: period 1, between -1 and 1 */
            float turn = k.wave[j][0] * u + k.wave[j][1] * v + k.wave[j][2] * w + k.phase[j];
            turn -= floorf(turn) + 0.5f;
            rough += k.weight[j] * turn * (8.0f - 16.0f * fabsf(turn));
        }
        float d;
        if (k.radius > 0.0f) {
            float du = u - k.centre[0], dv = v - k.centre[1], dw = w - k.centre[2];
            d = sqrtf(du * du + dv * dv + dw * dw) - k.radius;
        } else {
            d = k.normal[0] * u + k.normal[1] * v + k.normal[2] * w - k.offset;
        }
        out[i] = k.sign * (d - rough);
    }
}

/* The parts whose boxes the strip can meet, and the depths between which they lie. */
static int parts_near(const struct solid *s, const struct solid_rays *r, int *near, float *z_low,
                      float *z_high)
{
    int n = 0, last = r->count - 1;
    *z_low = 1e9f;
    *z_high = -1e9f;
    for (int k = 0; k < s->count; k++) {
        const float *lo = s->low[k], *hi = s->high[k];
        float x_low = 1e9f, x_high = -1e9f, y_low = 1e9f, y_high = -1e9f;
        for (int e = 0; e < 4; e++) {
            int i = (e & 1) ? last : 0;
            float z = (e & 2) ? hi[2] : lo[2], x = r->x[i] + z * r->sx[i], y = r->y[i] + z * r->sy[i];
            x_low = fminf(x_low, x), x_high = fmaxf(x_high, x);
            y_low = fminf(y_low, y), y_high = fmaxf(y_high, y);
        }
        if (x_high < lo[0] || x_low > hi[0] || y_high < lo[1] || y_low > hi[1]) continue;
        near[n++] = k;
        if (s->part[k].cut) continue;
        *z_low = fminf(*z_low, lo[2]);
        *z_high = fmaxf(*z_high, hi[2]);
    }
    return n;
}

struct sample {
    float whole[SOLID_LANES], inside[SOLID_LANES], fraction[SOLID_LANES];
};

/* Fields outside the bone and outside its marrow at depth z. */
static void sample_at(const struct solid *s, const int *near, int count, const struct solid_rays *r, float z,
                      struct sample *out)
{
    float x[SOLID_LANES], y[SOLID_LANES], away[SOLID_LANES], distance[SOLID_LANES], cortex[SOLID_LANES];
    struct field field;
#pragma omp simd
    for (int i = 0; i < SOLID_LANES; i++) {
        x[i] = r->x[i] + z * r->sx[i];
        y[i] = r->y[i] + z * r->sy[i];
        field.d[i] = 1e3f;
        field.t[i] = 1.0f;
        field.f[i] = 0.0f;
    }
    for (int k = 0; k < count; k++) {
        const struct solid_part *p = &s->part[near[k]];
        if (z <= s->low[near[k]][2] - DEPTH_STEP || z >= s->high[near[k]][2] + DEPTH_STEP) continue;
        part_field(p, x, y, z, distance, cortex);
        (p->cut ? field_cut : field_add)(p, distance, cortex, &field);
    }
#pragma omp simd
    for (int i = 0; i < SOLID_LANES; i++) {
        out->whole[i] = field.d[i];
        out->inside[i] = field.d[i] + field.t[i];
        out->fraction[i] = field.f[i];
    }
    for (int k = 0; k < s->clips; k++) {
        clip_distance(&s->clip[k], x, y, z, away);
#pragma omp simd
        for (int i = 0; i < SOLID_LANES; i++) {
            out->whole[i] = fmaxf(out->whole[i], away[i]);
            out->inside[i] = fmaxf(out->inside[i], away[i]);
        }
    }
}

/* The part of a step, 0-1, on which a field that is linear between a and b is negative. */
static inline float negative_share(float a, float b)
{
    /* a bound on the span, not a small addend: reassociation would lose it between large equal fields */
    float low = fminf(a, b), span = fmaxf(fabsf(a - b), 1e-4f);
    return fminf(fmaxf(-low, 0.0f) / span, 1.0f);
}

static void add_step(const struct sample *a, const struct sample *b, float z, struct solid_paths *out)
{
#pragma omp simd
    for (int i = 0; i < SOLID_LANES; i++) {
        float inside = DEPTH_STEP * negative_share(a->inside[i], b->inside[i]);
        out->whole[i] += DEPTH_STEP * negative_share(a->whole[i], b->whole[i]);
        out->inside[i] += inside;
        out->trabecular[i] += inside * 0.5f * (a->fraction[i] + b->fraction[i]);
        out->depth[i] += inside * z;
    }
}

bool solid_project(const struct solid *s, const struct solid_rays *r, struct solid_paths *out)
{
    int near[SOLID_PARTS];
    float z_low, z_high;
    int count = parts_near(s, r, near, &z_low, &z_high);
    if (!(z_low < z_high)) return false;

    struct sample samples[2];
    memset(out, 0, sizeof *out);
    z_low = DEPTH_STEP * floorf(z_low / DEPTH_STEP);
    int steps = (int)ceilf((z_high - z_low) / DEPTH_STEP);
    sample_at(s, near, count, r, z_low, &samples[0]);
    for (int k = 1; k <= steps; k++) {
        float z = z_low + (float)k * DEPTH_STEP;
        sample_at(s, near, count, r, z, &samples[k & 1]);
        add_step(&samples[1 - (k & 1)], &samples[k & 1], z - 0.5f * DEPTH_STEP, out);
    }
    for (int i = 0; i < SOLID_LANES; i++) out->depth[i] /= out->inside[i] + 1e-3f;
    return true;
}
