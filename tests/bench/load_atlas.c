/* An educator who browses the atlas: samples of random classes and seeds at a steady rate, most of them
 * thumbnails. Asks on whatever the answers, so that a slow server is not spared. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/bench/load_run.h"

enum {
    BROWSERS = 4,
    ATLAS_TIMEOUT_S = 60,
    ATLAS_STREAM = 1 << 20,
    ATLAS_PIXELS = 256,
    ATLAS_LARGE_PIXELS = 1024
};

struct educator {
    struct load_run *run;
    struct load_client tabs[BROWSERS];
    struct nn_rng rng;
    int asked;
};

static void on_sample(void *context, int large, const struct load_reply *reply)
{
    struct educator *e = context;
    load_expect(e->run, large ? KIND_ATLAS_LARGE : KIND_ATLAS, reply, 200);
    if (reply->png_side && reply->png_side != load_size(e->run, large ? ATLAS_LARGE_PIXELS : ATLAS_PIXELS))
        load_error(e->run, "atlas: wrong size");
}

static void ask(void *context)
{
    struct educator *e = context;
    char head[512];
    bool large = nn_rng_uniform(&e->rng) < e->run->set.atlas_large;
    load_after(e->run->loop, 1 / e->run->set.atlas_rate, ask, e);
    if (!e->run->model[0]) return; /* no learner has asked for the models yet */
    snprintf(head, sizeof head, "GET /api/v1/samples/%s/%s/%u.png?size=%d HTTP/1.1\r\nAccept: image/*\r\n",
             e->run->model, e->run->classes[nn_rng_below(&e->rng, 2)], nn_rng_below(&e->rng, 1u << 31),
             load_size(e->run, large ? ATLAS_LARGE_PIXELS : ATLAS_PIXELS));
    load_send(&e->tabs[e->asked++ % BROWSERS], head, NULL, ATLAS_TIMEOUT_S, on_sample, e, large);
}

void load_atlas_start(struct load_run *run)
{
    struct educator *e = calloc(1, sizeof *e);
    if (!e) abort();
    e->run = run;
    e->rng = (struct nn_rng){.seed = run->set.seed, .stream = ATLAS_STREAM};
    for (int i = 0; i < BROWSERS; i++) load_client_init(&e->tabs[i], run->loop, run->set.connections);
    load_after(run->loop, 0, ask, e);
}
