#include "server/library/library_pixels.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* ---- width ---- */

/* Of each output pixel along one axis: the input pixels that it is a mean of, with whole weights. */
struct taps {
    int *first;        /* [to] */
    uint32_t *weights; /* [to][count], zeros where fewer count */
    int count;
    uint64_t total; /* of each output pixel's weights */
};

/* In units of 1/to of an input pixel, output pixel i reaches from i * from to (i + 1) * from. */
static void shrink_taps(struct taps *taps, int from, int to)
{
    taps->total = (uint64_t)from;
    for (int i = 0; i < to; i++) {
        int64_t begin = (int64_t)i * from, end = begin + from;
        int first = (int)(begin / to);
        taps->first[i] = first;
        for (int k = 0; k < taps->count; k++) {
            int64_t left = (int64_t)(first + k) * to, right = left + to;
            int64_t overlap = (right < end ? right : end) - (left > begin ? left : begin);
            taps->weights[i * taps->count + k] = overlap > 0 ? (uint32_t)overlap : 0;
        }
    }
}

/* In units of 1/(2 to), the middle of output pixel i lies (2 i + 1) from - to behind that of input pixel 0.
 */
static void grow_taps(struct taps *taps, int from, int to)
{
    taps->total = 2 * (uint64_t)to;
    for (int i = 0; i < to; i++) {
        int64_t at = (int64_t)(2 * i + 1) * from - to, last = (int64_t)(from - 1) * 2 * to;
        at = at < 0 ? 0 : at > last ? last : at;
        int first = (int)(at / (2 * to));
        if (first > from - 2) first = from - 2;
        uint32_t second = (uint32_t)(at - (int64_t)first * 2 * to);
        taps->first[i] = first;
        taps->weights[i * 2] = (uint32_t)(2 * to) - second;
        taps->weights[i * 2 + 1] = second;
    }
}

static bool make_taps(struct taps *taps, int from, int to)
{
    taps->count = to < from ? from / to + 2 : 2;
    taps->first = malloc((size_t)to * sizeof *taps->first);
    taps->weights = malloc((size_t)to * (size_t)taps->count * sizeof *taps->weights);
    if (!taps->first || !taps->weights) return false;
    if (to < from)
        shrink_taps(taps, from, to);
    else
        grow_taps(taps, from, to);
    return true;
}

static void fit_row(const uint8_t *from, int width, const struct taps *taps, int y, uint64_t *sums,
                    uint8_t *to, int to_width)
{
    const uint32_t *weights = taps->weights + y * taps->count;
    uint64_t total = taps->total * taps->total;
    memset(sums, 0, (size_t)width * sizeof *sums);
    for (int k = 0; k < taps->count; k++) {
        if (!weights[k]) continue;
        const uint8_t *row = from + (size_t)(taps->first[y] + k) * (size_t)width;
        for (int x = 0; x < width; x++) sums[x] += (uint64_t)weights[k] * row[x];
    }
    for (int x = 0; x < to_width; x++) {
        uint64_t sum = 0;
        for (int k = 0; k < taps->count; k++)
            if (taps->weights[x * taps->count + k])
                sum += taps->weights[x * taps->count + k] * sums[taps->first[x] + k];
        to[x] = (uint8_t)((sum + total / 2) / total);
    }
}

nn_status srv_library_fit(const uint8_t *from, int from_width, uint8_t *to, int to_width,
                          struct nn_error *err)
{
    if (from_width == to_width) {
        memcpy(to, from, (size_t)to_width * (size_t)to_width);
        return NN_OK;
    }
    struct taps taps = {0};
    uint64_t *sums = malloc((size_t)from_width * sizeof *sums);
    nn_status status = NN_OK;
    if (!sums || !make_taps(&taps, from_width, to_width)) {
        status = nn_fail(err, NN_ERR_MEMORY, "out of memory for an image of %d pixels", from_width);
        goto out;
    }
    for (int y = 0; y < to_width; y++)
        fit_row(from, from_width, &taps, y, sums, to + (size_t)y * (size_t)to_width, to_width);
out:
    free(taps.first);
    free(taps.weights);
    free(sums);
    return status;
}

/* ---- greys ---- */

static uint8_t grey_of(int value, struct srv_grey_range range)
{
    if (value <= range.low) return 0;
    if (value >= range.high) return 255;
    int span = range.high - range.low;
    return (uint8_t)((2 * 255 * (int64_t)(value - range.low) + span) / (2 * (int64_t)span));
}

static void place(const struct nn_image *image, struct srv_grey_range range, uint8_t *square, int side)
{
    int left = (side - image->width) / 2, top = (side - image->height) / 2;
    for (int y = 0; y < image->height; y++) {
        uint8_t *to = square + (size_t)(top + y) * (size_t)side + left;
        size_t at = (size_t)y * (size_t)image->width;
        for (int x = 0; x < image->width; x++)
            to[x] = grey_of(image->depth == 8 ? ((const uint8_t *)image->pixels)[at + (size_t)x]
                                              : ((const uint16_t *)image->pixels)[at + (size_t)x],
                            range);
    }
}

static nn_status shrink(struct srv_library_pixels *pixels, struct nn_error *err)
{
    uint8_t *small = malloc((size_t)LIBRARY_SIDE_MAX * LIBRARY_SIDE_MAX);
    if (!small) return nn_fail(err, NN_ERR_MEMORY, "out of memory for an image");
    nn_status status = srv_library_fit(pixels->grey, pixels->width, small, LIBRARY_SIDE_MAX, err);
    if (status) {
        free(small);
        return status;
    }
    free(pixels->grey);
    *pixels = (struct srv_library_pixels){small, LIBRARY_SIDE_MAX};
    return NN_OK;
}

nn_status srv_library_normalise(const struct nn_image *image, struct srv_grey_range range,
                                struct srv_library_pixels *out, struct nn_error *err)
{
    int side = image->width > image->height ? image->width : image->height;
    int narrow = image->width + image->height - side, largest = image->depth == 8 ? 255 : 65535;
    *out = (struct srv_library_pixels){0};
    if (narrow < LIBRARY_SIDE_MIN)
        return nn_fail(err, NN_ERR_FORMAT, "is %dx%d; each side must have %d pixels or more", image->width,
                       image->height, LIBRARY_SIDE_MIN);
    if (range.high > largest)
        return nn_fail(err, NN_ERR_FORMAT, "has %d bits, but \"grey_range\" of dataset.json goes to %d",
                       image->depth, range.high);
    if (!range.high) range = (struct srv_grey_range){0, largest};
    out->grey = calloc((size_t)side, (size_t)side);
    out->width = side;
    if (!out->grey) {
        *out = (struct srv_library_pixels){0};
        return nn_fail(err, NN_ERR_MEMORY, "out of memory for %dx%d pixels", side, side);
    }
    place(image, range, out->grey, side);
    nn_status status = side > LIBRARY_SIDE_MAX ? shrink(out, err) : NN_OK;
    if (status) {
        free(out->grey);
        *out = (struct srv_library_pixels){0};
    }
    return status;
}
