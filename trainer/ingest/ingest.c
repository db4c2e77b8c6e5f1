/* `roentgym ingest`: the command line around ingest_data. */
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "trainer/command_end.h"
#include "trainer/commands.h"
#include "trainer/given_options.h"
#include "trainer/ingest/ingest_data.h"
#include "trainer/ingest/worker_pool.h"
#include "trainer/interrupt.h"
#include "trainer/progress.h"

static const char usage[] =
    "usage: roentgym ingest FOLDER --labels FILE --out DIR [options]\n"
    "\n"
    "Makes a data set that `roentgym train` reads of a folder of radiographs: DICOM (CR, DX, RF and the "
    "like, one\n"
    "grey frame), PNG and JPEG. Patients' and files' names become keyed hashes; of DICOM only pixels, "
    "modality,\n"
    "view and side leave, of the table the label, the side and what --keep names. Ctrl-C stops; the same "
    "command\n"
    "goes on, and reads only files that are new or changed.\n"
    "\n"
    "  --labels FILE      table with the columns file and label (or labels: a|b, none); also patient_id "
    "(else the one\n"
    "                     in the DICOM file), side, split (train, test; else drawn), turn (90, 180, 270 "
    "clockwise),\n"
    "                     mirror and invert (yes, no); default FOLDER/labels.csv\n"
    "  --out DIR          folder of the data set; made if it is not there\n"
    "  --report DIR       report.csv (every file and what became of it), copies.csv, review pages; names "
    "the\n"
    "                     source's files, so keep it with the source; default OUT.report\n"
    "  --key FILE         key of the hashes, made if it is not there; whoever has it can recognise patients, "
    "so keep\n"
    "                     it with the source; default OUT.key\n"
    "  --leave-out FILE   leaves out the files that this CSV file names: what was ticked on the review "
    "pages\n"
    "  --keep COLUMN      a further column of the table that is to leave; may be given 16 times\n"
    "  --size N           side in pixels, 16, 32, ... 1024; default 1024\n"
    "  --depth N          8 or 16 bits; default 8\n"
    "  --keep-margins     cuts off no margins that show nothing\n"
    "  --test-share X     of the images, by patient, for testing, 0.01..0.5; default 0.15\n"
    "  --seed N           of the split; default 1\n"
    "  --name TEXT        of the data set, up to 100 bytes; default the name of OUT\n"
    "  --workers N        processes, 1..64; default one a processor\n"
    "  --help\n"
    "\n"
    "Pictures are turned upright as the file says (EXIF, Patient Orientation), shown as its modality and VOI "
    "tables,\n"
    "window and polarity say (without a window: from the darkest to the brightest 0.1 %), cut to the "
    "collimated field\n"
    "(as the file says, else margins of one grey), and padded to a square with black, never stretched.\n"
    "Of colour the luma is taken, transparency is ignored; DICOM in colour is refused.\n"
    "\n"
    "Exit status 0: all went through. 1: some file was refused, or a class is missing in a split; the rest "
    "is there,\n"
    "and report.csv says what and why.\n";

enum choice {
    LABELS,
    OUT,
    REPORT,
    KEY,
    LEAVE_OUT,
    SIZE,
    DEPTH,
    TEST_SHARE,
    SEED,
    NAME,
    WORKERS,
    KEEP,
    KEEP_MARGINS,
    HELP
};

static const struct option options[] = {
    {"labels", required_argument, NULL, LABELS},
    {"out", required_argument, NULL, OUT},
    {"report", required_argument, NULL, REPORT},
    {"key", required_argument, NULL, KEY},
    {"leave-out", required_argument, NULL, LEAVE_OUT},
    {"size", required_argument, NULL, SIZE},
    {"depth", required_argument, NULL, DEPTH},
    {"test-share", required_argument, NULL, TEST_SHARE},
    {"seed", required_argument, NULL, SEED},
    {"name", required_argument, NULL, NAME},
    {"workers", required_argument, NULL, WORKERS},
    {"keep", required_argument, NULL, KEEP},
    {"keep-margins", no_argument, NULL, KEEP_MARGINS},
    {"help", no_argument, NULL, HELP},
    {NULL, 0, NULL, 0},
};

