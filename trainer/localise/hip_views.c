#include "trainer/localise/hip_views.h"

#include <math.h>

#include "engine/rng.h"
#include "trainer/localise/hip_net.h"

#define VIEW_STREAM ((uint64_t)70 << 32)

enum { FIELD = 4, BLOBS_MAX = 8, TRUTH_GRID = 9 };

/* From the view to the film, both as fractions of their sides. */
struct geometry {
    double a[2][2], x, y; /* film = (x, y) + a (view - 1/2) */
    double zoom_x, zoom_y;
    bool mirrored, turned;
    double left, top, right, bottom; /* what of the view collimation leaves */
};

static bool chance(struct nn_rng *r, double p)
{
    return nn_rng_uniform(r) < p;
}

/* ---- geometry ----------------------------------------------------------------------------------------- */

static void draw_geometry(struct nn_rng *r, struct geometry *g)
{
    double angle = fmax(-0.35, fmin(0.35, nn_rng_normal(r, 0, 0.08)));
    double zoom = exp(nn_rng_range(r, log(0.6), chance(r, 0.15) ? log(2.8) : log(1.5)));
    double aspect = exp(nn_rng_normal(r, 0, 0.05)), shear = nn_rng_normal(r, 0, 0.04);
    double reach = (chance(r, 0.2) ? 0.5 : 0.2) / fmin(zoom, 1);
    g->zoom_x = zoom * aspect;
    g->zoom_y = zoom / aspect;
    g->x = 0.5 + nn_rng_range(r, -reach, reach);
    g->y = 0.5 + nn_rng_range(r, -reach, reach);
    g->mirrored = chance(r, 0.5);
    g->turned = chance(r, 0.06);
    if (g->turned) angle += (1 + nn_rng_below(r, 3)) * acos(0);
    double c = cos(angle), s = sin(angle), flip = g->mirrored ? -1 : 1;
    g->a[0][0] = flip * c / g->zoom_x;
    g->a[0][1] = flip * (shear * c - s) / g->zoom_y;
    g->a[1][0] = s / g->zoom_x;
    g->a[1][1] = (shear * s + c) / g->zoom_y;
    double *edges[] = {&g->left, &g->top, &g->right, &g->bottom};
    bool collimated = chance(r, 0.5);
    for (int k = 0; k < 4; k++) {
        double cut = nn_rng_range(r, 0, 0.25);
        if (!collimated || !chance(r, 0.6)) cut = 0;
        *edges[k] = k < 2 ? cut : 1 - cut;
    }
}

static void to_film(const struct geometry *g, double x, double y, double *u, double *v)
{
    *u = g->x + g->a[0][0] * (x - 0.5) + g->a[0][1] * (y - 0.5);
    *v = g->y + g->a[1][0] * (x - 0.5) + g->a[1][1] * (y - 0.5);
}

static void to_view(const struct geometry *g, double u, double v, double *x, double *y)
{
    double det = g->a[0][0] * g->a[1][1] - g->a[0][1] * g->a[1][0];
    u -= g->x;
    v -= g->y;
    *x = 0.5 + (g->a[1][1] * u - g->a[0][1] * v) / det;
    *y = 0.5 + (g->a[0][0] * v - g->a[1][0] * u) / det;
}

/* How much of what the film shows of a box the view shows. */
static double shown(const struct geometry *g, const struct tr_place *p)
{
    int on_film = 0, on_view = 0;
    for (int i = 0; i < TRUTH_GRID * TRUTH_GRID; i++) {
        double x = p->x + p->width * (i % TRUTH_GRID + 0.5) / TRUTH_GRID, u;
        double y = p->y + p->height * (i / TRUTH_GRID + 0.5) / TRUTH_GRID, v;
        to_film(g, x, y, &u, &v);
        if (u < 0 || u > 1 || v < 0 || v > 1) continue;
        on_film++;
        on_view += x > g->left && x < g->right && y > g->top && y < g->bottom;
    }
    return on_film ? (double)on_view / on_film : 0;
}

