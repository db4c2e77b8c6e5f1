/* `roentgym evaluate boundary`: how much worse a classifier is for having learnt from samples instead of real
 * images, after Santurkar, Schmidt, Madry, "A classification-based study of covariate shift in GAN
 * distributions" (ICML 2018). */
#include <math.h>

#include "trainer/experiments/experiment.h"
#include "trainer/experiments/forest_plot.h"
#include "trainer/parts/parts.h"

enum { ROWS = 3, SHOWN = 5 };

static const struct tr_row rows[ROWS] = {
    {"real", {100, {false, false}, false}, 0},
    {"GAN-sample1", {0, {true, false}, false}, 0},
    {"GAN-sample2", {0, {false, true}, false}, 0},
};

/* In the order of the table. */
static const struct {
    enum tr_measure measure;
    const char *name;
} shown[SHOWN] = {
    {TR_ACCURACY, "accuracy"},
    {TR_SENSITIVITY, "with the finding"},
    {TR_SPECIFICITY, "without it"},
    {TR_BALANCED, "mean of these two"},
    {TR_AUC, "AUC"},
};

/* Real less samples: what is lost counts as more. Of 0 it is no -0. */
static struct tr_figure distortion(const struct tr_outcome *o, int row, enum tr_measure measure)
{
    struct tr_figure f = o->rows[row].less[measure], lost = f;
    lost.mean = 0 - f.mean;
    lost.least = 0 - f.most;
    lost.most = 0 - f.least;
    lost.interval.low = 0 - f.interval.high;
    lost.interval.high = 0 - f.interval.low;
    for (int s = 0; s < o->grid->seed_count; s++) lost.by_seed[s] = 0 - f.by_seed[s];
    return lost;
}

static void put_table(const struct tr_outcome *o, FILE *to)
{
    tr_outcome_put_facts(o, to);
    fprintf(to, "trained on %d, %d and %d images\n\n%-20s%8s", tr_grid_cell(o->grid, 0, 0)->images,
            tr_grid_cell(o->grid, 1, 0)->images, tr_grid_cell(o->grid, 2, 0)->images, "on real images",
            "real");
    for (int r = 1; r < ROWS; r++) fprintf(to, "  %11s  %-35s", rows[r].name, "distortion (95 %)");
    putc('\n', to);
    for (int k = 0; k < SHOWN; k++) {
        fprintf(to, "%-20s%8.3f", shown[k].name, o->rows[0].figure[shown[k].measure].mean);
        for (int r = 1; r < ROWS; r++) {
            struct tr_figure lost = distortion(o, r, shown[k].measure);
            char text[TR_FIGURE_TEXT];
            fprintf(to, "  %11.3f  %-35s", o->rows[r].figure[shown[k].measure].mean,
                    tr_difference_text(&lost, text));
        }
        putc('\n', to);
    }
    fputs(
        "\nDistortion: that of the classifier trained on real images less that of the one trained on as many "
        "samples\nwith the same shares of classes. Accuracies count a score of 0.5 as a yes.\n",
        to);
    tr_outcome_put_interval(o, to);
}

static void put_picture(const struct tr_outcome *o, FILE *svg)
{
    struct tr_forest_row lines[(ROWS - 1) * SHOWN];
    struct tr_figure lost[(ROWS - 1) * SHOWN];
    char names[(ROWS - 1) * SHOWN][64];
    int count = 0;
    for (int r = 1; r < ROWS; r++)
        for (int k = 0; k < SHOWN; k++, count++) {
            lost[count] = distortion(o, r, shown[k].measure);
            snprintf(names[count], sizeof names[count], "%s: %s", rows[r].name, shown[k].name);
            lines[count] =
                (struct tr_forest_row){.name = names[count],
                                       .value = lost[count].mean,
                                       .low = lost[count].interval.low,
                                       .high = lost[count].interval.high,
                                       .points = lost[count].by_seed,
                                       .point_count = o->grid->seed_count > 1 ? o->grid->seed_count : 0,
                                       .known = NAN};
            snprintf(lines[count].cells[0], sizeof lines[count].cells[0], "%+.3f", lost[count].mean);
            snprintf(lines[count].cells[1], sizeof lines[count].cells[1], "%.3f",
                     o->rows[0].figure[shown[k].measure].mean);
            snprintf(lines[count].cells[2], sizeof lines[count].cells[2], "%.3f",
                     o->rows[r].figure[shown[k].measure].mean);
        }
    const struct tr_forest forest = {
        .id = "boundary",
        .title = "Boundary distortion, conditional: what is lost by training on samples",
        .axis = "real less samples, 95 % interval by patient",
        .columns = {"distortion", "trained on real", "on samples"},
        .notes = {"On held-out real images. Samples are as many, with the same shares of classes."},
        .line = 0,
        .rows = lines,
        .row_count = count,
    };
    tr_forest_put(svg, &forest);
}

static void add_results(const struct tr_outcome *o, json_t *results)
{
    json_t *sets = json_object();
    for (int r = 1; r < ROWS; r++) {
        json_t *set = json_object();
        for (int m = 0; m < TR_MEASURES; m++) {
            struct tr_figure lost = distortion(o, r, (enum tr_measure)m);
            json_object_set_new(set, tr_measure_names[m], tr_difference_json(&lost, o->grid->seed_count));
        }
        json_object_set_new(sets, rows[r].name, set);
    }
    json_object_set_new(results, "distortion", sets);
}

int tr_evaluate_boundary(int argc, char **argv)
{
    static const struct tr_experiment experiment = {
        .part = "boundary",
        .about =
            "Conditional boundary distortion (Santurkar, Schmidt and Madry 2018): the accuracy and AUC, on "
            "held-out\n"
            "real images, of a classifier trained on real images, less that of one trained on as many "
            "samples with the\n"
            "same shares of classes; for all images and for each class.\n",
        .rows = rows,
        .row_count = ROWS,
        .put_table = put_table,
        .put_picture = put_picture,
        .add_results = add_results,
    };
    return tr_experiment_main(&experiment, argc, argv);
}
