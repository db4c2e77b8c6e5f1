/* Labelled images in memory, for classifiers: from a data set, a folder or a generator. They are asked for
 * one finding, which a case shows or does not. */
#ifndef TR_CASES_H
#define TR_CASES_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/engine.h"
#include "engine/error.h"

enum { TR_CASES_SIDE_MIN = 4, TR_CASES_SIDE_MAX = 1024 };

/* Case i of `count`. All arrays and files are heap memory, freed by tr_cases_release. */
struct tr_cases {
    int side, count;
    uint8_t *pixels;  /* count * side * side, 8-bit grey as networks of this project see it */
    uint8_t *truth;   /* 1: it shows the finding, 0: it does not; NULL: not known, of a folder */
    uint64_t *labels; /* bit k: it shows class k of `classes` */
    int *patient;     /* cases of one patient share a number; -1: nobody's, as samples are */
    char **file;      /* as labels.csv names it; NULL of a sample */
    uint64_t *seed;   /* of a sample; else 0 */
    int class_count;  /* of the data set; 0 of a folder */
    char classes[NN_CLASSES_MAX][NN_CLASS_NAME_MAX];
    bool multi_label; /* a case may show several classes, or none */
    char finding[NN_CLASS_NAME_MAX];
    char source[128]; /* name of the data set or model that the first case is from */
    char sha256[65];  /* of its content, or of the model's file; empty of a folder */
    char device[64];  /* that samples were drawn on, as nn_model_info tells it; else empty */
};

/* Now and then while images are read or drawn. Returning false stops: NN_STOPPED. */
typedef bool tr_cases_progress(void *context, int done, int total);

/* For all functions: on failure nothing is held and what was there stays as it was; `progress` may be NULL;
 * NN_ERR_ARGUMENT or NN_ERR_FORMAT say in one line what is wrong with which file. Any `side` will do, larger
 * or smaller than the image's: powers of two up to the image's are means of boxes as in
 * trainer/data/dataset.h, others are interpolated from those. */

/* The training or test images of a data set, in its order. `finding` is the class that counts as positive;
 * NULL: the second of two classes, or the only finding. A split without cases of both kinds is refused.
 * Opening the data set builds its pyramid, as training does. */
nn_status tr_cases_read(struct tr_cases *cases, const char *folder, bool train, const char *finding, int side,
                        tr_cases_progress *progress, void *context, struct nn_error *err) NN_MUST_CHECK;

/* All files *.png of a folder, sorted by name, without truth. */
nn_status tr_cases_read_folder(struct tr_cases *cases, const char *folder, int side,
                               tr_cases_progress *progress, void *context,
                               struct nn_error *err) NN_MUST_CHECK;

/* `count` samples of a model file: sample i is drawn from seed first_seed + i with the labels of case
 * i % like->count of `like`, so count = like->count gives its composition exactly; strength and truncation 1.
 * `device` as nn_model_open takes it; NN_ERR_DEVICE, too, when a GPU of "auto" fails amid them. The finding
 * and classes are those of `like`, which the model must know.
 */
nn_status tr_cases_draw(struct tr_cases *cases, const char *model_path, const char *device,
                        const struct tr_cases *like, int count, uint64_t first_seed, int side,
                        tr_cases_progress *progress, void *context, struct nn_error *err) NN_MUST_CHECK;

/* Sample i from seeds[i] with the labels of case i of `like`: as many as there are cases. */
nn_status tr_cases_draw_seeds(struct tr_cases *cases, const char *model_path, const char *device,
                              const struct tr_cases *like, const uint64_t *seeds, int side,
                              tr_cases_progress *progress, void *context, struct nn_error *err) NN_MUST_CHECK;

/* NN_ERR_ARGUMENT: samples of `model_path` that another file gave than that of `sha256`, as when it is
 * replaced while its training goes on. */
nn_status tr_cases_check_drawn(const struct tr_cases *drawn, const char *sha256, const char *model_path,
                               struct nn_error *err) NN_MUST_CHECK;

/* Appends copies of `more`, which has the same side, classes and finding, to `cases`. Its patients get
 * numbers of their own: they are never taken for those of `cases`. */
nn_status tr_cases_join(struct tr_cases *cases, const struct tr_cases *more,
                        struct nn_error *err) NN_MUST_CHECK;

/* Copies of the cases at `indices`, in that order; an index may come more than once. NULL: the first ones. */
nn_status tr_cases_select(struct tr_cases *chosen, const struct tr_cases *cases, const int *indices,
                          int count, struct nn_error *err) NN_MUST_CHECK;

/* Moves about `share` of the cases, at least one of each kind, to `validation`: whole patients, in an order
 * that the seed gives, stratified into patients with the finding, without it, and with cases of both kinds.
 * NN_ERR_ARGUMENT where both kinds cannot be on both sides. */
nn_status tr_cases_split(struct tr_cases *cases, double share, uint64_t seed, struct tr_cases *validation,
                         struct nn_error *err) NN_MUST_CHECK;

/* The classes that a case shows: "fracture"; of findings "effusion|fracture", or "none"; `size` bytes at
 * most. */
void tr_case_classes(const struct tr_cases *cases, int i, char *text, size_t size);

/* How many show the finding; 0 without truth. */
int tr_cases_positive(const struct tr_cases *cases);
/* How many patient numbers there are; they begin at 0. */
int tr_cases_patients(const struct tr_cases *cases);
/* Patients of whom there are cases of both kinds. */
int tr_cases_patients_of_both(const struct tr_cases *cases);

void tr_cases_release(struct tr_cases *cases); /* harmless on a zeroed struct */

#endif
