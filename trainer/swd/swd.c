#include "trainer/swd/swd.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>

#include "engine/rng.h"
#include "trainer/swd/descriptors.h"
#include "trainer/swd/float_sort.h"
#include "trainer/swd/laplacian.h"

enum {
    CHANNELS = 3,
    STREAM_PLACE = 0x73776400,     /* + 16 set + level */
    STREAM_DIRECTION = 0x73776500, /* + 16 form + level */
    DIRECTIONS_AT_ONCE = 4,        /* bounds a thread's projections; each reads the descriptors once */
    BATCH_BYTES = 16 << 20,        /* of images asked for at once */
};

#define MEMORY_DEFAULT ((size_t)4 << 30)

const char *tr_swd_form_name(enum tr_swd_form form)
{
    return form == TR_SWD_3X ? "swd-3x" : "swd-1";
}

/* ---- random numbers ----------------------------------------------------------------------------- */

static uint64_t log2_of(int side)
{
    uint64_t log2 = 0;
    while (side >> (log2 + 1)) log2++;
    return log2;
}

uint64_t tr_swd_place_stream(int set, int level_side)
{
    return STREAM_PLACE + 16 * (uint64_t)set + log2_of(level_side);
}

int tr_swd_direction(uint64_t seed, enum tr_swd_form form, int level_side, int index,
                     float direction[TR_SWD_DIRECTION_SIZE_MAX])
{
    int size = form == TR_SWD_3X ? CHANNELS * TR_PATCH_SIZE : TR_PATCH_SIZE;
    double squares = 0;
    nn_random_normals(seed, STREAM_DIRECTION + 16 * (uint64_t)form + log2_of(level_side),
                      (uint64_t)index * (uint64_t)size, (size_t)size, direction);
    for (int k = 0; k < size; k++) squares += (double)direction[k] * (double)direction[k];
    for (int k = 0; k < size; k++) direction[k] = (float)((double)direction[k] / sqrt(squares));
    return size;
}

/* The direction as one channel sees it. */
static void folded_direction(uint64_t seed, enum tr_swd_form form, int level_side, int index,
                             float folded[TR_PATCH_SIZE])
{
    float direction[TR_SWD_DIRECTION_SIZE_MAX];
    int size = tr_swd_direction(seed, form, level_side, index, direction);
    for (int k = 0; k < TR_PATCH_SIZE; k++) {
        folded[k] = direction[k];
        for (int at = k + TR_PATCH_SIZE; at < size; at += TR_PATCH_SIZE) folded[k] += direction[at];
    }
}

/* ---- taking descriptors ------------------------------------------------------------------------- */

/* The levels first .. first+count-1 of the pyramid, of all sets; level 0 has the images' side. */
struct group {
    int first, count;
    struct tr_descriptors sets[TR_SWD_SETS_MAX][TR_SWD_LEVELS_MAX];
};

struct work {
    const struct tr_swd_request *request;
    int level_count;
    int images_done, images_total, steps_done, steps_total;
};

static nn_status tell(const struct work *w, bool comparing, struct nn_error *err)
{
    const struct tr_swd_request *r = w->request;
    int done = comparing ? w->steps_done : w->images_done,
        total = comparing ? w->steps_total : w->images_total;
    if (!r->progress || r->progress(r->context, comparing, done, total)) return NN_OK;
    return nn_fail(err, NN_STOPPED, "stopped");
}

static void release_group(struct group *g)
{
    for (int s = 0; s < TR_SWD_SETS_MAX; s++)
        for (int k = 0; k < TR_SWD_LEVELS_MAX; k++) free(g->sets[s][k].values);
}

static nn_status allocate_group(struct group *g, const struct tr_swd_request *r, struct nn_error *err)
{
    for (int s = 0; s < r->sets; s++)
        for (int k = 0; k < g->count; k++) {
            g->sets[s][k] = (struct tr_descriptors){
                .values = aligned_alloc(64, tr_descriptors_bytes(r->images)), .images = r->images};
            if (!g->sets[s][k].values)
                return nn_fail(err, NN_ERR_MEMORY, "out of memory for the descriptors of %d images",
                               r->images);
        }
    return NN_OK;
}

