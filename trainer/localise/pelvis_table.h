/* Which hips of a data set of pelves are wanted, and what each shows: its labels.csv, whose labels are of
 * films.
 *
 * A hip's label is
 *   that of the column `label_left` or `label_right`, where its cell is not empty;
 *   else the film's, where that is the negative one: neither hip shows anything;
 *   else the film's for the hip that `fracture_side` names, and the negative one for the other;
 *   else the film's for the hip that `side` names; nothing is known of the other, which is left out.
 * Where none of these tells it, the hip is left out: a fracture is never given to a hip by guessing. */
#ifndef TR_PELVIS_TABLE_H
#define TR_PELVIS_TABLE_H

#include <stdbool.h>

#include "engine/error.h"
#include "trainer/localise/place.h"

enum { TR_PELVIS_NAME_MAX = 200 };

struct tr_pelvis {
    const char *file, *patient, *split;
    char name[TR_PELVIS_NAME_MAX];         /* of its hips' files: NAME_left.png */
    const char *label[TR_HIPS];            /* NULL: left out */
    char refused[TR_PELVIS_NAME_MAX + 80]; /* why the row is not used; "" */
};

struct tr_pelvis_table {
    struct tr_pelvis *rows; /* in the table's order */
    int count;
    bool multi; /* the column is `labels` */
    char *text; /* backing of all cells */
};

/* `negative`: the label of a film on which nothing is wrong; NULL for no_fracture, or none in a column
 * `labels`. A row with a fault is refused. NN_ERR_FORMAT: a column file, label, patient_id or split that is
 * missing, a record of another length, no row at all. */
nn_status tr_pelvis_table_read(struct tr_pelvis_table *table, const char *path, const char *negative,
                               struct nn_error *err) NN_MUST_CHECK;
void tr_pelvis_table_release(struct tr_pelvis_table *table); /* harmless on a zeroed struct */

#endif
