#include "server/export/export_package.h"

#include <stdlib.h>
#include <string.h>

#include "server/export/csv_writer.h"
#include "server/export/export_documents.h"
#include "server/export/export_people.h"
#include "server/export/export_rows.h"
#include "server/export/spool.h"
#include "server/export/zip_writer.h"

enum { NAME_TEXT = 120, LINES_BETWEEN_LOOKS = 4096 };

struct package {
    struct srv_export_log *log;
    unsigned set; /* of columns */
    FILE *spool;
    struct srv_zip *zip;
    FILE *entry;  /* the one that is open, or NULL */
    FILE *people; /* what is to be participants.tsv */
    long long lines;
    enum srv_export_form form;          /* of the pass: the data, or the files of BIDS */
    struct srv_export_people everybody; /* of a study */
    struct srv_person person;           /* where the pass is; nobody at its start */
};

/* ---- entries ---- */

static bool open_entry(struct package *package, const char *name)
{
    package->entry = srv_zip_entry(package->zip, name);
    return package->entry;
}

static bool close_entry(struct package *package)
{
    FILE *entry = package->entry;
    package->entry = NULL;
    return !entry || !fclose(entry);
}

/* Takes `text`. */
static bool add_text(struct package *package, const char *name, char *text)
{
    bool good = text && open_entry(package, name);
    if (good) fputs(text, package->entry);
    free(text);
    return close_entry(package) && good;
}

static bool add_document(struct package *package, const char *name,
                         void (*write)(FILE *, const struct srv_export_log *))
{
    if (!open_entry(package, name)) return false;
    write(package->entry, package->log);
    return close_entry(package);
}

static void write_ignored(FILE *out, const struct srv_export_log *log)
{
    if (log->study) fputs("study.json\nconsent_texts.json\ndecks.json\n", out);
    fputs("data/\ndatapackage.json\ncodebook.csv\nCODEBOOK.md\n", out);
}

static bool add_study(struct package *package)
{
    return add_text(package, "study.json", srv_document_study(package->log)) &&
           add_text(package, "consent_texts.json", srv_document_consent_texts(package->log)) &&
           add_text(package, "decks.json", srv_document_decks(package->log));
}

static bool add_documents(struct package *package)
{
    return add_document(package, "README.md", srv_document_readme) &&
           (!package->log->study || add_study(package)) &&
           add_text(package, "dataset_description.json", srv_document_description(package->log)) &&
           add_text(package, "datapackage.json", srv_document_datapackage(package->log)) &&
           add_document(package, ".bidsignore", write_ignored) &&
           add_document(package, "codebook.csv", srv_document_codebook_csv) &&
           add_document(package, "CODEBOOK.md", srv_document_codebook) &&
           add_text(package, "participants.json", srv_document_participants(package->log)) &&
           add_text(package, "task-" PACKAGE_TASK "_beh.json", srv_document_beh(package->log)) &&
           add_text(package, PACKAGE_DATA ".json", srv_document_description(package->log));
}

/* ---- participants and rows ---- */

/* False when the disk fills up. */
static bool look(struct package *package)
{
    return ++package->lines % LINES_BETWEEN_LOOKS || srv_spool_has_room(package->spool);
}

/* A file of each, as BIDS wants it: with the head alone of who answered nothing. */
static bool begin_person(struct package *package)
{
    char name[NAME_TEXT];
    const char *who = package->person.participant;
    if (package->form == EXPORT_CSV) return true;
    snprintf(name, sizeof name, "%s/beh/%s_task-" PACKAGE_TASK "_beh.tsv", who, who);
    if (!open_entry(package, name)) return false;
    srv_export_head(package->entry, EXPORT_TSV, package->set);
    return look(package);
}

static bool end_person(struct package *package)
{
    if (!*package->person.participant) return true;
    if (package->form == EXPORT_TSV) return close_entry(package);
    srv_people_row(package->people, package->log, &package->person);
    return look(package);
}

static bool begin_of_study(struct package *package)
{
    srv_person_of_study(&package->person, &package->everybody.person);
    return begin_person(package);
}

/* The next participant: in a study whoever comes next by the code, else the session of the row. */
static bool next_person(struct package *package, const char *const *cells)
{
    if (!end_person(package)) return false;
    if (package->log->study) return srv_export_people_next(&package->everybody) && begin_of_study(package);
    srv_person_of_session(&package->person, cells);
    return begin_person(package);
}

static bool add_row(void *context, const char *const *cells)
{
    struct package *package = context;
    while (strcmp(package->person.participant, cells[EXPORT_PARTICIPANT])) {
        if (!next_person(package, cells)) return false;
    }
    package->person.answers++;
    srv_export_line(package->entry, package->form, package->set, cells);
    return look(package);
}

/* The last one who answered, and those of the study whose codes come behind. */
static bool add_rest(struct package *package)
{
    while (end_person(package)) {
        if (!package->log->study || !srv_export_people_next(&package->everybody)) return true;
        if (!begin_of_study(package)) return false;
    }
    return false;
}

static bool pass(struct package *package, enum srv_export_form form)
{
    package->form = form;
    package->person = (struct srv_person){0};
    if (package->log->study) srv_export_people_begin(&package->everybody, package->log);
    bool good = srv_export_each(package->log, add_row, package) && add_rest(package);
    if (package->log->study) srv_export_people_end(&package->everybody);
    return close_entry(package) && good;
}

static bool add_data(struct package *package)
{
    if (!open_entry(package, PACKAGE_DATA ".csv")) return false;
    srv_export_head(package->entry, EXPORT_CSV, package->set);
    srv_people_head(package->people, package->log);
    return pass(package, EXPORT_CSV);
}

/* They were counted while the rows went by: a pass over the rows takes longer than a file. */
static bool add_participants(struct package *package)
{
    char piece[4096];
    size_t got;
    if (fflush(package->people) || fseeko(package->people, 0, SEEK_SET)) return false;
    if (!open_entry(package, "participants.tsv")) return false;
    while ((got = fread(piece, 1, sizeof piece, package->people)) > 0) fwrite(piece, 1, got, package->entry);
    return close_entry(package) && !ferror(package->people);
}

bool srv_package_write(struct srv_export_log *log, FILE *spool, const char *folder)
{
    struct package package = {.log = log,
                              .set = srv_export_published(&log->filter),
                              .spool = spool,
                              .people = srv_spool_open(folder)};
    log->bids = true;
    if (!package.people) return false;
    package.zip = srv_zip_open(spool, folder);
    bool good = package.zip && add_documents(&package) && add_data(&package) && add_participants(&package) &&
                pass(&package, EXPORT_TSV);
    fclose(package.people);
    return srv_zip_close(package.zip) && good;
}
