#include "trainer/drawing/text_table.h"

#include <stdarg.h>
#include <string.h>

#include "trainer/drawing/html_text.h"

/* Up to the columns' number of cells; how many there were. */
static int split(const char *text, int columns, char cells[][TR_TABLE_CELL])
{
    int count = 0;
    for (const char *end; count < columns; text = end + 1) {
        end = strchr(text, '|');
        size_t length = end ? (size_t)(end - text) : strlen(text);
        snprintf(cells[count++], TR_TABLE_CELL, "%.*s", (int)length, text);
        if (!end) break;
    }
    return count;
}

void tr_text_table_begin(struct tr_text_table *table, const char *head, const char *caption, ...)
{
    va_list arguments;
    *table = (struct tr_text_table){0};
    table->columns = split(head, TR_TABLE_COLUMNS_MAX, table->head);
    va_start(arguments, caption);
    vsnprintf(table->caption, sizeof table->caption, caption, arguments);
    va_end(arguments);
}

void tr_text_table_row(struct tr_text_table *table, const char *format, ...)
{
    char text[TR_TABLE_COLUMNS_MAX * TR_TABLE_CELL];
    va_list arguments;
    if (table->rows == TR_TABLE_ROWS_MAX) return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    split(text, table->columns, table->cell[table->rows++]);
}

void tr_text_table_put_html(FILE *page, const struct tr_text_table *table)
{
    /* The caption is no part of what scrolls. */
    fputs("<figure><figcaption>", page);
    tr_html_put(page, table->caption);
    fputs("</figcaption><section class=\"wide\" tabindex=\"0\" aria-label=\"", page);
    tr_html_put(page, table->caption);
    fputs("\"><table>\n<thead><tr>", page);
    for (int c = 0; c < table->columns; c++) {
        fputs(c ? "<th scope=\"col\" class=\"n\">" : "<th scope=\"col\">", page);
        tr_html_put(page, table->head[c]);
        fputs("</th>", page);
    }
    fputs("</tr></thead>\n<tbody>\n", page);
    for (int r = 0; r < table->rows; r++) {
        for (int c = 0; c < table->columns; c++) {
            fputs(c ? "<td class=\"n\">" : "<tr><th scope=\"row\">", page);
            tr_html_put(page, table->cell[r][c]);
            fputs(c ? "</td>" : "</th>", page);
        }
        fputs("</tr>\n", page);
    }
    fputs("</tbody></table></section></figure>\n", page);
}

/* What would end a cell or begin markup is escaped. */
static void put_markdown_text(FILE *to, const char *text)
{
    for (; *text; text++) {
        if (strchr("\\|`*_<>[]#", *text)) putc('\\', to);
        putc(*text == '\n' || *text == '\r' ? ' ' : *text, to);
    }
}

void tr_text_table_put_markdown(FILE *to, const struct tr_text_table *table)
{
    put_markdown_text(to, table->caption);
    fputs("\n\n|", to);
    for (int c = 0; c < table->columns; c++) {
        putc(' ', to);
        put_markdown_text(to, table->head[c]);
        fputs(" |", to);
    }
    fputs("\n|", to);
    for (int c = 0; c < table->columns; c++) fputs(c ? "---:|" : "---|", to);
    for (int r = 0; r < table->rows; r++) {
        fputs("\n|", to);
        for (int c = 0; c < table->columns; c++) {
            putc(' ', to);
            put_markdown_text(to, table->cell[r][c]);
            fputs(" |", to);
        }
    }
    fputs("\n\n", to);
}
