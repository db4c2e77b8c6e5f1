/* Line charts as SVG, for a page or a file: axes with round ticks, a legend, colours that colour-blind
 * readers can tell apart (Okabe and Ito's) and different dashes for print, and a description in words for
 * those who do not see them. Needs no script and no style sheet. */
#ifndef TR_SVG_CHART_H
#define TR_SVG_CHART_H

#include <stdbool.h>
#include <stdio.h>

enum { TR_CHART_SERIES_MAX = 8 };

/* All borrowed. Points that are not finite (on a logarithmic axis: not positive) leave a gap. `low` and
 * `high`: an interval about each point, drawn as a pale band; NULL: none. */
struct tr_series {
    const char *name;
    const double *x, *y; /* x rises */
    const double *low, *high;
    int count;
    bool faint; /* a line to compare with: grey and dashed */
};

/* A stretch of the x axis with a name above it, where there is room for the name. */
struct tr_band {
    double from, to;
    char name[24];
};

struct tr_chart {
    const char *id;    /* unique in the page: letters, digits and dashes */
    const char *title; /* what is shown */
    const char *x_label, *y_label;
    int width, height; /* in user units, about pixels */
    bool log_x, log_y;
    bool from_zero; /* the y axis begins at 0, on a linear axis */
    struct tr_series series[TR_CHART_SERIES_MAX];
    int series_count;
    const struct tr_band *bands;
    int band_count;
};

/* A <svg> element. Without a single point it says "no values". */
void tr_chart_put(FILE *page, const struct tr_chart *chart);

/* Ticks of a linear axis over low..high: *first and *step of the form 1, 2 or 5 times a power of ten, at most
 * `wanted` + 1 of them. low < high. */
void tr_chart_ticks(double low, double high, int wanted, double *first, double *step);

#endif
