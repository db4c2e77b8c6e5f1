#include "trainer/drawing/canvas.h"

#include <string.h>

#include "trainer/drawing/canvas_font.h"

const struct tr_colour tr_canvas_colours[TR_CANVAS_COLOURS] = {{0, 114, 178}, {230, 159, 0},  {0, 158, 115},
                                                               {213, 94, 0},  {86, 180, 233}, {204, 121, 167},
                                                               {240, 228, 66}};

static const struct tr_colour ink = {34, 34, 34};

nn_status tr_canvas_init(struct tr_canvas *canvas, int width, int height, struct nn_error *err)
{
    nn_status status = nn_image_init(&canvas->picture, width, height, 24, err);
    if (status == NN_OK) memset(canvas->picture.pixels, 255, (size_t)width * (size_t)height * 3);
    return status;
}

void tr_canvas_release(struct tr_canvas *canvas)
{
    nn_image_release(&canvas->picture);
}

static void put(struct tr_canvas *canvas, int x, int y, struct tr_colour colour)
{
    struct nn_image *p = &canvas->picture;
    if (x < 0 || y < 0 || x >= p->width || y >= p->height) return;
    uint8_t *to = (uint8_t *)p->pixels + ((size_t)y * (size_t)p->width + (size_t)x) * 3;
    to[0] = colour.red;
    to[1] = colour.green;
    to[2] = colour.blue;
}

void tr_canvas_fill(struct tr_canvas *canvas, int x, int y, int width, int height, struct tr_colour colour)
{
    for (int i = 0; i < height; i++)
        for (int k = 0; k < width; k++) put(canvas, x + k, y + i, colour);
}

void tr_canvas_place(struct tr_canvas *canvas, int x, int y, const uint8_t *pixels, int side)
{
    for (int i = 0; i < side; i++)
        for (int k = 0; k < side; k++) {
            uint8_t grey = pixels[i * side + k];
            put(canvas, x + k, y + i, (struct tr_colour){grey, grey, grey});
        }
}

int tr_canvas_text(struct tr_canvas *canvas, int x, int y, int size, const char *text)
{
    for (; *text; text++, x += TR_CANVAS_ADVANCE * size) {
        const uint8_t *rows = tr_canvas_glyph(*text);
        for (int row = 0; row < TR_GLYPH_ROWS; row++)
            for (int column = 0; column < TR_GLYPH_COLUMNS; column++)
                if (rows[row] >> (TR_GLYPH_COLUMNS - 1 - column) & 1)
                    tr_canvas_fill(canvas, x + column * size, y + row * size, size, size, ink);
    }
    return x;
}

nn_status tr_canvas_save(const struct tr_canvas *canvas, const char *path, struct nn_error *err)
{
    static const struct nn_png_text mark = {"Content", "contact sheet"};
    return nn_png_write(path, &canvas->picture, &mark, 1, err);
}
