/* Builds solids: placements, parts and their boxes; solid.c finds the paths of rays in them. */
#include "trainer/phantom/solid.h"

#include <math.h>
#include <string.h>

struct placement placement_turn(int axis, float degrees)
{
    struct placement p = {.rotate = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}};
    int i = (axis + 1) % 3, j = (axis + 2) % 3;
    float angle = degrees * 0.017453293f, c = cosf(angle), s = sinf(angle);
    p.rotate[i][i] = p.rotate[j][j] = c;
    p.rotate[i][j] = -s;
    p.rotate[j][i] = s;
    return p;
}

void placement_point(const struct placement *p, const float local[3], float world[3])
{
    float v[3];
    for (int i = 0; i < 3; i++)
        v[i] =
            p->rotate[i][0] * local[0] + p->rotate[i][1] * local[1] + p->rotate[i][2] * local[2] + p->move[i];
    memcpy(world, v, sizeof v);
}

void placement_inverse_point(const struct placement *p, const float world[3], float local[3])
{
    float w[3], v[3];
    for (int i = 0; i < 3; i++) w[i] = world[i] - p->move[i];
    for (int i = 0; i < 3; i++)
        v[i] = p->rotate[0][i] * w[0] + p->rotate[1][i] * w[1] + p->rotate[2][i] * w[2];
    memcpy(local, v, sizeof v);
}

struct placement placement_chain(const struct placement *outer, const struct placement *inner)
{
    struct placement r;
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            r.rotate[i][j] = outer->rotate[i][0] * inner->rotate[0][j] +
                             outer->rotate[i][1] * inner->rotate[1][j] +
                             outer->rotate[i][2] * inner->rotate[2][j];
    placement_point(outer, inner->move, r.move);
    return r;
}

static struct solid_part *part_add(struct solid *s)
{
    struct solid_part *p = &s->part[s->count++];
    *p = (struct solid_part){.blend = 3.0f};
    p->axis[0][0] = p->axis[1][1] = p->axis[2][2] = 1.0f;
    return p;
}

static float dot(const float a[3], const float b[3])
{
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

static void normalise(float v[3])
{
    float n = 1.0f / sqrtf(dot(v, v) + 1e-12f);
    for (int i = 0; i < 3; i++) v[i] *= n;
}

static void part_between(struct solid_part *p, const float from[3], const float to[3], const float hint[3])
{
    float *a = p->axis[0], *b = p->axis[1], *c = p->axis[2];
    memcpy(p->origin, from, sizeof p->origin);
    for (int i = 0; i < 3; i++) a[i] = to[i] - from[i];
    p->length = sqrtf(dot(a, a));
    normalise(a);
    float along = dot(hint, a);
    for (int i = 0; i < 3; i++) b[i] = hint[i] - along * a[i];
    normalise(b);
    c[0] = a[1] * b[2] - a[2] * b[1];
    c[1] = a[2] * b[0] - a[0] * b[2];
    c[2] = a[0] * b[1] - a[1] * b[0];
}

struct along along_even(float v)
{
    return (struct along){v, v, v};
}

struct solid_part *solid_tube(struct solid *s, float scale, const float from[3], const float to[3],
                              const float hint[3], struct along first, struct along second)
{
    float a[3], b[3];
    for (int i = 0; i < 3; i++) {
        a[i] = from[i] * scale;
        b[i] = to[i] * scale;
    }
    struct solid_part *p = part_add(s);
    part_between(p, a, b, hint);
    p->first = (struct along){first.start * scale, first.middle * scale, first.end * scale};
    p->second = (struct along){second.start * scale, second.middle * scale, second.end * scale};
    p->cap = 0.5f * (p->first.start + p->second.start);
    p->blend = 0.08f * scale;
    return p;
}

struct solid_part *solid_blob(struct solid *s, float scale, const float centre[3], const float radii[3])
{
    struct solid_part *p = part_add(s);
    for (int i = 0; i < 3; i++) p->origin[i] = centre[i] * scale;
    p->cap = radii[0] * scale;
    p->first = along_even(radii[1] * scale);
    p->second = along_even(radii[2] * scale);
    p->blend = 0.08f * scale;
    return p;
}

void solid_place(struct solid *s, const struct placement *place)
{
    struct placement turn = *place;
    memset(turn.move, 0, sizeof turn.move);
    for (int k = 0; k < s->count; k++) {
        struct solid_part *p = &s->part[k];
        placement_point(place, p->origin, p->origin);
        for (int i = 0; i < 3; i++) placement_point(&turn, p->axis[i], p->axis[i]);
        if (!p->halved) continue;
        placement_point(&turn, p->normal, p->normal);
        p->offset += dot(p->normal, place->move);
    }
}

static float widest(const struct along *a)
{
    return fmaxf(fmaxf(a->start, a->end), a->middle);
}

void solid_close(struct solid *s)
{
    for (int k = 0; k < s->count; k++) {
        const struct solid_part *p = &s->part[k];
        float half = 0.5f * p->length, r1 = widest(&p->first) * 1.05f + fabsf(p->bend_first),
              r2 = widest(&p->second) * 1.05f + fabsf(p->bend_second);
        for (int i = 0; i < 3; i++) {
            float middle = p->origin[i] + half * p->axis[0][i];
            float a = p->axis[0][i], b = p->axis[1][i], c = p->axis[2][i];
            /* the box of an ellipsoid of these axes, its caps taken along */
            float reach =
                half * fabsf(a) + sqrtf(p->cap * p->cap * a * a + r1 * r1 * b * b + r2 * r2 * c * c);
            reach += 0.5f * p->blend + 0.5f;
            s->low[k][i] = middle - reach;
            s->high[k][i] = middle + reach;
        }
    }
}
