/* Inside winograd.c: its two forms. A block of tiles goes from one to the next function: its inputs are
 * transformed to rows of `in` channels; products are component, tile, channel of the panel. */
#ifndef NN_WINOGRAD_FORM_H
#define NN_WINOGRAD_FORM_H

#include "engine/backend.h"

enum { WINOGRAD_COMPONENTS_MAX = 16 };

struct winograd {
    bool up;
    int in, out, width, height; /* of the input map; tiles are of 2x2 of its pixels */
    int phases, components;     /* of the output, and of each phase */
    int panel;                  /* outputs whose weights lie together */
    bool amx;                   /* products by amx.h */
    int columns, rows;          /* tiles of a block */
    size_t inputs;              /* transformed, of a block */
    uint16_t *weights;          /* panel, phase, component, pair of inputs, output, input of the pair */
    float *bias, slope, epsilon;
};

/* Some of a map's tiles. */
struct winograd_block {
    int x, y, columns, rows;
};

/* From one component of 3x3 to the next: transformed inputs, and of both forms products. */
size_t winograd_inputs_step(const struct winograd *w);
size_t winograd_products_step(const struct winograd *w);

/* What differs between 3x3 and up-sampling. */
struct winograd_form {
    /* Components of a phase's taps from the stored weights of an output and an input. */
    void (*spread)(const struct nn_stage *stage, size_t output, size_t input, int phase,
                   float to[WINOGRAD_COMPONENTS_MAX]);
    void (*transform)(const struct winograd *w, const uint16_t *from, struct winograd_block b, uint16_t *to);
    /* Where a component of the block's first tile lies, and how much further that of the tile (x,y) is. */
    size_t (*first_input)(const struct winograd *w, int phase, int component);
    size_t (*step)(const struct winograd *w, int x, int y);
    /* Bias and leaky ReLU of the panel's channels, which begin with `channel`, to the map. */
    void (*finish)(const struct winograd *w, const float *products, struct winograd_block b, int phase,
                   size_t channel, uint16_t *to);
};

extern const struct winograd_form winograd_same, winograd_twice;

#endif
