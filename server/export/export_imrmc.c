#include "server/export/export_imrmc.h"

#include <stdlib.h>
#include <string.h>

#include "server/decks/deck.h"
#include "server/export/csv_writer.h"
#include "server/export/export_columns.h"
#include "server/export/zip_writer.h"
#include "server/studies/study.h"

enum {
    CASES_MAX = DECK_ITEMS_MAX,
    CASE_CELLS = 6,
    LIBRARY_IMAGE = 5,
    CELL_TEXT = 72,
    PARTICIPANT_TEXT = 32,
    FIRST_SURE_YES = 4
};

/* What makes an image: another reader's is the same when all of these are. */
static const char *const case_columns[CASE_CELLS] = {"model_sha256", "class_label", "seed",
                                                     "strength",     "truncation",  "library_image"};

struct rated_case {
    char cells[CASE_CELLS][CELL_TEXT];
    bool positive;
};

/* The reader whose rows go by. */
struct reader {
    char participant[PARTICIPANT_TEXT], arm[DECK_ID_TEXT]; /* arm: "" without a study */
    int rated;
    int ratings[CASES_MAX]; /* 0: none */
};

struct crossing {
    struct rated_case cases[CASES_MAX];
    int count, positives;
    bool too_many;
    int case_cell[CASE_CELLS], rating_cell, correct_cell, first_cell; /* where in a row */
    struct reader reader;
    long long complete, incomplete;
    char arms[STUDY_ARMS_MAX][DECK_ID_TEXT]; /* of the complete readers */
    int arm_count;
    bool by_arm;                                                  /* the arm is the modality */
    FILE *out;                                                    /* of the present pass */
    void (*end_reader)(struct crossing *crossing, bool complete); /* likewise */
};

/* ---- rows ---- */

static int find_case(struct crossing *c, const char *const *cells)
{
    for (int i = 0; i < c->count; i++) {
        int k = 0;
        while (k < CASE_CELLS && !strcmp(c->cases[i].cells[k], cells[c->case_cell[k]])) k++;
        if (k == CASE_CELLS) return i;
    }
    return -1;
}

/* A rating from 4 on is a "yes", so the answer's being right or wrong tells the truth. */
static bool is_positive(const struct crossing *c, const char *const *cells)
{
    return (atoi(cells[c->rating_cell]) >= FIRST_SURE_YES) == (cells[c->correct_cell][0] == '1');
}

/* Not, of a deck, what its learner had answered before: who reads it twice is no second reader. A study's
 * tests show the same images again. */
static bool counts(const struct crossing *c, const char *const *cells)
{
    return cells[EXPORT_ARM][0] || cells[c->first_cell][0] == '1';
}

static bool collect_case(void *context, const char *const *cells)
{
    struct crossing *c = context;
    if (!counts(c, cells) || find_case(c, cells) >= 0) return true;
    c->too_many = c->count == CASES_MAX;
    if (c->too_many) return false;
    struct rated_case *added = &c->cases[c->count++];
    for (int k = 0; k < CASE_CELLS; k++) snprintf(added->cells[k], CELL_TEXT, "%s", cells[c->case_cell[k]]);
    added->positive = is_positive(c, cells);
    c->positives += added->positive;
    return true;
}

static void note_arm(struct crossing *c)
{
    for (int i = 0; i < c->arm_count; i++)
        if (!strcmp(c->arms[i], c->reader.arm)) return;
    if (c->arm_count < STUDY_ARMS_MAX) snprintf(c->arms[c->arm_count++], DECK_ID_TEXT, "%s", c->reader.arm);
}

static void end_reader(struct crossing *c)
{
    if (!c->reader.participant[0]) return;
    bool complete = c->reader.rated == c->count;
    if (complete) note_arm(c);
    ++*(complete ? &c->complete : &c->incomplete);
    if (c->end_reader) c->end_reader(c, complete);
    c->reader = (struct reader){0};
}

