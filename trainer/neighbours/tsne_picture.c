#include "trainer/neighbours/tsne_picture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "trainer/data/image_split.h"
#include "trainer/drawing/canvas.h"
#include "trainer/drawing/html_text.h"
#include "trainer/text_file.h"

enum {
    THUMB_MOST = 56,
    FRAME = 3,
    TEXT = 2,
    LEGEND_ROW = 26,
    LEGEND = 8 + TR_TSNE_KINDS * LEGEND_ROW,
    SIDE_LEAST = 640,
    SIDE_MOST = 4096,
    HEIGHT_MOST = 8192,
    ORDER_SEED = 1,
    SVG_SIDE = 800
};
static const double CROWDING = 1.7; /* side of the picture over that of all thumbnails as a square */

/* What holds all places. */
struct extent {
    double left, top, width, height;
};

static struct extent extent_of(const struct tr_tsne_points *p)
{
    double low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};
    for (int i = 0; i < p->cases->count; i++)
        for (int k = 0; k < 2; k++) {
            low[k] = fmin(low[k], p->places[2 * i + k]);
            high[k] = fmax(high[k], p->places[2 * i + k]);
        }
    return (struct extent){low[0], low[1], fmax(high[0] - low[0], 1e-9), fmax(high[1] - low[1], 1e-9)};
}

/* One below the other: what stands beside the first is lost where the picture is cut. */
static void put_legend(struct tr_canvas *canvas, const struct tr_tsne_points *p)
{
    int letters = TR_CANVAS_LINE * TEXT;
    for (int k = 0; k < TR_TSNE_KINDS; k++) {
        int x = 12, y = 8 + k * LEGEND_ROW;
        tr_canvas_fill(canvas, x, y, letters, letters, tr_canvas_colours[k]);
        tr_canvas_text(canvas, x + letters + 6, y + TEXT, TEXT, p->kinds[k]);
    }
}

nn_status tr_tsne_draw_png(const struct tr_tsne_points *p, const char *path, struct nn_error *err)
{
    int own = p->cases->side, block = (own + THUMB_MOST - 1) / THUMB_MOST, thumb = own / block;
    int cell = thumb + 2 * FRAME;
    double wanted = CROWDING * cell * sqrt(p->cases->count);
    struct extent e = extent_of(p);
    int width = (int)fmin(fmax(wanted * sqrt(e.width / fmax(e.height, e.width / 4)), SIDE_LEAST), SIDE_MOST);
    double scale = (width - cell) / e.width;
    if (e.height * scale > HEIGHT_MOST) scale = HEIGHT_MOST / e.height;
    struct tr_canvas canvas = {0};
    uint8_t *small = malloc((size_t)thumb * (size_t)thumb);
    int *order = malloc((size_t)p->cases->count * sizeof *order);
    if (!small || !order) {
        free(order);
        free(small);
        return nn_fail(err, NN_ERR_MEMORY, "%s: out of memory for a picture", path);
    }
    tr_image_split(ORDER_SEED, p->cases->count, order);
    nn_status status = tr_canvas_init(&canvas, width, LEGEND + (int)(e.height * scale) + cell, err);
    for (int k = 0; k < p->cases->count && status == NN_OK; k++) {
        int i = order[k];
        struct nn_image full = {own, own, 8, p->cases->pixels + (size_t)i * (size_t)own * (size_t)own};
        nn_image_box_means(&full, block, small);
        int x = (int)((p->places[2 * i] - e.left) * scale);
        int y = LEGEND + (int)((p->places[2 * i + 1] - e.top) * scale);
        tr_canvas_fill(&canvas, x, y, cell, cell, tr_canvas_colours[p->kind[i]]);
        tr_canvas_place(&canvas, x + FRAME, y + FRAME, small, thumb);
    }
    if (status == NN_OK) put_legend(&canvas, p);
    if (status == NN_OK) status = tr_canvas_save(&canvas, path, err);
    tr_canvas_release(&canvas);
    free(order);
    free(small);
    return status;
}

static void put_mark(FILE *to, int kind, double x, double y)
{
    struct tr_colour c = tr_canvas_colours[kind];
    if (kind < 2)
        fprintf(to, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\"", x, y);
    else
        fprintf(to, "<rect x=\"%.1f\" y=\"%.1f\" width=\"7\" height=\"7\"", x - 3.5, y - 3.5);
    fprintf(to, " fill=\"#%02x%02x%02x\" fill-opacity=\"0.7\"/>\n", c.red, c.green, c.blue);
}

nn_status tr_tsne_draw_svg(const struct tr_tsne_points *p, const char *path, struct nn_error *err)
{
    struct tr_text_file picture;
    struct extent e = extent_of(p);
    double scale = (SVG_SIDE - 16) / fmax(e.width, e.height);
    int width = 16 + (int)fmax(e.width * scale, SVG_SIDE / 2.0),
        height = LEGEND + 16 + (int)(e.height * scale);
    nn_status status = tr_text_file_begin(&picture, path, err);
    if (status != NN_OK) return status;
    FILE *to = picture.to;
    fprintf(to,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" "
            "role=\"img\" font-family=\"sans-serif\" font-size=\"14\" fill=\"#222\">\n"
            "<title>t-SNE of %d images</title>\n<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
            width, height, width, height, p->cases->count);
    for (int i = 0; i < p->cases->count; i++)
        put_mark(to, p->kind[i], 8 + (p->places[2 * i] - e.left) * scale,
                 LEGEND + 8 + (p->places[2 * i + 1] - e.top) * scale);
    for (int k = 0; k < TR_TSNE_KINDS; k++) {
        int x = 14, y = 20 + k * LEGEND_ROW;
        put_mark(to, k, x, y);
        fprintf(to, "<text x=\"%d\" y=\"%d\">", x + 10, y + 5);
        tr_html_put(to, p->kinds[k]);
        fputs("</text>\n", to);
    }
    fputs("</svg>\n", to);
    return tr_text_file_end(&picture, NN_OK, err);
}
