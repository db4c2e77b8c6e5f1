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
    struct nn_image out = {side, side, 16, square};
    const struct tr_part part = {.x = field.left,
                                 .y = field.top,
                                 .width = field.right - field.left,
                                 .height = field.bottom - field.top,
                                 .alone = true};
    memset(square, 0, (size_t)side * (size_t)side * sizeof *square);
    return tr_resample(image, &part, &out, tr_field_place(field, aspect, side), err);
}