/* Only the first rating of a case counts. */
static bool take_rating(void *context, const char *const *cells)
{
    struct crossing *c = context;
    if (strcmp(c->reader.participant, cells[EXPORT_PARTICIPANT])) {
        end_reader(c);
        snprintf(c->reader.participant, PARTICIPANT_TEXT, "%s", cells[EXPORT_PARTICIPANT]);
        snprintf(c->reader.arm, sizeof c->reader.arm, "%s", cells[EXPORT_ARM]);
    }
    int at = counts(c, cells) ? find_case(c, cells) : -1;
    if (at >= 0 && !c->reader.ratings[at]) {
        c->reader.ratings[at] = atoi(cells[c->rating_cell]);
        c->reader.rated++;
    }
    return true;
}

/* Goes through all readers, calling `each` at the end of each. */
static bool pass(struct crossing *c, struct srv_export_log *log, FILE *out,
                 void (*each)(struct crossing *, bool complete))
{
    c->complete = c->incomplete = 0;
    c->out = out;
    c->end_reader = each;
    bool good = srv_export_each(log, take_rating, c);
    end_reader(c);
    return good;
}

/* ---- files ---- */

/* Where the images come from. A case is of one source, so two modalities would not be crossed. */
static const char *modality(const struct crossing *c)
{
    int of_library = 0;
    for (int i = 0; i < c->count; i++) of_library += c->cases[i].cells[LIBRARY_IMAGE][0] != '\0';
    return of_library == 0 ? "gan" : of_library == c->count ? "library" : "mixed";
}

static void write_ratings(struct crossing *c, bool complete)
{
    const char *name = c->by_arm ? c->reader.arm : modality(c);
    for (int i = 0; i < c->count && complete; i++)
        fprintf(c->out, "%lld,%d,%s,%d\n", c->complete, i + 1, name, c->reader.ratings[i]);
}

static void write_reader(struct crossing *c, bool complete)
{
    char number[24] = "";
    if (complete) snprintf(number, sizeof number, "%lld", c->complete);
    fprintf(c->out, "%s,%s,%s,%d\r\n", number, c->reader.participant, c->reader.arm, c->reader.rated);
}

static void write_head(const struct crossing *c, FILE *out, long long readers)
{
    fprintf(out, "Ratings of radiographs\nN0:%d\nN1:%d\nNR:%lld\nNM:%d\nBEGIN DATA:\n",
            c->count - c->positives, c->positives, readers, c->by_arm ? c->arm_count : 1);
    for (int i = 0; i < c->count; i++) fprintf(out, "-1,%d,truth,%d\n", i + 1, c->cases[i].positive);
}

static void write_cases(const struct crossing *c, FILE *out)
{
    fputs("case,truth", out);
    for (int k = 0; k < CASE_CELLS; k++) fprintf(out, ",%s", case_columns[k]);
    fputs("\r\n", out);
    for (int i = 0; i < c->count; i++) {
        fprintf(out, "%d,%d", i + 1, c->cases[i].positive);
        for (int k = 0; k < CASE_CELLS; k++) {
            putc(',', out);
            srv_csv_cell(out, c->cases[i].cells[k]);
        }
        fputs("\r\n", out);
    }
}

static bool write_answers(struct crossing *c, struct srv_export_log *log, struct srv_zip *zip,
                          const char *name, bool by_arm)
{
    long long readers = c->complete;
    FILE *out = srv_zip_entry(zip, name);
    if (!out) return false;
    c->by_arm = by_arm;
    write_head(c, out, readers);
    bool good = pass(c, log, out, write_ratings);
    return !fclose(out) && good;
}

static bool write_keys(struct crossing *c, struct srv_export_log *log, struct srv_zip *zip)
{
    FILE *out = srv_zip_entry(zip, "cases.csv");
    if (!out) return false;
    write_cases(c, out);
    if (fclose(out) || !(out = srv_zip_entry(zip, "readers.csv"))) return false;
    fputs("reader,participant_id,arm,rated\r\n", out);
    bool good = pass(c, log, out, write_reader);
    return !fclose(out) && good;
}