/* One image's pyramid, as far as the group needs it. `space` has room for 1.75 side^2 floats. */
static void take_image(const struct work *w, const struct group *g, int set, int index, const uint8_t *pixels,
                       float *space)
{
    const struct tr_swd_request *r = w->request;
    size_t area = (size_t)r->side * (size_t)r->side;
    float *image = space, *small = image + area, *scratch = small + area / 4;
    for (size_t i = 0; i < area; i++) image[i] = pixels[i];
    for (int k = 0; k < g->first + g->count; k++) {
        int side = r->side >> k;
        bool last = k == w->level_count - 1;
        if (!last) tr_laplacian_down(image, side, small, scratch);
        if (!last && k >= g->first) tr_laplacian_subtract_up(image, side, small, scratch);
        if (k >= g->first)
            tr_descriptors_take(&g->sets[set][k - g->first], index, image, side, r->seed,
                                tr_swd_place_stream(set, side));
        float *swap = image;
        image = small;
        small = swap;
    }
}

static nn_status take_set(struct work *w, const struct group *g, int set, uint8_t *pixels, float *spaces,
                          int batch, struct nn_error *err)
{
    const struct tr_swd_request *r = w->request;
    size_t area = (size_t)r->side * (size_t)r->side;
    for (int first = 0; first < r->images; first += batch) {
        int count = r->images - first < batch ? r->images - first : batch;
        nn_status status = r->source(r->context, set, first, count, pixels, err);
        if (status != NN_OK) return status;
#pragma omp parallel for schedule(dynamic)
        for (int i = 0; i < count; i++)
            take_image(w, g, set, first + i, pixels + (size_t)i * area,
                       spaces + (size_t)omp_get_thread_num() * (area * 7 / 4));
        w->images_done += count;
        status = tell(w, false, err);
        if (status != NN_OK) return status;
    }
    return NN_OK;
}

static nn_status take_group(struct work *w, const struct group *g, struct nn_error *err)
{
    const struct tr_swd_request *r = w->request;
    size_t area = (size_t)r->side * (size_t)r->side;
    int batch = (int)(BATCH_BYTES / area);
    if (batch > r->images) batch = r->images;
    uint8_t *pixels = malloc((size_t)batch * area);
    float *spaces = malloc((size_t)omp_get_max_threads() * (area * 7 / 4) * sizeof *spaces);
    nn_status status =
        pixels && spaces ? NN_OK : nn_fail(err, NN_ERR_MEMORY, "out of memory for the pyramid of an image");
    for (int s = 0; s < r->sets && status == NN_OK; s++)
        status = take_set(w, g, s, pixels, spaces, batch, err);
    free(pixels);
    free(spaces);
    return status;
}

/* ---- comparing ---------------------------------------------------------------------------------- */

static void project_and_sort(const struct tr_descriptors *d, float (*directions)[TR_PATCH_SIZE], float *out,
                             uint32_t *scratch)
{
    size_t count = (size_t)d->images * TR_PATCHES_PER_IMAGE;
    tr_descriptors_project(d, directions, DIRECTIONS_AT_ONCE, out);
    for (int k = 0; k < DIRECTIONS_AT_ONCE; k++) tr_float_sort(out + (size_t)k * count, count, scratch);
}

static double mean_difference(const float *a, const float *b, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += fabs((double)a[i] - (double)b[i]);
    return sum / (double)count;
}

/* Directions first .. first+DIRECTIONS_AT_ONCE-1 of one level; out[s][direction]. False: no memory. */
static bool compare_directions(const struct work *w, const struct group *g, int level, enum tr_swd_form form,
                               int first, double (*out)[TR_SWD_DIRECTIONS])
{
    const struct tr_swd_request *r = w->request;
    size_t count = (size_t)r->images * TR_PATCHES_PER_IMAGE;
    float(*directions)[TR_PATCH_SIZE] = malloc(DIRECTIONS_AT_ONCE * sizeof *directions);
    float *reference = malloc(DIRECTIONS_AT_ONCE * count * sizeof *reference);
    float *other = malloc(DIRECTIONS_AT_ONCE * count * sizeof *other);
    uint32_t *scratch = malloc(count * sizeof *scratch);
    bool good = directions && reference && other && scratch;
    if (!good) goto out;
    for (int k = 0; k < DIRECTIONS_AT_ONCE; k++)
        folded_direction(r->seed, form, r->side >> (g->first + level), first + k, directions[k]);
    project_and_sort(&g->sets[0][level], directions, reference, scratch);
    for (int s = 1; s < r->sets; s++) {
        project_and_sort(&g->sets[s][level], directions, other, scratch);
        for (int k = 0; k < DIRECTIONS_AT_ONCE; k++)
            out[s - 1][first + k] =
                mean_difference(reference + (size_t)k * count, other + (size_t)k * count, count);
    }
out:
    free(directions);
    free(reference);
    free(other);
    free(scratch);
    return good;
}