struct ingesting {
    struct tr_given given;
    const char *keep[TR_INGEST_KEEP_MAX];
    int keep_count;
    struct tr_ingest_wish wish;
    char source[PATH_MAX], out[PATH_MAX], labels[PATH_MAX], report[PATH_MAX], key[PATH_MAX], name[PATH_MAX];
    struct tr_ingest_table table;
    struct tr_ingest_outcome outcome;
    struct tr_progress progress;
    struct nn_error err;
};

/* ---- options -------------------------------------------------------------------------------------- */

static int processors(void)
{
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return count < TR_WORKERS_MAX ? count : TR_WORKERS_MAX;
}

static int parse_numbers(struct ingesting *g)
{
    const struct tr_given *given = &g->given;
    struct tr_ingest_wish *w = &g->wish;
    w->style.side = 1024;
    w->style.depth = 8;
    w->style.keep_margins = tr_given_text(given, KEEP_MARGINS) != NULL;
    w->workers = processors();
    w->seed = 1;
    w->test_share = 0.15;
    int status = tr_given_int(given, SIZE, 16, 1024, &w->style.side);
    if (!status) status = tr_given_int(given, DEPTH, 8, 16, &w->style.depth);
    if (!status) status = tr_given_int(given, WORKERS, 1, TR_WORKERS_MAX, &w->workers);
    if (!status) status = tr_given_whole(given, SEED, 0, UINT64_MAX, &w->seed);
    if (!status) status = tr_given_number(given, TEST_SHARE, 0.01, 0.5, &w->test_share);
    if (status) return status;
    if (w->style.side & (w->style.side - 1)) return tr_given_wrong(given, SIZE, "16, 32, 64, ... 1024");
    if (w->style.depth != 8 && w->style.depth != 16) return tr_given_wrong(given, DEPTH, "8 or 16");
    return 0;
}

static int parse_keep(struct ingesting *g)
{
    for (int i = 0; i < g->given.count; i++) {
        if (g->given.list[i].code != KEEP) continue;
        if (g->keep_count == TR_INGEST_KEEP_MAX)
            return tr_given_refuse(&g->given, "--keep is there more than 16 times");
        g->keep[g->keep_count++] = g->given.list[i].text;
    }
    return 0;
}

static bool without_slash(const char *text, char path[PATH_MAX])
{
    size_t length = strlen(text);
    if (length == 0 || length >= PATH_MAX) return false;
    strcpy(path, text);
    while (length > 1 && path[length - 1] == '/') path[--length] = '\0';
    return true;
}

static int parse_paths(struct ingesting *g, const char *source)
{
    struct tr_ingest_wish *w = &g->wish;
    const int room = PATH_MAX - 16;
    if (!without_slash(source, g->source) || !tr_given_text(&g->given, OUT) ||
        !without_slash(tr_given_text(&g->given, OUT), g->out) || (int)strlen(g->source) >= room ||
        (int)strlen(g->out) >= room)
        return tr_given_refuse(&g->given, "FOLDER and --out are needed");
    snprintf(g->labels, sizeof g->labels, "%.*s/labels.csv", room, g->source);
    snprintf(g->report, sizeof g->report, "%.*s.report", room, g->out);
    snprintf(g->key, sizeof g->key, "%.*s.key", room, g->out);
    const char *slash = strrchr(g->out, '/');
    snprintf(g->name, sizeof g->name, "%.100s", slash && slash[1] ? slash + 1 : g->out);
    w->source = g->source;
    w->out = g->out;
    w->labels_path = tr_given_or(&g->given, LABELS, g->labels);
    w->report = tr_given_or(&g->given, REPORT, g->report);
    w->name = tr_given_or(&g->given, NAME, g->name);
    if (!*w->name || strlen(w->name) > 100)
        return tr_given_wrong(&g->given, NAME, "a text of 1 to 100 bytes");
    return 0;
}

