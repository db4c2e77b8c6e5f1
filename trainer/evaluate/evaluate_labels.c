/* `roentgym evaluate labels`: do samples show what they were asked for, and which of them may a deck show? */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trainer/classify/trained_file.h"
#include "trainer/command_end.h"
#include "trainer/evaluate/label_judge.h"
#include "trainer/evaluate/label_results.h"
#include "trainer/evaluate/label_samples.h"
#include "trainer/given_options.h"
#include "trainer/interrupt.h"
#include "trainer/option_value.h"
#include "trainer/parts/part_file.h"
#include "trainer/parts/parts.h"
#include "trainer/progress.h"

enum { PIECE = 128 };

static const char usage[] =
    "usage: roentgym evaluate labels --data DIR --model FILE --out DIR [options]\n"
    "\n"
    "A judge, a classifier that was trained on real images, looks at samples: how many show the class that\n"
    "they were asked for, beside what the judge is worth on held-out real images. Samples that pass with\n"
    "margin become a list for decks (docs/decks.md): copy DIR/checked.json beside the model, as\n"
    "NAME.checked.json. The samples' seeds are random, another time others. The same command goes on where\n"
    "it was stopped.\n"
    "\n"
    "  --data DIR           a data set with a training and a test split\n"
    "  --model FILE         the generator that was trained on its training split\n"
    "  --out DIR            for labels.json, .csv, .svg, checked.json and the judge's weights\n"
    "  --samples N          of each kind, with and without the finding; default 1000\n"
    "  --margin P           at most this share of real images of the other kind scores as one that passes;\n"
    "                       0..0.5, default 0.05\n"
    "  --finding NAME       the class to tell from all else; default the second of two\n"
    "  --weights FILE       the judge, as roentgym classify train writes it, on the same data with its\n"
    "                       default --validation; default: one is trained\n"
    "  --side N             pixels of the images that it sees; default 128, or the data's if they are "
    "smaller\n"
    "  --architecture NAME  resnet18 (default), inception_v3 or vgg16\n"
    "  --epochs N           of its training, 1..1000\n"
    "  --seed N             of its training and of the 15 % of the patients that choose epoch and "
    "threshold;\n"
    "                       default 1\n"
    "  --device NAME        auto (default), cpu or cuda\n"
    "  --help\n";

struct request {
    struct tr_lab_settings lab;
    const char *weights;
    uint64_t samples;
    double margin;
};

/* ---- options ------------------------------------------------------------------------------------ */

enum option_code {
    DATA,
    MODEL,
    OUT,
    FINDING,
    WEIGHTS,
    ARCHITECTURE,
    DEVICE,
    SAMPLES,
    MARGIN,
    SIDE,
    EPOCHS,
    SEED,
    HELP
};

static const struct option options[] = {
    {"data", required_argument, NULL, DATA},
    {"model", required_argument, NULL, MODEL},
    {"out", required_argument, NULL, OUT},
    {"finding", required_argument, NULL, FINDING},
    {"weights", required_argument, NULL, WEIGHTS},
    {"architecture", required_argument, NULL, ARCHITECTURE},
    {"device", required_argument, NULL, DEVICE},
    {"samples", required_argument, NULL, SAMPLES},
    {"margin", required_argument, NULL, MARGIN},
    {"side", required_argument, NULL, SIDE},
    {"epochs", required_argument, NULL, EPOCHS},
    {"seed", required_argument, NULL, SEED},
    {"help", no_argument, NULL, HELP},
    {NULL, 0, NULL, 0},
};

static int take_values(struct request *r, const struct tr_given *given)
{
    int architecture = TR_RESNET18, device = 0;
    int status = tr_given_word(given, ARCHITECTURE, tr_architecture_words, &architecture);
    if (!status) status = tr_given_word(given, DEVICE, tr_option_devices, &device);
    if (status) return status;
    struct tr_classify_settings classify = tr_classify_defaults((enum tr_architecture)architecture, false);
    int side = 0;
    status = tr_given_whole(given, SAMPLES, 1, 100000, &r->samples);
    if (!status) status = tr_given_number(given, MARGIN, 0, 0.5, &r->margin);
    if (!status) status = tr_given_int(given, SIDE, 32, TR_CASES_SIDE_MAX, &side);
    if (!status) status = tr_given_int(given, EPOCHS, 1, TR_CLASSIFY_EPOCHS_MAX, &classify.epochs);
    if (!status) status = tr_given_whole(given, SEED, 0, INT64_MAX, &classify.seed);
    r->weights = tr_given_text(given, WEIGHTS);
    r->lab = (struct tr_lab_settings){.data = tr_given_text(given, DATA),
                                      .model = tr_given_text(given, MODEL),
                                      .folder = tr_given_text(given, OUT),
                                      .finding = tr_given_text(given, FINDING),
                                      .device = tr_option_devices[device],
                                      .side = side,
                                      .classify = classify,
                                      .seeds = 1};
    return status;
}

