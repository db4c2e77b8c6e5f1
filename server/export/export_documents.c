#include "server/export/export_documents.h"

#include <jansson.h>

#include "engine/engine.h"
#include "server/export/csv_writer.h"
#include "server/export/export_columns.h"
#include "server/export/export_people.h"

#define TITLE "Answers to radiographs"
#define DESCRIPTION                                                                                          \
    "Each row is one answer of a reader to one radiograph, drawn by a generative network or from a data "    \
    "set, "                                                                                                  \
    "with what was shown, the choice, its confidence and its time."

static const char *const kind_names[] = {"text", "integer", "number", "yes or no"};

static bool in_package(const struct srv_export_log *log, int column)
{
    return srv_export_columns[column].in & srv_export_published(&log->filter);
}

static const char *title_of(const struct srv_export_log *log)
{
    const char *title = json_string_value(json_object_get(log->study, "title"));
    return title ? title : TITLE;
}

static bool always_there(int column)
{
    return column == EXPORT_ROW_ID || column == EXPORT_PARTICIPANT || column == EXPORT_DECK;
}

static char *text_of(json_t *json)
{
    char *text = json ? json_dumps(json, JSON_INDENT(2)) : NULL;
    json_decref(json);
    return text;
}

static json_t *level_names(const struct srv_export_column *column)
{
    json_t *names = json_object();
    for (const struct srv_column_level *level = column->levels; level->value; level++)
        json_object_set_new(names, level->value, json_string(level->meaning));
    return names;
}

static void set_text(json_t *object, const char *key, const char *text)
{
    if (text) json_object_set_new(object, key, json_string(text));
}

/* ---- BIDS ---- */

static json_t *bids_column(const struct srv_export_column *column)
{
    json_t *entry = json_object();
    set_text(entry, "Description", column->description);
    set_text(entry, "Units", column->unit);
    if (column->levels[0].value) json_object_set_new(entry, "Levels", level_names(column));
    return entry;
}

char *srv_document_beh(const struct srv_export_log *log)
{
    json_t *beh = json_object();
    set_text(beh, "TaskName", PACKAGE_TASK);
    set_text(beh, "TaskDescription",
             "Look at a radiograph, choose one of two answers and say how sure you are");
    for (int i = 0; i < EXPORT_COLUMNS; i++)
        if (in_package(log, i))
            json_object_set_new(beh, srv_export_columns[i].name, bids_column(&srv_export_columns[i]));
    return text_of(beh);
}

char *srv_document_participants(const struct srv_export_log *log)
{
    size_t i;
    json_t *column, *columns = srv_people_columns(log), *entries = json_object();
    json_array_foreach(columns, i, column)
    {
        json_t *entry = json_pack("{s:O}", "Description", json_object_get(column, "description"));
        json_t *levels = json_object_get(column, "levels");
        if (levels) json_object_set(entry, "Levels", levels);
        if (i > 0)
            json_object_set_new(entries, json_string_value(json_object_get(column, "name")), entry);
        else
            json_decref(entry);
    }
    json_decref(columns);
    return text_of(entries);
}

/* ---- Psych-DS and BIDS ---- */

/* schema.org's PropertyValue. */
static json_t *variable(const struct srv_export_column *column)
{
    json_t *entry = json_pack("{s:s,s:s,s:s}", "@type", "PropertyValue", "name", column->name, "description",
                              column->description);
    set_text(entry, "unitText", column->unit);
    if (column->levels[0].value) {
        json_t *levels = json_array();
        for (const struct srv_column_level *level = column->levels; level->value; level++)
            json_array_append_new(levels, json_pack("{s:s,s:s,s:s}", "@type", "PropertyValue", "value",
                                                    level->value, "description", level->meaning));
        json_object_set_new(entry, "valueReference", levels);
    }
    return entry;
}

