#include "trainer/train/train_loop.h"

#include <math.h>
#include <stdio.h>

#include "trainer/interrupt.h"
#include "trainer/train/tick.h"

/* wgan-gp: a critic of the slope that the penalty asks for cannot differ by more than that times the distance
 * between two images, at most 2 side (side^2 pixels in -1..1; of full resolution unless the penalty is
 * native); runs that learn stay below a fifth of it. The others: where exp(-margin) is lost beside 1 in f32,
 * about 17, the discriminator's loss has no gradient any more; twice that. */
static double margin_limit(const struct tr_training *tr, int side)
{
    const struct tr_loss_config *loss = &tr->config.loss;
    if (loss->kind != TR_LOSS_WGAN_GP) return 34;
    if (!loss->penalty_native) side = 1 << tr->config.gan.resolution_log2;
    return 2 * (double)side * (double)loss->penalty_target;
}

static nn_status look(struct tr_training *tr, const struct tr_tick *tick, struct nn_error *err)
{
    const struct tr_losses *l = &tr->tick;
    struct tr_phase phase = tr_training_phase(tr);
    const struct tr_sighting seen = {.images = tr->images,
                                     .side = phase.side,
                                     .metric = tick->measure.images ? tick->measure.mean : NAN,
                                     .margin = (l->real - l->fake) / fmax(l->steps, 1),
                                     .margin_limit = margin_limit(tr, phase.side),
                                     .alike = tick->alike};
    return tr_watch_tick(&tr->watch, &seen, err);
}

/* What a signal cuts short here has not been: the tick is still due, and comes when the run goes on. */
static nn_status tick(struct tr_train_loop *loop, struct nn_error *err)
{
    struct tr_training *tr = loop->training;
    double now_s = tr_now_s(), tick_s = now_s - loop->tick_started_s;
    struct tr_tick tick = {.folder = loop->writer->folder,
                           .training = tr,
                           .images_per_s =
                               (double)(tr->images - loop->rate_images) / (tick_s > 0 ? tick_s : 1),
                           .elapsed_s = now_s - loop->started_s};
    nn_status status = NN_OK;
    if (tr_metric_due(tr)) {
        status = tr_metric_measure(tr, &tick.measure, err);
        if (status == NN_OK && !tick.measure.images) return NN_OK; /* interrupted */
    }
    tr_tick_print(&tick);
    if (status == NN_OK) status = tr_tick_write_sheet(&tick, err);
    if (status == NN_OK) status = tr_tick_write_metrics(&tick, err);
    if (status == NN_OK) status = look(tr, &tick, err);
    tr->tick = (struct tr_losses){0};
    tr->tick_images = tr->images;
    if (status == NN_OK) status = tr_state_writer_save(loop->writer, tr, err);
    loop->tick_started_s = tr_now_s();
    loop->rate_images = tr->images;
    return status;
}

static bool tick_is_due(const struct tr_training *tr)
{
    const struct tr_schedule *schedule = &tr->config.schedule;
    uint64_t every = (uint64_t)fmax(tr->config.tick_kimg * 1000, 1);
    struct tr_phase last = tr_schedule_at(schedule, tr->tick_images), now = tr_training_phase(tr);
    return tr->images / every != tr->tick_images / every || now.level != last.level ||
           (now.finished && tr->images != tr->tick_images);
}

static nn_status step(struct tr_training *tr, struct nn_error *err)
{
    nn_status status = tr_training_step(tr, &tr->tick, err);
    return status == NN_OK ? tr_watch_step(tr->skipped_in_a_row, err) : status;
}

nn_status tr_train_loop(struct tr_train_loop *loop, struct nn_error *err)
{
    struct tr_training *tr = loop->training;
    nn_status status = NN_OK;
    uint64_t first = tr->images;
    bool complete = false;
    loop->started_s = loop->tick_started_s = tr_now_s();
    loop->rate_images = tr->images;
    while (status == NN_OK && !complete && !tr_interrupted()) {
        if (tick_is_due(tr))
            status = tick(loop, err);
        else if (tr_training_phase(tr).finished)
            complete = true;
        else
            status = step(tr, err);
        if (status == NN_OK) status = tr_state_writer_poll(loop->writer, err);
    }
    if (status == NN_OK && !complete) status = tr_state_writer_save(loop->writer, tr, err);
    if (status == NN_OK) status = tr_state_writer_finish(loop->writer, err);
    if (status == NN_OK && complete && tr->images == first) printf("complete already\n");
    if (status == NN_OK && !complete)
        status = nn_fail(err, NN_STOPPED, "stopped at %.2f kimg", (double)tr->images / 1000);
    return status;
}
