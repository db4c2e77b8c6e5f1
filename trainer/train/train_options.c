#include "trainer/train/train_options.h"

#include <getopt.h>
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
    "                     resolution, same widths and classes\n"
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

enum option_code {
    DATA = 256,
    OUT,
    RESUME,
    KEEP,
    GROW_FROM,
    PRESET,
    RESOLUTION,
    LABELS,
    LEVELS,
    MINIBATCH,
    LR,
    TICK,
    DEVICE,
    PRECISION,
    NAME,
    SEED,
    HELP,
    SETTING = 1000 /* and the numbers after it: the table of train_settings.h */
};

static const struct option own_options[] = {
    {"data", required_argument, NULL, DATA},
    {"out", required_argument, NULL, OUT},
    {"resume", no_argument, NULL, RESUME},
    {"keep", required_argument, NULL, KEEP},
    {"grow-from", required_argument, NULL, GROW_FROM},
    {"preset", required_argument, NULL, PRESET},
    {"resolution", required_argument, NULL, RESOLUTION},
    {"labels", required_argument, NULL, LABELS},
    {"levels", required_argument, NULL, LEVELS},
    {"minibatch", required_argument, NULL, MINIBATCH},
    {"lr", required_argument, NULL, LR},
    {"tick-kimg", required_argument, NULL, TICK},
    {"device", required_argument, NULL, DEVICE},
    {"precision", required_argument, NULL, PRECISION},
    {"name", required_argument, NULL, NAME},
    {"seed", required_argument, NULL, SEED},
    {"help", no_argument, NULL, HELP},
};

enum { OWN_COUNT = sizeof own_options / sizeof *own_options };

static void list_options(struct option list[OWN_COUNT + TR_SETTINGS_MAX + 1])
{
    int settings = tr_settings_count();
    memcpy(list, own_options, sizeof own_options);
    for (int i = 0; i < settings; i++)
        list[OWN_COUNT + i] = (struct option){tr_setting_option(i), required_argument, NULL, SETTING + i};
    list[OWN_COUNT + settings] = (struct option){NULL, 0, NULL, 0};
}

/* The option's name without the dashes. */
static const char *option_name(int code)
{
    if (code >= SETTING) return tr_setting_option(code - SETTING);
    for (int i = 0; i < OWN_COUNT; i++)
        if (own_options[i].val == code) return own_options[i].name;
    return "?";
}

/* Notes an option of the configuration: of the same one twice, the last holds. */
static int note(struct tr_train_options *o, int code, const char *text)
{
    int i = 0;
    while (i < o->given_count && o->given[i].code != code) i++;
    if (i == (int)(sizeof o->given / sizeof *o->given)) {
        fprintf(stderr, "roentgym train: more than %d options\n", i);
        return 2;
    }
    o->given[i] = (struct tr_given_option){code, text};
    if (i == o->given_count) o->given_count++;
    return 0;
}

static bool is_name(const char *text)
{
    json_t *name = json_string(text); /* NULL for what is not UTF-8 */
    bool good = name && *text && strlen(text) <= TR_MODEL_NAME_MAX;
    json_decref(name);
    return good;
}

static int take(struct tr_train_options *o, const char **precision, int code)
{
    uint64_t number;
    switch (code) {
    case DATA:
        o->data = optarg;
        return 0;
    case OUT:
        o->out = optarg;
        return 0;
    case GROW_FROM:
        o->grow_from = optarg;
        return 0;
    case RESUME:
        o->resume = true;
        return 0;
    case KEEP:
        if (tr_option_whole("train", "keep", optarg, 1, 1000, &number) != 0) return 2;
        o->keep = (int)number;
        return 0;
    case DEVICE:
        o->device = optarg;
        return tr_option_word("train", "device", optarg, tr_option_devices, &(int){0});
    case LABELS:
        o->labels = optarg;
        if (nn_word_index(nn_label_kind_words, optarg) >= 0 || strcmp(optarg, "none") == 0) return 0;
        return tr_option_wrong("train", "labels", optarg, "classes, multi or none");
    case PRECISION:
        *precision = optarg;
        return 0;
    case NAME:
        o->name = optarg;
        return is_name(optarg) ? 0 : tr_option_wrong("train", "name", optarg, "UTF-8 of 1 to 127 bytes");
    case '?': /* getopt has said what was wrong */
        return 2;
    default:
        return note(o, code, optarg);
    }
}

static int parse_resolution(const char *text, int *log2)
{
    uint64_t resolution;
    if (tr_option_whole("train", "resolution", text, 4, 1024, &resolution) != 0) return 2;
    *log2 = 2;
    while (1u << *log2 < resolution) ++*log2;
    return 1u << *log2 == resolution ? 0 : tr_option_wrong("train", "resolution", text, "a power of two");
}

