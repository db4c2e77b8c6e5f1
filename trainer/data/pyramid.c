#include "trainer/data/pyramid.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/file.h"
#include "engine/image.h"
#include "engine/sha256.h"

enum {
    LEVELS_MAX = 9, /* 4 ... 1024 */
    PATH_SIZE = 4096 + TR_LABELS_PATH_MAX + 64,
};

#define IMAGE_FILE_LIMIT ((size_t)64 << 20)

struct builder {
    const char *folder, *into;
    const struct tr_labels *labels;
    int *places;        /* of each row: its index among the training images, or -1 */
    char (*hashes)[65]; /* of each row's file */
    int side, depth;    /* of the first image: all others' */
    struct tr_grey_range given, range;
    int levels;
    int files[LEVELS_MAX]; /* files[k] holds side >> k */
    tr_dataset_progress *progress;
    void *context;
    int done;
    /* The failure of the lowest row, so that the report does not depend on the thread count. */
    int failed_row;
    struct nn_error failure;
};

void tr_pyramid_path(const char *folder, int side, char *path, size_t size)
{
    snprintf(path, size, "%s/r%04d.u8", folder, side);
}

/* ---- one image ---- */

/* Row `row`'s image; its file's SHA-256 goes to `hash`. */
static nn_status read_image(const struct builder *b, int row, struct nn_image *image, char hash[65],
                            struct nn_error *err)
{
    const struct tr_label_row *r = &b->labels->rows[row];
    struct nn_error inner;
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/%s", b->folder, r->file);
    *image = (struct nn_image){0};
    uint8_t *bytes;
    size_t size;
    nn_status status = nn_file_read(path, IMAGE_FILE_LIMIT, &bytes, &size, &inner);
    if (!status) {
        nn_sha256_hex(bytes, size, hash);
        status = nn_png_decode(bytes, size, path, image, &inner);
        free(bytes);
    }
    if (status) return nn_fail(err, status, "%s/labels.csv:%d: %s", b->folder, r->line, inner.text);
    return NN_OK;
}

static nn_status check_alike(const struct builder *b, int row, const struct nn_image *image,
                             struct nn_error *err)
{
    if (image->width == b->side && image->height == b->side && image->depth == b->depth) return NN_OK;
    const struct tr_label_row *r = &b->labels->rows[row];
    return nn_fail(err, NN_ERR_FORMAT, "%s/labels.csv:%d: %s is %dx%d with %d bits, %s %dx%d with %d",
                   b->folder, r->line, r->file, image->width, image->height, image->depth,
                   b->labels->rows[0].file, b->side, b->side, b->depth);
}

/* In place: each cell is read before the cells at and before it are overwritten. */
static void halve_sums(uint32_t *sums, int side)
{
    size_t width = (size_t)side, half = width / 2;
    for (size_t y = 0; y < half; y++)
        for (size_t x = 0; x < half; x++) {
            const uint32_t *from = sums + 2 * y * width + 2 * x;
            sums[y * half + x] = from[0] + from[1] + from[width] + from[width + 1];
        }
}

static nn_status write_at(const struct builder *b, int level, const uint8_t *pixels, int place,
                          struct nn_error *err)
{
    int side = b->side >> level;
    size_t size = (size_t)side * (size_t)side;
    off_t at = (off_t)size * place;
    for (size_t done = 0; done < size;) {
        ssize_t put = pwrite(b->files[level], pixels + done, size - done, at + (off_t)done);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) {
            char path[PATH_SIZE];
            tr_pyramid_path(b->into, side, path, sizeof path);
            return nn_fail(err, NN_ERR_IO, "%s: cannot be written: %s", path, strerror(errno));
        }
        done += (size_t)put;
    }
    return NN_OK;
}

static struct tr_grey_range range_of(struct tr_grey_range given, const struct nn_image *image)
{
    return given.high ? given : (struct tr_grey_range){0, (1 << image->depth) - 1};
}

