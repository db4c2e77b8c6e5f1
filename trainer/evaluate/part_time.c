#include "trainer/evaluate/part_time.h"

#include <math.h>

#include "trainer/interrupt.h"

enum { STEPS = 4, DRAWN = 3 };

/* The first step prepares a lot, and is not counted. */
struct watch {
    double from_s, to_s;
    int steps;
};

static bool watch_step(void *context, const struct tr_classify_progress *p)
{
    struct watch *w = context;
    if (p->epoch_done) return !tr_interrupted();
    if (w->from_s == 0) w->from_s = tr_now_s();
    w->to_s = tr_now_s();
    w->steps++;
    return w->steps < STEPS && !tr_interrupted();
}

static nn_status measure_learning(struct tr_pace *pace, const struct tr_cases *cases,
                                  const struct tr_classify_settings *settings, const struct nn_device *device,
                                  struct nn_error *err)
{
    struct tr_trained trained;
    struct watch watch = {0};
    struct tr_classify_settings few = *settings;
    few.epochs = STEPS;
    nn_status status = tr_classify_train(&trained, cases, NULL, &few, device, NULL, watch_step, &watch, err);
    if (status == NN_OK) tr_trained_release(&trained);
    if (status != NN_OK && watch.steps < STEPS) return status;
    int minibatch = settings->minibatch < cases->count ? settings->minibatch : cases->count;
    if (watch.steps > 1) pace->learn = (watch.to_s - watch.from_s) / (watch.steps - 1) / minibatch;
    pace->look = pace->learn / 3; /* forward, and backward by inputs and by weights */
    return NN_OK;
}

static nn_status measure_drawing(struct tr_pace *pace, const char *path, const char *device,
                                 const struct tr_cases *cases, struct nn_error *err)
{
    struct tr_cases drawn;
    double seconds[2];
    for (int k = 0; k < 2; k++) { /* the difference leaves out what opening takes */
        double from_s = tr_now_s();
        nn_status status =
            tr_cases_draw(&drawn, path, device, cases, k ? 1 + DRAWN : 1, 1, cases->side, NULL, NULL, err);
        if (status != NN_OK) return status;
        seconds[k] = tr_now_s() - from_s;
        tr_cases_release(&drawn);
    }
    pace->draw = fmax(0, seconds[1] - seconds[0]) / DRAWN;
    return NN_OK;
}

nn_status tr_pace_measure(struct tr_pace *pace, const struct tr_cases *cases, const char *model_path,
                          const struct tr_classify_settings *settings, const struct nn_device *device,
                          struct nn_error *err)
{
    *pace = (struct tr_pace){0};
    nn_status status = measure_learning(pace, cases, settings, device, err);
    return status == NN_OK ? measure_drawing(pace, model_path, device->backend->name, cases, err) : status;
}

double tr_part_seconds(const struct tr_pace *pace, struct tr_part_work work)
{
    return work.learn * pace->learn + work.look * pace->look + work.draw * pace->draw;
}

double tr_network_cost(enum tr_architecture architecture, int network_side, int side)
{
    /* Multiplications of an image at the side that the authors trained at, in 10^9. */
    static const double work[] = {[TR_RESNET18] = 1.8, [TR_INCEPTION_V3] = 5.7, [TR_VGG16] = 15.5};
    double own = (double)network_side / tr_architecture_side(architecture);
    double reference = (double)side / tr_architecture_side(TR_RESNET18);
    return work[architecture] * own * own / (work[TR_RESNET18] * reference * reference);
}