static void move_truth(const struct tr_hip_film *film, const struct geometry *g, struct tr_hip_view *view)
{
    for (int hip = 0; hip < TR_HIPS; hip++) {
        int from = g->mirrored ? !hip : hip;
        const struct tr_place *p = &film->place[from];
        struct tr_place *to = &view->place[hip];
        double x, y;
        view->truth[hip] = TR_HIP_NOWHERE;
        if (!film->there[from] || g->turned) continue;
        to_view(g, p->x + p->width / 2, p->y + p->height / 2, &x, &y);
        to->width = p->width * g->zoom_x;
        to->height = p->height * g->zoom_y;
        to->x = x - to->width / 2;
        to->y = y - to->height / 2;
        double part = shown(g, to);
        bool inside = x > 0 && x < 1 && y > 0 && y < 1;
        view->truth[hip] = part >= 0.6 && inside ? TR_HIP_THERE
                           : part < 0.35         ? TR_HIP_NOWHERE
                                                 : TR_HIP_UNSAID;
    }
}

/* ---- pixels ------------------------------------------------------------------------------------------- */

/* At column u, row v in pixels of the film, whose corner is (0,0); `beyond` outside. */
static float sample(const uint8_t *film, int side, double u, double v, float beyond)
{
    u -= 0.5;
    v -= 0.5;
    if (u < -0.5 || v < -0.5 || u > side - 0.5 || v > side - 0.5) return beyond;
    int x = (int)fmin(fmax(u, 0), side - 2), y = (int)fmin(fmax(v, 0), side - 2);
    float p = (float)fmin(fmax(u - x, 0), 1), q = (float)fmin(fmax(v - y, 0), 1);
    const uint8_t *at = film + (size_t)y * (size_t)side + (size_t)x;
    float upper = (1 - p) * at[0] + p * at[1], lower = (1 - p) * at[side] + p * at[side + 1];
    return ((1 - q) * upper + q * lower) / 255;
}

/* Means of 2x2 places a pixel, as a view may show the film smaller. */
static void draw_film(const struct tr_hip_film *film, int film_side, const struct geometry *g, float beyond,
                      int side, float *pixels)
{
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++) {
            float sum = 0;
            for (int k = 0; k < 4; k++) {
                double u, v;
                to_film(g, (x + 0.25 + 0.5 * (k & 1)) / side, (y + 0.25 + 0.5 * (k >> 1)) / side, &u, &v);
                sum += sample(film->pixels, film_side, u * film_side, v * film_side, beyond);
            }
            pixels[(size_t)y * (size_t)side + (size_t)x] = sum / 4;
        }
}

/* Exposure that changes over the film, gamma, contrast that burns out. */
static void expose(struct nn_rng *r, int side, float *pixels)
{
    double field[FIELD + 1][FIELD + 1], uneven = nn_rng_range(r, 0, 0.4);
    double gamma = exp(nn_rng_range(r, log(0.5), log(2.0))), gain = nn_rng_range(r, 0.7, 1.8);
    double veil = nn_rng_range(r, 0, 0.3);
    for (int i = 0; i <= FIELD; i++)
        for (int k = 0; k <= FIELD; k++) field[i][k] = nn_rng_normal(r, 0, uneven);
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++) {
            double u = (double)x * FIELD / side, v = (double)y * FIELD / side;
            int i = (int)v, k = (int)u;
            u -= k;
            v -= i;
            double f = (1 - v) * ((1 - u) * field[i][k] + u * field[i][k + 1]) +
                       v * ((1 - u) * field[i + 1][k] + u * field[i + 1][k + 1]);
            float *at = &pixels[(size_t)y * (size_t)side + (size_t)x];
            double value = gain * exp(f) * pow((double)*at, gamma);
            *at = (float)fmin(veil * exp(f) + (1 - veil) * value, 1);
        }
}

