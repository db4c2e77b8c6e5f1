#include "trainer/experiments/experiment.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/cluster.h"
#include "trainer/classify/settings_json.h"
#include "trainer/command_end.h"
#include "trainer/experiments/experiment_options.h"
#include "trainer/interrupt.h"
#include "trainer/parts/part_file.h"
#include "trainer/parts/part_warnings.h"
#include "trainer/text_file.h"

/* ---- JSON --------------------------------------------------------------------------------------- */

/* NULL without memory. */
static json_t *split_json(const struct tr_cases *cases)
{
    int patients[2];
    if (nn_cluster_kinds(cases->truth, cases->patient, cases->count, patients, NULL) != NN_OK) return NULL;
    return json_pack("{s:i,s:i,s:i,s:i,s:i}", "images", cases->count, "patients", tr_cases_patients(cases),
                     "with_finding", tr_cases_positive(cases), "patients_with", patients[1],
                     "patients_without", patients[0]);
}

static json_t *row_json(const struct tr_outcome *o, int r)
{
    const struct tr_row *row = &o->grid->rows[r];
    int seeds = o->grid->seed_count;
    json_t *samples = json_array(), *less = json_object(), *epochs = json_array();
    json_t *paper = NULL;
    for (int k = 0; k < TR_SAMPLE_SETS; k++)
        if (row->recipe.samples[k]) json_array_append_new(samples, json_integer(k + 1));
    for (int m = 0; m < TR_MEASURES; m++)
        json_object_set_new(less, tr_measure_names[m], tr_difference_json(&o->rows[r].less[m], seeds));
    for (int s = 0; s < seeds; s++)
        json_array_append_new(epochs, json_integer(tr_grid_cell(o->grid, r, s)->epochs));
    if (o->experiment->paper && o->experiment->paper[r][0]) paper = json_string(o->experiment->paper[r]);
    json_t *json = json_pack("{s:s,s:i,s:o,s:b,s:i,s:o,s:s,s:o,s:o?}", "name", row->name, "real_percent",
                             row->recipe.real_percent, "samples", samples, "traditional_augmentation",
                             row->recipe.augment, "images", tr_grid_cell(o->grid, r, 0)->images, "epochs",
                             epochs, "compared_with", o->grid->rows[row->reference].name, "difference", less,
                             "paper_auc", paper);
    for (int m = 0; m < TR_MEASURES && json; m++)
        json_object_set_new(json, tr_measure_names[m], tr_figure_json(&o->rows[r].figure[m], seeds));
    return json;
}

static json_t *results_json(const struct tr_outcome *o)
{
    json_t *rows = json_array();
    const char *const *words = tr_interval_words;
    for (int r = 0; r < o->grid->row_count; r++) json_array_append_new(rows, row_json(o, r));
    json_t *json = json_pack(
        "{s:s,s:o,s:o,s:i,s:o,s:o}", "finding", o->lab->test.finding, "train", split_json(&o->lab->train),
        "test", split_json(&o->lab->test), "seeds", o->grid->seed_count, "interval",
        json_sprintf("%s %s %s %s", words[0], words[1], words[2], words[3]), "rows", rows);
    if (json && o->experiment->add_results) o->experiment->add_results(o, json);
    return json;
}

static json_t *settings_json(const struct tr_lab *lab)
{
    const struct tr_lab_settings *s = &lab->settings;
    json_t *json = tr_classify_settings_json(&s->classify, s->side, &lab->device);
    if (json) json_object_set_new(json, "seeds", json_integer(s->seeds));
    return json;
}

static nn_status write_json(const struct tr_outcome *o, const char *command, struct nn_error *err)
{
    const struct tr_lab *lab = o->lab;
    json_t *settings = settings_json(lab);
    json_t *data = tr_part_source(lab->test.source, lab->test.sha256);
    json_t *model = tr_part_source(lab->model_name, lab->model_sha256);
    struct tr_part part = {o->experiment->part, lab->settings.folder, command, settings, data, model};
    nn_status status = tr_part_write(&part, results_json(o), err);
    json_decref(settings);
    json_decref(data);
    json_decref(model);
    return status;
}

/* ---- tables and pictures ------------------------------------------------------------------------ */

void tr_outcome_put_interval(const struct tr_outcome *o, FILE *to)
{
    const char *few = tr_few_patients_warning(o->patients[1], o->patients[0]);
    fputs("Interval: ", to);
    for (int i = 0; i < TR_INTERVAL_LINES; i++) fprintf(to, "%s\n", tr_interval_words[i]);
    if (few) fprintf(to, "%s\n", few);
}

void tr_outcome_put_facts(const struct tr_outcome *o, FILE *to)
{
    const struct tr_lab *lab = o->lab;
    const struct tr_lab_settings *s = &lab->settings;
    fprintf(to, "%s of %s; samples of %s\n", lab->test.finding, lab->test.source, lab->model_name);
    fprintf(to, "%s at %d pixels, %d epoch%s, %s; %d seed%s\n",
            tr_architecture_words[s->classify.architecture], s->side, s->classify.epochs,
            s->classify.epochs == 1 ? "" : "s", s->classify.pretrained ? "pretrained" : "from scratch",
            s->seeds, s->seeds == 1 ? "" : "s");
    fprintf(to, "tested on %d real images of %d patients, %d of the images with the finding\n",
            lab->test.count, tr_cases_patients(&lab->test), tr_cases_positive(&lab->test));
}

