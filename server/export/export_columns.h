/* The columns of every export: the one place that says what they are called, of which type and unit they are
 * and what they mean. The rows come from store_export.c in this order, the codebook is made from this. */
#ifndef SRV_EXPORT_COLUMNS_H
#define SRV_EXPORT_COLUMNS_H

enum srv_column_kind { COLUMN_TEXT, COLUMN_INTEGER, COLUMN_NUMBER, COLUMN_YES_NO };

/* Which exports have a column: the log of all answers (responses.csv, responses.jsonl); the package, from
 * which what leads back to a session or a date is left out; all files of a study, from which it is too; a
 * study's with what was asked at enrolment. A set of columns is one of these or several. */
enum srv_column_set {
    IN_LOG = 1,
    IN_PACKAGE = 2,
    IN_STUDY = 4,
    IN_STRATA = 8,
    IN_PUBLISHED = IN_PACKAGE | IN_STUDY,
    IN_BOTH = IN_LOG | IN_PUBLISHED, /* the log, and what is published */
};

enum { EXPORT_COLUMNS = 54, EXPORT_LEVELS_MAX = 7 };

/* All that truth_basis may say. */
#define EXPORT_BASIS_CLASS "class given to the generator"
#define EXPORT_BASIS_PHANTOM "the phantom, by the label of its data set"
#define EXPORT_BASIS_LABEL "label of the data set"

/* Those that something depends on. */
enum {
    EXPORT_ROW_ID = 0,
    EXPORT_PARTICIPANT = 1,
    EXPORT_SESSION = 2,
    EXPORT_DECK = 3,
    EXPORT_ITEM = 4,
    EXPORT_DECK_VERSION = 21,
    EXPORT_PREV_ITEM = 23,
    /* of studies, the last ones: */
    EXPORT_ARM = EXPORT_COLUMNS - 5,
    EXPORT_TRIAL = EXPORT_COLUMNS - 3,
    EXPORT_STRATUM = EXPORT_COLUMNS - 1
};

struct srv_column_level {
    const char *value, *meaning;
};

struct srv_export_column {
    const char *name;
    enum srv_column_kind kind;
    enum srv_column_set in;
    const char *unit; /* NULL: none */
    const char *description;
    struct srv_column_level levels[EXPORT_LEVELS_MAX]; /* all values that there are; none: any */
};

extern const struct srv_export_column srv_export_columns[EXPORT_COLUMNS];

/* The place of the column of that name, of which there is one. */
int srv_export_column(const char *name);

#endif