static nn_status parse_levels(struct tr_schedule *s, const struct tr_given_option *given,
                              struct nn_error *err)
{
    if (given->code == LEVELS) return tr_schedule_parse(s, given->text, err);
    if (given->code == MINIBATCH) return tr_schedule_parse_minibatch(s, given->text, err);
    return tr_schedule_parse_lr(s, given->text, err);
}

/* Sets what one option says. When it says nonsense, err has a text unless stderr has it already. */
static nn_status apply(struct tr_train_config *c, const struct tr_given_option *given, struct nn_error *err)
{
    int status;
    *err = (struct nn_error){0};
    switch (given->code) {
    case PRESET:
        snprintf(c->preset, sizeof c->preset, "%s", given->text);
        return NN_OK;
    case LEVELS:
    case MINIBATCH:
    case LR:
        return parse_levels(&c->schedule, given, err);
    case RESOLUTION:
        status = parse_resolution(given->text, &c->gan.resolution_log2);
        break;
    case TICK:
        status = tr_option_number("train", "tick-kimg", given->text, TR_TICK_KIMG_MIN, TR_TICK_KIMG_MAX,
                                  &c->tick_kimg);
        break;
    case SEED:
        status = tr_option_whole("train", "seed", given->text, 0, INT64_MAX, &c->seed);
        break;
    default:
        status = tr_setting_take(c, given->code - SETTING, given->text);
    }
    return status == 0 ? NN_OK : NN_ERR_ARGUMENT;
}

/* What the option says, or `otherwise`. */
static const char *given_text(const struct tr_train_options *o, int code, const char *otherwise)
{
    for (int i = 0; i < o->given_count; i++)
        if (o->given[i].code == code) return o->given[i].text;
    return otherwise;
}

/* The preset and what was given beside it. To resume, only the texts are looked at here, in a configuration
 * that has every level: the state's is to come. */
static int build_config(struct tr_train_options *o)
{
    struct nn_error err;
    struct tr_train_config *c = &o->config;
    int log2 = NN_RESOLUTION_LOG2_MAX;
    if (!o->resume && parse_resolution(given_text(o, RESOLUTION, "64"), &log2) != 0) return 2;
    nn_status status = tr_train_config_init(c, given_text(o, PRESET, "cpu-small"), log2, &err);
    c->seed = 1;
    if (o->grow_from) c->augment.kimg = 100; /* the published advice for runs that go on from another */
    for (int i = 0; i < o->given_count && status == NN_OK; i++) status = apply(c, &o->given[i], &err);
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
    char *kept = tr_train_config_text(state);
    nn_status status = NN_OK;
    for (int i = 0; i < o->given_count && status == NN_OK; i++) {
        const struct tr_given_option *given = &o->given[i];
        struct tr_train_config wanted = *state;
        struct nn_error problem;
        if (given->code == PRESET && !*state->preset) continue; /* the first states do not say */
        if (apply(&wanted, given, &problem) != NN_OK || !says(&wanted, kept))
            status = nn_fail(err, NN_ERR_ARGUMENT, "--%s %s contradicts the run to go on with, %s",
                             option_name(given->code), given->text, path);
    }
    free(kept);
    return status;
}

static int choose_precision(struct tr_train_options *o, const char *text)
{
    o->precision = NN_PRECISION_BEST;
    if (!text) return 0;
    if (strcmp(text, "bf16") != 0 && strcmp(text, "f32") != 0)
        return tr_option_wrong("train", "precision", text, "bf16 or f32");
    o->precision = strcmp(text, "f32") == 0 ? NN_PRECISION_F32 : NN_PRECISION_BF16;
    return 0;
}

int tr_train_options_parse(struct tr_train_options *o, int argc, char **argv, int *status)
{
    const char *precision = NULL;
    struct option list[OWN_COUNT + TR_SETTINGS_MAX + 1];
    int code;
    *o = (struct tr_train_options){.keep = 3, .device = "auto"};
    list_options(list);
    while ((code = getopt_long(argc, argv, "", list, NULL)) != -1) {
        if (code == HELP) {
            fputs(usage, stdout);
            tr_settings_help(stdout);
            *status = 0;
            return 1;
        }
        if ((*status = take(o, &precision, code)) != 0) return 1;
    }
    if (optind < argc || !o->data || !o->out) {
        fputs("roentgym train: --data DIR and --out RUN are needed; see roentgym train --help\n", stderr);
        *status = 2;
        return 1;
    }
    if (o->resume && o->grow_from) {
        fputs("roentgym train: --grow-from begins a run, --resume goes on with one\n", stderr);
        *status = 2;
        return 1;
    }
    *status = build_config(o);
    if (*status == 0) *status = choose_precision(o, precision);
    return *status != 0;
}
