/* `roentgym sample`: the command line around sample_plan and sample_folder. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/file.h"
#include "engine/sample_text.h"
#include "trainer/command_end.h"
#include "trainer/commands.h"
#include "trainer/interrupt.h"
#include "trainer/option_value.h"
#include "trainer/progress.h"
#include "trainer/sample/sample_folder.h"

static const char usage[] =
    "usage: roentgym sample --model FILE [--out DIR] [--sheet FILE] [options]\n"
    "\n"
    "Makes images with a trained generator: a data set that `roentgym train` reads (images/, labels.csv,\n"
    "dataset.json) in DIR, a contact sheet, or both. Files say in their text chunks that they are "
    "synthetic,\n"
    "and by which model, seed and label they were made. Ctrl-C stops; the same command goes on, and what is\n"
    "there and whole is not made again.\n"
    "\n"
    "  --model FILE       generator.safetensors of a run, or deploy/models/default.safetensors\n"
    "  --out DIR          folder of the data set; made if it is not there\n"
    "  --sheet FILE       contact sheet (PNG): rows of classes with the same seeds, or of frames\n"
    "\n"
    "What to make: every class with each seed, or\n"
    "  --class NAME       one class only\n"
    "  --label X,Y,...    one label vector, a number in 0..1 for each label of the model\n"
    "  --like DATASET     as many of each class as the training split of this data set has\n"
    "  --split NAME       of DATASET: train, test, or all with the same splits; default train\n"
    "  --strip A..B       frames from seed A to seed B, of each class, --class or --label\n"
    "  --morph A..B       frames from class A to class B, of each seed\n"
    "\n"
    "  --seeds A..B       first and last seed\n"
    "  --seed N           first seed; default 1\n"
    "  --count N          so many seeds from there, 1..1000000; default 8\n"
    "  --frames N         of a strip or morph, 2..256; default 8\n"
    "  --strength X       0..1: how much of the class; default 1\n"
    "  --truncation X     0..1: how much variety; default 1\n"
    "  --resolution N     side in pixels, 4, 8, ... the model's, which is the default: means of boxes\n"
    "  --depth N          8 or 16 bits; default 8\n"
    "  --name TEXT        of the data set, up to 100 bytes; default the model's and \"samples\"\n"
    "  --device NAME      auto, cpu or cuda; default auto\n"
    "  --help\n";

enum choice {
    MODEL = 256,
    OUT,
    SHEET,
    CLASS,
    LABEL,
    LIKE,
    SPLIT,
    STRIP,
    MORPH,
    SEEDS,
    SEED,
    COUNT,
    FRAMES,
    STRENGTH,
    TRUNCATION,
    RESOLUTION,
    DEPTH,
    NAME,
    DEVICE,
    HELP,
    OPTION_END
};

static const struct option options[] = {
    {"model", required_argument, NULL, MODEL},
    {"out", required_argument, NULL, OUT},
    {"sheet", required_argument, NULL, SHEET},
    {"class", required_argument, NULL, CLASS},
    {"label", required_argument, NULL, LABEL},
    {"like", required_argument, NULL, LIKE},
    {"split", required_argument, NULL, SPLIT},
    {"strip", required_argument, NULL, STRIP},
    {"morph", required_argument, NULL, MORPH},
    {"seeds", required_argument, NULL, SEEDS},
    {"seed", required_argument, NULL, SEED},
    {"count", required_argument, NULL, COUNT},
    {"frames", required_argument, NULL, FRAMES},
    {"strength", required_argument, NULL, STRENGTH},
    {"truncation", required_argument, NULL, TRUNCATION},
    {"resolution", required_argument, NULL, RESOLUTION},
    {"depth", required_argument, NULL, DEPTH},
    {"name", required_argument, NULL, NAME},
    {"device", required_argument, NULL, DEVICE},
    {"help", no_argument, NULL, HELP},
    {NULL, 0, NULL, 0},
};

struct sampling {
    const char *given[OPTION_END - MODEL]; /* the last value of each option, NULL without */
    struct tr_sample_wish wish;
    uint64_t frames, resolution, depth; /* resolution 0: the model's */
    struct nn_model *model;
    const struct nn_model_info *noted; /* whose note of the device was shown */
    struct tr_sample_plan plan;
    struct tr_contact_sheet sheet;
    struct tr_progress progress;
    char default_name[128 + 16];
    struct nn_error err;
};

static const char *value_of(const struct sampling *s, enum choice option)
{
    return s->given[option - MODEL];
}

/* ---- options ------------------------------------------------------------------------------------ */

static const char *name_of(enum choice option)
{
    return options[option - MODEL].name;
}

static int parse_share(const struct sampling *s, enum choice option, float *value)
{
    double share = 1;
    const char *text = value_of(s, option);
    int status = text ? tr_option_number("sample", name_of(option), text, 0, 1, &share) : 0;
    *value = (float)share;
    return status;
}

