/* `roentgym classify train`: a classifier from a data set's training images. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trainer/classify/classify_command.h"
#include "trainer/classify/classify_training.h"
#include "trainer/classify/settings_json.h"
#include "trainer/classify/trained_file.h"
#include "trainer/command_end.h"
#include "trainer/data/dataset.h"
#include "trainer/folder_lock.h"
#include "trainer/given_options.h"
#include "trainer/interrupt.h"
#include "trainer/option_value.h"
#include "trainer/progress.h"
#include "trainer/text_file.h"

static const char usage[] =
    "usage: roentgym classify train --data DIR --out DIR [options]\n"
    "\n"
    "Trains a network to tell a finding on the training images of a data set, and keeps the weights of the "
    "epoch\n"
    "that does so best on a part of them that is left out, by patient. Writes classifier.safetensors, with\n"
    "torchvision's names, and training.json. Ctrl-C stops; the same command goes on after the last whole "
    "epoch.\n"
    "\n"
    "  --data DIR           data set\n"
    "  --out DIR            made if it is not there\n"
    "  --finding LABEL      to be told from all else; default the second of two classes, or the only "
    "finding\n"
    "  --architecture NAME  resnet18 (default), inception_v3 or vgg16\n"
    "  --side N             images are made so large; resnet18 from 32, by default the data's, at most 128; "
    "vgg16\n"
    "                       224; inception_v3 from 75, by default 299\n"
    "  --pretrained FILE    begins with these weights, safetensors with torchvision's names; their last "
    "layer is\n"
    "                       not used; default from scratch\n"
    "  --epochs N           at most, 1..1000; default 10\n"
    "  --patience N         ends after so many epochs without a better AUC; 0: never; default 5\n"
    "  --minibatch N        1..4096; default 32\n"
    "  --step-size X        the largest; default 1e-3, of pretrained networks and vgg16 1e-4\n"
    "  --weight-decay X     default 0.01\n"
    "  --augment            shows images mirrored, moved, scaled, turned, of other contrast by chance\n"
    "  --validation X       share of the training images that is left out, 0.02..0.5; default 0.15\n"
    "  --device NAME        auto (default), cpu or cuda\n"
    "  --seed N             default 1\n"
    "  --help\n";

struct command {
    const char *data, *out, *finding, *device;
    uint64_t side; /* 0: the default */
    double share;
    struct tr_classify_settings settings;
    struct tr_progress progress;
    struct tr_cases train, validation;
    struct nn_device on;
    struct tr_trained trained;
    char key[65];
    int lock; /* of `out`, until the process ends */
    struct nn_error err;
};

/* ---- options ------------------------------------------------------------------------------------------ */

enum option_code {
    DATA,
    OUT,
    FINDING,
    ARCHITECTURE,
    SIDE,
    PRETRAINED,
    EPOCHS,
    PATIENCE,
    MINIBATCH,
    STEP_SIZE,
    WEIGHT_DECAY,
    AUGMENT,
    VALIDATION,
    DEVICE,
    SEED,
    HELP
};

static const struct option options[] = {
    {"data", required_argument, NULL, DATA},
    {"out", required_argument, NULL, OUT},
    {"finding", required_argument, NULL, FINDING},
    {"architecture", required_argument, NULL, ARCHITECTURE},
    {"side", required_argument, NULL, SIDE},
    {"pretrained", required_argument, NULL, PRETRAINED},
    {"epochs", required_argument, NULL, EPOCHS},
    {"patience", required_argument, NULL, PATIENCE},
    {"minibatch", required_argument, NULL, MINIBATCH},
    {"step-size", required_argument, NULL, STEP_SIZE},
    {"weight-decay", required_argument, NULL, WEIGHT_DECAY},
    {"augment", no_argument, NULL, AUGMENT},
    {"validation", required_argument, NULL, VALIDATION},
    {"device", required_argument, NULL, DEVICE},
    {"seed", required_argument, NULL, SEED},
    {"help", no_argument, NULL, HELP},
    {NULL, 0, NULL, 0},
};

