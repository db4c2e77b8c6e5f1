/* A table with a picture in each line: names, numbers, and between them every value as a mark with its
 * interval over one axis, as an SVG file. Colours and description as in trainer/drawing/svg_chart.h. */
#ifndef TR_FOREST_PLOT_H
#define TR_FOREST_PLOT_H

#include <stdio.h>

enum { TR_FOREST_COLUMNS = 3 };

/* All borrowed. */
struct tr_forest_row {
    const char *name;
    char cells[TR_FOREST_COLUMNS][40]; /* what stands right of the picture */
    double value, low, high;           /* not finite: no mark, no interval */
    const double *points;              /* small dots: what the value is the mean of; NULL: none */
    int point_count;
    double known; /* a value of others, as an open diamond; NAN: none */
};

struct tr_forest {
    const char *id, *title; /* id: letters, digits and dashes */
    const char *axis;       /* what the axis shows */
    const char *columns[TR_FOREST_COLUMNS];
    const char *notes[4]; /* lines below; NULL: no more */
    double line;          /* a vertical line there; NAN: none */
    const struct tr_forest_row *rows;
    int row_count;
};

void tr_forest_put(FILE *svg, const struct tr_forest *forest);

#endif
