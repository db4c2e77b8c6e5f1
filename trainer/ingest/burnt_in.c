#include "trainer/ingest/burnt_in.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { CONTRAST = 48, HEIGHT_MIN = 5, GLYPHS_MAX = 4096, LINE_MIN = 4, MARKS_MIN = 3, WORD_MAX = 8 };

struct glyph {
    struct tr_rectangle box;
    int pixels, grey; /* mean */
    int letters;      /* of which it may be made: small ones touch */
    bool in_line;
};

struct search {
    const uint8_t *pixels;
    int side, reach; /* half the side of the neighbourhood */
    uint32_t *sums;  /* (side+1)^2: of all pixels above and left */
    bool *mask;
    int *stack;
    struct glyph *glyphs;
    int count;
};

/* ---- what stands out ------------------------------------------------------------------------------ */

static void sum_up(struct search *s)
{
    size_t stride = (size_t)s->side + 1;
    memset(s->sums, 0, stride * sizeof *s->sums);
    for (int y = 0; y < s->side; y++) {
        uint32_t *row = s->sums + (size_t)(y + 1) * stride, sum = 0;
        const uint8_t *from = s->pixels + (size_t)y * (size_t)s->side;
        row[0] = 0;
        for (int x = 0; x < s->side; x++) {
            sum += from[x];
            row[x + 1] = (uint32_t)(row[x + 1 - (ptrdiff_t)stride] + sum);
        }
    }
}

static int mean_around(const struct search *s, int x, int y)
{
    int left = x > s->reach ? x - s->reach : 0, top = y > s->reach ? y - s->reach : 0;
    int right = x + s->reach < s->side ? x + s->reach : s->side,
        bottom = y + s->reach < s->side ? y + s->reach : s->side;
    size_t stride = (size_t)s->side + 1;
    const uint32_t *above = s->sums + (size_t)top * stride, *below = s->sums + (size_t)bottom * stride;
    uint32_t sum = below[right] - below[left] - above[right] + above[left];
    return (int)(sum / (uint32_t)((right - left) * (bottom - top)));
}

static void mark(struct search *s, int sign)
{
    for (int y = 0, at = 0; y < s->side; y++)
        for (int x = 0; x < s->side; x++, at++)
            s->mask[at] = sign * (s->pixels[at] - mean_around(s, x, y)) >= CONTRAST;
}

/* ---- marks ---------------------------------------------------------------------------------------- */

/* Takes the connected pixels from `start` on out of the mask. */
static struct glyph take_mark(struct search *s, int start)
{
    int depth = 0, side = s->side;
    long grey = 0;
    struct glyph g = {.box = {side, side, 0, 0}};
    s->mask[start] = false;
    s->stack[depth++] = start;
    while (depth > 0) {
        int at = s->stack[--depth], x = at % side, y = at / side;
        g.pixels++;
        grey += s->pixels[at];
        if (x < g.box.left) g.box.left = x;
        if (y < g.box.top) g.box.top = y;
        if (x >= g.box.right) g.box.right = x + 1;
        if (y >= g.box.bottom) g.box.bottom = y + 1;
        for (int v = y > 0 ? y - 1 : 0; v <= y + 1 && v < side; v++)
            for (int u = x > 0 ? x - 1 : 0; u <= x + 1 && u < side; u++)
                if (s->mask[v * side + u]) {
                    s->mask[v * side + u] = false;
                    s->stack[depth++] = v * side + u;
                }
    }
    g.grey = (int)(grey / g.pixels);
    int width = g.box.right - g.box.left, height = g.box.bottom - g.box.top;
    g.letters = 4 * width > 5 * height ? (4 * width + 2 * height) / (3 * height) : 1;
    return g;
}

static bool is_letter_sized(const struct search *s, const struct glyph *g)
{
    int width = g->box.right - g->box.left, height = g->box.bottom - g->box.top;
    return height >= HEIGHT_MIN && height <= s->side / 16 && width <= WORD_MAX * height &&
           g->pixels * 8 >= width * height && g->pixels >= height;
}

