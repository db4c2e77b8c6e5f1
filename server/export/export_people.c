#include "server/export/export_people.h"

#include <string.h>

#include "server/export/csv_writer.h"
#include "server/export/export_columns.h"

enum { ANSWER_TEXT = 8192 };

static const char *field(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* ---- which columns ---- */

static void add_column(json_t *columns, const char *name, const char *type, const char *description)
{
    json_array_append_new(columns,
                          json_pack("{s:s,s:s,s:s}", "name", name, "type", type, "description", description));
}

static void add_levels(json_t *columns, json_t *levels)
{
    json_t *last = json_array_get(columns, json_array_size(columns) - 1);
    json_object_set_new(last, "levels", levels);
}

/* People's own words may say who they are. */
static bool is_told(const struct srv_export_log *log, const json_t *question)
{
    return log->filter.free_texts || strcmp(field(question, "kind"), "text");
}

static void add_question(json_t *columns, const json_t *question)
{
    size_t i;
    const json_t *choice;
    char name[DECK_ID_TEXT + 16];
    json_t *levels = json_object();
    snprintf(name, sizeof name, "question_%s", field(question, "id"));
    add_column(columns, name, "string", field(question, "text"));
    json_array_foreach(json_object_get(question, "choices"), i, choice)
        json_object_set_new(levels, field(choice, "id"), json_string(field(choice, "label")));
    if (json_object_size(levels))
        add_levels(columns, levels);
    else
        json_decref(levels);
}

static void add_study_columns(const struct srv_export_log *log, json_t *columns)
{
    size_t i;
    const json_t *question;
    add_column(columns, "arm", "string", srv_export_columns[EXPORT_ARM].description);
    if (log->filter.strata)
        add_column(columns, "stratum", "string", srv_export_columns[EXPORT_STRATUM].description);
    add_column(columns, "consent_first", "integer",
               "The text of consent, by its version in consent_texts.json, that the participant agreed to at "
               "enrolment; missing: no longer known, as the participant was made anonymous");
    add_column(columns, "consent_latest", "integer",
               "The latest text of consent that the participant agreed to and did not take back; missing: "
               "taken back, or made anonymous");
    add_column(columns, "phases_finished", "integer", "How many phases the participant finished");
    add_column(columns, "ended_how", "string",
               "How the study ended for the participant; missing: it has not");
    add_levels(columns, json_pack("{s:s,s:s,s:s}", "finished", "all phases and questions are over", "stop",
                                  "left and let the answers stay", "anonymise",
                                  "left and let the answers stay under another code"));
    json_array_foreach(json_object_get(log->study, "questions"), i, question)
    {
        if (is_told(log, question)) add_question(columns, question);
    }
}

json_t *srv_people_columns(const struct srv_export_log *log)
{
    json_t *columns = json_array();
    add_column(columns, "participant_id", "string", srv_export_columns[EXPORT_PARTICIPANT].description);
    if (log->study) {
        add_study_columns(log, columns);
    } else {
        add_column(columns, "deck_id", "string", srv_export_columns[EXPORT_DECK].description);
        add_column(columns, "deck_version", "integer", srv_export_columns[EXPORT_DECK_VERSION].description);
    }
    add_column(columns, "answers", "integer", "How many rows the participant has");
    return columns;
}

/* ---- rows ---- */

void srv_person_of_session(struct srv_person *person, const char *const *cells)
{
    *person = (struct srv_person){0};
    snprintf(person->participant, sizeof person->participant, "%s", cells[EXPORT_PARTICIPANT]);
    snprintf(person->deck, sizeof person->deck, "%s", cells[EXPORT_DECK]);
    snprintf(person->deck_version, sizeof person->deck_version, "%s", cells[EXPORT_DECK_VERSION]);
}

void srv_person_of_study(struct srv_person *person, const struct srv_export_person *study)
{
    *person = (struct srv_person){.study = study};
    snprintf(person->participant, sizeof person->participant, "sub-%s", study->code);
}

void srv_people_head(FILE *out, const struct srv_export_log *log)
{
    size_t i;
    const json_t *column;
    json_t *columns = srv_people_columns(log);
    json_array_foreach(columns, i, column) fprintf(out, "%s%s", i ? "\t" : "", field(column, "name"));
    putc('\n', out);
    json_decref(columns);
}

static void cell(FILE *out, const char *text)
{
    putc('\t', out);
    srv_tsv_cell(out, text);
}

/* Readers of TSV do not agree on what a double quote in a cell means. */
static void answer_cell(FILE *out, const char *text)
{
    char plain[ANSWER_TEXT];
    snprintf(plain, sizeof plain, "%s", text);
    for (char *c = plain; *c; c++)
        if (*c == '"') *c = '\'';
    cell(out, plain);
}

static void study_cells(FILE *out, const struct srv_export_log *log, const struct srv_export_person *person)
{
    size_t i;
    const json_t *question;
    cell(out, person->arm);
    if (log->filter.strata) cell(out, person->stratum);
    cell(out, person->consent_first);
    cell(out, person->consent_latest);
    fprintf(out, "\t%d", person->phases_finished);
    cell(out, person->ended_how);
    json_array_foreach(json_object_get(log->study, "questions"), i, question)
    {
        if (is_told(log, question)) answer_cell(out, field(person->answers, field(question, "id")));
    }
}

void srv_people_row(FILE *out, const struct srv_export_log *log, const struct srv_person *person)
{
    fputs(person->participant, out);
    if (person->study) {
        study_cells(out, log, person->study);
    } else {
        cell(out, person->deck);
        cell(out, person->deck_version);
    }
    fprintf(out, "\t%lld\n", person->answers);
}