char *srv_document_description(const struct srv_export_log *log)
{
    json_t *variables = json_array();
    for (int i = 0; i < EXPORT_COLUMNS; i++)
        if (in_package(log, i)) json_array_append_new(variables, variable(&srv_export_columns[i]));
    return text_of(json_pack("{s:s,s:s,s:s,s:s,s:o, s:s,s:s,s:s,s:[{s:s,s:s}]}", "@context",
                             "https://schema.org/", "@type", "Dataset", "name", title_of(log), "description",
                             DESCRIPTION, "variableMeasured", variables, "Name", title_of(log), "BIDSVersion",
                             "1.10.0", "DatasetType", "raw", "GeneratedBy", "Name", "roentgymd", "Version",
                             ROENTGYM_VERSION));
}

/* ---- Frictionless ---- */

static json_t *allowed_values(const struct srv_export_column *column)
{
    json_t *values = json_array();
    for (const struct srv_column_level *level = column->levels; level->value; level++)
        json_array_append_new(values, column->kind == COLUMN_INTEGER ? json_integer(*level->value - '0')
                                                                     : json_string(level->value));
    return values;
}

static json_t *field(int index)
{
    static const char *const types[] = {"string", "integer", "number", "boolean"};
    const struct srv_export_column *column = &srv_export_columns[index];
    json_t *constraints = json_object(), *entry = json_object();
    set_text(entry, "name", column->name);
    set_text(entry, "type", types[column->kind]);
    set_text(entry, "description", column->description);
    set_text(entry, "unit", column->unit);
    if (column->kind == COLUMN_YES_NO) {
        json_object_set_new(entry, "trueValues", json_pack("[s]", "1"));
        json_object_set_new(entry, "falseValues", json_pack("[s]", "0"));
    } else if (column->levels[0].value) {
        json_object_set_new(constraints, "enum", allowed_values(column));
    }
    if (always_there(index)) json_object_set_new(constraints, "required", json_true());
    if (index == EXPORT_ROW_ID) json_object_set_new(constraints, "unique", json_true());
    json_object_set_new(entry, "constraints", constraints);
    return entry;
}

static json_t *resource(const char *name, const char *path, const char *title, json_t *schema)
{
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:o}", "name", name, "type", "table", "path", path, "title",
                     title, "mediatype", "text/csv", "encoding", "utf-8", "schema", schema);
}

static json_t *answers_resource(const struct srv_export_log *log)
{
    json_t *fields = json_array();
    for (int i = 0; i < EXPORT_COLUMNS; i++)
        if (in_package(log, i)) json_array_append_new(fields, field(i));
    json_t *schema =
        json_pack("{s:o,s:[s],s:[s],s:[{s:[s],s:{s:s,s:[s]}}]}", "fields", fields, "missingValues", "",
                  "primaryKey", "row_id", "foreignKeys", "fields", "participant_id", "reference", "resource",
                  "participants", "fields", "participant_id");
    return resource("answers", PACKAGE_DATA ".csv", "One row an answer", schema);
}

static json_t *person_field(const json_t *column)
{
    json_t *entry =
        json_pack("{s:O,s:O,s:O}", "name", json_object_get(column, "name"), "type",
                  json_object_get(column, "type"), "description", json_object_get(column, "description"));
    const char *level;
    const json_t *meaning;
    json_t *values = json_array(), *levels = json_object_get(column, "levels");
    json_object_foreach(levels, level, meaning) json_array_append_new(values, json_string(level));
    json_object_set_new(entry, "constraints", levels ? json_pack("{s:O}", "enum", values) : json_object());
    json_decref(values);
    return entry;
}

static json_t *participants_resource(const struct srv_export_log *log)
{
    size_t i;
    json_t *column, *columns = srv_people_columns(log), *fields = json_array();
    json_array_foreach(columns, i, column) json_array_append_new(fields, person_field(column));
    json_decref(columns);
    json_object_set_new(json_object_get(json_array_get(fields, 0), "constraints"), "required", json_true());
    json_t *schema = json_pack("{s:o,s:[s],s:[s]}", "fields", fields, "missingValues", "n/a", "primaryKey",
                               "participant_id");
    json_t *table = resource("participants", "participants.tsv", "One row a participant", schema);
    json_object_set_new(table, "format", json_string("csv")); /* with tabs for commas */
    json_object_set_new(table, "mediatype", json_string("text/tab-separated-values"));
    json_object_set_new(table, "dialect", json_pack("{s:s}", "delimiter", "\t"));
    return table;
}

