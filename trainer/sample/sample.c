/* `roentgym sample`: the command line around sample_plan and sample_folder. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/file.h"
#include "engine/sample_text.h"
#include "trainer/command_end.h"
#include "trainer/commands.h"
#include "trainer/given_options.h"
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
    MODEL,
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
    HELP
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
    struct tr_given given;
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

/* ---- options ------------------------------------------------------------------------------------ */

static int parse_share(const struct sampling *s, enum choice option, float *value)
{
    double share = 1;
    int status = tr_given_number(&s->given, option, 0, 1, &share);
    *value = (float)share;
    return status;
}

/* "A..B" */
static int parse_range(const struct sampling *s, enum choice option, uint64_t *first, uint64_t *last)
{
    const char *text = tr_given_text(&s->given, option), *dots = strstr(text, "..");
    char from[24] = "";
    if (!dots || (size_t)(dots - text) >= sizeof from)
        return tr_given_wrong(&s->given, option, "two seeds, FIRST..LAST");
    memcpy(from, text, (size_t)(dots - text));
    int status = tr_option_whole("sample", options[option].name, from, 0, UINT64_MAX, first);
    return status ? status : tr_option_whole("sample", options[option].name, dots + 2, 0, UINT64_MAX, last);
}

static int parse_seeds(struct sampling *s)
{
    uint64_t first = 1, count = 8;
    if (tr_given_text(&s->given, STRIP))
        return parse_range(s, STRIP, &s->wish.first_seed, &s->wish.last_seed);
    if (tr_given_text(&s->given, SEEDS)) {
        int status = parse_range(s, SEEDS, &s->wish.first_seed, &s->wish.last_seed);
        if (!status && s->wish.last_seed < s->wish.first_seed)
            return tr_given_wrong(&s->given, SEEDS, "two seeds, FIRST..LAST");
        return status;
    }
    int status = tr_given_whole(&s->given, SEED, 0, UINT64_MAX - TR_SAMPLES_MAX, &first);
    if (!status) status = tr_given_whole(&s->given, COUNT, 1, TR_SAMPLES_MAX, &count);
    s->wish.first_seed = first;
    s->wish.last_seed = first + count - 1;
    return status;
}

/* What says the same thing twice or differently, or needs another option. */
static int check_together(const struct tr_given *g)
{
    static const enum choice never_both[][2] = {
        {CLASS, LABEL}, {CLASS, LIKE}, {CLASS, MORPH}, {LABEL, LIKE},     {LABEL, MORPH},    {LIKE, STRIP},
        {LIKE, MORPH},  {LIKE, SEEDS}, {LIKE, COUNT},  {STRIP, MORPH},    {STRIP, SEEDS},    {STRIP, SEED},
        {STRIP, COUNT}, {SEEDS, SEED}, {SEEDS, COUNT}, {STRENGTH, LABEL}, {STRENGTH, MORPH},
    };
    const char *complaint = NULL;
    char both[80];
    if (!tr_given_text(g, MODEL) || (!tr_given_text(g, OUT) && !tr_given_text(g, SHEET)))
        complaint = "--model FILE and --out DIR or --sheet FILE are needed";
    else if (tr_given_text(g, SPLIT) && !tr_given_text(g, LIKE))
        complaint = "--split goes with --like";
    else if (tr_given_text(g, FRAMES) && !tr_given_text(g, STRIP) && !tr_given_text(g, MORPH))
        complaint = "--frames goes with --strip or --morph";
    for (size_t i = 0; !complaint && i < sizeof never_both / sizeof *never_both; i++) {
        enum choice a = never_both[i][0], b = never_both[i][1];
        if (!tr_given_text(g, a) || !tr_given_text(g, b)) continue;
        snprintf(both, sizeof both, "--%s does not go with --%s", options[a].name, options[b].name);
        complaint = both;
    }
    return complaint ? tr_given_refuse(g, complaint) : 0;
}