static void collect(struct search *s)
{
    int all = s->side * s->side;
    s->count = 0;
    for (int at = 0; at < all; at++) {
        if (!s->mask[at]) continue;
        struct glyph g = take_mark(s, at);
        if (is_letter_sized(s, &g) && s->count < GLYPHS_MAX) s->glyphs[s->count++] = g;
    }
}

/* ---- lines ---------------------------------------------------------------------------------------- */

static int from_left(const void *a, const void *b)
{
    const struct glyph *g = a, *h = b;
    if (g->box.left != h->box.left) return (g->box.left > h->box.left) - (g->box.left < h->box.left);
    return (g->box.top > h->box.top) - (g->box.top < h->box.top);
}

/* Whether `next` may follow `last` in a line. */
static bool follows(const struct glyph *last, const struct glyph *next)
{
    int h = last->box.bottom - last->box.top, k = next->box.bottom - next->box.top,
        gap = next->box.left - last->box.right;
    int larger = h > k ? h : k, smaller = h > k ? k : h;
    return 4 * smaller >= 3 * larger && gap >= -larger / 4 && gap <= larger + larger / 4 &&
           4 * abs(next->box.bottom - last->box.bottom) <= larger && abs(next->grey - last->grey) <= 24;
}

static void join(struct tr_rectangle *area, const struct tr_rectangle *box)
{
    if (box->left < area->left) area->left = box->left;
    if (box->top < area->top) area->top = box->top;
    if (box->right > area->right) area->right = box->right;
    if (box->bottom > area->bottom) area->bottom = box->bottom;
}

/* The line that begins with glyph `first`, as indices; returns its length, and in *letters how many they may
 * be. */
static int follow(const struct search *s, int first, int *line, int *letters)
{
    int length = 0;
    line[length++] = first;
    *letters = s->glyphs[first].letters;
    for (int i = first + 1; i < s->count && length < GLYPHS_MAX; i++)
        if (!s->glyphs[i].in_line && follows(&s->glyphs[line[length - 1]], &s->glyphs[i])) {
            line[length++] = i;
            *letters += s->glyphs[i].letters;
        }
    return length;
}

static void find_lines(struct search *s, struct tr_burnt_in *found)
{
    int line[GLYPHS_MAX];
    qsort(s->glyphs, (size_t)s->count, sizeof *s->glyphs, from_left);
    for (int i = 0; i < s->count; i++) {
        int letters = 0, length = s->glyphs[i].in_line ? 0 : follow(s, i, line, &letters);
        if (length < MARKS_MIN || letters < LINE_MIN) continue;
        if (!found->glyphs) found->area = s->glyphs[i].box;
        found->glyphs += letters;
        for (int k = 0; k < length; k++) {
            s->glyphs[line[k]].in_line = true;
            join(&found->area, &s->glyphs[line[k]].box);
        }
    }
}

nn_status tr_burnt_in_find(const uint8_t *pixels, int side, struct tr_burnt_in *found, struct nn_error *err)
{
    size_t count = (size_t)side * (size_t)side;
    struct search s = {.pixels = pixels, .side = side, .reach = side / 32 > 4 ? side / 32 : 4};
    nn_status status = NN_OK;
    *found = (struct tr_burnt_in){0};
    s.sums = malloc((size_t)(side + 1) * (size_t)(side + 1) * sizeof *s.sums);
    s.mask = malloc(count * sizeof *s.mask);
    s.stack = malloc(count * sizeof *s.stack);
    s.glyphs = malloc(GLYPHS_MAX * sizeof *s.glyphs);
    if (!s.sums || !s.mask || !s.stack || !s.glyphs) {
        status = nn_fail(err, NN_ERR_MEMORY, "out of memory to look for writing");
        goto out;
    }
    sum_up(&s);
    for (int sign = -1; sign <= 1; sign += 2) { /* black letters and white ones */
        mark(&s, sign);
        collect(&s);
        find_lines(&s, found);
    }
out:
    free(s.sums);
    free(s.mask);
    free(s.stack);
    free(s.glyphs);
    return status;
}
