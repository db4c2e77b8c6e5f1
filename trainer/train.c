/* `roentgym train`: the loop around tr_training_step, and what a run leaves on disk. */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "engine/sampler.h"
#include "trainer/commands.h"
#include "trainer/contact_sheet.h"
#include "trainer/train_options.h"
#include "trainer/train_state.h"

enum { SHEET_COLUMNS = 8, SHEET_SEED = 1 };

static volatile sig_atomic_t stop_wanted;

static void want_stop(int signal_number)
{
    (void)signal_number;
    stop_wanted = 1;
}

struct run {
    struct tr_train_options options;
    struct nn_backend *backend;
    struct tr_dataset *data;
    struct tr_training training;
    struct tr_losses losses;
    struct nn_error err;
    double started_s, tick_started_s;   /* monotonic */
    uint64_t tick_images, first_images; /* at the last tick, at the start of this process */
};

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void run_path(const struct run *r, const char *file, char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s/%s", r->options.out, file);
}

/* ---- start -------------------------------------------------------------------------------------- */

static bool show_pyramid(void *context, int done, int total)
{
    (void)context;
    if (isatty(STDERR_FILENO)) fprintf(stderr, "\rbuilding the pyramid: %d of %d images", done, total);
    if (isatty(STDERR_FILENO) && done == total) fputc('\n', stderr);
    return !stop_wanted;
}

static nn_status refuse_second_run(struct run *r)
{
    char state[PATH_MAX];
    run_path(r, "state.safetensors", state);
    if (r->options.resume || access(state, F_OK) != 0) return NN_OK;
    return nn_fail(&r->err, NN_ERR_ARGUMENT,
                   "%s: holds a run already; --resume goes on with it, another --out starts anew",
                   r->options.out);
}

/* Last of all, so that what is refused leaves no empty folder. */
static nn_status make_folder(struct run *r)
{
    char inside[PATH_MAX];
    run_path(r, ".", inside);
    if ((mkdir(r->options.out, 0777) != 0 && errno != EEXIST) || access(inside, W_OK | X_OK) != 0)
        return nn_fail(&r->err, NN_ERR_IO, "%s: %s", r->options.out, strerror(errno));
    return NN_OK;
}

static nn_status check_against_data(struct run *r)
{
    const struct tr_train_config *c = &r->options.config;
    int side = 1 << c->gan.resolution_log2, images = tr_dataset_train_count(r->data);
    if (side > tr_dataset_side(r->data))
        return nn_fail(&r->err, NN_ERR_ARGUMENT, "%s: its images are %d pixels wide, the resolution is %d",
                       r->options.data, tr_dataset_side(r->data), side);
    for (int k = 0; k < c->schedule.level_count; k++) {
        const struct tr_level *level = &c->schedule.levels[k];
        int n = level->minibatch;
        if (level->fade_kimg + level->train_kimg <= 0) continue;
        if (n > images)
            return nn_fail(&r->err, NN_ERR_ARGUMENT, "%s: %d training images, fewer than a minibatch of %d",
                           r->options.data, images, n);
        if (n > c->gan.mbstd_group && n % c->gan.mbstd_group != 0)
            return nn_fail(&r->err, NN_ERR_ARGUMENT, "minibatch %d is not a multiple of the group size %d", n,
                           c->gan.mbstd_group);
    }
    return NN_OK;
}

static nn_status start(struct run *r)
{
    struct tr_train_options *o = &r->options;
    char state[PATH_MAX];
    nn_status status = refuse_second_run(r);
    run_path(r, "state.safetensors", state);
    if (status == NN_OK && o->resume) status = tr_train_state_read_config(state, &o->config, &r->err);
    if (status == NN_OK) status = tr_dataset_open(&r->data, o->data, show_pyramid, NULL, &r->err);
    if (status == NN_OK) status = check_against_data(r);
    if (status == NN_OK) status = nn_backend_open_cpu(&r->backend, o->precision, &r->err);
    if (status != NN_OK) return status;
    if (!o->resume) o->config.gan.label_count = tr_dataset_class_count(r->data);
    status = tr_training_init(&r->training, &o->config, r->backend, r->data, &r->err);
    if (status == NN_OK && o->resume)
        status = tr_train_state_read(state, &r->training, &r->err);
    else if (status == NN_OK && o->grow_from)
        status = tr_train_state_grow(o->grow_from, &r->training, &r->err);
    if (status == NN_OK) status = make_folder(r);
    r->started_s = r->tick_started_s = now_s();
    r->tick_images = r->first_images = r->training.images;
    return status;
}

/* ---- a tick ------------------------------------------------------------------------------------- */

/* A row of fixed seeds for each class, the same seeds in every row: RUN/sheet-<kimg>.png. */
static nn_status write_sheet(struct run *r)
{
    int classes = tr_dataset_class_count(r->data), side = tr_training_phase(&r->training).side;
    size_t row = (size_t)SHEET_COLUMNS * (size_t)side * (size_t)side, count = row * (size_t)classes;
    char name[64], path[PATH_MAX];
    float *images = malloc(count * sizeof *images);
    uint8_t *grey = malloc(count);
    nn_status status = images && grey ? NN_OK : nn_fail(&r->err, NN_ERR_MEMORY, "out of memory for a sheet");
    for (int k = 0; k < classes && status == NN_OK; k++)
        status =
            tr_training_sample(&r->training, SHEET_SEED, SHEET_COLUMNS, k, images + (size_t)k * row, &r->err);
    if (status == NN_OK) {
        nn_sampler_grey(images, count, grey);
        snprintf(name, sizeof name, "sheet-%09.3f.png", (double)r->training.images / 1000);
        run_path(r, name, path);
        status = tr_contact_sheet_write(path, grey, classes * SHEET_COLUMNS, SHEET_COLUMNS, side, &r->err);
    }
    free(images);
    free(grey);
    return status;
}

