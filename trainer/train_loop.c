#include "trainer/train_loop.h"

#include <stdio.h>

#include "trainer/interrupt.h"
#include "trainer/tick.h"
#include "trainer/train_state.h"

static nn_status save(struct tr_train_loop *loop, struct nn_error *err)
{
    char path[PATH_MAX];
    tr_run_path(loop->folder, "state.safetensors", path);
    nn_status status = tr_train_state_write(path, loop->training, err);
    tr_run_path(loop->folder, "generator.safetensors", path);
    if (status == NN_OK) status = tr_train_state_export(path, loop->training, loop->name, err);
    return status;
}

static nn_status tick(struct tr_train_loop *loop, struct nn_error *err)
{
    double now_s = tr_now_s(), tick_s = now_s - loop->tick_started_s;
    uint64_t images = loop->training->images - loop->tick_images;
    const struct tr_tick tick = {.folder = loop->folder,
                                 .training = loop->training,
                                 .losses = &loop->losses,
                                 .images_per_s = (double)images / (tick_s > 0 ? tick_s : 1),
                                 .elapsed_s = now_s - loop->started_s};
    tr_tick_print(&tick);
    nn_status status = save(loop, err);
    if (status == NN_OK) status = tr_tick_write_metrics(&tick, err);
    if (status == NN_OK) status = tr_tick_write_sheet(&tick, err);
    loop->losses = (struct tr_losses){0};
    loop->tick_started_s = tr_now_s();
    loop->tick_images = loop->training->images;
    return status;
}

nn_status tr_train_loop(struct tr_train_loop *loop, struct nn_error *err)
{
    struct tr_training *tr = loop->training;
    uint64_t tick_every = (uint64_t)(tr->config.tick_kimg * 1000);
    nn_status status = NN_OK;
    int level = tr_training_phase(tr).level;
    loop->started_s = loop->tick_started_s = tr_now_s();
    loop->tick_images = tr->images;
    while (status == NN_OK && !tr_interrupted() && !tr_training_phase(tr).finished) {
        status = tr_training_step(tr, &loop->losses, err);
        if (status != NN_OK) break;
        struct tr_phase phase = tr_training_phase(tr);
        if (tr->images - loop->tick_images >= tick_every || phase.finished || phase.level != level)
            status = tick(loop, err);
        level = phase.level;
    }
    if (status == NN_OK && tr_interrupted()) {
        status = save(loop, err);
        if (status == NN_OK)
            printf("stopped at %.2f kimg; --resume goes on from there\n", (double)tr->images / 1000);
    }
    return status;
}
