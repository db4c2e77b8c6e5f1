#include "trainer/ingest/picture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/file.h"
#include "trainer/ingest/dicom.h"
#include "trainer/ingest/grey_map.h"
#include "trainer/ingest/jpeg_file.h"

#define FILE_LIMIT ((size_t)1 << 30)

static void map(uint16_t *pixels, size_t count, const uint16_t table[TR_GREY_VALUES])
{
    for (size_t i = 0; i < count; i++) pixels[i] = table[pixels[i]];
}

/* ---- PNG and JPEG -------------------------------------------------------------------------------- */

/* To 16 bits, all of one kind. */
static nn_status deepen(struct nn_image *image, struct nn_error *err)
{
    struct nn_image deep;
    size_t count = (size_t)image->width * (size_t)image->height;
    nn_status status = nn_image_init(&deep, image->width, image->height, 16, err);
    if (status != NN_OK) return status;
    for (size_t i = 0; i < count; i++)
        ((uint16_t *)deep.pixels)[i] = (uint16_t)(257 * ((const uint8_t *)image->pixels)[i]);
    nn_image_release(image);
    *image = deep;
    return NN_OK;
}

static nn_status check_varies(const struct nn_image *image, const char *path, struct nn_error *err)
{
    const uint16_t *pixels = image->pixels;
    size_t count = (size_t)image->width * (size_t)image->height;
    for (size_t i = 1; i < count; i++)
        if (pixels[i] != pixels[0]) return NN_OK;
    return nn_fail(err, NN_ERR_FORMAT, "%s: is of one grey everywhere", path);
}

static nn_status read_plain(const char *path, bool is_png, struct tr_picture *p, struct nn_error *err)
{
    uint8_t *bytes;
    size_t size;
    int orientation = 1;
    nn_status status = nn_file_read(path, FILE_LIMIT, &bytes, &size, err);
    if (status != NN_OK) return status;
    p->format = is_png ? "PNG" : "JPEG";
    status = is_png ? nn_png_decode_luma(bytes, size, path, &p->image, err)
                    : tr_jpeg_decode(bytes, size, path, &p->image, &orientation, err);
    free(bytes);
    p->turn = tr_turn_exif(orientation);
    if (status == NN_OK && p->image.depth == 8) {
        status = deepen(&p->image, err);
    } else if (status == NN_OK) {
        uint16_t table[TR_GREY_VALUES];
        size_t count = (size_t)p->image.width * (size_t)p->image.height;
        tr_grey_map_plain(p->image.pixels, count, table);
        map(p->image.pixels, count, table);
    }
    return status == NN_OK ? check_varies(&p->image, path, err) : status;
}

/* ---- DICOM --------------------------------------------------------------------------------------- */

static bool is_one_of(const char *text, const char *const *list)
{
    for (; *list; list++)
        if (!strcmp(text, *list)) return true;
    return false;
}

/* Defined terms of PS3.3 C.7.3.1.1.1, C.8.7.5.1.1 and of the views of CR and DX; those who fill in other
 * things do so in words that may name somebody. */
static const char *const modalities[] = {"CR", "DX", "RF", "RG", "XA", "MG",
                                         "IO", "PX", "OT", "SC", "",   NULL};
static const char *const views[] = {"AP", "PA", "LL", "RL", "RLD", "LLD", "RLO", "LLO", NULL};

static void take_words(const struct tr_dicom *d, struct tr_picture *p)
{
    strcpy(p->patient_id, d->patient_id);
    strcpy(p->syntax, d->syntax);
    strcpy(p->modality, d->modality);
    if (is_one_of(d->view, views)) strcpy(p->view, d->view);
    const char *side = d->laterality;
    strcpy(p->side, !strcmp(side, "L")   ? "left"
                    : !strcmp(side, "R") ? "right"
                    : !strcmp(side, "B") ? "both"
                                         : "");
}

static nn_status read_dicom(const char *path, struct tr_picture *p, struct nn_error *err)
{
    struct tr_dicom d;
    uint16_t table[TR_GREY_VALUES];
    nn_status status = tr_dicom_read(path, &d, err);
    if (status != NN_OK) return status;
    if (!is_one_of(d.modality, modalities)) {
        status = nn_fail(err, NN_ERR_FORMAT, "%s: modality %s is no radiograph", path, d.modality);
    } else {
        take_words(&d, p);
        p->format = "DICOM";
        p->aspect = d.aspect;
        p->turn = tr_turn_patient(d.row_runs, d.column_runs);
        p->has_field = d.has_field;
        p->field = (struct tr_rectangle){d.left, d.top, d.right, d.bottom};
        tr_grey_map_dicom(&d, table);
        map(d.pixels, (size_t)d.width * (size_t)d.height, table);
        p->image = (struct nn_image){d.width, d.height, 16, d.pixels};
        d.pixels = NULL; /* the picture's now */
        status = check_varies(&p->image, path, err);
    }
    tr_dicom_release(&d);
    return status;
}

/* ---- which it is --------------------------------------------------------------------------------- */

nn_status tr_picture_read(const char *path, struct tr_picture *p, struct nn_error *err)
{
    uint8_t *start;
    size_t size;
    *p = (struct tr_picture){.aspect = 1};
    nn_status status = nn_file_read_start(path, FILE_LIMIT, 8, &start, &size, err);
    if (status != NN_OK) return status;
    bool is_png = size >= 8 && !memcmp(start, "\x89PNG\r\n\x1a\n", 8);
    bool is_jpeg = size >= 8 && !memcmp(start, "\xff\xd8\xff", 3);
    free(start);
    if (size == 0) return nn_fail(err, NN_ERR_FORMAT, "%s: is empty", path);
    status = is_png || is_jpeg ? read_plain(path, is_png, p, err) : read_dicom(path, p, err);
    if (status != NN_OK) tr_picture_release(p);
    return status;
}

void tr_picture_release(struct tr_picture *picture)
{
    nn_image_release(&picture->image);
    *picture = (struct tr_picture){0};
}