/* 1024^2 / 4^2 samples of 65535 are just below 2^32. */
static uint32_t *clipped_sums(const struct nn_image *image, struct tr_grey_range range)
{
    size_t count = (size_t)image->width * (size_t)image->height;
    uint32_t *sums = malloc(count * sizeof *sums);
    int low = range.low, high = range.high;
    for (size_t i = 0; sums && i < count; i++) {
        int value = image->depth == 16 ? ((uint16_t *)image->pixels)[i] : ((uint8_t *)image->pixels)[i];
        sums[i] = (uint32_t)(value < low ? 0 : value > high ? high - low : value - low);
    }
    return sums;
}

static void means_of(const uint32_t *sums, int side, int level, struct tr_grey_range range, uint8_t *pixels)
{
    size_t cells = ((size_t)side * (size_t)side) >> 2 * level;
    uint64_t white = (uint64_t)(range.high - range.low) << 2 * level;
    for (size_t i = 0; i < cells; i++) pixels[i] = (uint8_t)(((uint64_t)sums[i] * 255 + white / 2) / white);
}

nn_status tr_pyramid_reduce(const struct nn_image *image, struct tr_grey_range range, int side,
                            uint8_t *pixels, struct nn_error *err)
{
    int level = 0;
    range = range_of(range, image);
    uint32_t *sums = clipped_sums(image, range);
    if (!sums) return nn_fail(err, NN_ERR_MEMORY, "no memory to reduce an image of side %d", image->width);
    for (; image->width >> level > side; level++) halve_sums(sums, image->width >> level);
    means_of(sums, image->width, level, range, pixels);
    free(sums);
    return NN_OK;
}

static nn_status reduce(const struct builder *b, int place, const struct nn_image *image,
                        struct nn_error *err)
{
    uint32_t *sums = clipped_sums(image, b->range);
    uint8_t *pixels = malloc((size_t)b->side * (size_t)b->side);
    nn_status status = NN_OK;
    if (!sums || !pixels) {
        status = nn_fail(err, NN_ERR_MEMORY, "no memory to reduce an image of side %d", b->side);
        goto out;
    }
    for (int k = 0; k < b->levels && !status; k++) {
        if (k) halve_sums(sums, b->side >> (k - 1));
        means_of(sums, b->side, k, b->range, pixels);
        status = write_at(b, k, pixels, place, err);
    }
out:
    free(sums);
    free(pixels);
    return status;
}

static nn_status add_image(struct builder *b, int row, struct nn_error *err)
{
    struct nn_image image;
    nn_status status = read_image(b, row, &image, b->hashes[row], err);
    if (!status) status = check_alike(b, row, &image, err);
    if (!status && b->places[row] >= 0) status = reduce(b, b->places[row], &image, err);
    nn_image_release(&image);
    return status;
}

/* ---- all images ---- */

static void note_result(struct builder *b, int row, nn_status status, const struct nn_error *error)
{
    if (status && row < b->failed_row) {
#pragma omp atomic write
        b->failed_row = row;
        b->failure = *error;
    }
    b->done++;
    if (b->progress && !b->progress(b->context, b->done, b->labels->row_count) && b->failed_row > row) {
#pragma omp atomic write
        b->failed_row = -1;
        nn_fail(&b->failure, NN_STOPPED, "stopped");
    }
}

static nn_status add_images(struct builder *b, struct nn_error *err)
{
    int rows = b->labels->row_count;
    b->failed_row = rows;
#pragma omp parallel for schedule(dynamic)
    for (int row = 0; row < rows; row++) {
        int failed_row;
#pragma omp atomic read
        failed_row = b->failed_row;
        if (row > failed_row) continue;
        struct nn_error error;
        nn_status status = add_image(b, row, &error);
#pragma omp critical(tr_pyramid_result)
        note_result(b, row, status, &error);
    }
    if (b->failed_row == rows) return NN_OK;
    return nn_fail(err, b->failure.status, "%s", b->failure.text);
}