static void put_number(FILE *to, double value)
{
    if (isfinite(value))
        fprintf(to, ",%.6f", value);
    else
        putc(',', to);
}

static void put_figure(FILE *to, const struct tr_figure *f)
{
    put_number(to, f->mean);
    put_number(to, f->interval.low);
    put_number(to, f->interval.high);
    put_number(to, f->least);
    put_number(to, f->most);
}

static void put_csv(const struct tr_outcome *o, FILE *to)
{
    fputs("row,images,seeds", to);
    for (int m = 0; m < TR_MEASURES; m++) {
        const char *name = tr_measure_names[m];
        fprintf(to, ",%s,%s_low,%s_high,%s_least,%s_most", name, name, name, name, name);
    }
    fputs(",compared_with,auc_difference,auc_difference_low,auc_difference_high,auc_difference_p", to);
    fputs(o->experiment->paper ? ",paper_auc\n" : "\n", to);
    for (int r = 0; r < o->grid->row_count; r++) {
        const struct tr_figure *less = &o->rows[r].less[TR_AUC];
        fprintf(to, "%s,%d,%d", o->grid->rows[r].name, tr_grid_cell(o->grid, r, 0)->images,
                o->grid->seed_count);
        for (int m = 0; m < TR_MEASURES; m++) put_figure(to, &o->rows[r].figure[m]);
        fprintf(to, ",%s", o->grid->rows[o->grid->rows[r].reference].name);
        put_number(to, less->mean);
        put_number(to, less->interval.low);
        put_number(to, less->interval.high);
        put_number(to, less->interval.p);
        if (o->experiment->paper) fprintf(to, ",%s", o->experiment->paper[r]);
        putc('\n', to);
    }
}

static nn_status write_text(const struct tr_outcome *o, const char *suffix,
                            void (*put)(const struct tr_outcome *, FILE *), struct nn_error *err)
{
    char path[PATH_MAX];
    struct tr_text_file text;
    snprintf(path, sizeof path, "%s/%s.%s", o->lab->settings.folder, o->experiment->part, suffix);
    nn_status status = tr_text_file_begin(&text, path, err);
    if (status != NN_OK) return status;
    put(o, text.to);
    return tr_text_file_end(&text, NN_OK, err);
}

/* The JSON last: where it is, the rest is. */
static nn_status write_all(const struct tr_outcome *o, const char *command, struct nn_error *err)
{
    nn_status status = write_text(o, "txt", o->experiment->put_table, err);
    if (status == NN_OK) status = write_text(o, "csv", put_csv, err);
    if (status == NN_OK) status = write_text(o, "svg", o->experiment->put_picture, err);
    if (status == NN_OK) status = write_json(o, command, err);
    if (status != NN_OK) return status;
    putchar('\n');
    o->experiment->put_table(o, stdout);
    printf("\n%s/%s.txt .csv .svg .json\n", o->lab->settings.folder, o->experiment->part);
    return NN_OK;
}

/* ---- the command -------------------------------------------------------------------------------- */

static nn_status run(const struct tr_experiment *experiment, const struct tr_lab_settings *settings,
                     const char *command, struct nn_error *err)
{
    struct tr_lab lab;
    struct tr_grid grid;
    nn_status status = tr_lab_open(&lab, settings, err);
    if (status != NN_OK) return status;
    status = tr_grid_fill(&grid, &lab, experiment->rows, experiment->row_count, err);
    if (status != NN_OK) goto out;
    struct tr_held_out *rows = calloc((size_t)grid.row_count, sizeof *rows);
    if (!rows) status = nn_fail(err, NN_ERR_MEMORY, "out of memory for %d rows", grid.row_count);
    if (status == NN_OK) status = tr_held_out_measure(&grid, &lab.test, rows, err);
    struct tr_outcome outcome = {.experiment = experiment, .lab = &lab, .grid = &grid, .rows = rows};
    if (status == NN_OK)
        status = nn_cluster_kinds(lab.test.truth, lab.test.patient, lab.test.count, outcome.patients, err);
    if (status == NN_OK) status = write_all(&outcome, command, err);
    free(rows);
    tr_grid_release(&grid);
out:
    tr_lab_close(&lab);
    return status;
}

int tr_experiment_main(const struct tr_experiment *experiment, int argc, char **argv)
{
    struct tr_lab_settings settings;
    struct nn_error err;
    int exit_status;
    if (tr_experiment_parse(&settings, experiment, argc, argv, &exit_status)) return exit_status;
    char *command = tr_part_command(argc, argv);
    tr_interrupt_catch();
    nn_status status =
        command ? run(experiment, &settings, command, &err) : nn_fail(&err, NN_ERR_MEMORY, "memory is out");
    free(command);
    return tr_command_end(argv[0], "the same command goes on", status, &err);
}
