#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/export/csv_writer.h"
#include "server/export/export_rows.h"

static void assert_cell(void (*write)(FILE *, const char *), const char *text, const char *wanted)
{
    char *got = NULL;
    size_t size;
    FILE *out = open_memstream(&got, &size);
    write(out, text);
    fclose(out);
    assert_string_equal(got, wanted);
    free(got);
}

static void what_a_spreadsheet_would_run_gets_an_apostrophe(void **state)
{
    (void)state;
    assert_cell(srv_csv_cell, "=1+1", "'=1+1");
    assert_cell(srv_csv_cell, "+49", "'+49");
    assert_cell(srv_csv_cell, "@SUM(A1)", "'@SUM(A1)");
    assert_cell(srv_csv_cell, "\tx", "'\tx");
    assert_cell(srv_csv_cell, "\rx", "\"'\rx\"");
    assert_cell(srv_csv_cell, "\n=1", "\"'\n=1\"");
    assert_cell(srv_csv_cell, "=cmd|' /C calc'!A0,\"x\"", "\"'=cmd|' /C calc'!A0,\"\"x\"\"\"");
    assert_cell(srv_csv_cell, "fracture", "fracture");
    assert_cell(srv_csv_cell, "", "");
}

/* Else nobody could tell =1 from '=1, nor an answer "n/a" from none. */
static void no_two_texts_become_the_same_cell(void **state)
{
    (void)state;
    assert_cell(srv_csv_cell, "'=1", "''=1");
    assert_cell(srv_csv_cell, "'t", "''t");
    assert_cell(srv_csv_cell, "n/a", "n/a");
    assert_cell(srv_tsv_cell, "'=1", "''=1");
    assert_cell(srv_tsv_cell, "n/a", "'n/a");
    assert_cell(srv_tsv_cell, "n/as", "n/as");
}

static void negative_numbers_stay_numbers_and_nothing_else_that_begins_with_a_minus(void **state)
{
    static const char *const numbers[] = {"-1", "-0.5", "-12.25e-07", "-3E+10", "-1e5"};
    static const char *const formulas[] = {"-",    "--1",    "-1+1", "-1-2",  "-A1",  "-1e",
                                           "-1.",  "-.5",    "-1e+", "-1 ",   "- 1",  "-1=2",
                                           "-0x1", "-1|cmd", "-inf", "-1..2", "-1e5e"};
    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        assert_cell(srv_csv_cell, numbers[i], numbers[i]);
    for (size_t i = 0; i < sizeof formulas / sizeof *formulas; i++) {
        char wanted[32];
        snprintf(wanted, sizeof wanted, "'%s", formulas[i]);
        assert_cell(srv_csv_cell, formulas[i], wanted);
    }
}

static void a_tsv_cell_stays_in_its_place(void **state)
{
    (void)state;
    assert_cell(srv_tsv_cell, "", "n/a");
    assert_cell(srv_tsv_cell, "a\tb\nc\rd\x7f", "a b c d ");
    assert_cell(srv_tsv_cell, "=1", "'=1");
    assert_cell(srv_tsv_cell, "-1.5", "-1.5");
    assert_cell(srv_tsv_cell,
                "\"quoted\", h\xc3\xbc"
                "fte",
                "\"quoted\", h\xc3\xbc"
                "fte");
}

static void every_column_of_the_codebook_is_named_once_and_described(void **state)
{
    (void)state;
    for (int i = 0; i < EXPORT_COLUMNS; i++) {
        const struct srv_export_column *column = &srv_export_columns[i];
        assert_non_null(column->description);
        assert_int_equal(strspn(column->name, "abcdefghijklmnopqrstuvwxyz_0123456789"), strlen(column->name));
        for (int k = 0; k < i; k++) assert_string_not_equal(column->name, srv_export_columns[k].name);
    }
    assert_string_equal(srv_export_columns[EXPORT_ROW_ID].name, "row_id");
    assert_string_equal(srv_export_columns[EXPORT_PARTICIPANT].name, "participant_id");
    assert_string_equal(srv_export_columns[EXPORT_SESSION].name, "session_id");
    assert_string_equal(srv_export_columns[EXPORT_DECK].name, "deck_id");
    assert_string_equal(srv_export_columns[EXPORT_DECK_VERSION].name, "deck_version");
    assert_string_equal(srv_export_columns[EXPORT_ITEM].name, "item");
    assert_string_equal(srv_export_columns[EXPORT_PREV_ITEM].name, "prev_item");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_spreadsheet_would_run_gets_an_apostrophe),
        cmocka_unit_test(no_two_texts_become_the_same_cell),
        cmocka_unit_test(negative_numbers_stay_numbers_and_nothing_else_that_begins_with_a_minus),
        cmocka_unit_test(a_tsv_cell_stays_in_its_place),
        cmocka_unit_test(every_column_of_the_codebook_is_named_once_and_described),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
