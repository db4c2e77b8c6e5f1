#include "trainer/drawing/contact_sheet.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

static const struct nn_png_text mark = {"Content", "contact sheet"};

enum {
    GAP = 2,
    GAP_GREY = 96,
    WIDTH_MAX = 4096,
    HEIGHT_MAX = NN_IMAGE_SIDE_MAX,
    SIDE_MIN = 8,
    TEXTS_MAX = 32
};

nn_status tr_contact_sheet_init(struct tr_contact_sheet *sheet, int count, int columns, int side,
                                struct nn_error *err)
{
    int rows = (count + columns - 1) / columns;
    *sheet = (struct tr_contact_sheet){.columns = columns, .side = side};
    int step = side + GAP;
    while ((columns * step > WIDTH_MAX || rows * step + GAP > HEIGHT_MAX) &&
           side >> sheet->halvings > SIDE_MIN)
        step = (side >> ++sheet->halvings) + GAP;
    nn_status status = nn_image_init(&sheet->picture, columns * step + GAP, rows * step + GAP, 8, err);
    if (status == NN_OK)
        memset(sheet->picture.pixels, GAP_GREY, (size_t)sheet->picture.width * (size_t)sheet->picture.height);
    return status;
}

nn_status tr_contact_sheet_place(struct tr_contact_sheet *sheet, int index, const uint8_t *tile,
                                 struct nn_error *err)
{
    struct nn_image full = {sheet->side, sheet->side, 8, (void *)(uintptr_t)tile}, small;
    nn_status status = nn_image_halve(&full, sheet->halvings, &small, err);
    if (status != NN_OK) return status;
    int step = small.width + GAP, column = index % sheet->columns, row = index / sheet->columns;
    uint8_t *pixels = sheet->picture.pixels;
    for (int y = 0; y < small.height; y++)
        memcpy(pixels + (size_t)(GAP + row * step + y) * (size_t)sheet->picture.width +
                   (size_t)(GAP + column * step),
               (uint8_t *)small.pixels + (size_t)y * (size_t)small.width, (size_t)small.width);
    nn_image_release(&small);
    return NN_OK;
}

nn_status tr_contact_sheet_save(const struct tr_contact_sheet *sheet, const char *path,
                                const struct nn_png_text *texts, int text_count, struct nn_error *err)
{
    struct nn_png_text all[TEXTS_MAX + 1] = {mark};
    if (text_count > TEXTS_MAX)
        return nn_fail(err, NN_ERR_ARGUMENT, "%s: %d texts, more than %d", path, text_count, TEXTS_MAX);
    if (text_count) memcpy(all + 1, texts, (size_t)text_count * sizeof *texts);
    return nn_png_write(path, &sheet->picture, all, text_count + 1, err);
}

nn_status tr_contact_sheet_check_path(const char *path, struct nn_error *err)
{
    struct nn_png_texts texts;
    struct stat file;
    if (stat(path, &file) != 0 && errno == ENOENT) return NN_OK;
    bool ours = false;
    if (nn_png_read_texts(path, &texts, err) == NN_OK) {
        const char *content = nn_png_texts_find(&texts, mark.keyword);
        ours = content && strcmp(content, mark.text) == 0;
        nn_png_texts_release(&texts);
    }
    if (ours) return NN_OK;
    return nn_fail(err, NN_ERR_ARGUMENT, "%s: is there already and no contact sheet, and is left as it is",
                   path);
}

void tr_contact_sheet_release(struct tr_contact_sheet *sheet)
{
    nn_image_release(&sheet->picture);
}

nn_status tr_contact_sheet_write(const char *path, const uint8_t *tiles, int count, int columns, int side,
                                 struct nn_error *err)
{
    struct tr_contact_sheet sheet;
    nn_status status = tr_contact_sheet_init(&sheet, count, columns, side, err);
    for (int i = 0; i < count && status == NN_OK; i++)
        status = tr_contact_sheet_place(&sheet, i, tiles + (size_t)i * (size_t)side * (size_t)side, err);
    if (status == NN_OK) status = tr_contact_sheet_save(&sheet, path, NULL, 0, err);
    tr_contact_sheet_release(&sheet);
    return status;
}
