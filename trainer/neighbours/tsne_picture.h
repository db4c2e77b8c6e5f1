/* Places in the plane as pictures: thumbnails in coloured frames as PNG, marks as SVG. */
#ifndef TR_TSNE_PICTURE_H
#define TR_TSNE_PICTURE_H

#include "trainer/classify/cases.h"

enum { TR_TSNE_KINDS = 4 };

struct tr_tsne_points {
    const struct tr_cases *cases;
    const double *places; /* two a case */
    const int *kind;      /* 0 .. TR_TSNE_KINDS-1, of each case */
    const char *kinds[TR_TSNE_KINDS];
};

/* Which of two that overlap hides the other is by chance, so that no kind hides another. */
nn_status tr_tsne_draw_png(const struct tr_tsne_points *points, const char *path,
                           struct nn_error *err) NN_MUST_CHECK;
/* A self-contained <svg>: colour and shape tell the kind. */
nn_status tr_tsne_draw_svg(const struct tr_tsne_points *points, const char *path,
                           struct nn_error *err) NN_MUST_CHECK;

#endif