static const char *by_source(const struct srv_export_log *log)
{
    return log->study ? "by-source.imrmc" : "answers.imrmc";
}

static bool write_readme(const struct crossing *c, const struct srv_export_log *log, struct srv_zip *zip)
{
    FILE *out = srv_zip_entry(zip, "README.txt");
    if (!out) return false;
    fprintf(out,
            "%s: the modality is what was read, images of a network (gan), of a library, or of both\n"
            "(mixed). Every reader has rated every case, so iMRMC and RJafroc read it.\n\n",
            by_source(log));
    if (c->arm_count > 1)
        fputs("by-arm_iMRMC-only.imrmc: the modality is the arm that the reader was trained in. Each reader "
              "is\n"
              "in one arm, so readers are nested in modalities: iMRMC reads it, RJafroc does not.\n\n",
              out);
    fputs("readers.csv and cases.csv say whom and which image the numbers stand for, in columns that are "
          "named as\n"
          "in the other exports; rated counts the cases that the reader has rated. A reader without a number "
          "has\n"
          "not rated all of them and is left out.\n\n"
          "Scores are ratings: from 1, surely the deck's first choice, to 6, surely its second; of a deck "
          "that\n"
          "does not ask how sure the reader is, 1 or 6. Truth is 1 where the second choice is right, else 0. "
          "Only\n"
          "the first rating of a case counts.\n",
          out);
    return !fclose(out);
}

static bool write_archive(struct crossing *c, struct srv_export_log *log, struct srv_zip *zip)
{
    return write_readme(c, log, zip) && write_answers(c, log, zip, by_source(log), false) &&
           (c->arm_count < 2 || write_answers(c, log, zip, "by-arm_iMRMC-only.imrmc", true)) &&
           write_keys(c, log, zip);
}

/* ---- whether it can be ---- */

static bool refuse(char refusal[EXPORT_REFUSAL_TEXT], const char *why)
{
    snprintf(refusal, EXPORT_REFUSAL_TEXT, "%s", why);
    return false;
}

static bool is_crossed(struct crossing *c, struct srv_export_log *log, char refusal[EXPORT_REFUSAL_TEXT])
{
    bool good = srv_export_each(log, collect_case, c);
    if (c->too_many)
        return refuse(refusal,
                      "The readers saw different images. Only decks that show everybody the same, such as "
                      "those with a fixed seed, have readers and cases that are crossed.");
    if (!good || !pass(c, log, NULL, NULL)) return false;
    if (c->complete < 2) {
        snprintf(refusal, EXPORT_REFUSAL_TEXT,
                 "Of %lld readers %lld rated all of the %d images that were answered: two are needed, and "
                 "they must have seen the same images%s.",
                 c->complete + c->incomplete, c->complete, c->count,
                 log->study ? "" : "; from and to leave out the days of others");
        return false;
    }
    if (c->positives < 2 || c->count - c->positives < 2)
        return refuse(refusal, "There must be two images of either truth at least.");
    return true;
}

bool srv_imrmc_write(struct srv_export_log *log, FILE *spool, const char *folder,
                     char refusal[EXPORT_REFUSAL_TEXT])
{
    *refusal = '\0';
    struct crossing *crossing = calloc(1, sizeof *crossing);
    if (!crossing) return false;
    for (int k = 0; k < CASE_CELLS; k++) crossing->case_cell[k] = srv_export_column(case_columns[k]);
    crossing->rating_cell = srv_export_column("rating");
    crossing->correct_cell = srv_export_column("correct");
    crossing->first_cell = srv_export_column("first_attempt");
    bool good = is_crossed(crossing, log, refusal);
    struct srv_zip *zip = good ? srv_zip_open(spool, folder) : NULL;
    good = zip && write_archive(crossing, log, zip);
    if (zip && !srv_zip_close(zip)) good = false;
    free(crossing);
    return good;
}