static json_t *codebook_resource(void)
{
    json_t *fields = json_array();
    static const char *const names[] = {"name", "type", "unit", "description", "levels"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        json_array_append_new(fields, json_pack("{s:s,s:s}", "name", names[i], "type", "string"));
    return resource(
        "codebook", "codebook.csv", "One row a column of the answers",
        json_pack("{s:o,s:[s],s:[s]}", "fields", fields, "missingValues", "", "primaryKey", "name"));
}

char *srv_document_datapackage(const struct srv_export_log *log)
{
    return text_of(json_pack("{s:s,s:s,s:s,s:s,s:s,s:[o,o,o]}", "$schema",
                             "https://datapackage.org/profiles/2.1/datapackage.json", "name",
                             log->study ? log->filter.study : "roentgym-answers", "title", title_of(log),
                             "description", DESCRIPTION, "version", "1.0.0", "resources",
                             answers_resource(log), participants_resource(log), codebook_resource()));
}

/* ---- for people ---- */

static void levels_text(const struct srv_export_column *column, char *text, size_t size)
{
    size_t at = 0;
    *text = '\0';
    for (const struct srv_column_level *level = column->levels; level->value && at < size; level++)
        at +=
            (size_t)snprintf(text + at, size - at, "%s%s: %s", at ? "; " : "", level->value, level->meaning);
}

void srv_document_codebook_csv(FILE *out, const struct srv_export_log *log)
{
    static const char *const head[] = {"name", "type", "unit", "description", "levels"};
    srv_csv_row(out, head, 5);
    for (int i = 0; i < EXPORT_COLUMNS; i++) {
        const struct srv_export_column *column = &srv_export_columns[i];
        char levels[400];
        levels_text(column, levels, sizeof levels);
        const char *cells[] = {column->name, kind_names[column->kind], column->unit ? column->unit : "",
                               column->description, levels};
        if (in_package(log, i)) srv_csv_row(out, cells, 5);
    }
}

static void people_codebook(FILE *out, const struct srv_export_log *log)
{
    size_t i;
    const char *level;
    json_t *column, *meaning, *columns = srv_people_columns(log);
    fputs("\n## Participants\n\nThe columns of participants.tsv, one row a participant.\n\n", out);
    json_array_foreach(columns, i, column)
    {
        const char *before = " (";
        fprintf(out, "- **%s** (%s): %s", json_string_value(json_object_get(column, "name")),
                json_string_value(json_object_get(column, "type")),
                json_string_value(json_object_get(column, "description")));
        json_object_foreach(json_object_get(column, "levels"), level, meaning)
        {
            fprintf(out, "%s%s: %s", before, level, json_string_value(meaning));
            before = "; ";
        }
        fputs(json_object_get(column, "levels") ? ")\n" : "\n", out);
    }
    json_decref(columns);
}

void srv_document_codebook(FILE *out, const struct srv_export_log *log)
{
    fputs("# Codebook\n\n## Answers\n\nThe columns of " PACKAGE_DATA
          ".csv and of sub-*/beh/*_beh.tsv, one row an answer.\n\n",
          out);
    for (int i = 0; i < EXPORT_COLUMNS; i++) {
        const struct srv_export_column *column = &srv_export_columns[i];
        char levels[400];
        levels_text(column, levels, sizeof levels);
        if (!in_package(log, i)) continue;
        fprintf(out, "- **%s** (%s%s%s): %s.%s%s%s\n", column->name, kind_names[column->kind],
                column->unit ? ", in " : "", column->unit ? column->unit : "", column->description,
                *levels ? " " : "", levels, *levels ? "." : "");
    }
    people_codebook(out, log);
}

static const char sources_text[] =
    "source says of each image whether a network drew it or it is of a data set. training_data says whether\n"
    "what the network had learnt from, or the data set, are simulated radiographs or those of patients. "
    "truth\n"
    "of a drawn image is what the network was told to draw, not a finding of an expert: accuracy is "
    "agreement\n"
    "with that instruction. Of an image of a data set it is the label there; truth_basis says which.\n\n";

static const char files_text[] =
    "- " PACKAGE_DATA
    ".csv: all answers, one row each; its .json beside it describes the columns (Psych-DS)\n"
    "- sub-*/beh/*_beh.tsv: the same rows, a file for each participant (BIDS, modality beh), described in\n"
    "  task-" PACKAGE_TASK "_beh.json; of who answered nothing the names of the columns alone\n"
    "- participants.tsv: one row a participant\n"
    "- codebook.csv and CODEBOOK.md: what each column means\n"
    "- datapackage.json: all tables and their types (Frictionless Data Package 2.1)\n"
    "- dataset_description.json: keys with a capital are BIDS', the others are Psych-DS' JSON-LD; both\n"
    "  stand in the one file that both standards ask for\n";

static const char sessions_text[] =
    "A participant is one session of one reader. Participants are numbered for this export alone, in random\n"
    "order; names, accounts, addresses and dates are not in it, and times count from the start of the\n"
    "session. The order of the sessions in time cannot be told from it.\n\n";

static const char people_text[] =
    "A participant is somebody who took part in the study, under a random code that stands for them in this\n"
    "study alone. participants.tsv has everybody who was randomised, also those who answered nothing, for\n"
    "an analysis by intention to treat; whoever left and asked for deletion is not in it, and counted in\n"
    "the study's flow alone. Names, accounts, addresses, sessions and dates are not in it: onset counts\n"
    "from the start of a phase, day from the participant's enrolment. What was asked at enrolment and what\n"
    "people wrote in their own words is only in it when whoever made this package asked for it.\n\n"
    "consent_first and consent_latest say which text of consent_texts.json somebody agreed to. After\n"
    "somebody was made anonymous nothing joins their consent to their answers, and both are missing.\n\n";

void srv_document_readme(FILE *out, const struct srv_export_log *log)
{
    fprintf(out, "# %s\n\n" DESCRIPTION "\n\n", title_of(log));
    fputs(sources_text, out);
    fputs("## What is where\n\n", out);
    fputs(files_text, out);
    if (log->study)
        fputs("- study.json: the study as it was set up: consent, arms, phases, questions\n"
              "- consent_texts.json: all texts of consent since the opening, by version\n"
              "- decks.json: what the phases showed, in the versions that the study was opened with\n",
              out);
    fputs("\n## People\n\n", out);
    fputs(log->study ? people_text : sessions_text, out);
    fputs(
        "## Cells\n\n"
        "An empty cell (CSV) or n/a (TSV) was not told or not recorded, which 0 is. Files are UTF-8 without "
        "a byte\n"
        "order mark; CSV has commas and CRLF, quoted by RFC 4180, TSV has tabs and LF and no quotes (in R:\n"
        "read.delim(file, quote = \"\", na.strings = \"n/a\")). A text that a spreadsheet would run as a "
        "formula, that\n"
        "begins with an apostrophe or, in TSV, that is n/a has an apostrophe before it: the text comes "
        "behind.\n\n"
        "No licence is stated: whoever publishes this adds one.\n",
        out);
}

char *srv_document_study(const struct srv_export_log *log)
{
    return json_dumps(log->study, JSON_INDENT(2) | JSON_SORT_KEYS);
}

char *srv_document_consent_texts(struct srv_export_log *log)
{
    return text_of(srv_export_consent_texts(log));
}

char *srv_document_decks(struct srv_export_log *log)
{
    return text_of(srv_export_decks(log));
}
