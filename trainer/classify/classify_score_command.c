/* `roentgym classify score`: what a trained classifier says of images, and how well it tells them apart. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/bootstrap.h"
#include "engine/cluster.h"
#include "engine/roc.h"
#include "trainer/classify/classify_command.h"
#include "trainer/classify/trained_file.h"
#include "trainer/command_end.h"
#include "trainer/data/csv_cell.h"
#include "trainer/given_options.h"
#include "trainer/interrupt.h"
#include "trainer/option_value.h"
#include "trainer/overwrite.h"
#include "trainer/progress.h"
#include "trainer/text_file.h"

static const char usage[] =
    "usage: roentgym classify score --weights FILE (--data DIR | --folder DIR) [options]\n"
    "\n"
    "Scores images with a network of `roentgym classify train`: the probability, 0..1, of its finding. Of a "
    "data set\n"
    "prints how well that tells images with the finding from those without: the area under the ROC curve "
    "(AUC) and\n"
    "the average precision (AP), with 95 % intervals from a bootstrap by patient.\n"
    "\n"
    "  --weights FILE     the network\n"
    "  --data DIR         data set that has the finding, or\n"
    "  --folder DIR       any folder of square grey PNG files\n"
    "  --split NAME       of the data set: test (default) or train\n"
    "  --out FILE         a CSV file with file, truth and score\n"
    "  --draws N          of the bootstrap, 100..100000; default 2000\n"
    "  --device NAME      auto (default), cpu or cuda\n"
    "  --seed N           of the bootstrap; default 1\n"
    "  --help\n";

static const char CSV_START[] = "file,truth,score\n";

struct command {
    const char *weights, *data, *folder, *split, *out, *device;
    uint64_t draws, seed;
    struct tr_trained trained;
    struct tr_cases cases;
    struct nn_device on;
    double *scores;
    struct tr_progress progress;
    struct nn_error err;
};

/* ---- options ------------------------------------------------------------------------------------------ */

enum { WEIGHTS, DATA, FOLDER, SPLIT, OUT, DRAWS, DEVICE, SEED, HELP };

static int check_together(const struct command *c, const struct tr_given *given)
{
    if (!c->weights || !c->data == !c->folder)
        return tr_given_refuse(given, "--weights FILE and either --data DIR or --folder DIR are needed");
    if (c->folder && c->split) return tr_given_refuse(given, "--split goes with --data");
    if (c->folder && !c->out) return tr_given_refuse(given, "--folder needs --out FILE");
    if (c->split && strcmp(c->split, "test") && strcmp(c->split, "train"))
        return tr_given_wrong(given, SPLIT, "test or train");
    return 0;
}

/* 0: go on; otherwise *status is the exit status. */
static int parse(struct command *c, int argc, char **argv, int *status)
{
    static const struct option options[] = {
        {"weights", required_argument, NULL, WEIGHTS},
        {"data", required_argument, NULL, DATA},
        {"folder", required_argument, NULL, FOLDER},
        {"split", required_argument, NULL, SPLIT},
        {"out", required_argument, NULL, OUT},
        {"draws", required_argument, NULL, DRAWS},
        {"device", required_argument, NULL, DEVICE},
        {"seed", required_argument, NULL, SEED},
        {"help", no_argument, NULL, HELP},
        {NULL, 0, NULL, 0},
    };
    struct tr_given given = {.options = options, .usage = usage};
    if (tr_given_read(&given, argc, argv, status)) return 1;
    int device = 0;
    c->weights = tr_given_text(&given, WEIGHTS), c->data = tr_given_text(&given, DATA);
    c->folder = tr_given_text(&given, FOLDER), c->split = tr_given_text(&given, SPLIT);
    c->out = tr_given_text(&given, OUT);
    *status = tr_given_whole(&given, DRAWS, 100, 100000, &c->draws);
    if (!*status) *status = tr_given_whole(&given, SEED, 0, INT64_MAX, &c->seed);
    if (!*status) *status = tr_given_word(&given, DEVICE, tr_option_devices, &device);
    c->device = tr_option_devices[device];
    if (!*status) *status = check_together(c, &given);
    return *status != 0;
}

/* ---- work --------------------------------------------------------------------------------------------- */