static int check_together(const struct tr_given *g)
{
    bool sized = tr_given_text(g, SIDE) || tr_given_text(g, ARCHITECTURE) || tr_given_text(g, EPOCHS) ||
                 tr_given_text(g, SEED);
    if (tr_given_text(g, WEIGHTS) && sized)
        return tr_given_wrong(g, WEIGHTS,
                              "without --side, --architecture, --epochs and --seed, which it brings");
    if (tr_given_text(g, DATA) && tr_given_text(g, MODEL) && tr_given_text(g, OUT)) return 0;
    return tr_given_refuse(g, "--data DIR, --model FILE and --out DIR are needed");
}

/* 0: go on; otherwise *status is the exit status. */
static int parse(struct request *r, int argc, char **argv, int *status)
{
    struct tr_given given = {.options = options, .usage = usage};
    if (tr_given_read(&given, argc, argv, status)) return 1;
    *status = take_values(r, &given);
    if (!*status) *status = check_together(&given);
    return *status != 0;
}

/* ---- work --------------------------------------------------------------------------------------- */

/* As many with the finding as without, the classes of each kind in the shares of the training images; of
 * nobody, as samples are. */
static nn_status ask(const struct tr_cases *train, int each, struct tr_cases *asked, struct nn_error *err)
{
    int *like = malloc(2 * (size_t)each * sizeof *like), from[2] = {0, 0};
    if (!like) return nn_fail(err, NN_ERR_MEMORY, "out of memory for %d samples", 2 * each);
    for (int i = 0; i < 2 * each; i++) {
        int kind = i % 2;
        while (train->truth[from[kind] % train->count] != kind) from[kind]++;
        like[i] = from[kind]++ % train->count;
    }
    nn_status status = tr_cases_select(asked, train, like, 2 * each, err);
    for (int i = 0; i < 2 * each && status == NN_OK; i++) asked->patient[i] = -1;
    free(like);
    return status;
}

/* A piece is told as part of all. */
struct drawing {
    struct tr_progress progress;
    int before, all;
};

static bool show_drawn(void *context, int done, int total)
{
    struct drawing *d = context;
    (void)total;
    tr_progress_show(&d->progress, d->before + done, d->all);
    return !tr_interrupted();
}

static nn_status score_piece(struct tr_label_samples *samples, const struct tr_label_judge *judge,
                             const struct tr_lab *lab, struct drawing *drawing, struct nn_error *err)
{
    int some = samples->count - samples->done < PIECE ? samples->count - samples->done : PIECE;
    int indices[PIECE];
    struct tr_cases like, drawn = {0};
    for (int i = 0; i < some; i++) indices[i] = samples->done + i;
    nn_status status = tr_cases_select(&like, samples->asked, indices, some, err);
    if (status != NN_OK) return status;
    status = tr_cases_draw_seeds(&drawn, lab->settings.model, lab->settings.device, &like,
                                 samples->seeds + samples->done, like.side, show_drawn, drawing, err);
    if (status == NN_OK) status = tr_lab_check_drawn(lab, &drawn, err);
    if (status == NN_OK)
        status = tr_classify_score(&judge->trained, &drawn, &lab->device, samples->scores + samples->done,
                                   NULL, NULL, err);
    if (status == NN_OK) samples->done += some;
    tr_cases_release(&drawn);
    tr_cases_release(&like);
    return status;
}

static nn_status score_samples(struct tr_label_samples *samples, const struct tr_label_judge *judge,
                               const struct tr_lab *lab, const char *table, struct nn_error *err)
{
    struct drawing drawing = {.all = samples->count};
    nn_status status = NN_OK;
    tr_progress_start(&drawing.progress, "samples");
    while (status == NN_OK && samples->done < samples->count) {
        drawing.before = samples->done;
        status = score_piece(samples, judge, lab, &drawing, err);
        if (status == NN_OK) status = tr_label_samples_write(samples, table, &judge->gate, err);
    }
    return status;
}