static int parse_values(struct sampling *s)
{
    const struct tr_given *g = &s->given;
    struct tr_sample_wish *w = &s->wish;
    s->frames = 8, s->depth = 8;
    w->class_name = tr_given_text(g, CLASS), w->vector = tr_given_text(g, LABEL);
    w->like = tr_given_text(g, LIKE);
    w->split = tr_given_or(g, SPLIT, "train");
    w->morph = tr_given_text(g, MORPH), w->strip = tr_given_text(g, STRIP) != NULL;
    int status = parse_seeds(s);
    if (!status) status = parse_share(s, STRENGTH, &w->strength);
    if (!status) status = parse_share(s, TRUNCATION, &w->truncation);
    if (!status) status = tr_given_whole(g, FRAMES, 2, TR_FRAMES_MAX, &s->frames);
    if (!status) status = tr_given_whole(g, RESOLUTION, 4, 1024, &s->resolution);
    if (!status) status = tr_given_whole(g, DEPTH, 8, 16, &s->depth);
    w->frames = (int)s->frames;
    if (status) return status;
    if (s->depth != 8 && s->depth != 16) return tr_given_wrong(g, DEPTH, "8 or 16");
    if (s->resolution & (s->resolution - 1)) return tr_given_wrong(g, RESOLUTION, "4, 8, 16, ... 1024");
    if (strcmp(w->split, "train") && strcmp(w->split, "test") && strcmp(w->split, "all"))
        return tr_given_wrong(g, SPLIT, "train, test or all");
    const char *name = tr_given_or(g, NAME, "set");
    if (!*name || strlen(name) > 100) return tr_given_wrong(g, NAME, "a text of 1 to 100 bytes");
    return 0;
}

/* 0: go on; otherwise *status is the exit status. */
static int parse(struct sampling *s, int argc, char **argv, int *status)
{
    s->given = (struct tr_given){.options = options, .usage = usage};
    if (tr_given_read(&s->given, argc, argv, status)) return 1;
    *status = check_together(&s->given);
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
    const char *name = tr_given_text(&s->given, NAME);
    if (name) return name;
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
    nn_status status = tr_contact_sheet_check_path(tr_given_text(&s->given, SHEET), &s->err);
    if (status == NN_OK) status = nn_replace_open(&file, tr_given_text(&s->given, SHEET), &s->err);
    if (status == NN_OK) nn_replace_abandon(&file);
    return status;
}

static nn_status prepare(struct sampling *s, struct tr_sample_output *output)
{
    nn_status status = NN_OK;
    if (tr_given_text(&s->given, SHEET)) status = check_sheet_path(s);
    if (status == NN_OK)
        status = nn_model_open(&s->model, tr_given_text(&s->given, MODEL),
                               tr_given_or(&s->given, DEVICE, "auto"), &s->err);
    if (status != NN_OK) return status;
    const struct nn_model_info *info = nn_model_info(s->model);
    int side = s->resolution ? (int)s->resolution : info->resolution;
    if (side > info->resolution)
        return nn_fail(&s->err, NN_ERR_ARGUMENT, "%s: makes images of %d pixels, not %d",
                       tr_given_text(&s->given, MODEL), info->resolution, side);
    *output = (struct tr_sample_output){
        .folder = tr_given_text(&s->given, OUT), .name = name_set(s), .side = side, .depth = (int)s->depth};
    status = tr_sample_plan_init(&s->plan, &s->wish, info, &s->err);
    if (status == NN_OK && tr_given_text(&s->given, SHEET))
        status = tr_contact_sheet_init(&s->sheet, s->plan.tile_count, s->plan.tile_columns, side, &s->err);
    return status;
}

static nn_status save_sheet(struct sampling *s)
{
    struct nn_sample_texts texts;
    nn_sample_texts_init(&texts, nn_model_info(s->model), NULL, NULL, 1, "roentgym " ROENTGYM_VERSION);
    return tr_contact_sheet_save(&s->sheet, tr_given_text(&s->given, SHEET), texts.list, texts.count,
                                 &s->err);
}

static nn_status run(struct sampling *s)
{
    struct tr_sample_output output;
    nn_status status = prepare(s, &output);
    if (status != NN_OK) return status;
    tr_interrupt_catch();
    tr_progress_start(&s->progress, "images");
    status = tr_sample_folder_make(s->model, &s->plan, &output,
                                   tr_given_text(&s->given, SHEET) ? &s->sheet : NULL, show, s, &s->err);
    if (status == NN_OK && tr_given_text(&s->given, SHEET)) status = save_sheet(s);
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