static bool show(void *context, int done, int total)
{
    struct command *c = context;
    tr_progress_show(&c->progress, done, total);
    return !tr_interrupted();
}

static nn_status score(struct command *c)
{
    int side = c->trained.net.side;
    tr_progress_start(&c->progress, "images");
    nn_status status = c->data ? tr_cases_read(&c->cases, c->data, c->split && !strcmp(c->split, "train"),
                                               c->trained.finding, side, show, c, &c->err)
                               : tr_cases_read_folder(&c->cases, c->folder, side, show, c, &c->err);
    if (status != NN_OK) return status;
    c->scores = malloc((size_t)c->cases.count * sizeof *c->scores);
    if (!c->scores) return nn_fail(&c->err, NN_ERR_MEMORY, "out of memory for scores");
    status = tr_classify_open_device(&c->on, c->device, side, &c->err);
    tr_progress_start(&c->progress, "scores");
    if (status == NN_OK)
        status = tr_classify_score(&c->trained, &c->cases, &c->on, c->scores, show, c, &c->err);
    return status;
}

static nn_status write_scores(struct command *c)
{
    struct tr_text_file table;
    nn_status status = tr_text_file_begin(&table, c->out, &c->err);
    if (status != NN_OK) return status;
    fputs(CSV_START, table.to);
    for (int i = 0; i < c->cases.count; i++) {
        tr_csv_write_cell(table.to, c->cases.file[i]);
        /* All digits: of scores near 1 the area would else be another. */
        fprintf(table.to, ",%s,%.17g\n", !c->cases.truth ? "" : c->cases.truth[i] ? "1" : "0", c->scores[i]);
    }
    return tr_text_file_end(&table, NN_OK, &c->err);
}

static void areas(const void *context, const int *weight, double *values)
{
    values[0] = nn_roc_auc(context, weight);
    values[1] = nn_roc_average_precision(context, weight);
}

static nn_status print_areas(struct command *c)
{
    static const char *const names[] = {"AUC", "AP"};
    struct nn_interval intervals[2];
    struct nn_roc roc;
    double values[2];
    int patients[2];
    nn_status status = nn_roc_init(&roc, c->cases.truth, c->scores, c->cases.count, &c->err);
    if (status != NN_OK) return status;
    areas(&roc, NULL, values);
    status = nn_bootstrap(c->cases.patient, c->cases.count, (int)c->draws, c->seed, areas, &roc, 2, intervals,
                          &c->err);
    nn_roc_release(&roc);
    if (status == NN_OK)
        status = nn_cluster_kinds(c->cases.truth, c->cases.patient, c->cases.count, patients, &c->err);
    if (status != NN_OK) return status;
    for (int k = 0; k < 2; k++)
        intervals[k] = nn_bootstrap_share(values[k], intervals[k], nn_cluster_rarer(patients));
    printf("%s, %s images: %d, %d with %s\n", c->cases.source, c->split ? c->split : "test", c->cases.count,
           tr_cases_positive(&c->cases), c->cases.finding);
    for (int k = 0; k < 2; k++)
        printf("%-4s%.4f  95 %% interval %.4f to %.4f\n", names[k], values[k], intervals[k].low,
               intervals[k].high);
    return NN_OK;
}

static nn_status run(struct command *c)
{
    nn_status status = c->out ? tr_check_overwrite(c->out, CSV_START, "table of scores", &c->err) : NN_OK;
    if (status == NN_OK) status = tr_trained_load(&c->trained, c->weights, &c->err);
    if (status == NN_OK) status = score(c);
    if (status == NN_OK && c->out) status = write_scores(c);
    if (status == NN_OK && c->cases.truth) status = print_areas(c);
    if (status == NN_OK && c->out) printf("%s: %d scores\n", c->out, c->cases.count);
    return status;
}

int tr_classify_score_main(int argc, char **argv)
{
    static struct command c = {.draws = 2000, .seed = 1};
    int exit_status;
    if (parse(&c, argc, argv, &exit_status)) return exit_status;
    tr_interrupt_catch();
    nn_status status = run(&c);
    if (c.on.backend) c.on.backend->close(c.on.backend);
    free(c.scores);
    tr_cases_release(&c.cases);
    tr_trained_release(&c.trained);
    return tr_command_end(argv[0], NULL, status, &c.err);
}
