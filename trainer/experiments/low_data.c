/* `roentgym evaluate low-data`: what samples add when real images are few. */
#include <math.h>

#include "trainer/drawing/svg_chart.h"
#include "trainer/experiments/experiment.h"
#include "trainer/parts/parts.h"

enum { SHARES = 7, SAMPLES_ALONE = 2 * SHARES, ROWS };

#define PAIR(percent, place)                                                                                 \
    {#percent " % real", {percent, {false, false}, false}, 2 * SHARES - 2},                                  \
    {                                                                                                        \
#percent " % real + GAN-sample1", {percent, {true, false }, false }, 2 * (place)                     \
    }

/* Row 2k has the real images of share k alone and is compared with all of them, row 2k+1 has the samples,
 * too, and is compared with row 2k. */
static const struct tr_row rows[ROWS] = {
    PAIR(1, 0),  PAIR(2, 1),  PAIR(5, 2),   PAIR(10, 3),
    PAIR(25, 4), PAIR(50, 5), PAIR(100, 6), {"GAN-sample1", {0, {true, false}, false}, 2 * SHARES - 2},
};

static const char generator_words[] =
    "The generator has seen all training images, also where the classifier sees few of them.";

/* How many real images row 2k shows for training. */
static int real_images(const struct tr_outcome *o, int share)
{
    return tr_grid_cell(o->grid, 2 * share, 0)->images;
}

static void put_one(FILE *to, const struct tr_figure *f)
{
    char text[TR_FIGURE_TEXT];
    fprintf(to, "  %-24s", tr_figure_text(f, text));
}

static void put_table(const struct tr_outcome *o, FILE *to)
{
    const struct tr_figure *alone = &o->rows[SAMPLES_ALONE].figure[TR_AUC];
    tr_outcome_put_facts(o, to);
    fprintf(to, "\n%-8s%8s  %-24s  %-24s  %s\n", "patients", "images", "AUC real (95 %)", "with GAN-sample1",
            "gained");
    for (int k = 0; k < SHARES; k++) {
        char text[TR_FIGURE_TEXT];
        const struct tr_figure *gained = &o->rows[2 * k + 1].less[TR_AUC];
        fprintf(to, "%6d %%%8d", rows[2 * k].recipe.real_percent, real_images(o, k));
        put_one(to, &o->rows[2 * k].figure[TR_AUC]);
        put_one(to, &o->rows[2 * k + 1].figure[TR_AUC]);
        fprintf(to, "  %s\n", tr_difference_text(gained, text));
    }
    fprintf(to, "%6d %%%8d  %-24s", 0, 0, "-");
    put_one(to, alone);
    fprintf(to,
            "\n\nImages: real ones, of the first seed, less those for validation. Patients of a smaller "
            "share are "
            "among those\nof a larger one. %s\n",
            generator_words);
    tr_outcome_put_interval(o, to);
}

static void put_picture(const struct tr_outcome *o, FILE *svg)
{
    double share[SHARES], value[2][SHARES], low[2][SHARES], high[2][SHARES], alone[SHARES];
    for (int k = 0; k < SHARES; k++) {
        share[k] = rows[2 * k].recipe.real_percent;
        alone[k] = o->rows[SAMPLES_ALONE].figure[TR_AUC].mean;
        for (int with = 0; with < 2; with++) {
            const struct tr_figure *f = &o->rows[2 * k + with].figure[TR_AUC];
            value[with][k] = f->mean;
            low[with][k] = f->interval.low;
            high[with][k] = f->interval.high;
        }
    }
    const struct tr_chart chart = {
        .id = "low-data",
        .title = "AUC on held-out real images by the share of real images trained on",
        .x_label = "real images trained on, % of the patients",
        .y_label = "AUC, 95 % interval by patient",
        .width = 720,
        .height = 400,
        .log_x = true,
        .series = {{.name = "real images",
                    .x = share,
                    .y = value[0],
                    .low = low[0],
                    .high = high[0],
                    .count = SHARES},
                   {.name = "real images and GAN-sample1, whose generator saw them all",
                    .x = share,
                    .y = value[1],
                    .low = low[1],
                    .high = high[1],
                    .count = SHARES},
                   {.name = "GAN-sample1 alone", .x = share, .y = alone, .count = SHARES, .faint = true}},
        .series_count = 3,
    };
    tr_chart_put(svg, &chart);
}

static void add_results(const struct tr_outcome *o, json_t *results)
{
    (void)o;
    json_object_set_new(results, "note", json_string(generator_words));
}

int tr_evaluate_low_data(int argc, char **argv)
{
    static const struct tr_experiment experiment = {
        .part = "low-data",
        .about =
            "The AUC, on held-out real images, of classifiers trained on 1, 2, 5, 10, 25, 50 and 100 % of "
            "the "
            "patients of\n"
            "the training split, alone and with a set of samples of the size and classes of all of it. The "
            "generator\n"
            "has seen all training images.\n",
        .rows = rows,
        .row_count = ROWS,
        .put_table = put_table,
        .put_picture = put_picture,
        .add_results = add_results,
    };
    return tr_experiment_main(&experiment, argc, argv);
}
