#include "trainer/ingest/ingest_one.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/sha256.h"

static void take_facts(const struct tr_picture *p, struct tr_ingest_facts *facts)
{
    snprintf(facts->format, sizeof facts->format, "%s", p->format);
    strcpy(facts->syntax, p->syntax);
    strcpy(facts->patient_id, p->patient_id);
    strcpy(facts->modality, p->modality);
    strcpy(facts->view, p->view);
    strcpy(facts->side, p->side);
    facts->width = p->image.width;
    facts->height = p->image.height;
}

/* ---- looks ---------------------------------------------------------------------------------------- */

/* Beside a body is air, which is black; in a picture with black and white exchanged it is the brightest.
 * Looks at what the picture fills of the square, as the bars beside it are black whatever it shows. */
static bool looks_inverted(const uint16_t *square, int side, struct tr_rectangle filled, bool lies)
{
    double edge = 0, middle = 0;
    int width = filled.right - filled.left, height = filled.bottom - filled.top;
    int across = lies ? height : width, rim = across / 24 > 0 ? across / 24 : 1, edge_count = 0,
        middle_count = 0;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            int grey = square[(filled.top + y) * side + filled.left + x], at = lies ? y : x;
            if (at < rim || at >= across - rim) edge += grey, edge_count++;
            if (x >= width / 4 && x < 3 * width / 4 && y >= height / 4 && y < 3 * height / 4)
                middle += grey, middle_count++;
        }
    return middle_count > 0 && edge / edge_count > middle / middle_count + 48 * 257;
}

/* ---- pixels --------------------------------------------------------------------------------------- */

static struct tr_turn turn_wanted(const struct tr_picture *p, const struct tr_ingest_change *change)
{
    struct tr_turn turn = tr_turn_then(p->turn, tr_turn_clockwise(change->turn));
    return tr_turn_then(turn, (struct tr_turn){.flip_x = change->mirror});
}

static nn_status make_square(struct tr_picture *p, const struct tr_ingest_style *style,
                             const struct tr_ingest_change *change, struct tr_ingest_facts *facts,
                             uint16_t *square, struct nn_error *err)
{
    struct tr_turn turn = turn_wanted(p, change);
    struct tr_rectangle *field = &facts->field;
    size_t count = (size_t)p->image.width * (size_t)p->image.height, side = (size_t)style->side;
    uint16_t *pixels = p->image.pixels, *lying = malloc(side * side * sizeof *lying);
    if (!lying) return nn_fail(err, NN_ERR_MEMORY, "out of memory for a picture");
    for (size_t i = 0; change->invert && i < count; i++) pixels[i] = (uint16_t)(65535 - pixels[i]);
    *field = p->has_field          ? p->field
             : style->keep_margins ? (struct tr_rectangle){0, 0, p->image.width, p->image.height}
                                   : tr_field_find(&p->image);
    nn_status status = tr_field_fit(&p->image, *field, p->aspect, style->side, lying, err);
    if (status == NN_OK) {
        struct tr_rectangle filled = tr_field_place(*field, p->aspect, style->side);
        facts->looks_inverted = looks_inverted(lying, style->side, filled, turn.transpose);
        tr_turn_apply(turn, lying, square, style->side);
    }
    free(lying);
    return status;
}

static nn_status write_png(const char *path, const struct nn_image *image, long *size_bytes,
                           struct nn_error *err)
{
    char temporary[PATH_MAX + 64];
    uint8_t *bytes;
    size_t size;
    nn_status status = nn_png_encode(image, NULL, 0, &bytes, &size, err);
    if (status != NN_OK) return status;
    snprintf(temporary, sizeof temporary, "%s.tmp", path);
    FILE *file = fopen(temporary, "wb");
    bool written = file && fwrite(bytes, 1, size, file) == size;
    int reason = errno;
    free(bytes);
    if (file && fclose(file) != 0 && written) written = false, reason = errno;
    if (written && rename(temporary, path) != 0) written = false, reason = errno;
    *size_bytes = (long)size;
    if (written) return NN_OK;
    if (file) remove(temporary);
    return nn_fail(err, NN_ERR_IO, "%s: %s", path, strerror(reason));
}

/* `square` to the disk, in the style's depth and as a tile. `grey` has room for its pixels. */
static nn_status deliver(const uint16_t *square, uint8_t *grey, const struct tr_ingest_style *style,
                         const char *path, const char *tile_path, struct tr_ingest_facts *facts,
                         struct nn_error *err)
{
    int side = style->side, block = side > TR_INGEST_TILE ? side / TR_INGEST_TILE : 1;
    const struct nn_image deep = {side, side, 16, (void *)(uintptr_t)square}, plain = {side, side, 8, grey};
    const struct nn_image *image = style->depth == 16 ? &deep : &plain,
                          tile = {side / block, side / block, 8, grey};
    long tile_bytes;
    nn_image_box_means(&deep, 1, grey);
    nn_sha256_hex(image->pixels, (size_t)side * (size_t)side * (size_t)style->depth / 8, facts->sha256);
    tr_picture_hash(image, &facts->hash);
    nn_status status = tr_burnt_in_find(grey, side, &facts->writing, err);
    if (status == NN_OK) status = write_png(path, image, &facts->size_bytes, err);
    nn_image_box_means(&deep, block, grey);
    if (status == NN_OK) status = write_png(tile_path, &tile, &tile_bytes, err);
    return status;
}

/* A report has the path in a column of its own. */
static void drop_path(struct nn_error *err, const char *path)
{
    size_t length = strlen(path);
    if (strncmp(err->text, path, length) == 0 && strncmp(err->text + length, ": ", 2) == 0)
        memmove(err->text, err->text + length + 2, strlen(err->text + length + 2) + 1);
}

nn_status tr_ingest_one(const char *source, const char *image, const char *tile,
                        const struct tr_ingest_style *style, const struct tr_ingest_change *change,
                        struct tr_ingest_facts *facts, struct nn_error *err)
{
    struct tr_picture picture = {0};
    size_t count = (size_t)style->side * (size_t)style->side;
    uint16_t *square = malloc(count * sizeof *square);
    uint8_t *grey = malloc(count);
    *facts = (struct tr_ingest_facts){0};
    nn_status status = square && grey ? tr_picture_read(source, &picture, err)
                                      : nn_fail(err, NN_ERR_MEMORY, "out of memory for a picture");
    if (status == NN_OK) {
        take_facts(&picture, facts);
        status = make_square(&picture, style, change, facts, square, err);
    }
    if (status == NN_OK) status = deliver(square, grey, style, image, tile, facts, err);
    if (status != NN_OK) drop_path(err, source);
    tr_picture_release(&picture);
    free(square);
    free(grey);
    return status;
}
