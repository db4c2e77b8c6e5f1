#include "server/export/export_rows.h"

#include <stdbool.h>

#include "server/export/csv_writer.h"

static void delimited(FILE *out, enum srv_export_form form, const char *text)
{
    if (form == EXPORT_CSV)
        srv_csv_cell(out, text);
    else
        srv_tsv_cell(out, text);
}

/* Texts of the data base are UTF-8. */
static void json_text(FILE *out, const char *text)
{
    putc_unlocked('"', out);
    for (; *text; text++) {
        if ((unsigned char)*text < ' ') {
            fprintf(out, "\\u%04x", (unsigned)*text);
            continue;
        }
        if (*text == '"' || *text == '\\') putc_unlocked('\\', out);
        putc_unlocked(*text, out);
    }
    putc_unlocked('"', out);
}

static void json_value(FILE *out, enum srv_column_kind kind, const char *text)
{
    if (!*text)
        fputs("null", out);
    else if (kind == COLUMN_TEXT)
        json_text(out, text);
    else if (kind == COLUMN_YES_NO)
        fputs(*text == '1' ? "true" : "false", out);
    else
        fputs(text, out); /* SQLite writes numbers as JSON does */
}

static void end_line(FILE *out, enum srv_export_form form)
{
    fputs(form == EXPORT_CSV ? "\r\n" : form == EXPORT_TSV ? "\n" : "}\n", out);
}

void srv_export_head(FILE *out, enum srv_export_form form, unsigned set)
{
    bool first = true;
    if (form == EXPORT_JSONL) return;
    for (int i = 0; i < EXPORT_COLUMNS; i++) {
        if (!(srv_export_columns[i].in & set)) continue;
        if (!first) putc_unlocked(form == EXPORT_CSV ? ',' : '\t', out);
        delimited(out, form, srv_export_columns[i].name);
        first = false;
    }
    end_line(out, form);
}

void srv_export_line(FILE *out, enum srv_export_form form, unsigned set, const char *const *cells)
{
    bool first = true;
    for (int i = 0; i < EXPORT_COLUMNS; i++) {
        const struct srv_export_column *column = &srv_export_columns[i];
        if (!(column->in & set)) continue;
        if (form == EXPORT_JSONL) {
            fprintf(out, "%s\"%s\":", first ? "{" : ",", column->name);
            json_value(out, column->kind, cells[i]);
        } else {
            if (!first) putc_unlocked(form == EXPORT_CSV ? ',' : '\t', out);
            delimited(out, form, cells[i]);
        }
        first = false;
    }
    end_line(out, form);
}
