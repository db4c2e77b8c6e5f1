#include "trainer/train/train_options.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trainer/option_value.h"
#include "trainer/train/train_settings.h"

static const char usage[] =
    "usage: roentgym train --data DIR --out RUN [options]\n"
    "       roentgym train --data DIR --out RUN --resume\n"
    "\n"
    "Trains a progressive GAN on the data set in DIR. Into RUN go states (to go on from),\n"
    "generator.safetensors (for roentgymd), metrics.jsonl, and a contact sheet at every tick. Ctrl-C writes\n"
    "a state and stops. A run that no longer learns stops by itself and says why.\n"
    "\n"
    "  --data DIR         data set: labels.csv, dataset.json, images/\n"
    "  --out RUN          folder of the run; made if it is not there\n"
    "  --resume           go on from the newest state in RUN that is whole, with the configuration in it\n"
    "  --keep N           states that stay in RUN: the N newest, and the best; default 3\n"
    "  --grow-from STATE  begin with the networks of a state, or of a run's newest, of lower or the same\n"
    "                     resolution, the same or half, quarter ... of --fmap-base, the same classes\n"
    "  --device NAME      auto (default: the GPU where it works, else the CPU), cpu or cuda\n"
    "  --precision P      bf16 or f32; default bf16 where the device has it; a run keeps it\n"
    "  --name TEXT        name of the model; default the name of the data set; a run keeps it\n"
    "  --help\n"
    "\n"
    "What is trained; the state keeps it, and --resume refuses what contradicts it:\n"
    "\n"
    "  --preset NAME      cpu-small (default): narrow, two cores; gpu-short: 20 minutes of one GPU;\n"
    "                     paper, v2: the official constants, v1-1gpu and v2-1gpu, weeks on one GPU\n"
    "  --resolution N     4, 8, ... 1024; default 64\n"
    "  --labels KIND      what labels.csv has: classes or multi (findings that may be together); or none, "
    "to\n"
    "                     train without them\n"
    "  --levels LIST      side:fade/train in kimg, e.g. 4:0/2,8:1/4,16:2/8; others as in the preset\n"
    "  --minibatch LIST   side:images, e.g. 256:8,512:4, or one number for all\n"
    "  --lr LIST          side:step size of Adam, or one number for all\n"
    "  --tick-kimg X      progress, sheet and state every X thousand images\n"
    "  --seed N           default 1\n"
    "\n"
    "Networks, loss, augmentation, optimiser, average (engine/gan.h, trainer/train/loss.h explain them):\n"
    "\n";

enum {
    DATA,
    OUT,
    RESUME,
    KEEP,
    GROW_FROM,
    DEVICE,
    PRECISION,
    NAME,
    LABELS,
    PRESET, /* from here on what a configuration keeps */
    RESOLUTION,
    LEVELS,
    MINIBATCH,
    LR,
    TICK,
    SEED,
    SETTING /* and what follows: the table of train_settings.h; then --help */
};

static const struct option own_options[SETTING] = {
    {"data", required_argument, NULL, DATA},
    {"out", required_argument, NULL, OUT},
    {"resume", no_argument, NULL, RESUME},
    {"keep", required_argument, NULL, KEEP},
    {"grow-from", required_argument, NULL, GROW_FROM},
    {"device", required_argument, NULL, DEVICE},
    {"precision", required_argument, NULL, PRECISION},
    {"name", required_argument, NULL, NAME},
    {"labels", required_argument, NULL, LABELS},
    {"preset", required_argument, NULL, PRESET},
    {"resolution", required_argument, NULL, RESOLUTION},
    {"levels", required_argument, NULL, LEVELS},
    {"minibatch", required_argument, NULL, MINIBATCH},
    {"lr", required_argument, NULL, LR},
    {"tick-kimg", required_argument, NULL, TICK},
    {"seed", required_argument, NULL, SEED},
};
_Static_assert((int)SETTING + 2 <= (int)TR_TRAIN_OPTIONS_MAX - (int)TR_SETTINGS_MAX,
               "more options than there is room for");

static void list_options(struct option list[TR_TRAIN_OPTIONS_MAX])
{
    int settings = tr_settings_count(), help = SETTING + settings;
    memcpy(list, own_options, sizeof own_options);
    for (int i = 0; i < settings; i++)
        list[SETTING + i] = (struct option){tr_setting_option(i), required_argument, NULL, SETTING + i};
    list[help] = (struct option){"help", no_argument, NULL, help};
    list[help + 1] = (struct option){NULL, 0, NULL, 0};
}

static bool is_name(const char *text)
{
    json_t *name = json_string(text); /* NULL for what is not UTF-8 */
    bool good = name && *text && strlen(text) <= TR_MODEL_NAME_MAX;
    json_decref(name);
    return good;
}

/* What a configuration does not keep. */
static int take_own(struct tr_train_options *o)
{
    static const char *const words[] = {"bf16", "f32", NULL};
    static const enum nn_precision precisions[] = {NN_PRECISION_BF16, NN_PRECISION_F32};
    const struct tr_given *g = &o->given;
    int word = -1;
    o->data = tr_given_text(g, DATA);
    o->out = tr_given_text(g, OUT);
    o->resume = tr_given_text(g, RESUME) != NULL;
    o->grow_from = tr_given_text(g, GROW_FROM);
    o->device = tr_given_or(g, DEVICE, "auto");
    o->name = tr_given_text(g, NAME);
    o->labels = tr_given_text(g, LABELS);
    if (tr_given_int(g, KEEP, 1, 1000, &o->keep) != 0) return 2;
    if (tr_given_word(g, DEVICE, tr_option_devices, &(int){0}) != 0) return 2;
    if (tr_given_word(g, PRECISION, words, &word) != 0) return 2;
    if (word >= 0) o->precision = precisions[word];
    if (o->name && !is_name(o->name)) return tr_given_wrong(g, NAME, "UTF-8 of 1 to 127 bytes");
    if (o->labels && nn_word_index(nn_label_kind_words, o->labels) < 0 && strcmp(o->labels, "none") != 0)
        return tr_given_wrong(g, LABELS, "classes, multi or none");
    if (!o->data || !o->out) return tr_given_refuse(g, "--data DIR and --out RUN are needed");
    if (o->resume && o->grow_from)
        return tr_given_refuse(g, "--grow-from begins a run, --resume goes on with one");
    return 0;
}

