/* `roentgym evaluate all`: the parts one after another, and one report of what there is. */
#include <getopt.h>
#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "trainer/command_end.h"
#include "trainer/data/dataset.h"
#include "trainer/evaluate/evaluation_report.h"
#include "trainer/evaluate/part_runners.h"
#include "trainer/folder_lock.h"
#include "trainer/interrupt.h"
#include "trainer/option_value.h"
#include "trainer/parts/part_file.h"
#include "trainer/parts/part_warnings.h"
#include "trainer/parts/parts.h"
#include "trainer/progress.h"

enum { WORDS_MAX = 40 };

static const char usage[] =
    "usage: roentgym evaluate all --data DIR --model FILE --out DIR [options]\n"
    "\n"
    "Runs the parts of roentgym evaluate one after another and writes DIR/report.html, one page that needs "
    "no\n"
    "other file, and DIR/card.md, the figures for a model card with the commands that make them. Before it\n"
    "begins it says how long each part will take. A part that DIR has already, of the same data and model, "
    "is\n"
    "kept, however it was made: to have one at another size run it by itself into DIR first, and to have "
    "one\n"
    "anew remove its DIR/PART.json. Ctrl-C stops; the same command goes on.\n"
    "\n"
    "  --data DIR         a data set with a training and a test split\n"
    "  --model FILE       the generator that was trained on its training split\n"
    "  --out DIR          for all results\n"
    "  --parts LIST       of labels, table1, low-data, boundary, neighbours, tsne, swd; default all\n"
    "  --quick            for a look on a small machine: small images, few epochs, one seed, few samples\n"
    "  --finding NAME     the class to tell from all else; default the second of two\n"
    "  --side N           pixels of the images that classifiers see; default 128, or the data's if smaller\n"
    "  --epochs N         of training a classifier\n"
    "  --seeds N          classifiers of each kind; default 3\n"
    "  --seed N           of everything but the samples of labels; default 1\n"
    "  --device NAME      auto (default), cpu or cuda\n"
    "  --help\n";

/* Behind those that it hands on. */
enum option_code { DATA = TR_PASSED, MODEL, OUT, PARTS, QUICK, HELP };

static const struct option options[] = {
    {"finding", required_argument, NULL, TR_FINDING},
    {"side", required_argument, NULL, TR_SIDE},
    {"epochs", required_argument, NULL, TR_EPOCHS},
    {"seeds", required_argument, NULL, TR_SEEDS},
    {"seed", required_argument, NULL, TR_SEED},
    {"device", required_argument, NULL, TR_DEVICE},
    {"data", required_argument, NULL, DATA},
    {"model", required_argument, NULL, MODEL},
    {"out", required_argument, NULL, OUT},
    {"parts", required_argument, NULL, PARTS},
    {"quick", no_argument, NULL, QUICK},
    {"help", no_argument, NULL, HELP},
    {NULL, 0, NULL, 0},
};

struct all {
    const char *data, *model, *folder;
    const char *passed[TR_PASSED];                       /* as given, or NULL */
    bool quick, wanted[TR_SECTIONS], there[TR_SECTIONS]; /* by part */
    struct tr_part_size size;
    char data_name[128], data_sha256[65], model_name[128], model_sha256[65];
    bool simulated_data, simulated_model;
    const char *warning; /* of all figures, or NULL */
};

/* ---- options ------------------------------------------------------------------------------------ */

static int take_parts(struct all *a, const char *list)
{
    memset(a->wanted, 0, sizeof a->wanted);
    for (const char *at = list; *at;) {
        size_t length = strcspn(at, ",");
        int k = 0;
        while (k < TR_SECTIONS &&
               (strlen(tr_sections[k].part) != length || memcmp(tr_sections[k].part, at, length) != 0))
            k++;
        if (k == TR_SECTIONS)
            return tr_option_wrong("evaluate all", "parts", list,
                                   "a list of labels, table1, low-data, boundary, neighbours, tsne, swd");
        a->wanted[k] = true;
        at += length + (at[length] == ',');
    }
    return 0;
}

/* Numbers are looked at now, as they would else be refused after hours. */
static int check_numbers(const struct all *a)
{
    static const struct {
        enum tr_passed option;
        uint64_t low, high;
    } numbers[] = {{TR_SIDE, 32, TR_CASES_SIDE_MAX},
                   {TR_EPOCHS, 1, TR_CLASSIFY_EPOCHS_MAX},
                   {TR_SEEDS, 1, 32},
                   {TR_SEED, 0, INT32_MAX}};
    int status = 0;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers && !status; i++) {
        uint64_t value;
        const char *text = a->passed[numbers[i].option];
        if (text)
            status = tr_option_whole("evaluate all", tr_passed_names[numbers[i].option], text, numbers[i].low,
                                     numbers[i].high, &value);
    }
    const char *device = a->passed[TR_DEVICE];
    return status || !device ? status
                             : tr_option_word("evaluate all", "device", device, tr_option_devices, &(int){0});
}

