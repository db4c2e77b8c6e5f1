/* `roentgym localise apply` */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trainer/command_end.h"
#include "trainer/drawing/contact_sheet.h"
#include "trainer/given_options.h"
#include "trainer/interrupt.h"
#include "trainer/localise/box_overlay.h"
#include "trainer/localise/default_weights.h"
#include "trainer/localise/hip_crops.h"
#include "trainer/localise/localise.h"
#include "trainer/overwrite.h"
#include "trainer/progress.h"

static const char usage[] =
    "usage: roentgym localise apply --data DIR --out DIR [options]\n"
    "\n"
    "Cuts the hips out of a data set of pelvic radiographs, as `roentgym ingest` makes them: a data set "
    "that\n"
    "`roentgym train` reads. Right hips are mirrored, so that all look like left ones. Ctrl-C stops; the "
    "same\n"
    "command goes on, and looks again only at films that are new or changed.\n"
    "\n"
    "  --data DIR         data set of pelves\n"
    "  --out DIR          folder of the hips' data set; made if it is not there\n"
    "  --report FILE      a row for each hip of each film and what became of it; default OUT.report.csv\n"
    "  --weights FILE     the network; default the one that comes with the program\n"
    "  --size N           side of the crops in pixels, 16, 32, ... 1024; default 512 (on a film of 1024 "
    "pixels a\n"
    "                     hip is about 460 wide)\n"
    "  --negative LABEL   the label of films on which neither hip shows anything; default no_fracture, or "
    "none\n"
    "                     in a column labels\n"
    "  --sheet FILE       also a contact sheet (PNG) of 48 films with the boxes, the least certain first\n"
    "  --name TEXT        of the data set, up to 100 bytes; default the name of OUT\n"
    "  --help\n"
    "\n"
    "A film has one label, but two hips. A hip's label is that of the column label_left or label_right of\n"
    "DATA/labels.csv (roentgym ingest --keep label_left --keep label_right). Where that is empty or not "
    "there:\n"
    "on a film with the negative label both hips are negative; else the film's label is of the hip that the\n"
    "column fracture_side names (left or right), and the other hip is negative; else it is of the hip that "
    "the\n"
    "column side names, and the other is left out. Where no column tells, both are left out.\n"
    "\n"
    "Exit status 0: all went through. 1: a hip was not found, a film refused, or a class has no image to "
    "train\n"
    "with; the rest is there, and the report says what and why.\n";

enum choice { DATA, OUT, REPORT, WEIGHTS, SIZE, NEGATIVE, SHEET, NAME, HELP };
enum { SHEET_TILES = 48, SHEET_COLUMNS = 8, TILE = 256 };

static const struct option options[] = {
    {"data", required_argument, NULL, DATA},     {"out", required_argument, NULL, OUT},
    {"report", required_argument, NULL, REPORT}, {"weights", required_argument, NULL, WEIGHTS},
    {"size", required_argument, NULL, SIZE},     {"negative", required_argument, NULL, NEGATIVE},
    {"sheet", required_argument, NULL, SHEET},   {"name", required_argument, NULL, NAME},
    {"help", no_argument, NULL, HELP},           {NULL, 0, NULL, 0},
};

struct applying {
    struct tr_given given;
    char data[PATH_MAX], out[PATH_MAX], report[PATH_MAX], name[128], weights_sha256[65];
    struct tr_crop_wish wish;
    struct tr_pelvis_table table;
    struct tr_hip_net net;
    struct tr_hip_finder finder;
    struct tr_crop_outcome outcome;
    struct tr_progress progress;
    struct nn_error err;
};

/* ---- options ------------------------------------------------------------------------------------------ */

static bool without_slash(const char *text, char path[PATH_MAX])
{
    size_t length = text ? strlen(text) : 0;
    if (length == 0 || length + 2 * TR_PELVIS_NAME_MAX >= PATH_MAX) return false;
    strcpy(path, text);
    while (length > 1 && path[length - 1] == '/') path[--length] = '\0';
    return true;
}

static int parse_values(struct applying *a)
{
    int size = 512;
    if (tr_given_int(&a->given, SIZE, 16, 1024, &size)) return 2;
    if (size & (size - 1)) return tr_given_wrong(&a->given, SIZE, "16, 32, 64, ... 1024");
    if (!without_slash(tr_given_text(&a->given, DATA), a->data) ||
        !without_slash(tr_given_text(&a->given, OUT), a->out))
        return tr_given_refuse(&a->given, "--data and --out are needed");
    const char *slash = strrchr(a->out, '/');
    snprintf(a->report, sizeof a->report, "%.*s.report.csv", PATH_MAX - 16, a->out);
    snprintf(a->name, sizeof a->name, "%.100s", slash && slash[1] ? slash + 1 : a->out);
    a->wish = (struct tr_crop_wish){.source = a->data,
                                    .out = a->out,
                                    .report = tr_given_or(&a->given, REPORT, a->report),
                                    .name = tr_given_or(&a->given, NAME, a->name),
                                    .weights_sha256 = a->weights_sha256,
                                    .size = size};
    if (!*a->wish.name || strlen(a->wish.name) > 100)
        return tr_given_wrong(&a->given, NAME, "a text of 1 to 100 bytes");
    return 0;
}

/* 0: go on; otherwise *status is the exit status. */
static int parse(struct applying *a, int argc, char **argv, int *status)
{
    a->given = (struct tr_given){.options = options, .usage = usage};
    if (tr_given_read(&a->given, argc, argv, status)) return 1;
    return *status = parse_values(a);
}

