#include "trainer/contact_sheet.h"

#include <string.h>

#include "engine/image.h"

enum { GAP = 2, GAP_GREY = 96, WIDTH_MAX = 4096 };

static nn_status place(struct nn_image *sheet, const uint8_t *tile, int side, int halvings, int column,
                       int row, struct nn_error *err)
{
    struct nn_image full = {.width = side, .height = side, .depth = 8, .pixels = (void *)(uintptr_t)tile},
                    small;
    nn_status status = nn_image_halve(&full, halvings, &small, err);
    if (status != NN_OK) return status;
    int step = small.width + GAP;
    uint8_t *pixels = sheet->pixels;
    for (int y = 0; y < small.height; y++)
        memcpy(pixels + (size_t)(GAP + row * step + y) * (size_t)sheet->width + (size_t)(GAP + column * step),
               (uint8_t *)small.pixels + (size_t)y * (size_t)small.width, (size_t)small.width);
    nn_image_release(&small);
    return NN_OK;
}

nn_status tr_contact_sheet_write(const char *path, const uint8_t *tiles, int count, int columns, int side,
                                 struct nn_error *err)
{
    int halvings = 0, rows = (count + columns - 1) / columns;
    while (columns * ((side >> halvings) + GAP) > WIDTH_MAX && side >> halvings > 8) halvings++;
    int step = (side >> halvings) + GAP;
    struct nn_image sheet;
    nn_status status = nn_image_init(&sheet, columns * step + GAP, rows * step + GAP, 8, err);
    if (status != NN_OK) return status;
    memset(sheet.pixels, GAP_GREY, (size_t)sheet.width * (size_t)sheet.height);
    for (int i = 0; i < count && status == NN_OK; i++)
        status = place(&sheet, tiles + (size_t)i * (size_t)side * (size_t)side, side, halvings, i % columns,
                       i / columns, err);
    if (status == NN_OK) status = nn_png_write(path, &sheet, NULL, 0, err);
    nn_image_release(&sheet);
    return status;
}