/* 0: go on; otherwise *status is the exit status. */
static int parse(struct ingesting *g, int argc, char **argv, int *status)
{
    g->given = (struct tr_given){.options = options, .usage = usage, .words = 1};
    if (tr_given_read(&g->given, argc, argv, status)) return 1;
    if (!g->given.word) return *status = tr_given_refuse(&g->given, "one FOLDER is needed");
    *status = parse_numbers(g);
    if (!*status) *status = parse_keep(g);
    if (!*status) *status = parse_paths(g, g->given.word);
    return *status;
}

/* ---- work ----------------------------------------------------------------------------------------- */

static bool show(void *context, int done, int total)
{
    struct ingesting *g = context;
    tr_progress_show(&g->progress, done, total);
    return !tr_interrupted();
}

static const char *s(int count)
{
    return count == 1 ? "" : "s";
}

static void tell(const struct ingesting *g)
{
    const struct tr_ingest_outcome *o = &g->outcome;
    printf("%s: %d image%s of %d patient%s, %d to train and %d to test with\n", g->wish.out, o->taken,
           s(o->taken), o->split.patients, s(o->split.patients), o->taken - o->tests, o->tests);
    if (o->refused) printf("refused        %d\n", o->refused);
    if (o->copies) printf("copies         %d, left out\n", o->copies);
    if (o->left_out) printf("left out       %d, as you want it\n", o->left_out);
    if (o->unlisted)
        printf("not listed     %d file%s that labels.csv does not name\n", o->unlisted, s(o->unlisted));
    if (o->alike) printf("look alike     %d pair%s\n", o->alike, s(o->alike));
    if (o->contradicting)
        printf("contradicting  %d pair%s of copies with different labels\n", o->contradicting,
               s(o->contradicting));
    if (o->written_on) printf("letters        in %d image%s\n", o->written_on, s(o->written_on));
    if (o->split.of_several_labels)
        printf("several labels %d patient%s\n", o->split.of_several_labels, s(o->split.of_several_labels));
    printf("review         %s/review-001.html, %d page%s; all in %s/report.csv\n", g->wish.report, o->pages,
           s(o->pages), g->wish.report);
    if (o->refused && *o->fault)
        fprintf(stderr, "roentgym ingest: %d refused, as %s/report.csv says; %s\n", o->refused,
                g->wish.report, o->fault);
    else if (o->refused)
        fprintf(stderr, "roentgym ingest: %d refused; %s/report.csv says why\n", o->refused, g->wish.report);
    else if (*o->fault)
        fprintf(stderr, "roentgym ingest: %s\n", o->fault);
}

static nn_status run(struct ingesting *g)
{
    struct stat info;
    if (stat(g->wish.source, &info) != 0 || !S_ISDIR(info.st_mode))
        return nn_fail(&g->err, NN_ERR_IO, "%s: there is no such folder", g->wish.source);
    nn_status status = tr_ingest_table_read(&g->table, g->wish.labels_path, g->keep, g->keep_count, &g->err);
    if (status == NN_OK && tr_given_text(&g->given, LEAVE_OUT))
        status = tr_ingest_table_leave_out(&g->table, tr_given_text(&g->given, LEAVE_OUT), &g->err);
    if (status == NN_OK)
        status = tr_pseudonym_key_open(&g->wish.key, tr_given_or(&g->given, KEY, g->key), &g->err);
    if (status != NN_OK) return status;
    tr_interrupt_catch();
    tr_progress_start(&g->progress, "images");
    status = tr_ingest_data_make(&g->wish, &g->table, show, g, &g->outcome, &g->err);
    if (status == NN_OK) tell(g);
    return status;
}

int tr_ingest_main(int argc, char **argv)
{
    static struct ingesting g; /* paths fill much of a stack */
    int exit_status;
    if (parse(&g, argc, argv, &exit_status)) return exit_status;
    nn_status status = run(&g);
    tr_ingest_table_release(&g.table);
    if (status == NN_OK) return g.outcome.refused > 0 || *g.outcome.fault ? 1 : 0;
    return tr_command_end(argv[0], "the same command goes on", status, &g.err);
}
