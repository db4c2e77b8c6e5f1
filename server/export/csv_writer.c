#include "server/export/csv_writer.h"

#include <stdbool.h>
#include <string.h>

#define TSV_NOTHING "n/a"

static const char *skip_digits(const char *text)
{
    return text + strspn(text, "0123456789");
}

/* -12, -0.5, -1e-07 */
static bool is_negative_number(const char *text)
{
    if (*text++ != '-') return false;
    const char *end = skip_digits(text);
    if (end == text) return false;
    if (*end == '.') {
        text = end + 1;
        end = skip_digits(text);
        if (end == text) return false;
    }
    if (*end == 'e' || *end == 'E') {
        text = end + 1;
        if (*text == '-' || *text == '+') text++;
        end = skip_digits(text);
        if (end == text) return false;
    }
    return !*end;
}

/* What begins with an apostrophe itself gets another, so that one can be taken off everywhere. */
static bool wants_apostrophe(const char *text)
{
    return *text && strchr("=+-@\t\r\n'", *text) && !is_negative_number(text);
}

void srv_csv_cell(FILE *out, const char *text)
{
    bool quote = strpbrk(text, ",\"\r\n");
    if (quote) putc_unlocked('"', out);
    if (wants_apostrophe(text)) putc_unlocked('\'', out);
    for (; *text; text++) {
        if (*text == '"') putc_unlocked('"', out);
        putc_unlocked(*text, out);
    }
    if (quote) putc_unlocked('"', out);
}

void srv_csv_row(FILE *out, const char *const *cells, int count)
{
    for (int i = 0; i < count; i++) {
        if (i > 0) putc_unlocked(',', out);
        srv_csv_cell(out, cells[i]);
    }
    fputs("\r\n", out);
}

void srv_tsv_cell(FILE *out, const char *text)
{
    if (wants_apostrophe(text) || !strcmp(text, TSV_NOTHING)) putc_unlocked('\'', out);
    if (!*text) fputs(TSV_NOTHING, out);
    for (; *text; text++) putc_unlocked((unsigned char)*text < ' ' || *text == 127 ? ' ' : *text, out);
}
