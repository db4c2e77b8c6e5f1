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
#include "trainer/evaluate/evaluate.h"
#include "trainer/evaluate/evaluation_report.h"
#include "trainer/evaluate/part_file.h"
#include "trainer/evaluate/part_time.h"
#include "trainer/evaluate/sections.h"
#include "trainer/interrupt.h"
#include "trainer/neighbours/neighbours.h"
#include "trainer/option_value.h"
#include "trainer/progress.h"

enum { WORDS_MAX = 40, LABEL_SAMPLES = 1000, SWD_IMAGES = 2048, QUICK_SWD = 256 };

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

/* Options of `all` that some parts take, too. */
enum option_code { FINDING, SIDE, EPOCHS, SEEDS, SEED, DEVICE, PASSED, DATA, MODEL, OUT, PARTS, QUICK, HELP };
#define TAKES(code) (1u << (code))
enum { CLASSIFIES = TAKES(FINDING) | TAKES(SIDE) | TAKES(EPOCHS) | TAKES(SEED) | TAKES(DEVICE) };

static const struct option options[] = {
    {"finding", required_argument, NULL, FINDING},
    {"side", required_argument, NULL, SIDE},
    {"epochs", required_argument, NULL, EPOCHS},
    {"seeds", required_argument, NULL, SEEDS},
    {"seed", required_argument, NULL, SEED},
    {"device", required_argument, NULL, DEVICE},
    {"data", required_argument, NULL, DATA},
    {"model", required_argument, NULL, MODEL},
    {"out", required_argument, NULL, OUT},
    {"parts", required_argument, NULL, PARTS},
    {"quick", no_argument, NULL, QUICK},
    {"help", no_argument, NULL, HELP},
    {NULL, 0, NULL, 0},
};

/* What the work of a part is counted from. */
struct size {
    double train, test; /* images */
    double shown;       /* to a network that is trained on real images, in all epochs */
    double seeds, side;
    bool quick;
    bool tabled, near; /* the networks of table1, of neighbours are there, or will be */
};

struct all {
    const char *data, *model, *folder;
    const char *passed[PASSED]; /* as given, or NULL */
    bool quick, wanted[TR_SECTIONS];
    struct size size;
    char data_name[128], data_sha256[65], model_name[128], model_sha256[65];
    bool simulated_data, simulated_model;
};

/* ---- parts -------------------------------------------------------------------------------------- */

static struct tr_part_work labels_work(const struct size *s)
{
    double samples = 2 * (s->quick ? 100 : LABEL_SAMPLES);
    return (struct tr_part_work){0.85 * s->shown, s->test + samples, samples};
}

/* So many networks for each seed, on so many sets of samples. */
static struct tr_part_work networks(const struct size *s, int rows, int sets)
{
    double all = rows * s->seeds;
    return (struct tr_part_work){all * s->shown, all * s->test, sets * s->train};
}

static struct tr_part_work table1_work(const struct size *s)
{
    return networks(s, 8, 2);
}

/* What the parts have in common is trained once. */
static struct tr_part_work low_data_work(const struct size *s)
{
    return s->tabled ? networks(s, 12, 0) : networks(s, 15, 1);
}

static struct tr_part_work boundary_work(const struct size *s)
{
    return s->tabled ? networks(s, 0, 0) : networks(s, 3, 2);
}

/* In units of the classifiers' network: `looks` images through VGG16, or with --quick a small one. */
static struct tr_part_work features(const struct size *s, bool train, double looks, double samples)
{
    double cost = s->quick ? tr_network_cost(TR_RESNET18, 128, (int)s->side)
                           : tr_network_cost(TR_VGG16, tr_architecture_side(TR_VGG16), (int)s->side);
    return (struct tr_part_work){train ? cost * (s->quick ? 256 * 3 : 512 * 5) : 0, cost * looks, samples};
}

static struct tr_part_work neighbours_work(const struct size *s)
{
    return s->quick ? features(s, true, 128 + 2 * 64, 32) : features(s, true, 512 + 2 * 128, 64);
}

static struct tr_part_work tsne_work(const struct size *s)
{
    return s->quick ? features(s, !s->near, 256, 128) : features(s, !s->near, 1024, 512);
}

static struct tr_part_work swd_work(const struct size *s)
{
    double half = s->train / 2;
    return (struct tr_part_work){0, 0, fmin(half, s->quick ? QUICK_SWD : SWD_IMAGES)};
}

#define QUICK_NETWORK "--architecture resnet18 --epochs 3 --network-images 256"

