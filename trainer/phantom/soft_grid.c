#include "trainer/phantom/soft_grid.h"

#include <math.h>
#include <stdlib.h>

#define COARSE_MM 0.6f

nn_status soft_grid_make(struct soft_grid *g, const struct view *v, int size, soft_paths *paths,
                         const void *body, struct nn_error *err)
{
    g->coarse = (int)fmaxf(1.0f, roundf(COARSE_MM / v->pitch));
    g->nodes = (size - 1) / g->coarse + 2;
    size_t n = (size_t)g->nodes * (size_t)g->nodes;
    g->lean = malloc(2 * n * sizeof *g->lean);
    if (!g->lean) return nn_fail(err, NN_ERR_MEMORY, "no memory for soft tissue");
    g->fat = g->lean + n;
    for (int j = 0; j < g->nodes; j++)
        for (int i = 0; i < g->nodes; i++) {
            float x, y;
            size_t at = (size_t)j * (size_t)g->nodes + (size_t)i;
            view_point(v, (float)(i * g->coarse), (float)(j * g->coarse), &x, &y);
            paths(body, x, y, &g->lean[at], &g->fat[at]);
        }
    return NN_OK;
}

void soft_grid_release(struct soft_grid *g)
{
    free(g->lean);
    g->lean = NULL;
}

void soft_grid_add(const struct soft_grid *g, int column, int row, int count, const float *taken, float *soft,
                   float *fat)
{
    float fy = (float)row / (float)g->coarse;
    int j = (int)fy;
    float v = fy - (float)j;
    for (int i = 0; i < count; i++) {
        float fx = (float)(column + i) / (float)g->coarse;
        int k = (int)fx;
        float u = fx - (float)k;
        size_t a = (size_t)j * (size_t)g->nodes + (size_t)k, b = a + (size_t)g->nodes;
        float w[4] = {(1 - u) * (1 - v), u * (1 - v), (1 - u) * v, u * v};
        float lean = w[0] * g->lean[a] + w[1] * g->lean[a + 1] + w[2] * g->lean[b] + w[3] * g->lean[b + 1];
        float layer = w[0] * g->fat[a] + w[1] * g->fat[a + 1] + w[2] * g->fat[b] + w[3] * g->fat[b + 1];
        soft[i] += 0.1f * fmaxf(lean - taken[i], 0.0f);
        fat[i] += 0.1f * layer;
    }
}
