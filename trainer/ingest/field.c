#include "trainer/ingest/field.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* ---- finding it ---------------------------------------------------------------------------------- */

enum { STEPS = 256, LEVELS_APART = 4, DARK = 32, BEHIND = 3 };

/* The picture as means of blocks, and the part of it that is left. */
struct small {
    uint8_t *pixels;
    int width, height, block;
    int left, top, right, bottom;
};

/* A line at one edge: `count` pixels from `first`, `step` apart. */
struct line {
    const uint8_t *first;
    int count, step;
};

static uint8_t middle_of(struct line line)
{
    int counts[256] = {0}, below = 0, level = 0;
    for (int i = 0; i < line.count; i++) counts[line.first[i * line.step]]++;
    while ((below += counts[level]) * 2 <= line.count && level < 255) level++;
    return (uint8_t)level;
}

static bool shows_nothing(struct line line, int level)
{
    int near = 0;
    for (int i = 0; i < line.count; i++) near += abs(line.first[i * line.step] - level) <= LEVELS_APART;
    return near * 20 >= line.count * 19;
}

enum edge { LEFT, TOP, RIGHT, BOTTOM };

/* Line `place` of an edge, within what the other edges have left. */
static struct line line_at(const struct small *s, enum edge edge, int place)
{
    int along = edge == TOP || edge == BOTTOM;
    if (along) return (struct line){s->pixels + (ptrdiff_t)place * s->width + s->left, s->right - s->left, 1};
    return (struct line){s->pixels + (ptrdiff_t)s->top * s->width + place, s->bottom - s->top, s->width};
}

/* A bright margin is a collimator's only if it ends in a straight line; saturated tissue, which may fill an
 * edge as evenly, fades out. `first`: its first line that shows something, `step`: away from the margin. */
static bool ends_straight(const struct small *s, enum edge edge, int first, int step, int level)
{
    int apart = 0;
    struct line line = line_at(s, edge, first + BEHIND * step);
    for (int i = 0; i < line.count; i++) apart += abs(line.first[i * line.step] - level) > 2 * LEVELS_APART;
    return apart * 3 >= line.count * 2;
}

/* Moves one edge inwards, or leaves it. */
static void trim(struct small *s, enum edge edge)
{
    int *at = edge == LEFT ? &s->left : edge == TOP ? &s->top : edge == RIGHT ? &s->right : &s->bottom;
    int whole = edge == LEFT || edge == RIGHT ? s->width : s->height, most = whole * 45 / 100, before = *at;
    bool from_end = edge == RIGHT || edge == BOTTOM;
    int outermost = from_end ? whole - 1 : 0, step = from_end ? -1 : 1,
        level = middle_of(line_at(s, edge, *at - from_end));
    while (abs(*at - from_end - outermost) < most && shows_nothing(line_at(s, edge, *at - from_end), level))
        *at += step;
    if (*at != before && level > DARK && !ends_straight(s, edge, *at - from_end, step, level)) *at = before;
}

struct tr_rectangle tr_field_find(const struct nn_image *image)
{
    struct tr_rectangle all = {0, 0, image->width, image->height}, field;
    int longer = image->width > image->height ? image->width : image->height;
    struct small s = {.block = longer > STEPS ? longer / STEPS : 1};
    s.right = s.width = image->width / s.block;
    s.bottom = s.height = image->height / s.block;
    if (s.width < 16 || s.height < 16 || !(s.pixels = malloc((size_t)s.width * (size_t)s.height))) return all;
    nn_image_box_means(image, s.block, s.pixels);
    /* Twice, as what a text in one margin hides from an edge may be gone when another has moved. */
    for (int turn = 0; turn < 2; turn++)
        for (enum edge edge = LEFT; edge <= BOTTOM; edge++) trim(&s, edge);
    free(s.pixels);
    if ((s.right - s.left) * 16 < s.width || (s.bottom - s.top) * 16 < s.height ||
        (s.right - s.left) * (s.bottom - s.top) * 16 < s.width * s.height)
        return all;
    field = (struct tr_rectangle){s.left * s.block, s.top * s.block, s.right * s.block, s.bottom * s.block};
    if (s.right == s.width) field.right = image->width; /* with what fills no block */
    if (s.bottom == s.height) field.bottom = image->height;
    return field;
}

/* ---- making it square ----------------------------------------------------------------------------- */

/* How source pixels make those of one axis: weights sum to 1. */
struct tap {
    int first, count;
    float *weights;
};