static int take_values(struct command *c, const struct tr_given *given)
{
    int architecture = TR_RESNET18, device = 0;
    int status = tr_given_word(given, ARCHITECTURE, tr_architecture_words, &architecture);
    if (!status) status = tr_given_word(given, DEVICE, tr_option_devices, &device);
    if (status) return status;
    c->data = tr_given_text(given, DATA), c->out = tr_given_text(given, OUT);
    c->finding = tr_given_text(given, FINDING);
    c->device = tr_option_devices[device];
    c->share = 0.15;
    struct tr_classify_settings *s = &c->settings;
    const char *pretrained = tr_given_text(given, PRETRAINED);
    *s = tr_classify_defaults((enum tr_architecture)architecture, pretrained != NULL);
    s->pretrained = pretrained;
    s->augment = tr_given_text(given, AUGMENT) != NULL;
    double step_size = (double)s->step_size, weight_decay = (double)s->weight_decay;
    status = tr_given_int(given, EPOCHS, 1, TR_CLASSIFY_EPOCHS_MAX, &s->epochs);
    if (!status) status = tr_given_int(given, PATIENCE, 0, INT_MAX, &s->patience);
    if (!status) status = tr_given_int(given, MINIBATCH, 1, 4096, &s->minibatch);
    if (!status) status = tr_given_number(given, STEP_SIZE, 1e-9, 1, &step_size);
    if (!status) status = tr_given_number(given, WEIGHT_DECAY, 0, 1, &weight_decay);
    if (!status) status = tr_given_whole(given, SIDE, TR_CASES_SIDE_MIN, TR_CASES_SIDE_MAX, &c->side);
    if (!status) status = tr_given_whole(given, SEED, 0, INT64_MAX, &s->seed);
    if (!status) status = tr_given_number(given, VALIDATION, 0.02, 0.5, &c->share);
    s->step_size = (float)step_size;
    s->weight_decay = (float)weight_decay;
    return status;
}

/* 0: go on; otherwise *status is the exit status. */
static int parse(struct command *c, int argc, char **argv, int *status)
{
    struct tr_given given = {.options = options, .usage = usage};
    if (tr_given_read(&given, argc, argv, status)) return 1;
    *status = take_values(c, &given);
    if (!*status && (!c->data || !c->out))
        *status = tr_given_refuse(&given, "--data DIR and --out DIR are needed");
    return *status != 0;
}

/* ---- cases -------------------------------------------------------------------------------------------- */

static bool show_reading(void *context, int done, int total)
{
    struct command *c = context;
    tr_progress_show(&c->progress, done, total);
    return !tr_interrupted();
}

static nn_status choose_side(struct command *c, int *side)
{
    struct tr_dataset *d;
    *side = (int)c->side;
    if (*side) return NN_OK;
    nn_status status = tr_dataset_open(&d, c->data, show_reading, c, &c->err);
    if (status != NN_OK) return status;
    *side = tr_classify_usual_side(c->settings.architecture, tr_dataset_side(d));
    tr_dataset_close(d);
    return NN_OK;
}

static nn_status check_layout(struct command *c, int side)
{
    struct tr_classifier net;
    nn_status status = tr_classifier_init(&net, c->settings.architecture, side, 1, &c->err);
    if (status == NN_OK) tr_classifier_release(&net);
    return status;
}

static nn_status read_cases(struct command *c)
{
    int side;
    tr_progress_start(&c->progress, "images");
    nn_status status = choose_side(c, &side);
    if (status == NN_OK) status = check_layout(c, side);
    tr_progress_start(&c->progress, "images");
    if (status == NN_OK)
        status = tr_cases_read(&c->train, c->data, true, c->finding, side, show_reading, c, &c->err);
    if (status != NN_OK) return status;
    int both = tr_cases_patients_of_both(&c->train);
    status = tr_cases_split(&c->train, c->share, c->settings.seed, &c->validation, &c->err);
    if (status != NN_OK) return status;
    printf("%s, %s: trained on %d images, %d of them with it; validated on %d, %d of them with it\n",
           c->train.source, c->train.finding, c->train.count, tr_cases_positive(&c->train),
           c->validation.count, tr_cases_positive(&c->validation));
    if (both)
        printf("%d patient%s images with and without it, which are kept together\n", both,
               both == 1 ? " has" : "s have");
    return NN_OK;
}

/* ---- work --------------------------------------------------------------------------------------------- */

static bool show_training(void *context, const struct tr_classify_progress *p)
{
    struct command *c = context;
    if (p->epoch_done) {
        printf("%sepoch %d of %d  loss %.4f  validation AUC %.4f%s\n", isatty(STDOUT_FILENO) ? "\r" : "",
               p->epoch, p->epochs, p->loss, p->auc, p->best ? "  best so far" : "");
        fflush(stdout);
    } else {
        tr_progress_show(&c->progress, p->step, p->steps);
    }
    return !tr_interrupted();
}