/* The first image says what all must be. */
static nn_status take_size(struct builder *b, struct nn_error *err)
{
    struct nn_image image;
    char hash[65];
    nn_status status = read_image(b, 0, &image, hash, err);
    if (status) return status;
    b->side = image.width;
    b->depth = image.depth;
    int largest = (1 << image.depth) - 1;
    b->range = range_of(b->given, &image);
    if (b->range.high > largest)
        status =
            nn_fail(err, NN_ERR_FORMAT, "%s/dataset.json: \"grey_range\" goes to %d, images of %d bits to %d",
                    b->folder, b->range.high, image.depth, largest);
    else if (image.width != image.height || (image.width & (image.width - 1)) ||
             image.width < TR_DATASET_SIDE_MIN || image.width > TR_DATASET_SIDE_MAX)
        status = nn_fail(err, NN_ERR_FORMAT, "%s/labels.csv:%d: %s is %dx%d, wanted a square of 4, 8, ... %d",
                         b->folder, b->labels->rows[0].line, b->labels->rows[0].file, image.width,
                         image.height, TR_DATASET_SIDE_MAX);
    nn_image_release(&image);
    return status;
}

static nn_status create_levels(struct builder *b, struct nn_error *err)
{
    for (int side = b->side; side >= TR_DATASET_SIDE_MIN; side /= 2) {
        char path[PATH_SIZE];
        tr_pyramid_path(b->into, side, path, sizeof path);
        int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd < 0) return nn_fail(err, NN_ERR_IO, "%s: cannot be written: %s", path, strerror(errno));
        b->files[b->levels++] = fd;
        /* A disk that is too small shows now, not after an hour. None may be to train with. */
        off_t bytes = (off_t)side * side * b->labels->train_count;
        int failed = bytes ? posix_fallocate(fd, 0, bytes) : 0;
        if (failed) return nn_fail(err, NN_ERR_IO, "%s: cannot be written: %s", path, strerror(failed));
    }
    return NN_OK;
}

static nn_status sync_levels(const struct builder *b, struct nn_error *err)
{
    for (int k = 0; k < b->levels; k++)
        if (fsync(b->files[k]))
            return nn_fail(err, NN_ERR_IO, "%s: cannot be written: %s", b->into, strerror(errno));
    return NN_OK;
}

static void combine_hashes(const struct builder *b, const char *labels_sha256, char hex[65])
{
    struct nn_sha256 hash;
    nn_sha256_init(&hash);
    nn_sha256_add(&hash, labels_sha256, 64);
    for (int row = 0; row < b->labels->row_count; row++) nn_sha256_add(&hash, b->hashes[row], 64);
    tr_grey_range_hash(b->given, &hash);
    nn_sha256_finish(&hash, hex);
}

nn_status tr_pyramid_build(struct tr_pyramid *pyramid, const char *folder, const char *into,
                           const struct tr_labels *labels, const char *labels_sha256,
                           struct tr_grey_range range, tr_dataset_progress *progress, void *context,
                           struct nn_error *err)
{
    struct builder b = {.folder = folder,
                        .into = into,
                        .labels = labels,
                        .given = range,
                        .progress = progress,
                        .context = context};
    nn_status status = NN_OK;
    b.places = malloc((size_t)labels->row_count * sizeof *b.places);
    b.hashes = malloc((size_t)labels->row_count * sizeof *b.hashes);
    if (!b.places || !b.hashes) {
        status = nn_fail(err, NN_ERR_MEMORY, "%s: no memory for %d images", folder, labels->row_count);
        goto out;
    }
    for (int row = 0, place = 0; row < labels->row_count; row++)
        b.places[row] = labels->rows[row].train ? place++ : -1;
    status = take_size(&b, err);
    if (!status) status = create_levels(&b, err);
    if (!status) status = add_images(&b, err);
    if (!status) status = sync_levels(&b, err);
    if (status) goto out;
    pyramid->side = b.side;
    combine_hashes(&b, labels_sha256, pyramid->sha256);
out:
    for (int k = 0; k < b.levels; k++) close(b.files[k]);
    free(b.places);
    free(b.hashes);
    return status;
}
