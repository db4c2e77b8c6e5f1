/* `roentgym evaluate table1`: what classifiers learn from real images, from samples, and from both. */
#include <math.h>
#include <string.h>

#include "trainer/experiments/experiment.h"
#include "trainer/experiments/forest_plot.h"
#include "trainer/parts/parts.h"

enum { ROWS = 8 };

static const struct tr_row rows[ROWS] = {
    {"real", {100, {false, false}, false}, 0},
    {"GAN-sample1", {0, {true, false}, false}, 0},
    {"GAN-sample2", {0, {false, true}, false}, 0},
    {"GAN-sample1 + GAN-sample2", {0, {true, true}, false}, 0},
    {"real + traditional augmentation", {100, {false, false}, true}, 0},
    {"real + GAN-sample1", {100, {true, false}, false}, 0},
    {"real + GAN-sample2", {100, {false, true}, false}, 0},
    {"all of these", {100, {true, true}, true}, 0},
};

/* What is known of Finlayson et al., arXiv:1812.01547, of radiographs of a hospital. */
static const char *const paper[ROWS] = {"0.992", "> 0.95", "> 0.95", "", "", "", "", ""};

static const char paper_words[] =
    "Paper: Finlayson et al., arXiv:1812.01547, of hospital radiographs; known of "
    "real images alone and of samples alone.";

static void put_table(const struct tr_outcome *o, FILE *to)
{
    int seeds = o->grid->seed_count;
    tr_outcome_put_facts(o, to);
    fprintf(to, "\n%-32s%8s  %-24s%-17s%-8s%-35s%s\n", "trained on", "images", "AUC (95 % interval)",
            "over seeds", "AP", "less that of real", "paper's AUC");
    for (int r = 0; r < ROWS; r++) {
        const struct tr_figure *auc = &o->rows[r].figure[TR_AUC], *less = &o->rows[r].less[TR_AUC];
        char interval[TR_FIGURE_TEXT], range[64] = "-", difference[TR_FIGURE_TEXT] = "-";
        if (seeds > 1) snprintf(range, sizeof range, "%.3f to %.3f", auc->least, auc->most);
        if (rows[r].reference != r) tr_difference_text(less, difference);
        fprintf(to, "%-32s%8d  %-24s%-17s%-8.3f%-35s%s\n", rows[r].name, tr_grid_cell(o->grid, r, 0)->images,
                tr_figure_text(auc, interval), range, o->rows[r].figure[TR_AVERAGE_PRECISION].mean,
                difference, paper[r]);
    }
    putc('\n', to);
    tr_outcome_put_interval(o, to);
    fprintf(to, "Images: less those for validation.\n%s\n", paper_words);
}

static void put_picture(const struct tr_outcome *o, FILE *svg)
{
    struct tr_forest_row lines[ROWS];
    char tested[320];
    snprintf(tested, sizeof tested, "Tested on %d real images of %s; dot: %s%d seed%s.", o->lab->test.count,
             o->lab->test.source, o->grid->seed_count == 1 ? "" : "mean of ", o->grid->seed_count,
             o->grid->seed_count == 1 ? "" : "s (small dots below)");
    for (int r = 0; r < ROWS; r++) {
        const struct tr_figure *auc = &o->rows[r].figure[TR_AUC];
        lines[r] = (struct tr_forest_row){.name = rows[r].name,
                                          .value = auc->mean,
                                          .low = auc->interval.low,
                                          .high = auc->interval.high,
                                          .points = auc->by_seed,
                                          .point_count = o->grid->seed_count > 1 ? o->grid->seed_count : 0,
                                          .known = strcmp(paper[r], "0.992") == 0 ? 0.992 : NAN};
        snprintf(lines[r].cells[0], sizeof lines[r].cells[0], "%.3f", auc->mean);
        snprintf(lines[r].cells[1], sizeof lines[r].cells[1], "%.3f",
                 o->rows[r].figure[TR_AVERAGE_PRECISION].mean);
        snprintf(lines[r].cells[2], sizeof lines[r].cells[2], "%s", paper[r]);
    }
    const struct tr_forest forest = {
        .id = "table1",
        .title = "Classifiers trained on real images, on samples, and on both",
        .axis = "AUC on held-out real images, 95 % interval by patient",
        .columns = {"AUC", "avg. precision", "paper's AUC"},
        .notes = {tested, paper_words},
        .line = o->rows[0].figure[TR_AUC].mean,
        .rows = lines,
        .row_count = ROWS,
    };
    tr_forest_put(svg, &forest);
}

int tr_evaluate_table1(int argc, char **argv)
{
    static const struct tr_experiment experiment = {
        .part = "table1",
        .about =
            "Table 1 of Finlayson et al.: the AUC and average precision, on held-out real images, of "
            "classifiers "
            "trained\n"
            "on real images, on two sets of samples, on both sets, on real images with traditional "
            "augmentation, "
            "on real\n"
            "images and either set, and on all. A set of samples has the size and classes of the training "
            "split.\n",
        .rows = rows,
        .paper = paper,
        .row_count = ROWS,
        .put_table = put_table,
        .put_picture = put_picture,
    };
    return tr_experiment_main(&experiment, argc, argv);
}
