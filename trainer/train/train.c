/* `roentgym train`: opens what a run needs, refuses what does not fit together, and trains. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trainer/command_end.h"
#include "trainer/commands.h"
#include "trainer/interrupt.h"
#include "trainer/train/train_loop.h"
#include "trainer/train/train_options.h"
#include "trainer/train/train_state.h"

struct run {
    struct tr_train_options options;
    struct tr_run_folder folder;
    struct nn_device device;
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

/* A class of fewer images is seen in some minibatches only, and the networks learn its few images by heart.
 */
static nn_status check_classes(const struct run *r, int minibatch, struct nn_error *err)
{
    for (int k = 0; k < r->options.config.gan.label_count; k++) {
        int images = tr_dataset_class_train_count(r->data, k);
        if (images == 0)
            return nn_fail(err, NN_ERR_ARGUMENT,
                           "%s: class \"%s\" has no training image; --labels none trains without classes",
                           r->options.data, tr_dataset_class(r->data, k));
        if (images < minibatch)
            return nn_fail(err, NN_ERR_ARGUMENT,
                           "%s: class \"%s\" has %d training image%s, fewer than a minibatch of %d; "
                           "--minibatch sets smaller ones, --labels none trains without classes",
                           r->options.data, tr_dataset_class(r->data, k), images, images == 1 ? "" : "s",
                           minibatch);
    }
    return NN_OK;
}

/* What --labels says against the data, and against the state of a run that goes on. */
static nn_status choose_labels(struct run *r, struct nn_error *err)
{
    struct tr_train_options *o = &r->options;
    struct nn_gan_config *c = &o->config.gan;
    bool multi = tr_dataset_multi_label(r->data), none = o->labels && strcmp(o->labels, "none") == 0;
    const char *in_data = nn_label_kind_words[multi];
    if (o->labels && !none && strcmp(o->labels, in_data) != 0)
        return nn_fail(err, NN_ERR_ARGUMENT, "--labels %s: %s/labels.csv has a column \"%s\", which is %s",
                       o->labels, o->data, multi ? "labels" : "label", in_data);
    if (!o->resume) {
        c->label_count = none ? 0 : tr_dataset_class_count(r->data);
        c->label_kind = multi && !none ? NN_LABELS_MULTI : NN_LABELS_CLASSES;
        return nn_gan_check(c, err);
    }
    if (!o->labels || none == (c->label_count == 0)) return NN_OK;
    return nn_fail(err, NN_ERR_ARGUMENT, "--labels %s contradicts the run to go on with, %s", o->labels,
                   o->out);
}

static void choose_name(struct run *r)
{
    char *name = r->options.config.name;
    const char *wanted = r->options.name;
    if (!wanted && !*name) wanted = tr_dataset_name(r->data);
    if (wanted) snprintf(name, sizeof r->options.config.name, "%s", wanted);
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
        nn_status status = check_classes(r, n, err);
        if (status != NN_OK) return status;
        if (c->gan.mbstd_group && n > c->gan.mbstd_group && n % c->gan.mbstd_group != 0)
            return nn_fail(err, NN_ERR_ARGUMENT, "minibatch %d is not a multiple of the group size %d", n,
                           c->gan.mbstd_group);
    }
    return NN_OK;
}

/* The newest state of a run that is whole, and its configuration. What is damaged is told, and left for its
 * owner to look at; a run that goes on writes it anew when it comes by. */
static nn_status newest_state(const char *run, char path[PATH_MAX], struct tr_train_config *config,
                              struct nn_error *err)
{
    const struct tr_run_folder folder = {.path = run};
    uint64_t *images;
    int count;
    struct nn_error first;
    nn_status status = tr_run_list_states(&folder, &images, &count, err);
    if (status != NN_OK) return status;
    if (count == 0) status = nn_fail(err, NN_ERR_IO, "%s: has no state to go on from", run);
    for (int i = 0; i < count; i++) {
        tr_run_state_path(&folder, images[i], path);
        status = tr_train_state_read_config(path, config, err);
        if (status != NN_ERR_FORMAT && status != NN_ERR_IO) break;
        if (i == 0) first = *err;
        if (i + 1 < count)
            fprintf(stderr, "roentgym train: %s; trying the state before it\n", err->text);
        else
            *err = first; /* none is whole: the newest says most */
    }
    free(images);
    return status;
}

static nn_status grow(struct run *r, struct nn_error *err)
{
    const char *from = r->options.grow_from;
    char path[PATH_MAX];
    struct tr_train_config config;
    struct stat info;
    if (stat(from, &info) != 0 || !S_ISDIR(info.st_mode)) return tr_train_state_grow(from, &r->training, err);
    nn_status status = newest_state(from, path, &config, err);
    return status == NN_OK ? tr_train_state_grow(path, &r->training, err) : status;
}