/* ---- work --------------------------------------------------------------------------------------------- */

static bool show(void *context, int done, int total)
{
    struct applying *a = context;
    tr_progress_show(&a->progress, done, total);
    return !tr_interrupted();
}

struct doubt {
    double certainty; /* the lesser of both hips */
    int row;
};

static int by_certainty(const void *a, const void *b)
{
    const struct doubt *x = a, *y = b;
    return x->certainty != y->certainty ? (x->certainty > y->certainty) - (x->certainty < y->certainty)
                                        : x->row - y->row;
}

static nn_status place_tile(struct applying *a, struct tr_contact_sheet *sheet, int index, int row)
{
    uint8_t tile[TILE * TILE];
    nn_status status = tr_crop_tile(a->data, &a->table.rows[row], TILE, tile, &a->err);
    for (int hip = 0; hip < TR_HIPS && status == NN_OK; hip++)
        if (a->outcome.films[row].hips[hip].found)
            tr_box_overlay(tile, TILE, &a->outcome.films[row].hips[hip].place, hip, false);
    return status == NN_OK ? tr_contact_sheet_place(sheet, index, tile, &a->err) : status;
}

static nn_status write_sheet(struct applying *a)
{
    int count = 0;
    struct tr_contact_sheet sheet = {0};
    struct doubt *doubts = malloc((size_t)a->table.count * sizeof *doubts);
    if (!doubts) return nn_fail(&a->err, NN_ERR_MEMORY, "out of memory for a sheet");
    for (int i = 0; i < a->table.count; i++) {
        const struct tr_crop_film *film = &a->outcome.films[i];
        double right = film->hips[TR_RIGHT].certainty, left = film->hips[TR_LEFT].certainty;
        if (film->side) doubts[count++] = (struct doubt){right < left ? right : left, i};
    }
    qsort(doubts, (size_t)count, sizeof *doubts, by_certainty);
    int tiles = count < SHEET_TILES ? count : SHEET_TILES;
    nn_status status =
        tr_contact_sheet_init(&sheet, tiles, tiles < SHEET_COLUMNS ? tiles : SHEET_COLUMNS, TILE, &a->err);
    for (int i = 0; i < tiles && status == NN_OK; i++) status = place_tile(a, &sheet, i, doubts[i].row);
    if (status == NN_OK)
        status = tr_contact_sheet_save(&sheet, tr_given_text(&a->given, SHEET), NULL, 0, &a->err);
    tr_contact_sheet_release(&sheet);
    free(doubts);
    return status;
}

static const char *plural(int count)
{
    return count == 1 ? "" : "s";
}

static void tell(const struct applying *a)
{
    const struct tr_crop_outcome *o = &a->outcome;
    int films = a->table.count - o->refused;
    printf("%s: %d hip%s of %d film%s\n", a->out, o->hips, plural(o->hips), films, plural(films));
    if (o->not_found) printf("not found  %d hip%s\n", o->not_found, plural(o->not_found));
    if (o->left_out)
        printf("left out   %d hip%s, for want of a column that tells what is shown\n", o->left_out,
               plural(o->left_out));
    if (o->refused) printf("refused    %d film%s\n", o->refused, plural(o->refused));
    printf("report     %s\n", a->wish.report);
    if (*o->fault)
        fprintf(stderr, "roentgym localise apply: %s\n", o->fault);
    else if (o->not_found || o->refused)
        fprintf(stderr, "roentgym localise apply: %d hip%s not found, %d film%s refused; %s says which\n",
                o->not_found, plural(o->not_found), o->refused, plural(o->refused), a->wish.report);
}

static nn_status run(struct applying *a)
{
    char labels[PATH_MAX];
    snprintf(labels, sizeof labels, "%.*s/labels.csv", PATH_MAX - 16, a->data);
    nn_status status = tr_given_text(&a->given, SHEET)
                           ? tr_contact_sheet_check_path(tr_given_text(&a->given, SHEET), &a->err)
                           : NN_OK;
    if (status == NN_OK)
        status = tr_check_overwrite(a->wish.report, TR_CROP_REPORT, "report of hips", &a->err);
    if (status == NN_OK)
        status = tr_pelvis_table_read(&a->table, labels, tr_given_text(&a->given, NEGATIVE), &a->err);
    if (status == NN_OK)
        status = tr_localiser_load(&a->net, tr_given_text(&a->given, WEIGHTS), a->weights_sha256, &a->err);
    if (status == NN_OK) status = tr_hip_finder_open(&a->finder, &a->net, &a->err);
    if (status != NN_OK) return status;
    tr_interrupt_catch();
    tr_progress_start(&a->progress, "films");
    status = tr_hip_crops_make(&a->wish, &a->table, &a->finder, show, a, &a->outcome, &a->err);
    if (status == NN_OK && tr_given_text(&a->given, SHEET)) status = write_sheet(a);
    if (status == NN_OK) tell(a);
    return status;
}

int tr_localise_apply(int argc, char **argv)
{
    static struct applying a; /* paths fill much of a stack */
    int exit_status;
    if (parse(&a, argc, argv, &exit_status)) return exit_status;
    nn_status status = run(&a);
    const struct tr_crop_outcome *o = &a.outcome;
    tr_hip_finder_close(&a.finder);
    tr_hip_net_release(&a.net);
    tr_pelvis_table_release(&a.table);
    free(a.outcome.films);
    if (status == NN_OK) return o->not_found || o->refused || *o->fault ? 1 : 0;
    return tr_command_end(argv[0], "the same command goes on", status, &a.err);
}
