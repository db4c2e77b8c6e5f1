#include "trainer/neighbours/neighbour_sheet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trainer/drawing/canvas.h"
#include "trainer/neighbours/feature_study.h"

enum { TILE_MOST = 112, GAP = 4, LINES = 2, HEAD = 44, NAME = 300, WIDTH_MOST = 4096 };

struct layout {
    int block, tile, step, line, row_height;
    int letters; /* that stand below a tile */
};

static struct layout layout_of(const struct tr_neighbour_sheet *s)
{
    int side = s->queries->side, columns = s->network->layer_count + 2, most = WIDTH_MOST / columns - GAP;
    if (most > TILE_MOST) most = TILE_MOST;
    struct layout o = {.block = (side + most - 1) / most};
    o.tile = side / o.block;
    o.step = o.tile + GAP;
    if (o.step < 13 * TR_CANVAS_ADVANCE) o.step = 13 * TR_CANVAS_ADVANCE;
    o.line = TR_CANVAS_LINE + 1;
    o.row_height = o.tile + LINES * o.line + GAP;
    o.letters = (o.step / TR_CANVAS_ADVANCE);
    return o;
}

/* A tile with two lines below it, cut to its width. */
static nn_status put_tile(struct tr_canvas *canvas, const struct layout *o, int column, int row,
                          const struct tr_cases *cases, int i, const char *below, bool framed,
                          struct nn_error *err)
{
    int side = cases->side, x = GAP + column * o->step, y = HEAD + row * o->row_height;
    char name[NAME], cut[128];
    uint8_t *small = malloc((size_t)o->tile * (size_t)o->tile);
    if (!small) return nn_fail(err, NN_ERR_MEMORY, "out of memory for a tile");
    struct nn_image full = {side, side, 8, cases->pixels + (size_t)i * (size_t)side * (size_t)side};
    nn_image_box_means(&full, o->block, small);
    if (framed) tr_canvas_fill(canvas, x - 3, y - 3, o->tile + 6, o->tile + 6, tr_canvas_colours[3]);
    tr_canvas_place(canvas, x, y, small, o->tile);
    free(small);
    tr_case_name(cases, i, name, sizeof name);
    snprintf(cut, sizeof cut, "%.*s", o->letters, name);
    tr_canvas_text(canvas, x, y + o->tile + 3, 1, cut);
    snprintf(cut, sizeof cut, "%.*s", o->letters, below);
    tr_canvas_text(canvas, x, y + o->tile + 3 + o->line, 1, cut);
    return NN_OK;
}

/* Of a name that is too long: of ResNet's layer2.0.downsample.0 what follows the word, from its beginning, as
 * the number tells more than the end; of others the end. */
static void layer_head(const char *name, int letters, char *head, size_t size)
{
    int beyond = (int)strlen(name) - letters;
    if (beyond > 0) name += strncmp(name, "layer", 5) == 0 ? 5 : beyond;
    snprintf(head, size, "%.*s", letters, name);
}

static void put_head(struct tr_canvas *canvas, const struct layout *o, const struct tr_neighbour_sheet *s)
{
    int y = HEAD - TR_CANVAS_LINE - 3, layers = s->network->layer_count;
    tr_canvas_text(canvas, GAP, 6, 2, s->title);
    tr_canvas_text(canvas, GAP, y, 1, "image");
    for (int l = 0; l < layers; l++) {
        char cut[128];
        layer_head(s->network->layers[l].name, o->letters - 1, cut, sizeof cut);
        tr_canvas_text(canvas, GAP + (l + 1) * o->step, y, 1, cut);
    }
    tr_canvas_text(canvas, GAP + (layers + 1) * o->step, y, 1, "all layers");
}

static nn_status put_row(struct tr_canvas *canvas, const struct layout *o, const struct tr_neighbour_sheet *s,
                         int row, struct nn_error *err)
{
    char below[NAME];
    int q = s->rows[row], layers = s->network->layer_count;
    const struct tr_copy_score *copy = &s->nearness->copy[q];
    tr_case_classes(s->queries, q, below, sizeof below);
    nn_status status = put_tile(canvas, o, 0, row, s->queries, q, below, false, err);
    for (int l = 0; l < layers && status == NN_OK; l++) {
        const struct tr_nearest *n = &s->nearness->nearest[(size_t)l * (size_t)s->queries->count + (size_t)q];
        snprintf(below, sizeof below, "%.4g", n->distance);
        status = put_tile(canvas, o, l + 1, row, s->trainings, n->training, below, false, err);
    }
    snprintf(below, sizeof below, "%.2f %.2f%s", copy->distance, copy->ratio, copy->mirrored ? " m" : "");
    if (status == NN_OK)
        status =
            put_tile(canvas, o, layers + 1, row, s->trainings, copy->training, below, copy->flagged, err);
    return status;
}

nn_status tr_neighbour_sheet_write(const struct tr_neighbour_sheet *s, const char *path, struct nn_error *err)
{
    struct layout o = layout_of(s);
    struct tr_canvas canvas;
    int width = GAP + (s->network->layer_count + 2) * o.step;
    nn_status status = tr_canvas_init(&canvas, width, HEAD + s->row_count * o.row_height, err);
    if (status == NN_OK) put_head(&canvas, &o, s);
    for (int row = 0; row < s->row_count && status == NN_OK; row++)
        status = put_row(&canvas, &o, s, row, err);
    if (status == NN_OK) status = tr_canvas_save(&canvas, path, err);
    tr_canvas_release(&canvas);
    return status;
}