static int parse_whole(const struct sampling *s, enum choice option, uint64_t low, uint64_t high,
                       uint64_t *value)
{
    const char *text = value_of(s, option);
    return text ? tr_option_whole("sample", name_of(option), text, low, high, value) : 0;
}

/* "A..B" */
static int parse_range(const struct sampling *s, enum choice option, uint64_t *first, uint64_t *last)
{
    const char *text = value_of(s, option), *dots = strstr(text, "..");
    char from[24] = "";
    if (!dots || (size_t)(dots - text) >= sizeof from)
        return tr_option_wrong("sample", name_of(option), text, "two seeds, FIRST..LAST");
    memcpy(from, text, (size_t)(dots - text));
    int status = tr_option_whole("sample", name_of(option), from, 0, UINT64_MAX, first);
    return status ? status : tr_option_whole("sample", name_of(option), dots + 2, 0, UINT64_MAX, last);
}

static int parse_seeds(struct sampling *s)
{
    uint64_t first = 1, count = 8;
    if (value_of(s, STRIP)) return parse_range(s, STRIP, &s->wish.first_seed, &s->wish.last_seed);
    if (value_of(s, SEEDS)) {
        int status = parse_range(s, SEEDS, &s->wish.first_seed, &s->wish.last_seed);
        if (!status && s->wish.last_seed < s->wish.first_seed)
            return tr_option_wrong("sample", "seeds", value_of(s, SEEDS), "two seeds, FIRST..LAST");
        return status;
    }
    int status = parse_whole(s, SEED, 0, UINT64_MAX - TR_SAMPLES_MAX, &first);
    if (!status) status = parse_whole(s, COUNT, 1, TR_SAMPLES_MAX, &count);
    s->wish.first_seed = first;
    s->wish.last_seed = first + count - 1;
    return status;
}

/* What says the same thing twice or differently, or needs another option. */
static int check_together(const struct sampling *s)
{
    static const enum choice never_both[][2] = {
        {CLASS, LABEL}, {CLASS, LIKE}, {CLASS, MORPH}, {LABEL, LIKE},     {LABEL, MORPH},    {LIKE, STRIP},
        {LIKE, MORPH},  {LIKE, SEEDS}, {LIKE, COUNT},  {STRIP, MORPH},    {STRIP, SEEDS},    {STRIP, SEED},
        {STRIP, COUNT}, {SEEDS, SEED}, {SEEDS, COUNT}, {STRENGTH, LABEL}, {STRENGTH, MORPH},
    };
    const char *complaint = NULL;
    if (!value_of(s, MODEL) || (!value_of(s, OUT) && !value_of(s, SHEET)))
        complaint = "--model FILE and --out DIR or --sheet FILE are needed";
    else if (value_of(s, SPLIT) && !value_of(s, LIKE))
        complaint = "--split goes with --like";
    else if (value_of(s, FRAMES) && !value_of(s, STRIP) && !value_of(s, MORPH))
        complaint = "--frames goes with --strip or --morph";
    for (size_t i = 0; !complaint && i < sizeof never_both / sizeof *never_both; i++) {
        enum choice a = never_both[i][0], b = never_both[i][1];
        if (!value_of(s, a) || !value_of(s, b)) continue;
        fprintf(stderr, "roentgym sample: --%s does not go with --%s; see roentgym sample --help\n",
                name_of(a), name_of(b));
        return 2;
    }
    if (!complaint) return 0;
    fprintf(stderr, "roentgym sample: %s; see roentgym sample --help\n", complaint);
    return 2;
}

static int parse_values(struct sampling *s)
{
    struct tr_sample_wish *w = &s->wish;
    s->frames = 8, s->depth = 8;
    w->class_name = value_of(s, CLASS), w->vector = value_of(s, LABEL);
    w->like = value_of(s, LIKE), w->split = value_of(s, SPLIT) ? value_of(s, SPLIT) : "train";
    w->morph = value_of(s, MORPH), w->strip = value_of(s, STRIP) != NULL;
    int status = parse_seeds(s);
    if (!status) status = parse_share(s, STRENGTH, &w->strength);
    if (!status) status = parse_share(s, TRUNCATION, &w->truncation);
    if (!status) status = parse_whole(s, FRAMES, 2, TR_FRAMES_MAX, &s->frames);
    if (!status) status = parse_whole(s, RESOLUTION, 4, 1024, &s->resolution);
    if (!status) status = parse_whole(s, DEPTH, 8, 16, &s->depth);
    w->frames = (int)s->frames;
    if (status) return status;
    if (s->depth != 8 && s->depth != 16)
        return tr_option_wrong("sample", "depth", value_of(s, DEPTH), "8 or 16");
    if (s->resolution & (s->resolution - 1))
        return tr_option_wrong("sample", "resolution", value_of(s, RESOLUTION), "4, 8, 16, ... 1024");
    if (strcmp(w->split, "train") && strcmp(w->split, "test") && strcmp(w->split, "all"))
        return tr_option_wrong("sample", "split", w->split, "train, test or all");
    if (value_of(s, NAME) && (!*value_of(s, NAME) || strlen(value_of(s, NAME)) > 100))
        return tr_option_wrong("sample", "name", value_of(s, NAME), "a text of 1 to 100 bytes");
    return 0;
}

