#include "trainer/neighbours/feature_study.h"

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "trainer/command_end.h"
#include "trainer/data/dataset.h"
#include "trainer/data/image_split.h"
#include "trainer/interrupt.h"
#include "trainer/option_value.h"
#include "trainer/progress.h"

/* ---- options ------------------------------------------------------------------------------------------ */

static int take_architecture(struct tr_feature_study *s, const char *command, const char *text)
{
    int architecture = TR_VGG16;
    int status = tr_option_word(command, "architecture", text, tr_architecture_words, &architecture);
    s->architecture = (enum tr_architecture)architecture;
    return status;
}

static int take_device(struct tr_feature_study *s, const char *command, const char *text)
{
    int device = 0;
    int status = tr_option_word(command, "device", text, tr_option_devices, &device);
    s->device_word = tr_option_devices[device];
    return status;
}

enum { DATA, MODEL, OUT, WEIGHTS, FINDING, ARCHITECTURE, DEVICE, HELP, NUMBERS };
enum { SIDE, EPOCHS, NETWORK_IMAGES, SEED, SHARED };

/* Numbers of all parts, then the part's own. */
static struct tr_study_number *number_at(struct tr_feature_study *s, struct tr_study_number *shared, int i)
{
    return i < SHARED ? &shared[i] : &s->own[i - SHARED];
}

static int take(struct tr_feature_study *s, struct tr_study_number *shared, const char *command, int code)
{
    const char **words[] = {&s->data, &s->model, &s->folder, &s->weights, &s->finding};
    if (code == '?') return 2;
    if (code == ARCHITECTURE) return take_architecture(s, command, optarg);
    if (code == DEVICE) return take_device(s, command, optarg);
    if (code >= NUMBERS) {
        struct tr_study_number *n = number_at(s, shared, code - NUMBERS);
        return tr_option_whole(command, n->name, optarg, n->low, n->high, &n->value);
    }
    *words[code] = optarg;
    return 0;
}