static const struct runner {
    const char *part;
    int (*main)(int argc, char **argv);
    unsigned takes;
    const char *quick; /* more options with --quick, spaces between */
    struct tr_part_work (*work)(const struct size *size);
} runners[] = {
    {"labels", tr_evaluate_labels, CLASSIFIES, "--samples 100", labels_work},
    {"table1", tr_evaluate_table1, CLASSIFIES | TAKES(SEEDS), "", table1_work},
    {"low-data", tr_evaluate_low_data, CLASSIFIES | TAKES(SEEDS), "", low_data_work},
    {"boundary", tr_evaluate_boundary, CLASSIFIES | TAKES(SEEDS), "", boundary_work},
    {"neighbours", tr_evaluate_neighbours, TAKES(FINDING) | TAKES(SEED) | TAKES(DEVICE),
     QUICK_NETWORK " --samples 32 --training 128 --held-out 32", neighbours_work},
    {"tsne", tr_evaluate_tsne, TAKES(FINDING) | TAKES(SEED) | TAKES(DEVICE), QUICK_NETWORK " --images 64",
     tsne_work},
    {"swd", tr_evaluate_swd, TAKES(SEED), "", swd_work},
};
enum { RUNNERS = sizeof runners / sizeof *runners };

static const struct runner *runner_of(const char *part)
{
    for (int r = 0; r < RUNNERS; r++)
        if (strcmp(runners[r].part, part) == 0) return &runners[r];
    return NULL;
}

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
        int code;
        const char *name;
        uint64_t low, high;
    } numbers[] = {{SIDE, "side", 32, TR_CASES_SIDE_MAX},
                   {EPOCHS, "epochs", 1, TR_CLASSIFY_EPOCHS_MAX},
                   {SEEDS, "seeds", 1, 32},
                   {SEED, "seed", 0, INT32_MAX}};
    int status = 0;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers && !status; i++) {
        uint64_t value;
        const char *text = a->passed[numbers[i].code];
        if (text)
            status = tr_option_whole("evaluate all", numbers[i].name, text, numbers[i].low, numbers[i].high,
                                     &value);
    }
    const char *device = a->passed[DEVICE];
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
    if (a->quick && !a->passed[SIDE]) a->passed[SIDE] = "64";
    if (a->quick && !a->passed[EPOCHS]) a->passed[EPOCHS] = "4";
    if (a->quick && !a->passed[SEEDS]) a->passed[SEEDS] = "1";
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
    char own[PATH_MAX + 64], quick[192], name[64];
};

static void say(struct line *line, const char *option, const char *value)
{
    line->words[line->count++] = (char *)option;
    line->words[line->count++] = (char *)value;
}

static void make_line(const struct all *a, const struct runner *runner, struct line *line)
{
    static const char *const names[PASSED] = {"--finding", "--side", "--epochs",
                                              "--seeds",   "--seed", "--device"};
    bool swd = strcmp(runner->part, "swd") == 0;
    *line = (struct line){0};
    snprintf(line->name, sizeof line->name, "roentgym evaluate %s", runner->part);
    snprintf(line->own, sizeof line->own, "%s/swd-figures.json", a->folder);
    line->words[line->count++] = line->name;
    say(line, swd ? "--real" : "--data", a->data);
    say(line, "--model", a->model);
    say(line, swd ? "--json" : "--out", swd ? line->own : a->folder);
    for (int code = 0; code < PASSED; code++)
        if ((runner->takes & TAKES(code)) && a->passed[code]) say(line, names[code], a->passed[code]);
    /* Half of the real images make the floor. */
    if (a->quick && swd)
        snprintf(line->quick, sizeof line->quick, "--images %.0f", fmin(QUICK_SWD, floor(a->size.train / 2)));
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
    a->size.side = a->passed[SIDE] ? strtod(a->passed[SIDE], NULL)
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
    nn_model_close(model);
    return NN_OK;
}

