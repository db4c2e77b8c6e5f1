#include "trainer/train_options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trainer/option_value.h"
#include "trainer/train_settings.h"

static const char usage[] =
    "usage: roentgym train --data DIR --out RUN [options]\n"
    "       roentgym train --data DIR --out RUN --resume\n"
    "\n"
    "Trains a class-conditional progressive GAN on the data set in DIR. Into RUN go states (to go on\n"
    "from), generator.safetensors (for roentgymd), metrics.jsonl, and a contact sheet at every tick. Ctrl-C\n"
    "writes a state and stops. A run that no longer learns stops by itself and says why.\n"
    "\n"
    "  --data DIR         data set: labels.csv, dataset.json, images/\n"
    "  --out RUN          folder of the run; made if it is not there\n"
    "  --resume           go on from the newest state in RUN that is whole, with the configuration in it\n"
    "  --keep N           states that stay in RUN: the N newest, and the best; default 3\n"
    "  --grow-from STATE  begin with the networks of a state, or of a run's newest, of lower or the same\n"
    "                     resolution, same widths and classes\n"
    "  --preset NAME      cpu-small (default): narrow, for two cores; paper: the official constants\n"
    "  --resolution N     4, 8, ... 1024; default 64\n"
    "  --fmap-base N      channels are min(fmap-base / 2^stage, fmap-max); by the preset\n"
    "  --fmap-max N\n"
    "  --levels LIST      side:fade/train in kimg, e.g. 4:0/2,8:1/4,16:2/8; others as in the preset\n"
    "  --tick-kimg X      progress, sheet and state every X thousand images\n"
    "  --precision P      bf16 or f32; default bf16 where the processor has it\n"
    "  --name TEXT        name of the model; default the name of the data set\n"
    "  --seed N           default 1\n"
    "  --help\n"
    "\n"
    "Loss, augmentation, optimiser and average, kept in the state like the rest (trainer/loss.h has the formulas):\n";

enum option_code {
    DATA = 256,
    OUT,
    RESUME,
    KEEP,
    GROW_FROM,
    PRESET,
    RESOLUTION,
    FMAP_BASE,
    FMAP_MAX,
    LEVELS,
    TICK,
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
    {"fmap-base", required_argument, NULL, FMAP_BASE},
    {"fmap-max", required_argument, NULL, FMAP_MAX},
    {"levels", required_argument, NULL, LEVELS},
    {"tick-kimg", required_argument, NULL, TICK},
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

/* What was given, before the preset that the rest modifies is known. */
struct given {
    const char *preset, *levels, *precision;
    int resolution, fmap_base, fmap_max;
    double tick_kimg;
    uint64_t seed;
    const char *settings[TR_SETTINGS_MAX];
};

static int parse_int(const char *option, const char *text, int low, int high, int *value)
{
    uint64_t number;
    int status = tr_option_whole("train", option, text, (uint64_t)low, (uint64_t)high, &number);
    if (status == 0) *value = (int)number;
    return status;
}

static int parse_tick(const char *text, double *kimg)
{
    char *end;
    *kimg = strtod(text, &end);
    if (end == text || *end || !(*kimg > 0 && *kimg <= 1e6))
        return tr_option_wrong("train", "--tick-kimg", text, "in 0..1e6");
    return 0;
}

static int take(struct tr_train_options *o, struct given *given, int code)
{
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
        return parse_int("--keep", optarg, 1, 1000, &o->keep);
    case PRESET:
        given->preset = optarg;
        return 0;
    case RESOLUTION:
        return parse_int("--resolution", optarg, 4, 1024, &given->resolution);
    case FMAP_BASE:
        return parse_int("--fmap-base", optarg, 1, 1 << 20, &given->fmap_base);
    case FMAP_MAX:
        return parse_int("--fmap-max", optarg, 1, 4096, &given->fmap_max);
    case LEVELS:
        given->levels = optarg;
        return 0;
    case TICK:
        return parse_tick(optarg, &given->tick_kimg);
    case PRECISION:
        given->precision = optarg;
        return 0;
    case NAME:
        o->name = optarg;
        return 0;
    case SEED:
        return tr_option_whole("train", "--seed", optarg, 0, INT64_MAX, &given->seed);
    default:
        if (code < SETTING) return 2; /* getopt has said what was wrong */
        given->settings[code - SETTING] = optarg;
        return 0;
    }
}

static int resolution_log2(int resolution)
{
    int log2 = 2;
    while (log2 < NN_RESOLUTION_LOG2_MAX && 1 << log2 < resolution) log2++;
    return 1 << log2 == resolution ? log2 : 0;
}

static int build_config(struct tr_train_options *o, const struct given *given)
{
    struct nn_error err;
    struct tr_train_config *c = &o->config;
    int log2 = resolution_log2(given->resolution);
    if (!log2) {
        fprintf(stderr, "roentgym train: --resolution %d is not a power of two\n", given->resolution);
        return 2;
    }
    nn_status status = tr_train_config_init(c, given->preset, log2, &err);
    if (given->fmap_base) c->gan.fmap_base = given->fmap_base;
    if (given->fmap_max) c->gan.fmap_max = given->fmap_max;
    if (given->tick_kimg > 0) c->tick_kimg = given->tick_kimg;
    c->seed = given->seed;
    if (o->grow_from) c->augment.kimg = 100; /* the published advice for runs that go on from another */
    for (int i = 0; i < tr_settings_count() && status == NN_OK; i++)
        if (given->settings[i] && tr_setting_take(c, i, given->settings[i]) != 0) return 2;
    if (status == NN_OK && given->levels) status = tr_schedule_parse(&c->schedule, given->levels, &err);
    if (status == NN_OK) status = tr_train_config_check(c, &err);
    if (status == NN_OK) return 0;
    fprintf(stderr, "roentgym train: %s\n", err.text);
    return 2;
}

static int choose_precision(struct tr_train_options *o, const char *text)
{
    o->precision = nn_cpu_has_bf16() ? NN_BF16 : NN_F32;
    if (!text) return 0;
    if (strcmp(text, "bf16") != 0 && strcmp(text, "f32") != 0)
        return tr_option_wrong("train", "--precision", text, "bf16 or f32");
    o->precision = strcmp(text, "f32") == 0 ? NN_F32 : NN_BF16;
    return 0;
}

int tr_train_options_parse(struct tr_train_options *o, int argc, char **argv, int *status)
{
    struct given given = {.preset = "cpu-small", .resolution = 64, .seed = 1};
    struct option list[OWN_COUNT + TR_SETTINGS_MAX + 1];
    int code;
    *o = (struct tr_train_options){.keep = 3};
    list_options(list);
    while ((code = getopt_long(argc, argv, "", list, NULL)) != -1) {
        if (code == HELP) {
            fputs(usage, stdout);
            tr_settings_help(stdout);
            *status = 0;
            return 1;
        }
        if ((*status = take(o, &given, code)) != 0) return 1;
    }
    if (optind < argc || !o->data || !o->out) {
        fputs("roentgym train: --data DIR and --out RUN are needed; see roentgym train --help\n", stderr);
        *status = 2;
        return 1;
    }
    *status = build_config(o, &given);
    if (*status == 0) *status = choose_precision(o, given.precision);
    return *status != 0;
}
