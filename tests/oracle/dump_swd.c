/* Writes what test_swd.py recomputes: images, the places of their neighbourhoods, the directions, and the
 * distances that the trainer finds.  dump_swd FILE SIDE IMAGES LEVELS_IN_MEMORY */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/rng.h"
#include "engine/safetensors.h"
#include "trainer/swd/descriptors.h"
#include "trainer/swd/swd.h"

enum { SETS = 3, SEED = 5, STREAM_GREY = 0x100, TENSORS_MAX = 2 + TR_SWD_LEVELS_MAX * (SETS + TR_SWD_FORMS) };

struct images {
    int side;
    uint8_t *pixels; /* set by set */
    int count;       /* in each */
};

static nn_status give(void *context, int set, int first, int count, uint8_t *pixels, struct nn_error *err)
{
    (void)err;
    const struct images *all = context;
    size_t area = (size_t)all->side * (size_t)all->side;
    memcpy(pixels, all->pixels + (size_t)(set * all->count + first) * area, (size_t)count * area);
    return NN_OK;
}

/* Noise that is rough in set 2, smooth in set 1, and half and half in set 0. */
static void draw(struct images *all)
{
    size_t area = (size_t)all->side * (size_t)all->side;
    for (size_t i = 0; i < (size_t)(SETS * all->count) * area; i++) {
        int set = (int)(i / area) / all->count;
        uint32_t fine = nn_random_u32(SEED, STREAM_GREY, i),
                 coarse = nn_random_u32(SEED, STREAM_GREY, i / 4 * 4);
        uint32_t rough = set == 2 ? 3 : set == 1 ? 1 : 2;
        all->pixels[i] = (uint8_t)(((fine >> 24) * rough + (coarse >> 24) * (4 - rough)) / 4);
    }
}

static struct nn_st_tensor tensor(const char *name, int level_side, int number, enum nn_st_type type,
                                  const void *data, int64_t a, int64_t b, int64_t c)
{
    char *full = malloc(64);
    snprintf(full, 64, "%s/%d/%d", name, level_side, number);
    return (struct nn_st_tensor){.name = full, .type = type, .rank = 3, .dims = {a, b, c}, .data = data};
}

static struct nn_st_tensor places(int level_side, int set, int images)
{
    int32_t *at = malloc((size_t)images * TR_PATCHES_PER_IMAGE * 2 * sizeof *at), *to = at;
    for (int i = 0; i < images; i++)
        for (int k = 0; k < TR_PATCHES_PER_IMAGE; k++, to += 2) {
            int x, y;
            tr_descriptors_place(SEED, tr_swd_place_stream(set, level_side), i, k, level_side, &x, &y);
            to[0] = y, to[1] = x;
        }
    return tensor("places", level_side, set, NN_ST_I32, at, images, TR_PATCHES_PER_IMAGE, 2);
}

static struct nn_st_tensor directions(int level_side, enum tr_swd_form form)
{
    float *all = malloc(sizeof(float) * TR_SWD_DIRECTIONS * TR_SWD_DIRECTION_SIZE_MAX);
    float one[TR_SWD_DIRECTION_SIZE_MAX];
    int size = 0;
    for (int i = 0; i < TR_SWD_DIRECTIONS; i++) {
        size = tr_swd_direction(SEED, form, level_side, i, one);
        memcpy(all + i * size, one, (size_t)size * sizeof *one);
    }
    return tensor("directions", level_side, (int)form, NN_ST_F32, all, 1, TR_SWD_DIRECTIONS, size);
}

int main(int argc, char **argv)
{
    if (argc != 5) return 2;
    struct images all = {.side = atoi(argv[2]), .count = atoi(argv[3])};
    size_t area = (size_t)all.side * (size_t)all.side;
    struct nn_error err = {0};
    struct tr_swd_result result;
    struct tr_swd_request request = {.side = all.side,
                                     .images = all.count,
                                     .sets = SETS,
                                     .forms = {true, true},
                                     .seed = SEED,
                                     .source = give};
    request.memory_bytes = (size_t)atoi(argv[4]) * SETS * tr_descriptors_bytes(all.count);
    request.context = &all;
    all.pixels = malloc((size_t)SETS * (size_t)all.count * area);
    draw(&all);
    if (tr_swd(&request, &result, &err) != NN_OK) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    struct nn_st_tensor tensors[TENSORS_MAX];
    int count = 0;
    tensors[count++] =
        tensor("images", all.side, 0, NN_ST_U8, all.pixels, SETS * all.count, all.side, all.side);
    tensors[count++] = tensor("distances", all.side, 0, NN_ST_F64, result.distance, SETS - 1, TR_SWD_FORMS,
                              TR_SWD_LEVELS_MAX);
    for (int k = 0; k < result.level_count; k++) {
        for (int s = 0; s < SETS; s++) tensors[count++] = places(result.sides[k], s, all.count);
        for (int f = 0; f < TR_SWD_FORMS; f++)
            tensors[count++] = directions(result.sides[k], (enum tr_swd_form)f);
    }
    if (nn_st_write(argv[1], tensors, count, NULL, 0, &err) == NN_OK) return 0;
    fprintf(stderr, "%s\n", err.text);
    return 1;
}
