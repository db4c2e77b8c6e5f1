/* `roentgym localise train` */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/safetensors.h"
#include "trainer/command_end.h"
#include "trainer/folder_lock.h"
#include "trainer/given_options.h"
#include "trainer/interrupt.h"
#include "trainer/localise/hip_measure.h"
#include "trainer/localise/hip_training.h"
#include "trainer/localise/localise.h"

static const char usage[] =
    "usage: roentgym localise train --data DIR --out DIR [options]\n"
    "\n"
    "Trains a network to find both hips on pelvic radiographs: those of `roentgym phantom --view pelvis`, "
    "or\n"
    "others with a boxes.csv. Training shows its films turned, moved, cut and exposed in many ways, so that "
    "a\n"
    "network that has seen phantoms finds hips on real films too. At the end --out has hips.safetensors for\n"
    "`roentgym localise apply`. Ctrl-C stops; the same command goes on.\n"
    "\n"
    "  --data DIR         data set of pelves; those of its test split are only measured on\n"
    "  --boxes FILE       the true boxes: file, side (the patient's left or right), x, y, width, height, in\n"
    "                     pixels from the picture's upper left corner; default DATA/boxes.csv. A hip without "
    "a\n"
    "                     line is not on its film; films without any line are left out\n"
    "  --out DIR          folder of the network and of the state to go on from; made if it is not there\n"
    "  --side N           side in pixels at which the network sees films: 32, 64, 128 or 256; default 128\n"
    "  --minibatch N      films a step, 1..1024; default 32\n"
    "  --steps N          1..10000000; default 3000\n"
    "  --step-size X      of Adam, 1e-6..0.1; default 0.002\n"
    "  --seed N           of weights, order and views; default 1\n"
    "  --help\n";

enum choice { DATA, BOXES, OUT, SIDE, MINIBATCH, STEPS, STEP_SIZE, SEED, HELP };

static const struct option options[] = {
    {"data", required_argument, NULL, DATA},
    {"boxes", required_argument, NULL, BOXES},
    {"out", required_argument, NULL, OUT},
    {"side", required_argument, NULL, SIDE},
    {"minibatch", required_argument, NULL, MINIBATCH},
    {"steps", required_argument, NULL, STEPS},
    {"step-size", required_argument, NULL, STEP_SIZE},
    {"seed", required_argument, NULL, SEED},
    {"help", no_argument, NULL, HELP},
    {NULL, 0, NULL, 0},
};

static const double SAVE_EVERY_S = 60, TELL_EVERY_S = 10;

struct run {
    struct tr_given given;
    struct tr_hip_settings settings;
    struct tr_hip_films films;
    struct tr_hip_training training;
    char weights[PATH_MAX], state[PATH_MAX];
    int lock; /* of the folder, until the process ends */
    struct nn_error err;
};

static int parse_settings(struct run *r)
{
    const struct tr_given *g = &r->given;
    int side = 128, minibatch = 32, steps = 3000;
    uint64_t seed = 1;
    double step_size = 0.002;
    int status = tr_given_int(g, SIDE, TR_HIP_NET_SIDE_MIN, TR_HIP_NET_SIDE_MAX, &side);
    if (!status) status = tr_given_int(g, MINIBATCH, 1, 1024, &minibatch);
    if (!status) status = tr_given_int(g, STEPS, 1, 10000000, &steps);
    if (!status) status = tr_given_whole(g, SEED, 0, UINT64_MAX, &seed);
    if (!status) status = tr_given_number(g, STEP_SIZE, 1e-6, 0.1, &step_size);
    if (!status && side & (side - 1)) status = tr_given_wrong(g, SIDE, "32, 64, 128 or 256");
    r->settings = (struct tr_hip_settings){side, minibatch, steps, (float)step_size, seed};
    return status;
}

/* 0: go on; otherwise *status is the exit status. */
static int parse(struct run *r, int argc, char **argv, int *status)
{
    r->given = (struct tr_given){.options = options, .usage = usage};
    if (tr_given_read(&r->given, argc, argv, status)) return 1;
    const char *out = tr_given_text(&r->given, OUT);
    if (!tr_given_text(&r->given, DATA) || !out || !*out || strlen(out) + 32 > PATH_MAX)
        return *status = tr_given_refuse(&r->given, "--data and --out are needed");
    snprintf(r->weights, sizeof r->weights, "%.*s/hips.safetensors", PATH_MAX - 32, out);
    snprintf(r->state, sizeof r->state, "%.*s/state.safetensors", PATH_MAX - 32, out);
    return *status = parse_settings(r);
}

