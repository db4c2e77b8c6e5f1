/* Tables as HTML and as Markdown: what is in a cell stays in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "trainer/drawing/text_table.h"

static struct tr_text_table table;

static char *text_of(void (*put)(FILE *, const struct tr_text_table *))
{
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    assert_non_null(to);
    put(to, &table);
    assert_int_equal(fclose(to), 0);
    return text;
}

static void markup_in_a_cell_is_text(void **state)
{
    (void)state;
    tr_text_table_begin(&table, "Class|AUC", "By <class>, %d images", 7);
    tr_text_table_row(&table, "%s|%.3f", "a_b<c>*", 0.5);
    char *html = text_of(tr_text_table_put_html), *markdown = text_of(tr_text_table_put_markdown);
    assert_non_null(strstr(html, "<figcaption>By &lt;class&gt;, 7 images</figcaption>"));
    assert_non_null(strstr(html, "<th scope=\"row\">a_b&lt;c&gt;*</th><td class=\"n\">0.500</td></tr>"));
    assert_non_null(strstr(markdown, "\n| Class | AUC |\n|---|---:|\n| a\\_b\\<c\\>\\* | 0.500 |\n"));
    free(html);
    free(markdown);
}

static void rows_and_cells_too_many_or_too_long_are_cut(void **state)
{
    (void)state;
    char long_text[2 * TR_TABLE_CELL];
    memset(long_text, 'x', sizeof long_text);
    long_text[sizeof long_text - 1] = '\0';
    tr_text_table_begin(&table, "a|b", "c");
    for (int i = 0; i < TR_TABLE_ROWS_MAX + 3; i++) tr_text_table_row(&table, "%s|1|2", long_text);
    assert_int_equal(table.rows, TR_TABLE_ROWS_MAX);
    assert_int_equal(strlen(table.cell[0][0]), TR_TABLE_CELL - 1);
    assert_string_equal(table.cell[TR_TABLE_ROWS_MAX - 1][1], "1");
    tr_text_table_row(&table, "one more");
    assert_int_equal(table.rows, TR_TABLE_ROWS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(markup_in_a_cell_is_text),
        cmocka_unit_test(rows_and_cells_too_many_or_too_long_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
