#include "server/csv_writer.h"

#include <stdbool.h>
#include <string.h>

void srv_csv_cell(FILE *out, const char *text)
{
    bool formula = *text && strchr("=+-@\t\r", *text);
    bool quote = strpbrk(text, ",\"\r\n");
    if (quote) putc('"', out);
    if (formula) putc('\'', out);
    for (; *text; text++) {
        if (*text == '"') putc('"', out);
        putc(*text, out);
    }
    if (quote) putc('"', out);
}

void srv_csv_row(FILE *out, const char *const *cells, int count)
{
    for (int i = 0; i < count; i++) {
        if (i > 0) putc(',', out);
        srv_csv_cell(out, cells[i]);
    }
    fputs("\r\n", out);
}