static nn_status begin(struct run *r)
{
    const char *out = tr_given_text(&r->given, OUT);
    nn_status status = tr_hip_films_read(&r->films, tr_given_text(&r->given, DATA),
                                         tr_given_text(&r->given, BOXES), r->settings.side, &r->err);
    if (status == NN_OK && r->films.train_count == 0)
        status = nn_fail(&r->err, NN_ERR_FORMAT, "%s: no image of its training split has a box",
                         tr_given_text(&r->given, DATA));
    if (status == NN_OK) status = tr_hip_training_init(&r->training, &r->settings, &r->films, &r->err);
    if (status == NN_OK && mkdir(out, 0777) != 0 && errno != EEXIST)
        status = nn_fail(&r->err, NN_ERR_IO, "%s: %s", out, strerror(errno));
    if (status == NN_OK) status = tr_folder_lock(out, "training is at work in it", &r->lock, &r->err);
    if (status != NN_OK) return status;
    if (access(r->state, F_OK) == 0) return tr_hip_training_load(&r->training, r->state, &r->err);
    if (access(r->weights, F_OK) == 0)
        return nn_fail(&r->err, NN_ERR_ARGUMENT, "%s: is there already; choose another --out", r->weights);
    return NN_OK;
}

static nn_status go(struct run *r)
{
    struct tr_hip_training *tr = &r->training;
    double started = tr_now_s(), told = started, saved = started;
    int first = tr->step, told_step = first;
    nn_status status = NN_OK;
    while (tr->step < r->settings.steps && status == NN_OK && !tr_interrupted()) {
        status = tr_hip_training_step(tr, &r->err);
        double now = tr_now_s();
        bool end = tr->step == r->settings.steps;
        if (status == NN_OK && (now - told >= TELL_EVERY_S || end)) {
            double rate = (tr->step - first) / (now - started);
            printf("step %d of %d  loss %.3f  %.1f steps/s  %.0f s left\n", tr->step, r->settings.steps,
                   tr->loss / (tr->step - told_step), rate, (r->settings.steps - tr->step) / rate);
            fflush(stdout);
            told = now;
            told_step = tr->step;
            tr->loss = 0;
        }
        if (status == NN_OK && now - saved >= SAVE_EVERY_S) {
            status = tr_hip_training_save(tr, r->state, &r->err);
            saved = now;
        }
    }
    if (status == NN_OK && tr->step > first) status = tr_hip_training_save(tr, r->state, &r->err);
    if (status == NN_OK && tr->step < r->settings.steps)
        status = nn_fail(&r->err, NN_STOPPED, "stopped at step %d", tr->step);
    return status;
}

static nn_status finish(struct run *r)
{
    struct tr_hip_measure m = {0};
    char steps[16], seed[24], iou[64] = "";
    int tests = r->films.count - r->films.train_count;
    nn_status status = tr_hip_training_values(&r->training, &r->err);
    if (status == NN_OK && tests)
        status =
            tr_hip_measure(&r->training.finder, &r->films, r->films.train_count, tests, NULL, &m, &r->err);
    if (status != NN_OK) return status;
    if (tests) {
        printf("held out: %d of %d hips above IoU %.1f, mean IoU %.3f\n", m.localised, m.hips, TR_HIP_IOU,
               m.iou);
        snprintf(iou, sizeof iou, "%d of %d hips above IoU %.1f", m.localised, m.hips, TR_HIP_IOU);
    }
    snprintf(steps, sizeof steps, "%d", r->settings.steps);
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)r->settings.seed);
    const struct nn_st_text texts[] = {
        {"data", tr_dataset_name(r->films.data)},
        {"data_sha256", tr_dataset_sha256(r->films.data)},
        {"simulated", tr_dataset_simulated(r->films.data) ? "true" : "false"},
        {"steps", steps},
        {"seed", seed},
        {"held_out", iou},
    };
    status = tr_hip_net_save(&r->training.net, r->weights, texts, sizeof texts / sizeof *texts, &r->err);
    if (status == NN_OK) printf("%s\n", r->weights);
    return status;
}

int tr_localise_train(int argc, char **argv)
{
    static struct run r; /* paths fill much of a stack */
    int exit_status;
    if (parse(&r, argc, argv, &exit_status)) return exit_status;
    tr_interrupt_catch();
    nn_status status = begin(&r);
    if (status == NN_OK) {
        printf("%d films to train with, %d held out", r.films.train_count,
               r.films.count - r.films.train_count);
        if (r.films.unmarked) printf(", %d without a box left out", r.films.unmarked);
        puts(r.training.step ? "; going on" : "");
        status = go(&r);
    }
    if (status == NN_OK) status = finish(&r);
    tr_hip_training_release(&r.training);
    tr_hip_films_release(&r.films);
    return tr_command_end(argv[0], "the same command goes on", status, &r.err);
}
