#include "engine/gan_widen.h"

#include <math.h>
#include <string.h>

#include "engine/rng.h"

enum { STREAM_SHARE = 0x7768 };

bool nn_gan_widens(const struct nn_gan_config *narrow, const struct nn_gan_config *wide)
{
    if (nn_gan_latent_size(narrow) != nn_gan_latent_size(wide)) return false;
    for (int res = 2; res <= narrow->resolution_log2; res++)
        if (nn_gan_channels(wide, res) % nn_gan_channels(narrow, res) != 0) return false;
    return true;
}

/* One weight as (outputs, inputs, taps), whichever of the two its shape names first. Feature map i of the
 * narrow network stands in the wide one at i, i + maps, i + 2 maps ... */
struct weight {
    int outputs, wide_outputs;
    int inputs, wide_inputs; /* of them feature maps: */
    int maps, wide_maps; /* all, but for the minibatch's standard deviation, the last input of one layer */
    int taps;
    bool inputs_first;
};

static struct weight weight_of(const struct nn_param *narrow, const struct nn_param *wide,
                               enum nn_network_kind kind)
{
    struct weight w = {.outputs = narrow->shape.n,
                       .wide_outputs = wide->shape.n,
                       .inputs = narrow->shape.c,
                       .wide_inputs = wide->shape.c,
                       .taps = narrow->shape.h * narrow->shape.w};
    if (kind == NN_GENERATOR &&
        (strstr(narrow->name, "/Conv0_up/") || strcmp(narrow->name, "4x4/Dense/weight") == 0)) {
        w.inputs_first = true;
        w.inputs = narrow->shape.n, w.wide_inputs = wide->shape.n;
        w.outputs = narrow->shape.c, w.wide_outputs = wide->shape.c;
    }
    int apart = kind == NN_DISCRIMINATOR && strcmp(narrow->name, "4x4/Conv/weight") == 0;
    w.maps = w.inputs - apart;
    w.wide_maps = w.wide_inputs - apart;
    return w;
}

/* Where a weight lies: (first, taps, second), channels last. */
static size_t element(const struct weight *w, bool wide, int output, int input, int tap)
{
    int outputs = wide ? w->wide_outputs : w->outputs, inputs = wide ? w->wide_inputs : w->inputs;
    int first = w->inputs_first ? input : output, second = w->inputs_first ? output : input;
    return ((size_t)first * (size_t)w->taps + (size_t)tap) * (size_t)(w->inputs_first ? outputs : inputs) +
           (size_t)second;
}

static double root_mean_square(const float *values, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += (double)values[i] * (double)values[i];
    return sqrt(sum / (double)count);
}

/* The weights by which one wide output reads the copies of one map: value / copies each, and by chance up to
 * about as much again more or less, `spread`, which is nothing in sum. */
static void read_copies(const struct weight *w, float *to, int output, int map, int tap, double value,
                        double spread, struct nn_rng *draw)
{
    int copies = w->wide_maps / w->maps;
    double sum = 0;
    for (int k = 0; k < copies; k++) {
        double z = copies == 1 ? 0 : k + 1 < copies ? nn_rng_normal(draw, 0, 1) : -sum;
        sum += z;
        to[element(w, true, output, map + k * w->maps, tap)] = (float)((value + spread * z) / copies);
    }
}

/* Stored weights are multiplied by the parameter's scale at run time: `ratio` is the narrow one's over the
 * wide one's. */
static void widen_weight(const struct weight *w, float *to, const float *from, double ratio,
                         struct nn_rng *draw)
{
    size_t count = (size_t)w->outputs * (size_t)w->inputs * (size_t)w->taps;
    double spread = ratio * root_mean_square(from, count);
    for (int output = 0; output < w->wide_outputs; output++)
        for (int input = 0; input < w->inputs; input++)
            for (int tap = 0; tap < w->taps; tap++) {
                double value = ratio * (double)from[element(w, false, output % w->outputs, input, tap)];
                if (input < w->maps)
                    read_copies(w, to, output, input, tap, value, spread, draw);
                else
                    to[element(w, true, output, w->wide_inputs - 1, tap)] = (float)value;
            }
}

void nn_network_widen(const struct nn_network *wide, float *wide_values, const struct nn_network *narrow,
                      const float *narrow_values, uint64_t seed)
{
    struct nn_rng draw = {.seed = seed, .stream = STREAM_SHARE + (uint64_t)narrow->kind};
    for (int i = 0; i < narrow->param_count; i++) {
        const struct nn_param *n = &narrow->params[i], *p = &wide->params[i];
        const float *from = narrow_values + n->offset;
        float *to = wide_values + p->offset;
        if (strstr(n->name, "/bias")) {
            for (int c = 0; c < p->shape.c; c++) to[c] = from[c % n->shape.c];
        } else {
            struct weight w = weight_of(n, p, narrow->kind);
            widen_weight(&w, to, from, (double)n->scale / (double)p->scale, &draw);
        }
    }
}