/* 0: go on; otherwise *status is the exit status. */
static int parse(struct sampling *s, int argc, char **argv, int *status)
{
    int code;
    *status = 0;
    while ((code = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (code == HELP) fputs(usage, stdout);
        if (code == '?') *status = 2;
        if (code == HELP || code == '?') return 1;
        s->given[code - MODEL] = optarg;
    }
    if (optind < argc) {
        fprintf(stderr, "roentgym sample: '%s' is not an option; see roentgym sample --help\n", argv[optind]);
        *status = 2;
        return 1;
    }
    *status = check_together(s);
    if (!*status) *status = parse_values(s);
    return *status != 0;
}

/* ---- work --------------------------------------------------------------------------------------- */

static bool show(void *context, int done, int total)
{
    struct sampling *s = context;
    const struct nn_model_info *info = nn_model_info(s->model);
    if (info->device_note[0] && info != s->noted) fprintf(stderr, "roentgym sample: %s\n", info->device_note);
    s->noted = info; /* there is another one after a GPU has failed */
    tr_progress_show(&s->progress, done, total);
    return !tr_interrupted();
}

/* The model's name and "samples", within what a data set's name may have. */
static const char *name_set(struct sampling *s)
{
    if (value_of(s, NAME)) return value_of(s, NAME);
    const char *model = nn_model_info(s->model)->name;
    int length = (int)strlen(model);
    if (length > 92) length = 92;
    while (length > 0 && ((unsigned char)model[length] & 0xC0) == 0x80) length--; /* whole characters */
    snprintf(s->default_name, sizeof s->default_name, "%.*s samples", length, model);
    return s->default_name;
}

/* Before hours of work, not after. */
static nn_status check_sheet_path(struct sampling *s)
{
    struct nn_replace file;
    nn_status status = tr_contact_sheet_check_path(value_of(s, SHEET), &s->err);
    if (status == NN_OK) status = nn_replace_open(&file, value_of(s, SHEET), &s->err);
    if (status == NN_OK) nn_replace_abandon(&file);
    return status;
}

static nn_status prepare(struct sampling *s, struct tr_sample_output *output)
{
    nn_status status = NN_OK;
    if (value_of(s, SHEET)) status = check_sheet_path(s);
    if (status == NN_OK)
        status = nn_model_open(&s->model, value_of(s, MODEL),
                               value_of(s, DEVICE) ? value_of(s, DEVICE) : "auto", &s->err);
    if (status != NN_OK) return status;
    const struct nn_model_info *info = nn_model_info(s->model);
    int side = s->resolution ? (int)s->resolution : info->resolution;
    if (side > info->resolution)
        return nn_fail(&s->err, NN_ERR_ARGUMENT, "%s: makes images of %d pixels, not %d", value_of(s, MODEL),
                       info->resolution, side);
    *output = (struct tr_sample_output){
        .folder = value_of(s, OUT), .name = name_set(s), .side = side, .depth = (int)s->depth};
    status = tr_sample_plan_init(&s->plan, &s->wish, info, &s->err);
    if (status == NN_OK && value_of(s, SHEET))
        status = tr_contact_sheet_init(&s->sheet, s->plan.tile_count, s->plan.tile_columns, side, &s->err);
    return status;
}

static nn_status save_sheet(struct sampling *s)
{
    struct nn_sample_texts texts;
    nn_sample_texts_init(&texts, nn_model_info(s->model), NULL, NULL, 1, "roentgym " ROENTGYM_VERSION);
    return tr_contact_sheet_save(&s->sheet, value_of(s, SHEET), texts.list, texts.count, &s->err);
}

static nn_status run(struct sampling *s)
{
    struct tr_sample_output output;
    nn_status status = prepare(s, &output);
    if (status != NN_OK) return status;
    tr_interrupt_catch();
    tr_progress_start(&s->progress, "images");
    status = tr_sample_folder_make(s->model, &s->plan, &output, value_of(s, SHEET) ? &s->sheet : NULL, show,
                                   s, &s->err);
    if (status == NN_OK && value_of(s, SHEET)) status = save_sheet(s);
    if (status == NN_OK && s->progress.first < 0) printf("%s: complete already\n", output.folder);
    return status;
}

int tr_sample_main(int argc, char **argv)
{
    struct sampling s = {.model = NULL};
    int exit_status;
    if (parse(&s, argc, argv, &exit_status)) return exit_status;
    nn_status status = run(&s);
    tr_contact_sheet_release(&s.sheet);
    tr_sample_plan_release(&s.plan);
    nn_model_close(s.model);
    return tr_command_end(argv[0], "the same command goes on", status, &s.err);
}