/* The mean of a loss; JSON has no number for one that is not finite. */
static void put_loss(FILE *file, const char *name, double mean)
{
    if (isfinite(mean))
        fprintf(file, "\"%s\":%.6g,", name, mean);
    else
        fprintf(file, "\"%s\":null,", name);
}

static nn_status write_metrics(struct run *r, const struct tr_phase *phase, double images_per_s)
{
    const struct tr_losses *l = &r->losses;
    double n = l->steps ? l->steps : 1;
    char path[PATH_MAX];
    run_path(r, "metrics.jsonl", path);
    FILE *file = fopen(path, "a");
    if (!file) return nn_fail(&r->err, NN_ERR_IO, "%s: %s", path, strerror(errno));
    fprintf(file, "{\"kimg\":%.3f,\"side\":%d,\"lod\":%.4f,", (double)r->training.images / 1000, phase->side,
            (double)phase->lod);
    put_loss(file, "real", l->real / n);
    put_loss(file, "fake", l->fake / n);
    put_loss(file, "penalty", l->penalty / n);
    put_loss(file, "label", l->label / n);
    put_loss(file, "generator", l->generator / n);
    put_loss(file, "real_sign", l->real_sign / n);
    fprintf(file, "\"skipped\":%llu,\"images_per_s\":%.3f,\"elapsed_s\":%.1f}\n",
            (unsigned long long)r->training.skipped, images_per_s, now_s() - r->started_s);
    if (fclose(file) != 0) return nn_fail(&r->err, NN_ERR_IO, "%s: %s", path, strerror(errno));
    return NN_OK;
}

static void print_progress(const struct run *r, const struct tr_phase *phase, double images_per_s)
{
    double n = r->losses.steps ? r->losses.steps : 1, kimg = (double)r->training.images / 1000;
    double phase_left_s = fmax(phase->end_kimg - kimg, 0) * 1000 / images_per_s;
    printf("%8.2f of %.0f kimg  %4dx%-4d %s  W %8.3f  penalty %6.3f  labels %5.3f  %6.1f images/s  "
           "this level %.0f min left%s\n",
           kimg, tr_schedule_total_kimg(&r->training.config.schedule), phase->side, phase->side,
           phase->fading ? "fading" : "stable", (r->losses.real - r->losses.fake) / n, r->losses.penalty / n,
           r->losses.label / n, images_per_s, phase_left_s / 60,
           r->training.skipped ? "  (steps skipped)" : "");
    fflush(stdout);
}

static nn_status save(struct run *r)
{
    char path[PATH_MAX];
    const char *name = r->options.name ? r->options.name : tr_dataset_name(r->data);
    run_path(r, "state.safetensors", path);
    nn_status status = tr_train_state_write(path, &r->training, &r->err);
    run_path(r, "generator.safetensors", path);
    if (status == NN_OK) status = tr_train_state_export(path, &r->training, name, &r->err);
    return status;
}

static nn_status tick(struct run *r)
{
    struct tr_phase phase = tr_training_phase(&r->training);
    double elapsed_s = now_s() - r->tick_started_s;
    double images_per_s = (double)(r->training.images - r->tick_images) / (elapsed_s > 0 ? elapsed_s : 1);
    print_progress(r, &phase, images_per_s);
    nn_status status = save(r);
    if (status == NN_OK) status = write_metrics(r, &phase, images_per_s);
    if (status == NN_OK) status = write_sheet(r);
    r->losses = (struct tr_losses){0};
    r->tick_started_s = now_s();
    r->tick_images = r->training.images;
    return status;
}

/* ---- the loop ----------------------------------------------------------------------------------- */

static nn_status loop(struct run *r)
{
    uint64_t tick_every = (uint64_t)(r->training.config.tick_kimg * 1000);
    nn_status status = NN_OK;
    int level = tr_training_phase(&r->training).level;
    while (status == NN_OK && !stop_wanted && !tr_training_phase(&r->training).finished) {
        status = tr_training_step(&r->training, &r->losses, &r->err);
        if (status != NN_OK) break;
        struct tr_phase phase = tr_training_phase(&r->training);
        if (r->training.images - r->tick_images >= tick_every || phase.finished || phase.level != level)
            status = tick(r);
        level = phase.level;
    }
    if (status == NN_OK && stop_wanted) {
        status = save(r);
        if (status == NN_OK)
            printf("stopped at %.2f kimg; --resume goes on from there\n", (double)r->training.images / 1000);
    }
    return status;
}

int tr_train_main(int argc, char **argv)
{
    static struct run r;
    int exit_status;
    if (tr_train_options_parse(&r.options, argc, argv, &exit_status)) return exit_status;
    struct sigaction action = {.sa_handler = want_stop};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    nn_status status = start(&r);
    if (status == NN_OK) status = loop(&r);
    if (status != NN_OK) fprintf(stderr, "roentgym train: %s\n", r.err.text);
    tr_training_release(&r.training);
    if (r.backend) r.backend->close(r.backend);
    tr_dataset_close(r.data);
    return status == NN_OK ? 0 : 1;
}