/* What the table's scores depend on. */
static void name_judgement(const struct tr_lab *lab, const struct tr_label_judge *judge, char key[65])
{
    char text[500];
    int length = snprintf(text, sizeof text, "%s %s %s %s %d %.9g %.9g %.9g", lab->model_sha256,
                          lab->model_device, judge->sha256, lab->device.name, lab->settings.side,
                          judge->gate.threshold, judge->gate.yes_above, judge->gate.no_below);
    nn_sha256_hex(text, (size_t)length, key);
}

static nn_status judge_samples(const struct request *r, const struct tr_lab *lab,
                               const struct tr_label_judge *judge, const struct tr_part *part,
                               struct nn_error *err)
{
    char key[65], table[PATH_MAX], list[PATH_MAX];
    struct tr_cases asked = {0};
    struct tr_label_samples samples = {0};
    snprintf(table, sizeof table, "%s/labels.csv", r->lab.folder);
    snprintf(list, sizeof list, "%s/checked.json", r->lab.folder);
    name_judgement(lab, judge, key);
    nn_status status = ask(&lab->train, (int)r->samples, &asked, err);
    if (status == NN_OK) status = tr_label_samples_open(&samples, table, key, &asked, err);
    if (status == NN_OK) status = score_samples(&samples, judge, lab, table, err);
    if (status == NN_OK)
        status = tr_label_samples_write_list(&samples, list, lab->model_sha256, &judge->gate, err);
    if (status == NN_OK) status = tr_label_results_write(part, lab, judge, &samples, err);
    tr_label_samples_release(&samples);
    tr_cases_release(&asked);
    return status;
}

static json_t *settings_json(const struct request *r, const struct tr_lab *lab,
                             const struct tr_label_judge *judge)
{
    const struct tr_classify_settings *c = &lab->settings.classify;
    return json_pack("{s:s,s:s,s:i,s:i,s:I,s:I,s:f,s:b,s:s}", "finding", lab->train.finding, "architecture",
                     tr_architecture_words[c->architecture], "side", lab->settings.side, "epochs", c->epochs,
                     "seed", (json_int_t)c->seed, "samples_of_each_kind", (json_int_t)r->samples, "margin",
                     judge->gate.margin, "judge_was_given", r->weights != NULL, "device", lab->device.name);
}

/* A given judge has its side, and a seed by which its training left the same images to validation. */
static nn_status take_sizes(const char *weights, struct tr_lab_settings *settings, struct nn_error *err)
{
    struct tr_trained given;
    nn_status status = tr_trained_load(&given, weights, err);
    if (status != NN_OK) return status;
    settings->side = given.net.side;
    settings->classify.architecture = given.net.architecture;
    settings->classify.seed = given.seed;
    tr_trained_release(&given);
    return NN_OK;
}

static nn_status evaluate(const struct request *r, const char *command, struct nn_error *err)
{
    struct tr_lab lab;
    struct tr_label_judge judge;
    struct tr_lab_settings settled = r->lab;
    nn_status status = r->weights ? take_sizes(r->weights, &settled, err) : NN_OK;
    if (status == NN_OK) status = tr_lab_open(&lab, &settled, err);
    if (status != NN_OK) return status;
    status = tr_label_judge_init(&judge, &lab, r->weights, r->margin, err);
    if (status == NN_OK) {
        json_t *settings = settings_json(r, &lab, &judge);
        json_t *data = tr_part_source(lab.train.source, lab.train.sha256);
        json_t *model = tr_part_source(lab.model_name, lab.model_sha256);
        const struct tr_part part = {"labels", r->lab.folder, command, settings, data, model};
        status = judge_samples(r, &lab, &judge, &part, err);
        json_decref(settings);
        json_decref(data);
        json_decref(model);
        tr_label_judge_release(&judge);
    }
    tr_lab_close(&lab);
    return status;
}

int tr_evaluate_labels(int argc, char **argv)
{
    struct request r = {.samples = 1000, .margin = 0.05};
    struct nn_error err;
    int exit_status;
    if (parse(&r, argc, argv, &exit_status)) return exit_status;
    tr_interrupt_catch();
    char *command = tr_part_command(argc, argv);
    nn_status status = command ? evaluate(&r, command, &err) : nn_fail(&err, NN_ERR_MEMORY, "memory ran out");
    free(command);
    return tr_command_end(argv[0], "the same command goes on", status, &err);
}