static nn_status compare_level(const struct work *w, const struct group *g, int level, enum tr_swd_form form,
                               struct tr_swd_result *result, struct nn_error *err)
{
    double distances[TR_SWD_SETS_MAX - 1][TR_SWD_DIRECTIONS];
    int short_of_memory = 0;
#pragma omp parallel for schedule(dynamic) reduction(+ : short_of_memory)
    for (int first = 0; first < TR_SWD_DIRECTIONS; first += DIRECTIONS_AT_ONCE)
        short_of_memory += !compare_directions(w, g, level, form, first, distances);
    if (short_of_memory)
        return nn_fail(err, NN_ERR_MEMORY, "out of memory for the projections of %d images",
                       w->request->images);
    for (int s = 0; s < w->request->sets - 1; s++) { /* in order: the same sum with any number of threads */
        double sum = 0;
        for (int k = 0; k < TR_SWD_DIRECTIONS; k++) sum += distances[s][k];
        result->distance[s][form][g->first + level] = 1000 * sum / TR_SWD_DIRECTIONS;
    }
    return NN_OK;
}

static nn_status compare_group(struct work *w, const struct group *g, struct tr_swd_result *result,
                               struct nn_error *err)
{
    nn_status status = NN_OK;
    for (int k = 0; k < g->count; k++) {
        for (int s = 0; s < w->request->sets; s++) tr_descriptors_normalise(&g->sets[s][k]);
        for (int f = 0; f < TR_SWD_FORMS && status == NN_OK; f++) {
            if (!w->request->forms[f]) continue;
            status = compare_level(w, g, k, (enum tr_swd_form)f, result, err);
            w->steps_done++;
            if (status == NN_OK) status = tell(w, true, err);
        }
    }
    return status;
}

/* ---- the whole ---------------------------------------------------------------------------------- */

static nn_status check(const struct tr_swd_request *r, struct nn_error *err)
{
    bool power = r->side > 0 && !(r->side & (r->side - 1));
    if (!power || r->side < TR_SWD_SIDE_MIN || r->side > TR_SWD_SIDE_MIN << (TR_SWD_LEVELS_MAX - 1))
        return nn_fail(err, NN_ERR_ARGUMENT, "the distance is for images of side 16, 32, ... 1024, not %d",
                       r->side);
    if (r->images < 1 || r->images > 1 << 20)
        return nn_fail(err, NN_ERR_ARGUMENT, "%d images in a set, wanted 1 to %d", r->images, 1 << 20);
    if (r->sets < 2 || r->sets > TR_SWD_SETS_MAX)
        return nn_fail(err, NN_ERR_ARGUMENT, "%d sets, wanted 2 or %d", r->sets, TR_SWD_SETS_MAX);
    return NN_OK;
}

/* Levels that fit into memory together; at least one. */
static int levels_at_once(const struct tr_swd_request *r)
{
    size_t level = (size_t)r->sets * tr_descriptors_bytes(r->images);
    size_t fit = (r->memory_bytes ? r->memory_bytes : MEMORY_DEFAULT) / level;
    return fit < 1 ? 1 : fit > TR_SWD_LEVELS_MAX ? TR_SWD_LEVELS_MAX : (int)fit;
}

nn_status tr_swd(const struct tr_swd_request *r, struct tr_swd_result *result, struct nn_error *err)
{
    *result = (struct tr_swd_result){0};
    nn_status status = check(r, err);
    if (status != NN_OK) return status;
    int levels = (int)log2_of(r->side / TR_SWD_SIDE_MIN) + 1, at_once = levels_at_once(r);
    int passes = (levels + at_once - 1) / at_once;
    struct work w = {.request = r,
                     .level_count = levels,
                     .images_total = passes * r->sets * r->images,
                     .steps_total = levels * (r->forms[TR_SWD_3X] + r->forms[TR_SWD_1])};
    result->level_count = levels;
    for (int k = 0; k < levels; k++) result->sides[k] = r->side >> k;
    for (int first = 0; first < levels && status == NN_OK; first += at_once) {
        struct group g = {.first = first, .count = levels - first < at_once ? levels - first : at_once};
        status = allocate_group(&g, r, err);
        if (status == NN_OK) status = take_group(&w, &g, err);
        if (status == NN_OK) status = compare_group(&w, &g, result, err);
        release_group(&g);
    }
    for (int s = 0; s < r->sets - 1; s++)
        for (int f = 0; f < TR_SWD_FORMS; f++)
            for (int k = 0; k < levels; k++) result->mean[s][f] += result->distance[s][f][k] / levels;
    return status;
}