/* Gas, stool, metal, hands: round things brighter or darker than what they lie on. */
static void add_blobs(struct nn_rng *r, int side, float *pixels)
{
    int count = (int)nn_rng_below(r, BLOBS_MAX + 1);
    if (chance(r, 0.5)) return;
    for (int b = 0; b < count; b++) {
        double x0 = nn_rng_uniform(r) * side, y0 = nn_rng_uniform(r) * side;
        double rx = nn_rng_range(r, 0.02, 0.12) * side, ry = nn_rng_range(r, 0.02, 0.12) * side;
        double strength = nn_rng_normal(r, 0, 0.2);
        for (int y = (int)fmax(y0 - ry, 0); y < side && y < y0 + ry; y++)
            for (int x = (int)fmax(x0 - rx, 0); x < side && x < x0 + rx; x++) {
                double dx = (x - x0) / rx, dy = (y - y0) / ry, d = dx * dx + dy * dy;
                float *at = &pixels[(size_t)y * (size_t)side + (size_t)x];
                if (d < 1) *at = (float)fmin(fmax((double)*at + strength * fmin(1, 3 * (1 - d)), 0), 1);
            }
    }
}

static void blur(int side, const float *from, float *to)
{
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++) {
            float sum = 0;
            for (int k = 0; k < 9; k++) {
                int u = x + k % 3 - 1, v = y + k / 3 - 1;
                u = u < 0 ? 0 : u >= side ? side - 1 : u;
                v = v < 0 ? 0 : v >= side ? side - 1 : v;
                sum += from[(size_t)v * (size_t)side + (size_t)u];
            }
            to[(size_t)y * (size_t)side + (size_t)x] = sum / 9;
        }
}

/* Blur or sharpening, and noise. `spare` has room for the pixels. */
static void degrade(struct nn_rng *r, int side, float *pixels, float *spare)
{
    size_t count = (size_t)side * (size_t)side;
    double sharpness = nn_rng_range(r, -1, 1.5), noise = 0.06 * nn_rng_uniform(r) * nn_rng_uniform(r);
    blur(side, pixels, spare);
    for (size_t i = 0; i < count; i++) pixels[i] += (float)sharpness * (pixels[i] - spare[i]);
    nn_random_normals(r->seed, r->stream + 1, 0, count, spare);
    for (size_t i = 0; i < count; i++) pixels[i] += (float)noise * spare[i];
}

/* Beyond the collimator black, white or grey; slabs of white at an edge, as unexposed parts are. */
static void collimate(struct nn_rng *r, const struct geometry *g, float beyond, int side, float *pixels)
{
    bool slab = chance(r, 0.15);
    int edge = (int)nn_rng_below(r, 4);
    double depth = nn_rng_range(r, 0.02, 0.15);
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++) {
            double u = (x + 0.5) / side, v = (y + 0.5) / side;
            double from_edge = edge == 0 ? u : edge == 1 ? v : edge == 2 ? 1 - u : 1 - v;
            float *at = &pixels[(size_t)y * (size_t)side + (size_t)x];
            if (u < g->left || u > g->right || v < g->top || v > g->bottom) *at = beyond;
            if (slab && from_edge < depth) *at = 1;
        }
}

void tr_hip_view_draw(const struct tr_hip_film *film, int film_side, uint64_t seed, uint64_t number, int side,
                      float *pixels, struct tr_hip_view *view)
{
    struct nn_rng r = {.seed = seed, .stream = VIEW_STREAM + 2 * number};
    struct geometry g;
    float spare[TR_HIP_NET_SIDE_MAX * TR_HIP_NET_SIDE_MAX];
    draw_geometry(&r, &g);
    float beyond = chance(&r, 0.75) ? 0 : (float)nn_rng_uniform(&r);
    move_truth(film, &g, view);
    draw_film(film, film_side, &g, beyond, side, pixels);
    expose(&r, side, pixels);
    add_blobs(&r, side, pixels);
    degrade(&r, side, pixels, spare);
    collimate(&r, &g, beyond, side, pixels);
    tr_hip_net_view(pixels, (size_t)side * (size_t)side);
}

void tr_hip_view_plain(const struct tr_hip_film *film, int film_side, int side, float *pixels)
{
    size_t wide = (size_t)film_side;
    int step = film_side / side;
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++) {
            const uint8_t *at = film->pixels + (size_t)(y * step) * wide + (size_t)(x * step);
            float sum = step == 1 ? 4.0f * at[0] : (float)(at[0] + at[1] + at[wide] + at[wide + 1]);
            pixels[(size_t)y * (size_t)side + (size_t)x] = sum / (4 * 255);
        }
    tr_hip_net_view(pixels, (size_t)side * (size_t)side);
}