struct axis {
    struct tap *taps;
    float *weights; /* of all taps */
    int length;
};

static void axis_release(struct axis *axis)
{
    free(axis->taps);
    free(axis->weights);
}

/* The overlap of source pixel `place` with what pixel `i` of the result covers; for a smaller source the
 * triangle of linear interpolation. */
static double overlap(int place, int i, double scale)
{
    if (scale < 1) {
        double distance = fabs((i + 0.5) * scale - (place + 0.5));
        return distance < 1 ? 1 - distance : 0;
    }
    double from = fmax(place, i * scale), to = fmin(place + 1, (i + 1) * scale);
    return to > from ? to - from : 0;
}

static bool axis_init(struct axis *axis, int start, int source, int length)
{
    double scale = (double)source / length;
    int room = (int)scale + 3;
    *axis = (struct axis){.length = length};
    axis->taps = malloc((size_t)length * sizeof *axis->taps);
    axis->weights = malloc((size_t)length * (size_t)room * sizeof *axis->weights);
    if (!axis->taps || !axis->weights) return false;
    for (int i = 0; i < length; i++) {
        struct tap *tap = &axis->taps[i];
        double sum = 0;
        int first = scale < 1 ? (int)floor((i + 0.5) * scale - 0.5) : (int)floor(i * scale);
        *tap = (struct tap){.weights = axis->weights + (size_t)i * (size_t)room};
        for (int place = first < 0 ? 0 : first; place < source && tap->count < room; place++) {
            double weight = overlap(place, i, scale);
            if (weight <= 0 && tap->count == 0) continue;
            if (weight <= 0) break;
            if (tap->count == 0) tap->first = start + place;
            tap->weights[tap->count++] = (float)weight;
            sum += weight;
        }
        for (int k = 0; k < tap->count; k++) tap->weights[k] = (float)(tap->weights[k] / sum);
    }
    return true;
}

/* One row of the result's height, at the source's width. */
static void blend_rows(const struct nn_image *image, struct tr_rectangle field, const struct tap *tap,
                       float *row)
{
    int width = field.right - field.left;
    memset(row, 0, (size_t)width * sizeof *row);
    for (int k = 0; k < tap->count; k++) {
        const uint16_t *from =
            (const uint16_t *)image->pixels + (size_t)(tap->first + k) * (size_t)image->width + field.left;
        float weight = tap->weights[k];
        for (int x = 0; x < width; x++) row[x] += weight * (float)from[x];
    }
}

static uint16_t blend_columns(const float *row, const struct tap *tap)
{
    float sum = 0.5f;
    for (int k = 0; k < tap->count; k++) sum += tap->weights[k] * row[tap->first + k];
    return sum >= 65535 ? 65535 : (uint16_t)sum;
}

static int rounded(double length, int most)
{
    int whole = (int)lrint(length);
    return whole < 1 ? 1 : whole > most ? most : whole;
}

struct tr_rectangle tr_field_place(struct tr_rectangle field, double aspect, int side)
{
    double width = field.right - field.left, height = (field.bottom - field.top) * aspect;
    double scale = side / fmax(width, height);
    int columns = rounded(width * scale, side), rows = rounded(height * scale, side);
    int left = (side - columns) / 2, top = (side - rows) / 2;
    return (struct tr_rectangle){left, top, left + columns, top + rows};
}

nn_status tr_field_fit(const struct nn_image *image, struct tr_rectangle field, double aspect, int side,
                       uint16_t *square, struct nn_error *err)
{
    struct tr_rectangle place = tr_field_place(field, aspect, side);
    int columns = place.right - place.left, rows = place.bottom - place.top;
    struct axis across = {0}, down = {0};
    float *row = malloc((size_t)(field.right - field.left) * sizeof *row);
    nn_status status = NN_OK;
    if (!row || !axis_init(&across, 0, field.right - field.left, columns) ||
        !axis_init(&down, field.top, field.bottom - field.top, rows)) {
        status = nn_fail(err, NN_ERR_MEMORY, "out of memory to reduce a picture");
        goto out;
    }
    memset(square, 0, (size_t)side * (size_t)side * sizeof *square);
    for (int y = 0; y < rows; y++) {
        uint16_t *to = square + (size_t)(place.top + y) * (size_t)side + place.left;
        blend_rows(image, field, &down.taps[y], row);
        for (int x = 0; x < columns; x++) to[x] = blend_columns(row, &across.taps[x]);
    }
out:
    free(row);
    axis_release(&across);
    axis_release(&down);
    return status;
}
