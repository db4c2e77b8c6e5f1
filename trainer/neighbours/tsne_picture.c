#include "trainer/neighbours/tsne_picture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/file.h"
#include "trainer/report/canvas.h"
#include "trainer/report/html_text.h"

enum {
    THUMB_MOST = 56,
    FRAME = 3,
    LEGEND = 60,
    TEXT = 2,
    SIDE_LEAST = 640,
    SIDE_MOST = 4096,
    SVG_SIDE = 800
};
static const double CROWDING = 1.7; /* side of the picture over that of all thumbnails as a square */

/* The square that holds all places, a little wider. */
struct extent {
    double left, top, side;
};

static struct extent extent_of(const struct tr_tsne_points *p)
{
    double low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};
    for (int i = 0; i < p->cases->count; i++)
        for (int k = 0; k < 2; k++) {
            low[k] = fmin(low[k], p->places[2 * i + k]);
            high[k] = fmax(high[k], p->places[2 * i + k]);
        }
    double side = fmax(fmax(high[0] - low[0], high[1] - low[1]), 1e-9) * 1.02;
    return (struct extent){(low[0] + high[0] - side) / 2, (low[1] + high[1] - side) / 2, side};
}

/* Two rows of two. */
static void put_legend(struct tr_canvas *canvas, const struct tr_tsne_points *p)
{
    int letters = TR_CANVAS_LINE * TEXT, half = canvas->picture.width / 2;
    for (int k = 0; k < TR_TSNE_KINDS; k++) {
        int x = 12 + k % 2 * half, y = 8 + k / 2 * (letters + 6);
        tr_canvas_fill(canvas, x, y, letters, letters, tr_canvas_colours[k]);
        tr_canvas_text(canvas, x + letters + 6, y + TEXT, TEXT, p->kinds[k]);
    }
}

nn_status tr_tsne_draw_png(const struct tr_tsne_points *p, const char *path, struct nn_error *err)
{
    int own = p->cases->side, block = (own + THUMB_MOST - 1) / THUMB_MOST, thumb = own / block;
    int cell = thumb + 2 * FRAME;
    double wanted = CROWDING * cell * sqrt(p->cases->count);
    int side = (int)fmin(fmax(wanted, SIDE_LEAST), SIDE_MOST);
    struct tr_canvas canvas;
    uint8_t *small = malloc((size_t)thumb * (size_t)thumb);
    if (!small) return nn_fail(err, NN_ERR_MEMORY, "%s: out of memory for a picture", path);
    nn_status status = tr_canvas_init(&canvas, side, side + LEGEND, err);
    struct extent e = extent_of(p);
    for (int i = 0; i < p->cases->count && status == NN_OK; i++) {
        struct nn_image full = {own, own, 8, p->cases->pixels + (size_t)i * (size_t)own * (size_t)own};
        nn_image_box_means(&full, block, small);
        int x = (int)((p->places[2 * i] - e.left) / e.side * (side - cell));
        int y = LEGEND + (int)((p->places[2 * i + 1] - e.top) / e.side * (side - cell));
        tr_canvas_fill(&canvas, x, y, cell, cell, tr_canvas_colours[p->kind[i]]);
        tr_canvas_place(&canvas, x + FRAME, y + FRAME, small, thumb);
    }
    if (status == NN_OK) put_legend(&canvas, p);
    if (status == NN_OK) status = tr_canvas_save(&canvas, path, err);
    tr_canvas_release(&canvas);
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
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    if (!to) return nn_fail(err, NN_ERR_MEMORY, "%s: out of memory for a picture", path);
    fprintf(to,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" "
            "role=\"img\" font-family=\"sans-serif\" font-size=\"14\" fill=\"#222\">\n"
            "<title>t-SNE of %d images</title>\n<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
            SVG_SIDE, SVG_SIDE + LEGEND, SVG_SIDE, SVG_SIDE + LEGEND, p->cases->count);
    struct extent e = extent_of(p);
    for (int i = 0; i < p->cases->count; i++)
        put_mark(to, p->kind[i], 8 + (p->places[2 * i] - e.left) / e.side * (SVG_SIDE - 16),
                 LEGEND + 8 + (p->places[2 * i + 1] - e.top) / e.side * (SVG_SIDE - 16));
    for (int k = 0; k < TR_TSNE_KINDS; k++) {
        int x = 14 + k % 2 * SVG_SIDE / 2, y = 20 + k / 2 * 24;
        put_mark(to, k, x, y);
        fprintf(to, "<text x=\"%d\" y=\"%d\">", x + 10, y + 5);
        tr_html_put(to, p->kinds[k]);
        fputs("</text>\n", to);
    }
    fputs("</svg>\n", to);
    bool whole = fclose(to) == 0;
    nn_status status = whole ? nn_file_replace(path, text, size, err)
                             : nn_fail(err, NN_ERR_MEMORY, "%s: out of memory for a picture", path);
    free(text);
    return status;
}