/* Both splits in memory, for their numbers and a few steps. */
static nn_status measure(struct all *a, struct tr_pace *pace, struct nn_error *err)
{
    struct tr_cases train = {0}, test = {0};
    struct nn_device device = {0};
    struct tr_classify_settings settings = tr_classify_defaults(TR_RESNET18, false);
    if (a->passed[EPOCHS]) settings.epochs = atoi(a->passed[EPOCHS]);
    struct tr_progress progress;
    int side = (int)a->size.side;
    tr_progress_start(&progress, "images");
    nn_status status =
        tr_cases_read(&train, a->data, true, a->passed[FINDING], side, show_images, &progress, err);
    tr_progress_start(&progress, "images");
    if (status == NN_OK)
        status = tr_cases_read(&test, a->data, false, a->passed[FINDING], side, show_images, &progress, err);
    if (status == NN_OK)
        status = tr_classify_open_device(&device, a->passed[DEVICE] ? a->passed[DEVICE] : "auto", side, err);
    if (status == NN_OK) {
        double steps = fmax((double)train.count / settings.minibatch, settings.steps_least);
        a->size.shown = settings.epochs * steps * settings.minibatch;
        a->size.train = train.count;
        a->size.test = test.count;
        a->size.seeds = a->passed[SEEDS] ? atof(a->passed[SEEDS]) : 3;
        a->size.quick = a->quick;
        status = tr_pace_measure(pace, &train, a->model, &settings, &device, err);
    }
    if (device.backend) device.backend->close(device.backend);
    tr_cases_release(&train);
    tr_cases_release(&test);
    return status;
}

/* What is to be run, and how long that will take. Without anything to run nothing is measured. */
static nn_status announce(struct all *a, bool run[RUNNERS], struct nn_error *err)
{
    char text[32];
    double all_s = 0;
    struct tr_pace pace;
    bool any = false;
    for (int r = 0; r < RUNNERS; r++) {
        for (int k = 0; k < TR_SECTIONS; k++)
            if (strcmp(tr_sections[k].part, runners[r].part) == 0) run[r] = a->wanted[k];
        run[r] = run[r] && !is_there(a, runners[r].part);
        any |= run[r];
        if (run[r] || is_there(a, runners[r].part)) {
            a->size.tabled |= strcmp(runners[r].part, "table1") == 0;
            a->size.near |= strcmp(runners[r].part, "neighbours") == 0;
        }
    }
    nn_status status = any ? measure(a, &pace, err) : NN_OK;
    if (status != NN_OK) return status;
    for (int k = 0; k < TR_SECTIONS; k++) {
        const struct runner *runner = runner_of(tr_sections[k].part);
        bool there = is_there(a, tr_sections[k].part);
        if (!runner || (!a->wanted[k] && !there)) continue;
        double seconds = run[runner - runners] ? tr_part_seconds(&pace, runner->work(&a->size)) : 0;
        tr_duration_text(seconds, text);
        printf("%-11s %s%s\n", runner->part, there ? "is there already" : "about ", there ? "" : text);
        all_s += seconds;
    }
    tr_duration_text(all_s, text);
    if (any) printf("in all about %s, as busy as this machine is now\n", text);
    fflush(stdout);
    return NN_OK;
}

/* ---- all ---------------------------------------------------------------------------------------- */

static nn_status write_report(const struct all *a, struct nn_error *err)
{
    struct tr_evaluation e = {a->folder,       a->data_name,      a->model_name,      a->data_sha256,
                              a->model_sha256, a->simulated_data, a->simulated_model, {""}};
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

/* False when it has failed; what is wrong has been said. */
static bool run_part(const struct all *a, const struct runner *runner)
{
    struct line line;
    struct nn_error err;
    make_line(a, runner, &line);
    printf("\n== %s ==\n", runner->part);
    fflush(stdout);
    optind = 0; /* getopt begins anew */
    if (runner->main(line.count, line.words) != 0) return false;
    if (tr_interrupted() || strcmp(runner->part, "swd") != 0) return true;
    make_line(a, runner, &line); /* getopt may have changed the order */
    return tr_command_end("roentgym evaluate all", NULL, wrap_swd(a, &line, &err), &err) == 0;
}

/* The report is written after each part, so that it is there whenever one looks. */
static nn_status run_all(struct all *a, int *failed, struct nn_error *err)
{
    bool run[RUNNERS] = {false};
    nn_status status = tr_part_folder(a->folder, err);
    if (status == NN_OK) status = look_at_data(a, err);
    if (status == NN_OK) status = look_at_model(a, err);
    if (status == NN_OK) status = write_report(a, err);
    if (status == NN_OK) status = announce(a, run, err);
    for (int r = 0; r < RUNNERS && status == NN_OK && !tr_interrupted(); r++) {
        if (!run[r]) continue;
        *failed += !run_part(a, &runners[r]);
        status = write_report(a, err);
    }
    return status == NN_OK && tr_interrupted() ? nn_fail(err, NN_STOPPED, "stopped") : status;
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