static int parse_resolution(const char *text, int *log2)
{
    uint64_t resolution;
    if (tr_option_whole("train", "resolution", text, 4, 1024, &resolution) != 0) return 2;
    *log2 = 2;
    while (1u << *log2 < resolution) ++*log2;
    return 1u << *log2 == resolution ? 0 : tr_option_wrong("train", "resolution", text, "a power of two");
}

static nn_status parse_levels(struct tr_schedule *s, int code, const char *text, struct nn_error *err)
{
    if (code == LEVELS) return tr_schedule_parse(s, text, err);
    if (code == MINIBATCH) return tr_schedule_parse_minibatch(s, text, err);
    return tr_schedule_parse_lr(s, text, err);
}

/* Sets what one option says. When it says nonsense, err has a text unless stderr has it already. */
static nn_status apply(struct tr_train_config *c, int code, const char *text, struct nn_error *err)
{
    int status;
    *err = (struct nn_error){0};
    switch (code) {
    case PRESET:
        snprintf(c->preset, sizeof c->preset, "%s", text);
        return NN_OK;
    case LEVELS:
    case MINIBATCH:
    case LR:
        return parse_levels(&c->schedule, code, text, err);
    case RESOLUTION:
        status = parse_resolution(text, &c->gan.resolution_log2);
        break;
    case TICK:
        status =
            tr_option_number("train", "tick-kimg", text, TR_TICK_KIMG_MIN, TR_TICK_KIMG_MAX, &c->tick_kimg);
        break;
    case SEED:
        status = tr_option_whole("train", "seed", text, 0, INT64_MAX, &c->seed);
        break;
    default:
        status = tr_setting_take(c, code - SETTING, text);
    }
    return status == 0 ? NN_OK : NN_ERR_ARGUMENT;
}

/* Whether the option number `i` of the line is one that a configuration keeps, and the last of its kind. */
static bool holds(const struct tr_given *g, int i)
{
    return g->list[i].code >= PRESET && g->list[i].text == tr_given_text(g, g->list[i].code);
}

/* The preset and what was given beside it. To resume, only the texts are looked at here, in a configuration
 * that has every level: the state's is to come. */
static int build_config(struct tr_train_options *o)
{
    struct nn_error err;
    const struct tr_given *g = &o->given;
    struct tr_train_config *c = &o->config;
    int log2 = NN_RESOLUTION_LOG2_MAX;
    if (!o->resume && parse_resolution(tr_given_or(g, RESOLUTION, "64"), &log2) != 0) return 2;
    nn_status status = tr_train_config_init(c, tr_given_or(g, PRESET, "cpu-small"), log2, &err);
    c->seed = 1;
    if (o->grow_from) c->augment.kimg = 100; /* the published advice for runs that go on from another */
    for (int i = 0; i < g->count && status == NN_OK; i++)
        if (holds(g, i)) status = apply(c, g->list[i].code, g->list[i].text, &err);
    if (status == NN_OK && !o->resume) status = tr_train_config_check(c, &err);
    if (status == NN_OK) return 0;
    if (*err.text) fprintf(stderr, "roentgym train: %s\n", err.text);
    return 2;
}

/* Whether `wanted` says the same as the JSON text `kept`. */
static bool says(const struct tr_train_config *wanted, const char *kept)
{
    char *text = tr_train_config_text(wanted);
    bool same = text && kept && strcmp(text, kept) == 0;
    free(text);
    return same;
}

nn_status tr_train_options_check_resumed(const struct tr_train_options *o,
                                         const struct tr_train_config *state, const char *path,
                                         struct nn_error *err)
{
    const struct tr_given *g = &o->given;
    char *kept = tr_train_config_text(state);
    nn_status status = NN_OK;
    for (int i = 0; i < g->count && status == NN_OK; i++) {
        int code = g->list[i].code;
        const char *text = g->list[i].text;
        struct tr_train_config wanted = *state;
        struct nn_error problem;
        if (!holds(g, i) || (code == PRESET && !*state->preset)) continue; /* the first states have none */
        if (apply(&wanted, code, text, &problem) != NN_OK || !says(&wanted, kept))
            status = nn_fail(err, NN_ERR_ARGUMENT, "--%s %s contradicts the run to go on with, %s",
                             g->options[code].name, text, path);
    }
    free(kept);
    return status;
}

int tr_train_options_parse(struct tr_train_options *o, int argc, char **argv, int *status)
{
    *o = (struct tr_train_options){.keep = 3, .given.options = o->options};
    list_options(o->options);
    if (tr_given_read(&o->given, argc, argv, status)) {
        if (*status != 0) return 1;
        fputs(usage, stdout);
        tr_settings_help(stdout);
        return 1;
    }
    *status = take_own(o);
    if (*status == 0) *status = build_config(o);
    return *status != 0;
}