/* A run keeps the precision that it began with, whatever this machine is best at, unless told otherwise. */
static nn_status open_device(struct run *r, struct nn_error *err)
{
    struct tr_train_options *o = &r->options;
    enum nn_precision wanted = o->precision == NN_PRECISION_BEST ? o->config.precision : o->precision;
    nn_status status = nn_device_open(&r->device, o->device, wanted, err);
    if (status != NN_OK) return status;
    o->config.precision = r->device.backend->map_type == NN_BF16 ? NN_PRECISION_BF16 : NN_PRECISION_F32;
    return NN_OK;
}

/* What a run that was killed would still have done, or has done too much. */
static nn_status tidy_up(const struct run *r, struct nn_error *err)
{
    const struct tr_watch *watch = &r->training.watch;
    uint64_t images = r->training.images;
    nn_status status = tr_run_rewind_metrics(&r->folder, images, err);
    if (status == NN_OK)
        status = tr_run_prune_states(&r->folder, images, watch->best_images, watch->good_images, err);
    return status;
}

/* The folder is made last of all, so that what is refused leaves no empty one. */
static nn_status start(struct run *r, struct nn_error *err)
{
    struct tr_train_options *o = &r->options;
    char state[PATH_MAX];
    nn_status status = tr_run_open(&r->folder, o->out, o->keep, o->resume, err);
    if (status == NN_OK && o->resume) status = newest_state(o->out, state, &o->config, err);
    if (status == NN_OK && o->resume) status = tr_train_options_check_resumed(o, &o->config, state, err);
    if (status == NN_OK) status = tr_dataset_open(&r->data, o->data, show_pyramid, NULL, err);
    if (status == NN_OK) status = choose_labels(r, err);
    if (status == NN_OK) choose_name(r);
    if (status == NN_OK) status = check_against_data(r, err);
    if (status == NN_OK) status = open_device(r, err);
    if (status != NN_OK) return status;
    if (r->device.note[0]) fprintf(stderr, "roentgym train: %s; training on the CPU\n", r->device.note);
    status = tr_training_init(&r->training, &o->config, r->device.backend, r->data, err);
    if (status == NN_OK && o->resume)
        status = tr_train_state_read(state, &r->training, err);
    else if (status == NN_OK && o->grow_from)
        status = grow(r, err);
    if (status == NN_OK) status = tr_run_make(&r->folder, err);
    if (status == NN_OK) status = tidy_up(r, err);
    return status;
}

static nn_status train(struct run *r, struct nn_error *err)
{
    struct tr_state_writer writer = {.folder = &r->folder};
    struct tr_train_loop loop = {.training = &r->training, .writer = &writer};
    writer.name = r->training.config.name;
    nn_status status = tr_train_loop(&loop, err);
    tr_state_writer_release(&writer);
    return status;
}

/* One line: what went wrong and, after a run that no longer learnt, from where another may begin. Gives the
 * exit status. */
static int failed(const struct run *r, const struct nn_error *err)
{
    uint64_t good = r->training.watch.good_images;
    char path[PATH_MAX];
    fprintf(stderr, "roentgym train: %s", err->text);
    tr_run_state_path(&r->folder, good, path);
    if (err->status == NN_ERR_NUMERIC && good)
        fprintf(stderr, "; another run can begin with --grow-from %s, the last good state", path);
    /* What is on disk was whole before the step that failed. */
    if (err->status == NN_ERR_MEMORY)
        fprintf(stderr,
                "; --resume goes on from the last state and needs less with --precision bf16, as does a new "
                "run with smaller minibatches or a lower --fmap-max");
    if (err->status == NN_ERR_DEVICE && r->training.images)
        fprintf(stderr, "; --resume goes on from the last state");
    fputc('\n', stderr);
    return 1;
}

int tr_train_main(int argc, char **argv)
{
    static struct run r;
    struct nn_error err;
    int exit_status;
    if (tr_train_options_parse(&r.options, argc, argv, &exit_status)) return exit_status;
    tr_interrupt_catch();
    const char *goes_on = "--resume goes on from there";
    nn_status status = start(&r, &err);
    if (status == NN_OK) {
        status = train(&r, &err);
    } else if (status == NN_STOPPED) { /* there is nothing to write: as if the command had not been given */
        nn_fail(&err, NN_STOPPED, "stopped before the training began");
        goes_on = "the same command starts again";
    }
    bool well = status == NN_OK || status == NN_STOPPED;
    exit_status = well ? tr_command_end(argv[0], goes_on, status, &err) : failed(&r, &err);
    tr_training_release(&r.training);
    if (r.device.backend) r.device.backend->close(r.device.backend);
    tr_dataset_close(r.data);
    tr_run_close(&r.folder);
    return exit_status;
}
