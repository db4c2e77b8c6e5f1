/* `roentgym train`: opens what a run needs, refuses what does not fit together, and trains. */
#include <stdio.h>
#include <unistd.h>

#include "trainer/commands.h"
#include "trainer/interrupt.h"
#include "trainer/train_loop.h"
#include "trainer/train_options.h"
#include "trainer/train_state.h"

struct run {
    struct tr_train_options options;
    struct tr_run_folder folder;
    struct nn_backend *backend;
    struct tr_dataset *data;
    struct tr_training training;
};

static bool show_pyramid(void *context, int done, int total)
{
    (void)context;
    if (isatty(STDERR_FILENO)) fprintf(stderr, "\rbuilding the pyramid: %d of %d images", done, total);
    if (isatty(STDERR_FILENO) && done == total) fputc('\n', stderr);
    return !tr_interrupted();
}

static nn_status check_against_data(const struct run *r, struct nn_error *err)
{
    const struct tr_train_config *c = &r->options.config;
    int side = 1 << c->gan.resolution_log2, images = tr_dataset_train_count(r->data);
    if (side > tr_dataset_side(r->data))
        return nn_fail(err, NN_ERR_ARGUMENT, "%s: its images are %d pixels wide, the resolution is %d",
                       r->options.data, tr_dataset_side(r->data), side);
    for (int k = 0; k < c->schedule.level_count; k++) {
        const struct tr_level *level = &c->schedule.levels[k];
        int n = level->minibatch;
        if (level->fade_kimg + level->train_kimg <= 0) continue;
        if (n > images)
            return nn_fail(err, NN_ERR_ARGUMENT, "%s: %d training images, fewer than a minibatch of %d",
                           r->options.data, images, n);
        if (n > c->gan.mbstd_group && n % c->gan.mbstd_group != 0)
            return nn_fail(err, NN_ERR_ARGUMENT, "minibatch %d is not a multiple of the group size %d", n,
                           c->gan.mbstd_group);
    }
    return NN_OK;
}

/* The folder is made last of all, so that what is refused leaves no empty one. */
static nn_status start(struct run *r, struct nn_error *err)
{
    struct tr_train_options *o = &r->options;
    char state[PATH_MAX];
    nn_status status = o->resume ? NN_OK : tr_run_check_unused(&r->folder, err);
    tr_run_path(&r->folder, "state.safetensors", state);
    if (status == NN_OK && o->resume) status = tr_train_state_read_config(state, &o->config, err);
    if (status == NN_OK) status = tr_dataset_open(&r->data, o->data, show_pyramid, NULL, err);
    if (status == NN_OK) status = check_against_data(r, err);
    if (status == NN_OK) status = nn_backend_open_cpu(&r->backend, o->precision, err);
    if (status != NN_OK) return status;
    if (!o->resume) o->config.gan.label_count = tr_dataset_class_count(r->data);
    status = tr_training_init(&r->training, &o->config, r->backend, r->data, err);
    if (status == NN_OK && o->resume)
        status = tr_train_state_read(state, &r->training, err);
    else if (status == NN_OK && o->grow_from)
        status = tr_train_state_grow(o->grow_from, &r->training, err);
    if (status == NN_OK) status = tr_run_make(&r->folder, err);
    return status;
}

int tr_train_main(int argc, char **argv)
{
    static struct run r;
    struct nn_error err;
    int exit_status;
    if (tr_train_options_parse(&r.options, argc, argv, &exit_status)) return exit_status;
    tr_interrupt_catch();
    r.folder.path = r.options.out;
    nn_status status = start(&r, &err);
    if (status == NN_OK) {
        struct tr_train_loop loop = {.folder = &r.folder, .training = &r.training};
        loop.name = r.options.name ? r.options.name : tr_dataset_name(r.data);
        status = tr_train_loop(&loop, &err);
    }
    if (status != NN_OK) fprintf(stderr, "roentgym train: %s\n", err.text);
    tr_training_release(&r.training);
    if (r.backend) r.backend->close(r.backend);
    tr_dataset_close(r.data);
    return status == NN_OK ? 0 : 1;
}
