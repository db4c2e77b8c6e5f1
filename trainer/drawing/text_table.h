/* A table of short texts that goes onto a page and into Markdown. */
#ifndef TR_TEXT_TABLE_H
#define TR_TEXT_TABLE_H

#include <stdio.h>

enum { TR_TABLE_COLUMNS_MAX = 8, TR_TABLE_ROWS_MAX = 64, TR_TABLE_CELL = 96 };

/* The first column names its row, the others are numbers, to the right. */
struct tr_text_table {
    char caption[256];
    int columns, rows;
    char head[TR_TABLE_COLUMNS_MAX][TR_TABLE_CELL];
    char cell[TR_TABLE_ROWS_MAX][TR_TABLE_COLUMNS_MAX][TR_TABLE_CELL];
};

/* An empty table; `head` has the columns' names, '|' between them. */
void tr_text_table_begin(struct tr_text_table *table, const char *head, const char *caption, ...)
    __attribute__((format(printf, 3, 4)));
/* One row more, its cells after one another by `format`, '|' between them. Beyond TR_TABLE_ROWS_MAX none. */
void tr_text_table_row(struct tr_text_table *table, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

void tr_text_table_put_html(FILE *page, const struct tr_text_table *table);
void tr_text_table_put_markdown(FILE *to, const struct tr_text_table *table);

#endif
