/* How well the networks of a grid tell the held-out real images apart, with intervals and tests that draw
 * whole patients (engine/bootstrap.h). */
#ifndef TR_HELD_OUT_H
#define TR_HELD_OUT_H

#include <jansson.h>

#include "engine/bootstrap.h"
#include "trainer/experiments/cell_grid.h"

/* A score of 0.5 or more is a "yes". */
enum tr_measure {
    TR_AUC,
    TR_AVERAGE_PRECISION,
    TR_ACCURACY,
    TR_SENSITIVITY, /* accuracy on images with the finding */
    TR_SPECIFICITY, /* accuracy on images without it */
    TR_BALANCED,    /* their mean: the accuracy if both kinds were as many */
    TR_MEASURES
};
extern const char *const tr_measure_names[TR_MEASURES]; /* "auc", "average_precision", ... */

/* How the intervals came about, in lines for what is shown. */
enum { TR_INTERVAL_LINES = 4 };
extern const char *const tr_interval_words[TR_INTERVAL_LINES];

struct tr_figure {
    double mean, least, most; /* over the seeds */
    double by_seed[TR_LAB_SEEDS_MAX];
    struct nn_interval interval; /* of the mean; of a difference its p, too */
};

struct tr_held_out {
    struct tr_figure figure[TR_MEASURES];
    struct tr_figure less[TR_MEASURES]; /* the same less those of the row it is compared with: paired */
};

/* One for each row of the grid. */
nn_status tr_held_out_measure(const struct tr_grid *grid, const struct tr_cases *test,
                              struct tr_held_out *rows, struct nn_error *err) NN_MUST_CHECK;

/* {"mean", "low", "high", "least", "most", "by_seed"}; NULL without memory */
json_t *tr_figure_json(const struct tr_figure *figure, int seed_count);
/* The same, and "p". */
json_t *tr_difference_json(const struct tr_figure *difference, int seed_count);

/* "0.899 (0.862 to 0.933)", "-0.114 (-0.168 to -0.063), p 0.001"; both return text. */
enum { TR_FIGURE_TEXT = 64 };
const char *tr_figure_text(const struct tr_figure *figure, char text[TR_FIGURE_TEXT]);
const char *tr_difference_text(const struct tr_figure *difference, char text[TR_FIGURE_TEXT]);

#endif
