/* `roentgym localise evaluate` */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trainer/command_end.h"
#include "trainer/drawing/contact_sheet.h"
#include "trainer/given_options.h"
#include "trainer/localise/box_overlay.h"
#include "trainer/localise/default_weights.h"
#include "trainer/localise/hip_measure.h"
#include "trainer/localise/localise.h"

static const char usage[] =
    "usage: roentgym localise evaluate --data DIR [options]\n"
    "\n"
    "Finds the hips on the test images of a data set of pelves and tells how many of those that are there "
    "it\n"
    "found, how many with an IoU above 0.7 (area shared by the true and the found box over area covered by\n"
    "both), and the mean IoU, in which a hip that is not found counts as 0.\n"
    "\n"
    "  --data DIR       data set of pelves\n"
    "  --boxes FILE     the true boxes; default DATA/boxes.csv\n"
    "  --weights FILE   the network; default the one that comes with the program\n"
    "  --sheet FILE     also a contact sheet (PNG) of the 48 films with the least IoU, worst first; true "
    "boxes\n"
    "                   dashed\n"
    "  --help\n";

enum choice { DATA, BOXES, WEIGHTS, SHEET, HELP };
enum { SHEET_TILES = 48, SHEET_COLUMNS = 8 };

static const struct option options[] = {
    {"data", required_argument, NULL, DATA},
    {"boxes", required_argument, NULL, BOXES},
    {"weights", required_argument, NULL, WEIGHTS},
    {"sheet", required_argument, NULL, SHEET},
    {"help", no_argument, NULL, HELP},
    {NULL, 0, NULL, 0},
};

struct judged {
    const struct tr_hip_film *film;
    const struct tr_hip_found *found; /* TR_HIPS */
    double iou;                       /* the lesser of both */
};

struct evaluation {
    struct tr_given given;
    struct tr_hip_net net;
    struct tr_hip_films films;
    struct tr_hip_finder finder;
    struct tr_hip_found (*found)[TR_HIPS];
    struct judged *judged;
    struct nn_error err;
};

static int by_iou(const void *a, const void *b)
{
    const struct judged *x = a, *y = b;
    return x->iou != y->iou ? (x->iou > y->iou) - (x->iou < y->iou) : strcmp(x->film->file, y->film->file);
}

/* A film with a hip that is not there and yet found comes first, too. */
static struct judged judge(const struct tr_hip_film *film, const struct tr_hip_found *found)
{
    struct judged j = {film, found, 1};
    for (int hip = 0; hip < TR_HIPS; hip++) {
        double iou = film->there[hip] != found[hip].found ? 0
                     : film->there[hip]                   ? tr_place_iou(&film->place[hip], &found[hip].place)
                                                          : 1;
        if (iou < j.iou) j.iou = iou;
    }
    return j;
}

static nn_status write_sheet(struct evaluation *e, int count)
{
    int side = e->films.side, tiles = count < SHEET_TILES ? count : SHEET_TILES;
    size_t each = (size_t)side * (size_t)side;
    uint8_t *pixels = malloc((size_t)tiles * each);
    if (!pixels) return nn_fail(&e->err, NN_ERR_MEMORY, "out of memory for a sheet");
    for (int i = 0; i < tiles; i++) {
        uint8_t *tile = pixels + (size_t)i * each;
        const struct judged *j = &e->judged[i];
        memcpy(tile, j->film->pixels, each);
        for (int hip = 0; hip < TR_HIPS; hip++) {
            if (j->film->there[hip]) tr_box_overlay(tile, side, &j->film->place[hip], hip, true);
            if (j->found[hip].found) tr_box_overlay(tile, side, &j->found[hip].place, hip, false);
        }
    }
    nn_status status =
        tr_contact_sheet_write(tr_given_text(&e->given, SHEET), pixels, tiles, SHEET_COLUMNS, side, &e->err);
    free(pixels);
    return status;
}

static void tell(const struct tr_hip_measure *m, const struct judged *worst)
{
    printf("films        %d\n", m->films);
    printf("found        %d of %d hips, %.2f %%\n", m->found, m->hips, 100.0 * m->found / m->hips);
    printf("IoU > %.1f    %d of %d hips, %.2f %%\n", TR_HIP_IOU, m->localised, m->hips,
           100.0 * m->localised / m->hips);
    printf("IoU          mean %.3f, least %.3f (%s)\n", m->iou, m->least, worst->film->file);
    if (m->absent)
        printf("not there    %d hip%s, found nevertheless: %d\n", m->absent, m->absent == 1 ? "" : "s",
               m->untrue);
}

static nn_status run(struct evaluation *e)
{
    char sha256[65];
    struct tr_hip_measure m;
    const char *sheet = tr_given_text(&e->given, SHEET);
    nn_status status = sheet ? tr_contact_sheet_check_path(sheet, &e->err) : NN_OK;
    if (status == NN_OK)
        status = tr_localiser_load(&e->net, tr_given_text(&e->given, WEIGHTS), sha256, &e->err);
    if (status == NN_OK)
        status = tr_hip_films_read(&e->films, tr_given_text(&e->given, DATA), tr_given_text(&e->given, BOXES),
                                   e->net.side, &e->err);
    if (status != NN_OK) return status;
    int first = e->films.train_count, count = e->films.count - first;
    if (count == 0)
        return nn_fail(&e->err, NN_ERR_FORMAT, "%s: no image of its test split has a box",
                       tr_given_text(&e->given, DATA));
    e->found = malloc((size_t)count * sizeof *e->found);
    e->judged = malloc((size_t)count * sizeof *e->judged);
    if (!e->found || !e->judged) return nn_fail(&e->err, NN_ERR_MEMORY, "out of memory for %d films", count);
    status = tr_hip_finder_open(&e->finder, &e->net, &e->err);
    if (status == NN_OK) status = tr_hip_measure(&e->finder, &e->films, first, count, e->found, &m, &e->err);
    if (status != NN_OK) return status;
    for (int i = 0; i < count; i++) e->judged[i] = judge(&e->films.films[first + i], e->found[i]);
    qsort(e->judged, (size_t)count, sizeof *e->judged, by_iou);
    tell(&m, e->judged);
    return sheet ? write_sheet(e, count) : NN_OK;
}

int tr_localise_evaluate(int argc, char **argv)
{
    struct evaluation e = {.given = {.options = options, .usage = usage}};
    int exit_status;
    if (tr_given_read(&e.given, argc, argv, &exit_status)) return exit_status;
    if (!tr_given_text(&e.given, DATA)) return tr_given_refuse(&e.given, "--data is needed");
    nn_status status = run(&e);
    tr_hip_finder_close(&e.finder);
    tr_hip_films_release(&e.films);
    tr_hip_net_release(&e.net);
    free(e.found);
    free(e.judged);
    return tr_command_end(argv[0], NULL, status, &e.err);
}
