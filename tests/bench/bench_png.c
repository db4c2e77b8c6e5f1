/* What encoding a sample costs: ours, libpng as it comes, and libpng at its fastest good setting, in one
 * interleaved run. Milliseconds of processor time, the least of some rounds. Prints; asserts nothing.
 *
 *     bench_png [CHECKPOINT]       default deploy/models/default.safetensors */
#include <png.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/engine.h"
#include "engine/image.h"
#include "engine/sha256.h"
#include "engine/sha256_blocks.h"

enum { ROUNDS = 15, SIZES = 3, Z_RLE_STRATEGY = 3 };

static void check(nn_status status, const struct nn_error *err)
{
    if (status == NN_OK) return;
    fprintf(stderr, "bench_png: %s\n", err->text);
    exit(1);
}

static double cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

/* ---- the ways ---- */

static size_t ours(const struct nn_image *image)
{
    struct nn_error err;
    uint8_t *bytes;
    size_t size;
    check(nn_png_encode(image, NULL, 0, &bytes, &size, &err), &err);
    free(bytes);
    return size;
}

static size_t ours_stored(const struct nn_image *image)
{
    struct nn_error err;
    uint8_t *bytes;
    size_t size;
    check(nn_png_encode_stored(image, &bytes, &size, &err), &err);
    free(bytes);
    return size;
}

static size_t halved(const struct nn_image *image)
{
    struct nn_error err;
    struct nn_image small;
    check(nn_image_halve(image, 1, &small, &err), &err);
    nn_image_release(&small);
    return 0;
}

struct sink {
    uint8_t *bytes;
    size_t size, room;
};

static void take(png_structp png, png_bytep data, size_t size)
{
    struct sink *sink = png_get_io_ptr(png);
    if (sink->size + size > sink->room) png_error(png, "no room");
    memcpy(sink->bytes + sink->size, data, size);
    sink->size += size;
}

static void flush_nothing(png_structp png)
{
    (void)png;
}

/* level < 0: as libpng comes. */
static size_t libpng(const struct nn_image *image, int level)
{
    size_t row = (size_t)image->width * (size_t)image->depth / 8,
           room = (row + 64) * (size_t)image->height * 2;
    struct sink sink = {malloc(room), 0, room};
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    if (!sink.bytes || !info || setjmp(png_jmpbuf(png))) exit(1);
    png_set_write_fn(png, &sink, take, flush_nothing);
    if (level >= 0) {
        png_set_compression_level(png, level);
        png_set_compression_strategy(png, level ? Z_RLE_STRATEGY : 0);
        png_set_filter(png, 0, level ? PNG_FILTER_UP : PNG_FILTER_NONE);
    }
    png_set_IHDR(png, info, (png_uint_32)image->width, (png_uint_32)image->height, image->depth,
                 PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE, 0, 0);
    png_write_info(png, info);
    if (image->depth == 16) png_set_swap(png);
    for (int y = 0; y < image->height; y++)
        png_write_row(png, (png_const_bytep)image->pixels + (size_t)y * row);
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
    free(sink.bytes);
    return sink.size;
}

static size_t libpng_default(const struct nn_image *image)
{
    return libpng(image, -1);
}

static size_t libpng_fast(const struct nn_image *image)
{
    return libpng(image, 1);
}

static size_t libpng_stored(const struct nn_image *image)
{
    return libpng(image, 0);
}

/* ---- the table ---- */

struct way {
    const char *name;
    size_t (*run)(const struct nn_image *image);
    double ms;
    size_t size;
};

static void print_row(const char *what, const struct nn_image *image, struct way *ways, int count)
{
    for (int i = 0; i < count; i++) ways[i].ms = 1e9;
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < count; i++) {
            double start = cpu_ms();
            ways[i].size = ways[i].run(image);
            double ms = cpu_ms() - start;
            if (ms < ways[i].ms) ways[i].ms = ms;
        }
    printf("%-8s %4d", what, image->width);
    for (int i = 0; i < count; i++) printf("   %s %6.2f ms %7zu B", ways[i].name, ways[i].ms, ways[i].size);
    printf("\n");
}

static void print_hash(const char *name, void (*blocks)(uint32_t *, const uint8_t *, size_t),
                       const uint8_t *bytes, size_t size)
{
    uint32_t state[8] = {0};
    double best = 1e9;
    for (int round = 0; round < ROUNDS; round++) {
        double start = cpu_ms();
        blocks(state, bytes, size / 64);
        double ms = cpu_ms() - start;
        if (ms < best) best = ms;
    }
    printf("SHA-256 %-12s %7.0f MB/s\n", name, (double)size / best / 1e3);
}

static void print_tables(struct nn_image images[2][SIZES])
{
    for (int i = 0; i < SIZES; i++) {
        struct way stored[] = {{"ours", ours_stored, 0, 0}, {"libpng level 0", libpng_stored, 0, 0}};
        print_row("learner", &images[0][i], stored, 2);
    }
    for (int deep = 0; deep < 2; deep++)
        for (int i = 0; i < SIZES; i++) {
            struct way small[] = {{"ours", ours, 0, 0},
                                  {"libpng", libpng_default, 0, 0},
                                  {"libpng level 1, up, RLE", libpng_fast, 0, 0}};
            print_row(deep ? "atlas 16" : "atlas", &images[deep][i], small, 3);
        }
    for (int deep = 0; deep < 2; deep++) {
        struct way halve[] = {{"halved", halved, 0, 0}};
        print_row(deep ? "16 bits" : "8 bits", &images[deep][0], halve, 1);
    }
}

int main(int argc, char **argv)
{
    struct nn_error err;
    struct nn_model *model;
    struct nn_image images[2][SIZES];
    check(nn_model_open(&model, argc > 1 ? argv[1] : "deploy/models/default.safetensors", "cpu", &err), &err);
    const struct nn_model_info *info = nn_model_info(model);
    struct nn_sample_request request = {.seed = 1, .strength = 1, .truncation = 1};
    struct nn_sample_point point = nn_sample_point_of(info, &request);
    for (int deep = 0; deep < 2; deep++) {
        int side = info->resolution, depth = deep ? 16 : 8;
        check(nn_image_init(&images[deep][0], side, side, depth, &err), &err);
        check(nn_model_draw(model, &point, 1, side, depth, images[deep][0].pixels, &err), &err);
        for (int i = 1; i < SIZES; i++)
            check(nn_image_halve(&images[deep][0], i, &images[deep][i], &err), &err);
    }
    print_tables(images);
    size_t bytes = (size_t)info->resolution * (size_t)info->resolution;
    print_hash("plain C", nn_sha256_blocks_plain, images[0][0].pixels, bytes);
    if (nn_sha256_has_instructions())
        print_hash("instructions", nn_sha256_blocks_x86, images[0][0].pixels, bytes);
    for (int i = 0; i < 2 * SIZES; i++) nn_image_release(&images[i / SIZES][i % SIZES]);
    nn_model_close(model);
}