/* 0: go on; otherwise *status is the exit status. */
static int parse(struct tr_feature_study *s, int argc, char **argv, int *status)
{
    struct tr_study_number shared[SHARED] = {[SIDE] = {"side", 32, 1024, 0},
                                             [EPOCHS] = {"epochs", 1, TR_CLASSIFY_EPOCHS_MAX, 5},
                                             [NETWORK_IMAGES] = {"network-images", 0, INT_MAX, 512},
                                             [SEED] = {"seed", 0, INT_MAX, 1}};
    struct option options[NUMBERS + SHARED + TR_STUDY_NUMBERS_MAX + 1] = {
        {"data", required_argument, NULL, DATA},
        {"model", required_argument, NULL, MODEL},
        {"out", required_argument, NULL, OUT},
        {"weights", required_argument, NULL, WEIGHTS},
        {"finding", required_argument, NULL, FINDING},
        {"architecture", required_argument, NULL, ARCHITECTURE},
        {"device", required_argument, NULL, DEVICE},
        {"help", no_argument, NULL, HELP}};
    for (int i = 0; i < SHARED + s->own_count; i++)
        options[NUMBERS + i] =
            (struct option){number_at(s, shared, i)->name, required_argument, NULL, NUMBERS + i};
    char command[64];
    snprintf(command, sizeof command, "evaluate %s", s->part);
    *status = 0;
    s->architecture = TR_VGG16;
    s->device_word = tr_option_devices[0];
    s->lock = -1;
    s->command = tr_part_command(argc, argv); /* before getopt reorders it */
    for (int code; *status == 0 && (code = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (code == HELP) {
            fputs(s->usage, stdout);
            return 1;
        }
        *status = take(s, shared, command, code);
    }
    s->side = shared[SIDE].value;
    s->epochs = shared[EPOCHS].value;
    s->network_images = shared[NETWORK_IMAGES].value;
    s->seed = shared[SEED].value;
    if (*status) return 1;
    if (optind == argc && s->data && s->model && s->folder) return 0;
    fprintf(stderr, "roentgym %s: --data DIR, --model FILE and --out DIR are needed; see --help\n", command);
    *status = 2;
    return 1;
}

/* ---- real images -------------------------------------------------------------------------------------- */

static bool go_on(void *context, int done, int total)
{
    if (context) tr_progress_show(context, done, total);
    return !tr_interrupted();
}

static nn_status choose_side(struct tr_feature_study *s, struct nn_error *err)
{
    struct tr_dataset *dataset;
    nn_status status = tr_dataset_open(&dataset, s->data, go_on, NULL, err);
    if (status != NN_OK) return status;
    if (s->side == 0) s->side = (uint64_t)tr_classify_usual_side(s->architecture, tr_dataset_side(dataset));
    tr_dataset_close(dataset);
    return NN_OK;
}

/* In a random order, so that the first n are a random choice. */
static nn_status read_split(struct tr_feature_study *s, bool train, struct tr_cases *cases,
                            struct nn_error *err)
{
    struct tr_cases all = {0};
    struct tr_progress progress;
    tr_progress_start(&progress, train ? "training images read" : "held-out images read");
    nn_status status = tr_cases_read(&all, s->data, train, s->finding, (int)s->side, go_on, &progress, err);
    if (status != NN_OK) return status;
    int *order = malloc((size_t)all.count * sizeof *order);
    if (order) {
        tr_image_split(s->seed, all.count, order);
        status = tr_cases_select(cases, &all, order, all.count, err);
    } else {
        status = nn_fail(err, NN_ERR_MEMORY, "out of memory for the order of images");
    }
    free(order);
    tr_cases_release(&all);
    return status;
}

static nn_status describe(struct tr_feature_study *s, struct nn_error *err)
{
    struct nn_model *model;
    nn_status status = nn_model_open(&model, s->model, "cpu", err);
    if (status != NN_OK) return status;
    const struct nn_model_info *info = nn_model_info(model);
    snprintf(s->model_name, sizeof s->model_name, "%s", info->name);
    memcpy(s->model_sha256, info->sha256, sizeof s->model_sha256);
    nn_model_close(model);
    s->settings = json_pack("{s:s,s:s,s:i,s:s,s:I,s:s}", "network", tr_architecture_words[s->architecture],
                            "network_sha256", s->network_hash, "side", (int)s->side, "finding",
                            s->train.finding, "seed", (json_int_t)s->seed, "device", s->device.name);
    for (int i = 0; i < s->own_count && s->settings; i++)
        json_object_set_new(s->settings, s->own[i].name, json_integer((json_int_t)s->own[i].value));
    if (s->settings && s->weights)
        json_object_set_new(s->settings, "weights", json_string("given"));
    else if (s->settings)
        json_object_set_new(s->settings, "weights", json_string("trained on the real images"));
    s->data_source = tr_part_source(s->train.source, s->train.sha256);
    s->model_source = tr_part_source(s->model_name, s->model_sha256);
    if (!s->settings || !s->data_source || !s->model_source || !s->command)
        return nn_fail(err, NN_ERR_MEMORY, "out of memory for settings");
    return NN_OK;
}

static nn_status open_device(struct tr_feature_study *s, struct nn_error *err)
{
    nn_status status = tr_classify_open_device(&s->device, s->device_word, (int)s->side, err);
    if (status == NN_OK && s->device.note[0])
        fprintf(stderr, "roentgym evaluate %s: %s\n", s->part, s->device.note);
    return status;
}

/* Then the part is known, and may be done already. */
static nn_status open_study(struct tr_feature_study *s, struct nn_error *err)
{
    nn_status status = tr_part_lock(s->folder, &s->lock, err);
    if (status == NN_OK) status = choose_side(s, err);
    if (status == NN_OK) status = open_device(s, err);
    if (status == NN_OK) status = read_split(s, true, &s->train, err);
    if (status == NN_OK) status = read_split(s, false, &s->test, err);
    if (status != NN_OK) return status;
    s->choice =
        (struct tr_feature_choice){.training = tr_classify_defaults(s->architecture, s->weights != NULL),
                                   .side = (int)s->side,
                                   .images = (int)s->network_images,
                                   .device = &s->device,
                                   .folder = s->folder};
    s->choice.training.epochs = (int)s->epochs;
    s->choice.training.seed = s->seed;
    s->choice.training.pretrained = s->weights;
    status = tr_feature_network_hash(&s->choice, &s->train, s->network_hash, err);
    return status == NN_OK ? describe(s, err) : status;
}

struct tr_part tr_feature_study_part(const struct tr_feature_study *s)
{
    return (struct tr_part){.name = s->part,
                            .folder = s->folder,
                            .command = s->command,
                            .settings = s->settings,
                            .data = s->data_source,
                            .model = s->model_source};
}

nn_status tr_feature_study_network(struct tr_feature_study *s, struct nn_error *err)
{
    return tr_feature_network_open(&s->network, &s->choice, &s->train, s->network_hash, err);
}

nn_status tr_feature_study_draw(const struct tr_feature_study *s, const struct tr_cases *like, int count,
                                uint64_t first_seed, struct tr_cases *samples, struct nn_error *err)
{
    struct tr_progress progress;
    tr_progress_start(&progress, "samples drawn");
    nn_status status = tr_cases_draw(samples, s->model, s->device_word, like, count, first_seed, (int)s->side,
                                     go_on, &progress, err);
    if (status == NN_OK) status = tr_cases_check_drawn(samples, s->model_sha256, s->model, err);
    if (status != NN_OK) tr_cases_release(samples);
    return status;
}

/* ---- the command -------------------------------------------------------------------------------------- */

static void close_study(struct tr_feature_study *s)
{
    tr_feature_network_close(&s->network);
    if (s->device.backend) s->device.backend->close(s->device.backend);
    if (s->lock >= 0) close(s->lock);
    tr_cases_release(&s->train);
    tr_cases_release(&s->test);
    json_decref(s->settings);
    json_decref(s->data_source);
    json_decref(s->model_source);
    free(s->command);
}

static nn_status do_part(struct tr_feature_study *s, tr_feature_work *work, void *context,
                         struct nn_error *err)
{
    nn_status status = open_study(s, err);
    if (status != NN_OK) return status;
    const struct tr_part part = tr_feature_study_part(s);
    if (!tr_part_is_done(&part)) return work(context, err);
    printf("%s/%s.json is there already\n", s->folder, s->part);
    return NN_OK;
}

int tr_feature_study_run(struct tr_feature_study *s, int argc, char **argv, tr_feature_work *work,
                         void *context)
{
    struct nn_error err;
    int exit_status = 0;
    if (parse(s, argc, argv, &exit_status)) {
        close_study(s);
        return exit_status;
    }
    tr_interrupt_catch();
    nn_status status = do_part(s, work, context, &err);
    close_study(s);
    return tr_command_end(argv[0], "the same command goes on", status, &err);
}

/* ---- names -------------------------------------------------------------------------------------------- */

void tr_case_name(const struct tr_cases *cases, int i, char *name, size_t size)
{
    if (!cases->file[i]) {
        snprintf(name, size, "seed %llu", (unsigned long long)cases->seed[i]);
        return;
    }
    const char *slash = strrchr(cases->file[i], '/'), *from = slash ? slash + 1 : cases->file[i];
    const char *dot = strrchr(from, '.');
    snprintf(name, size, "%.*s", dot ? (int)(dot - from) : (int)strlen(from), from);
}