/* 0: go on; otherwise *status is the exit status. */
static int parse(struct all *a, int argc, char **argv, int *status)
{
    int code;
    *status = 0;
    for (int k = 0; k < TR_SECTIONS; k++) a->wanted[k] = true;
    while (*status == 0 && (code = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (code == HELP) {
            fputs(usage, stdout);
            return 1;
        }
        if (code == '?')
            *status = 2;
        else if (code == PARTS)
            *status = take_parts(a, optarg);
        else if (code == QUICK)
            a->quick = true;
        else
            *(code == DATA    ? &a->data
              : code == MODEL ? &a->model
              : code == OUT   ? &a->folder
                              : &a->passed[code]) = optarg;
    }
    if (!*status) *status = check_numbers(a);
    if (*status) return 1;
    if (a->quick && !a->passed[TR_SIDE]) a->passed[TR_SIDE] = "64";
    if (a->quick && !a->passed[TR_EPOCHS]) a->passed[TR_EPOCHS] = "4";
    if (a->quick && !a->passed[TR_SEEDS]) a->passed[TR_SEEDS] = "1";
    if (optind == argc && a->data && a->model && a->folder) return 0;
    fputs("roentgym evaluate all: --data DIR, --model FILE and --out DIR are needed; see --help\n", stderr);
    *status = 2;
    return 1;
}

/* ---- one part ----------------------------------------------------------------------------------- */

/* The command line of a part, as its main takes it. */
struct line {
    char *words[WORDS_MAX + 1];
    int count;
    char own[PATH_MAX + 64], quick[192], name[64], options[TR_PASSED][16];
};

static void say(struct line *line, const char *option, const char *value)
{
    line->words[line->count++] = (char *)option;
    line->words[line->count++] = (char *)value;
}

static void make_line(const struct all *a, int part, struct line *line)
{
    const struct tr_part_runner *runner = &tr_part_runners[part];
    bool swd = part == TR_PART_SWD;
    *line = (struct line){0};
    snprintf(line->name, sizeof line->name, "roentgym evaluate %s", tr_sections[part].part);
    snprintf(line->own, sizeof line->own, "%s/swd-figures.json", a->folder);
    line->words[line->count++] = line->name;
    say(line, swd ? "--real" : "--data", a->data);
    say(line, "--model", a->model);
    say(line, swd ? "--json" : "--out", swd ? line->own : a->folder);
    for (int code = 0; code < TR_PASSED; code++) {
        if (!(runner->takes >> code & 1) || !a->passed[code]) continue;
        snprintf(line->options[code], sizeof line->options[code], "--%s", tr_passed_names[code]);
        say(line, line->options[code], a->passed[code]);
    }
    /* Half of the real images make the floor. */
    if (a->quick && swd)
        snprintf(line->quick, sizeof line->quick, "--images %.0f",
                 fmin(TR_QUICK_SWD, floor(a->size.train / 2)));
    else
        snprintf(line->quick, sizeof line->quick, "%s", a->quick ? runner->quick : "");
    for (char *at = line->quick, *word; (word = strsep(&at, " "));)
        if (*word) line->words[line->count++] = word;
}

/* The sliced Wasserstein distance has a file of its own form. */
static nn_status wrap_swd(const struct all *a, const struct line *line, struct nn_error *err)
{
    json_error_t fault;
    char *command = tr_part_command(line->count, line->words);
    json_t *results = json_load_file(line->own, 0, &fault);
    json_t *data = tr_part_source(a->data_name, a->data_sha256);
    json_t *model = tr_part_source(a->model_name, a->model_sha256);
    json_t *settings = json_pack("{s:O,s:O}", "images", json_object_get(results, "images"), "seed",
                                 json_object_get(results, "seed"));
    const struct tr_part part = {"swd", a->folder, command ? command : "", settings, data, model};
    nn_status status = results ? tr_part_write(&part, results, err)
                               : nn_fail(err, NN_ERR_FORMAT, "%s: %s", line->own, fault.text);
    json_decref(settings);
    json_decref(data);
    json_decref(model);
    free(command);
    if (status == NN_OK) unlink(line->own);
    return status;
}

/* Whether the folder has it of the same data and model; then it is kept. */
static bool is_there(const struct all *a, const char *part)
{
    json_t *file;
    if (tr_part_read(a->folder, part, &file, NULL) != NN_OK || !file) return false;
    const char *data = json_string_value(json_object_get(json_object_get(file, "data"), "sha256"));
    const char *model = json_string_value(json_object_get(json_object_get(file, "model"), "sha256"));
    bool same = data && model && !strcmp(data, a->data_sha256) && !strcmp(model, a->model_sha256);
    json_decref(file);
    return same;
}

/* ---- before it begins --------------------------------------------------------------------------- */

static bool show_images(void *context, int done, int total)
{
    tr_progress_show(context, done, total);
    return !tr_interrupted();
}

static nn_status look_at_data(struct all *a, struct nn_error *err)
{
    struct tr_dataset *data;
    struct tr_progress progress;
    tr_progress_start(&progress, "images");
    nn_status status = tr_dataset_open(&data, a->data, show_images, &progress, err);
    if (status != NN_OK) return status;
    snprintf(a->data_name, sizeof a->data_name, "%s", tr_dataset_name(data));
    snprintf(a->data_sha256, sizeof a->data_sha256, "%s", tr_dataset_sha256(data));
    a->simulated_data = tr_dataset_simulated(data);
    a->size.train = tr_dataset_train_count(data);
    a->size.side = a->passed[TR_SIDE] ? strtod(a->passed[TR_SIDE], NULL)
                                      : tr_classify_usual_side(TR_RESNET18, tr_dataset_side(data));
    tr_dataset_close(data);
    return NN_OK;
}

static nn_status look_at_model(struct all *a, struct nn_error *err)
{
    struct nn_model *model;
    nn_status status = nn_model_open(&model, a->model, "cpu", err);
    if (status != NN_OK) return status;
    const struct nn_model_info *info = nn_model_info(model);
    snprintf(a->model_name, sizeof a->model_name, "%s", info->name);
    snprintf(a->model_sha256, sizeof a->model_sha256, "%s", info->sha256);
    a->simulated_model = info->simulated;
    a->warning = tr_other_data_warning(info->provenance, a->data_sha256);
    nn_model_close(model);
    return NN_OK;
}

/* Of a model that was replaced the parts to come would be of another one than those before them. */
static nn_status check_model(const struct all *a, struct nn_error *err)
{
    struct all now = {.model = a->model};
    nn_status status = look_at_model(&now, err);
    if (status != NN_OK || !strcmp(now.model_sha256, a->model_sha256)) return status;
    return nn_fail(err, NN_ERR_ARGUMENT,
                   "%s: was replaced meanwhile; while its training goes on, evaluate a copy of it", a->model);
}

/* Both splits in memory, for their numbers and a few steps. */
static nn_status measure(struct all *a, struct tr_pace *pace, struct nn_error *err)
{
    struct tr_cases train = {0}, test = {0};
    struct nn_device device = {0};
    struct tr_classify_settings settings = tr_classify_defaults(TR_RESNET18, false);
    if (a->passed[TR_EPOCHS]) settings.epochs = atoi(a->passed[TR_EPOCHS]);
    struct tr_progress progress;
    int side = (int)a->size.side;
    tr_progress_start(&progress, "images");
    nn_status status =
        tr_cases_read(&train, a->data, true, a->passed[TR_FINDING], side, show_images, &progress, err);
    tr_progress_start(&progress, "images");
    if (status == NN_OK)
        status =
            tr_cases_read(&test, a->data, false, a->passed[TR_FINDING], side, show_images, &progress, err);
    if (status == NN_OK)
        status =
            tr_classify_open_device(&device, a->passed[TR_DEVICE] ? a->passed[TR_DEVICE] : "auto", side, err);
    if (status == NN_OK) {
        double steps = fmax((double)train.count / settings.minibatch, settings.steps_least);
        a->size.shown = settings.epochs * steps * settings.minibatch;
        a->size.train = train.count;
        a->size.test = test.count;
        a->size.seeds = a->passed[TR_SEEDS] ? atof(a->passed[TR_SEEDS]) : 3;
        a->size.quick = a->quick;
        status = tr_pace_measure(pace, &train, a->model, &settings, &device, err);
    }
    if (device.backend) device.backend->close(device.backend);
    tr_cases_release(&train);
    tr_cases_release(&test);
    return status;
}

/* Of a part that is wanted or there already. */
static void tell_part(const struct all *a, int k, double seconds)
{
    char text[32];
    printf("%-11s %s%s\n", tr_sections[k].part, a->there[k] ? "is there already" : "about ",
           a->there[k] ? "" : tr_duration_text(seconds, text));
}

/* What there is, what is to be run, and how long that will take. Without anything to run nothing is measured.
 */
static nn_status announce(struct all *a, struct nn_error *err)
{
    char text[32];
    double all_s = 0;
    struct tr_pace pace;
    bool any = false, known[TR_SECTIONS];
    for (int k = 0; k < TR_SECTIONS; k++) {
        a->there[k] = is_there(a, tr_sections[k].part);
        known[k] = a->wanted[k] || a->there[k];
        any |= a->wanted[k] && !a->there[k];
    }
    a->size.tabled = known[TR_PART_TABLE1];
    a->size.near = known[TR_PART_NEIGHBOURS];
    nn_status status = any ? measure(a, &pace, err) : NN_OK;
    if (status != NN_OK) return status;
    for (int k = 0; k < TR_SECTIONS; k++) {
        if (!known[k]) continue;
        double seconds = a->there[k] ? 0 : tr_part_seconds(&pace, tr_part_runners[k].work(&a->size));
        tell_part(a, k, seconds);
        all_s += seconds;
    }
    if (any) printf("in all about %s, as busy as this machine is now\n", tr_duration_text(all_s, text));
    fflush(stdout);
    return NN_OK;
}

/* ---- all ---------------------------------------------------------------------------------------- */

static nn_status write_report(const struct all *a, struct nn_error *err)
{
    struct tr_evaluation e = {a->folder,          a->data_name,    a->model_name,
                              a->data_sha256,     a->model_sha256, a->simulated_data,
                              a->simulated_model, a->warning,      {""}};
    for (int k = 0; k < TR_SECTIONS; k++) {
        char *const words[] = {"roentgym evaluate all",    "--data", (char *)a->data,   "--model",
                               (char *)a->model,           "--out",  (char *)a->folder, "--parts",
                               (char *)tr_sections[k].part};
        char *command = tr_part_command(sizeof words / sizeof *words, words);
        snprintf(e.missing[k], sizeof e.missing[k], "%s", command ? command : "");
        free(command);
    }
    return tr_evaluation_report_write(&e, err);
}

/* False when it has failed; what is wrong has been said. NN_ERR_ARGUMENT: nothing more can be done. */
static nn_status run_part(const struct all *a, int part, bool *done, struct nn_error *err)
{
    struct line line;
    make_line(a, part, &line);
    printf("\n== %s ==\n", tr_sections[part].part);
    fflush(stdout);
    optind = 0; /* getopt begins anew */
    *done = tr_part_runners[part].main(line.count, line.words) == 0;
    if (tr_interrupted()) return NN_OK;
    nn_status status = check_model(a, err);
    if (status != NN_OK || !*done || part != TR_PART_SWD) return status;
    make_line(a, part, &line); /* getopt may have changed the order */
    return wrap_swd(a, &line, err);
}

/* The folder itself is for its parts to lock; that of the cells is for `all`. A part that is at work there is
 * told now, and not by each part that fails for it. */
static nn_status lock_folder(const struct all *a, int *lock, struct nn_error *err)
{
    char path[PATH_MAX];
    int part = -1;
    nn_status status = tr_part_lock(a->folder, &part, err);
    if (part >= 0) close(part);
    snprintf(path, sizeof path, "%s/cells", a->folder);
    if (status == NN_OK) status = tr_part_folder(path, err);
    return status == NN_OK ? tr_folder_lock(path, "roentgym evaluate all is at work there", lock, err)
                           : status;
}

/* The report is written after each part, so that it is there whenever one looks. */
static nn_status run_all(struct all *a, int *failed, struct nn_error *err)
{
    int lock = -1;
    nn_status status = lock_folder(a, &lock, err);
    if (status == NN_OK) status = look_at_data(a, err);
    if (status == NN_OK) status = look_at_model(a, err);
    if (status == NN_OK) status = write_report(a, err);
    if (status == NN_OK && a->warning) puts(a->warning);
    if (status == NN_OK) status = announce(a, err);
    for (int k = 0; k < TR_SECTIONS && status == NN_OK && !tr_interrupted(); k++) {
        if (!a->wanted[k] || a->there[k]) continue;
        bool done = false;
        status = run_part(a, k, &done, err);
        *failed += !done;
        if (status == NN_OK) status = write_report(a, err);
    }
    if (lock >= 0) close(lock);
    return status;
}

int tr_evaluate_all(int argc, char **argv)
{
    struct all a = {0};
    struct nn_error err;
    int exit_status, failed = 0;
    if (parse(&a, argc, argv, &exit_status)) return exit_status;
    tr_interrupt_catch();
    nn_status status = run_all(&a, &failed, &err);
    if (status != NN_OK)
        return tr_command_end("roentgym evaluate all", "the same command goes on", status, &err);
    printf("\n%s/report.html, card.md\n", a.folder);
    if (!failed) return 0;
    fprintf(stderr, "roentgym evaluate all: %d part%s failed, as said above\n", failed,
            failed == 1 ? "" : "s");
    return 1;
}
