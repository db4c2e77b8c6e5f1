/* The three experiments of `roentgym evaluate` that train classifiers, table1, low-data and boundary: each is
 * a list of recipes, and a way to show how well what was trained on them tells the held-out images apart. */
#ifndef TR_EXPERIMENT_H
#define TR_EXPERIMENT_H

#include <jansson.h>
#include <stdio.h>

#include "trainer/experiments/held_out.h"

struct tr_experiment;

/* All borrowed. */
struct tr_outcome {
    const struct tr_experiment *experiment;
    const struct tr_lab *lab;
    const struct tr_grid *grid;
    const struct tr_held_out *rows; /* one a row of the grid */
    int patients[2];                /* of the test split, without and with the finding */
};

struct tr_experiment {
    const char *part, *about; /* about: what --help says of it, whole lines */
    const struct tr_row *rows;
    const char *const
        *paper; /* the AUC that the paper tells for each row, "" where it is not known; or NULL */
    int row_count;
    void (*put_table)(const struct tr_outcome *outcome, FILE *to);
    void (*put_picture)(const struct tr_outcome *outcome, FILE *svg);
    /* Adds what is the part's own to the results; NULL: nothing. */
    void (*add_results)(const struct tr_outcome *outcome, json_t *results);
};

/* The whole command: options, training of what is missing, PART.json, .csv, .txt and .svg. Returns the exit
 * status as in trainer/commands.h. */
int tr_experiment_main(const struct tr_experiment *experiment, int argc, char **argv);

/* "2,675 images of 2,050 patients ..." in whole lines: what was tested how, for the table. */
void tr_outcome_put_facts(const struct tr_outcome *outcome, FILE *to);
/* What intervals and p mean, below the table, and whether they are of few patients. */
void tr_outcome_put_interval(const struct tr_outcome *outcome, FILE *to);

#endif