static void path_in(const struct command *c, const char *name, char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s/%s", c->out, name);
}

static json_t *settings_json(const struct command *c)
{
    json_t *json = tr_classify_settings_json(&c->settings, c->train.side, &c->on);
    if (!json) return NULL;
    json_object_set_new(json, "steps_least", json_integer(c->settings.steps_least));
    json_object_set_new(json, "augment", json_boolean(c->settings.augment));
    json_object_set_new(json, "validation", json_real(c->share));
    return json;
}

static json_t *cases_json(const struct tr_cases *cases)
{
    json_t *files = json_array();
    for (int i = 0; i < cases->count; i++) json_array_append_new(files, json_string(cases->file[i]));
    return json_pack("{s:i,s:i,s:o}", "images", cases->count, "with_finding", tr_cases_positive(cases),
                     "files", files);
}

static nn_status write_json(struct command *c, const char *path)
{
    json_t *history = json_array();
    for (int i = 0; i < c->trained.epochs; i++)
        json_array_append_new(history, json_pack("{s:f,s:f}", "loss", c->trained.history[i].loss,
                                                 "validation_auc", c->trained.history[i].auc));
    json_t *root = json_pack("{s:s,s:{s:s,s:s},s:o,s:o,s:o,s:i,s:f,s:o}", "finding", c->train.finding, "data",
                             "name", c->train.source, "sha256", c->train.sha256, "settings", settings_json(c),
                             "trained_on", cases_json(&c->train), "validated_on", cases_json(&c->validation),
                             "epoch", c->trained.epoch, "validation_auc", c->trained.auc, "history", history);
    return tr_text_file_json(path, root, 8, &c->err);
}

/* Makes and locks the folder; whether the network is there already. */
static nn_status look(struct command *c, const char *path, bool *there)
{
    *there = false;
    if (mkdir(c->out, 0777) != 0 && errno != EEXIST)
        return nn_fail(&c->err, NN_ERR_IO, "%s: %s", c->out, strerror(errno));
    nn_status status = tr_folder_lock(c->out, "training is at work in it", &c->lock, &c->err);
    if (status == NN_OK)
        status = tr_classify_training_key(&c->train, &c->validation, &c->settings, &c->on, c->key, &c->err);
    if (status != NN_OK || access(path, F_OK) != 0) return status;
    status = tr_trained_is_of(path, c->key, there, &c->err);
    if (status != NN_OK || *there) return status;
    return nn_fail(
        &c->err, NN_ERR_ARGUMENT,
        "%s: is of another training (data, settings, pretrained weights or device), and is left as it is",
        path);
}

static nn_status train(struct command *c)
{
    char weights[PATH_MAX], state[PATH_MAX], json[PATH_MAX];
    bool there;
    path_in(c, "classifier.safetensors", weights);
    path_in(c, "state.safetensors", state);
    path_in(c, "training.json", json);
    nn_status status = look(c, weights, &there);
    if (status == NN_OK && there) printf("%s: complete already\n", weights);
    if (status != NN_OK || there) return status;
    tr_progress_start(&c->progress, "steps");
    status = tr_classify_train(&c->trained, &c->train, &c->validation, &c->settings, &c->on, state,
                               show_training, c, &c->err);
    if (status == NN_OK) status = write_json(c, json);
    if (status == NN_OK) status = tr_trained_save(&c->trained, c->key, weights, &c->err);
    if (status != NN_OK) return status;
    unlink(state); /* after a crash before this line the same command finds the network complete */
    printf("%s: validation AUC %.4f in epoch %d of %d\n", weights, c->trained.auc, c->trained.epoch,
           c->trained.epochs);
    return NN_OK;
}

int tr_classify_train_main(int argc, char **argv)
{
    static struct command c; /* its history is large */
    int exit_status = 0;
    if (parse(&c, argc, argv, &exit_status)) return exit_status;
    tr_interrupt_catch();
    nn_status status = read_cases(&c);
    if (status == NN_OK) status = tr_classify_open_device(&c.on, c.device, c.train.side, &c.err);
    if (status == NN_OK && c.on.note[0]) fprintf(stderr, "roentgym classify train: %s\n", c.on.note);
    if (status == NN_OK) status = train(&c);
    if (c.on.backend) c.on.backend->close(c.on.backend);
    tr_trained_release(&c.trained);
    tr_cases_release(&c.train);
    tr_cases_release(&c.validation);
    return tr_command_end(argv[0], "the same command goes on", status, &c.err);
}
