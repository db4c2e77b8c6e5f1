/* labels.csv: the CSV beneath, the classes, and every line that is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/csv_reader.h"
#include "tests/unit/scratch.h"
#include "trainer/data/labels.h"

#define HEADER "file,label,patient_id,split\n"

/* ---- CSV ---- */

/* Reads `text` and writes its cells as [a|b][c], or the error. */
static void show_csv(const char *text, size_t size, char *out)
{
    char buffer[1024], *cells[NN_CSV_FIELDS_MAX];
    struct nn_csv csv;
    struct nn_error err;
    int count;
    memcpy(buffer, text, size);
    nn_csv_init(&csv, buffer, size, "t");
    *out = 0;
    for (;;) {
        if (nn_csv_next(&csv, cells, &count, &err)) {
            strcat(out, err.text);
            return;
        }
        if (!count) return;
        for (int i = 0; i < count; i++) strcat(strcat(out, i ? "|" : "["), cells[i]);
        strcat(out, "]");
    }
}

static void csv_cells_follow_rfc_4180(void **state)
{
    (void)state;
    static const struct {
        const char *text, *cells;
    } cases[] = {
        {"", ""},
        {"a", "[a]"},
        {"a,b\nc,d", "[a|b][c|d]"},
        {"a,b\r\nc,d\r\n", "[a|b][c|d]"},
        {"\xEF\xBB\xBF"
         "a,b\n",
         "[a|b]"},
        {"\n\r\n\na\n\n", "[a]"},
        {",\n", "[|]"},
        {"a,", "[a|]"},
        {"\"\",x\n", "[|x]"},
        {"\"a,b\",c\n", "[a,b|c]"},
        {"\"say \"\"hip\"\"\"\n", "[say \"hip\"]"},
        {"\"two\nlines\",x\r\ny,z", "[two\nlines|x][y|z]"},
        {"\"end\"", "[end]"},
        {"\"end\"\r", "[end]"},
        {"a b , c\n", "[a b | c]"},
        {"\"open\n\n", "t:1: a quote is not closed"},
        {"a\nb,\"", "[a]t:2: a quote is not closed"},
        {"\"a\" ,b", "t:1: text after a closing quote"},
        {"\"1\n2\"x", "t:2: text after a closing quote"},
        {"ab\"c\"\n", "t:1: a quote within an unquoted cell"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char shown[256];
        show_csv(cases[i].text, strlen(cases[i].text), shown);
        assert_string_equal(shown, cases[i].cells);
    }
}

static void csv_refuses_zero_bytes_and_endless_records(void **state)
{
    (void)state;
    char shown[256], commas[100];
    show_csv("a\nb\0c\n", 6, shown);
    assert_string_equal(shown, "[a]t:2: contains a zero byte");
    show_csv("\"b\0c\"\n", 6, shown);
    assert_string_equal(shown, "t:1: contains a zero byte");
    memset(commas, ',', sizeof commas);
    show_csv(commas, NN_CSV_FIELDS_MAX, shown);
    assert_string_equal(shown, "t:1: has more than 64 cells");
}

static void csv_lines_are_counted_within_quotes(void **state)
{
    (void)state;
    char text[] = "a\n\n\"x\ny\"\nb\n", *cells[NN_CSV_FIELDS_MAX];
    const int lines[] = {1, 3, 5};
    struct nn_csv csv;
    int count;
    nn_csv_init(&csv, text, strlen(text), "t");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(nn_csv_next(&csv, cells, &count, NULL), NN_OK);
        assert_int_equal(csv.record_line, lines[i]);
    }
}

/* ---- the table ---- */

static nn_status parse(struct tr_labels *t, const char *text, struct nn_error *err)
{
    return tr_labels_parse(t, text, strlen(text), "labels.csv", err);
}

/* `given` has the classes that the caller knows, or is zeroed. */
static void check_refused(struct tr_labels given, const char *text, const char *error)
{
    struct nn_error err = {0};
    assert_int_equal(parse(&given, text, &err), NN_ERR_FORMAT);
    assert_string_equal(err.text, error);
    assert_null(given.rows);
    assert_null(given.text);
}

static void rows_are_read_whatever_the_order_of_columns(void **state)
{
    (void)state;
    struct tr_labels t = {0};
    struct nn_error err;
    assert_int_equal(parse(&t,
                           "side,split,patient_id,\"file\",note,label\r\n"
                           "L,train,7,images/a.png,\"x, y\",hip\r\n"
                           "R,test,8,images/b.png,,hip\r\n",
                           &err),
                     NN_OK);
    assert_int_equal(t.row_count, 2);
    assert_int_equal(t.train_count, 1);
    assert_string_equal(t.rows[0].file, "images/a.png");
    assert_string_equal(t.rows[0].patient, "7");
    assert_true(t.rows[0].train);
    assert_int_equal(t.rows[1].line, 3);
    assert_false(t.rows[1].train);
    tr_labels_release(&t);
}

static void classes_are_the_sorted_labels_unless_they_are_given(void **state)
{
    (void)state;
    const char *text = HEADER "a,no_fracture,1,train\nb,fracture,2,train\nc,no_fracture,3,train\n";
    struct tr_labels t = {0};
    assert_int_equal(parse(&t, text, NULL), NN_OK);
    assert_int_equal(t.class_count, 2);
    assert_string_equal(t.classes[0], "fracture");
    assert_int_equal(t.rows[0].labels, 2);
    tr_labels_release(&t);
    t.class_count = 2;
    strcpy(t.classes[0], "no_fracture");
    strcpy(t.classes[1], "fracture");
    assert_int_equal(parse(&t, text, NULL), NN_OK);
    assert_int_equal(t.rows[0].labels, 1);
    assert_int_equal(t.rows[1].labels, 2);
    tr_labels_release(&t);
}

static void every_bad_table_gets_one_line_that_says_where(void **state)
{
    (void)state;
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"", "labels.csv: is empty"},
        {"\n\n", "labels.csv: is empty"},
        {"file,label,split\n", "labels.csv:1: column \"patient_id\" is missing"},
        {"file,label,patient_id,split,file\n", "labels.csv:1: column \"file\" is there twice"},
        {HEADER, "labels.csv: has no image"},
        {HEADER "a,x,1\n", "labels.csv:2: has 3 cells where the header has 4"},
        {HEADER "a,x,1,train,\n", "labels.csv:2: has 5 cells where the header has 4"},
        {HEADER "a,x,1,train\n,x,1,train\n", "labels.csv:3: file is empty"},
        {HEADER "a,,1,train\n", "labels.csv:2: label is empty"},
        {HEADER "a,x,,train\n", "labels.csv:2: patient_id is empty"},
        {HEADER "a,x,1,\n", "labels.csv:2: split is empty"},
        {HEADER "a,x,1,Train\n", "labels.csv:2: split \"Train\" is neither train nor test"},
        {HEADER "a,\"x\ny\",1,train\n", "labels.csv:2: label is not plain UTF-8 text"},
        {HEADER "a,\xff,1,train\n", "labels.csv:2: label is not plain UTF-8 text"},
        {HEADER "a,\xc0\xaf,1,train\n", "labels.csv:2: label is not plain UTF-8 text"}, /* "/", overlong */
        {HEADER "a,\xc2\x85,1,train\n", "labels.csv:2: label is not plain UTF-8 text"}, /* a control */
        {HEADER "/etc/passwd,x,1,train\n", "labels.csv:2: file \"/etc/passwd\" is not within the folder"},
        {HEADER "images/../../a,x,1,train\n",
         "labels.csv:2: file \"images/../../a\" is not within the folder"},
        {HEADER "..,x,1,train\n", "labels.csv:2: file \"..\" is not within the folder"},
        {HEADER "a,x,1,train\nb,x,2,train\n\na,x,3,train\n", "labels.csv:5: file \"a\" is already in line 2"},
        {HEADER "a,x,1,train\nb,x,2,test\nc,x,1,test\n",
         "labels.csv:4: patient \"1\" is in both splits (line 2)"},
        {HEADER "a,x,1,train\n\"b", "labels.csv:3: a quote is not closed"},
        {HEADER "a,a_label_of_forty_eight_bytes_is_one_byte_too_lon,1,train\n",
         "labels.csv:2: label \"a_label_of_forty_eight_bytes_is_one_byte_too_lon\" is longer than 47 bytes"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_refused((struct tr_labels){0}, cases[i].text, cases[i].error);
}

#define FINDINGS "file,labels,patient_id,split\n"

static void a_column_labels_holds_several_findings_or_none(void **state)
{
    (void)state;
    const char *text = FINDINGS "a,effusion|cardiomegaly,1,train\nb,none,2,train\nc,mass,3,train\n"
                                "d,mass|effusion,4,test\n";
    struct tr_labels t = {0};
    struct nn_error err;
    if (parse(&t, text, &err)) fail_msg("%s", err.text);
    assert_true(t.multi);
    assert_int_equal(t.class_count, 3);
    assert_string_equal(t.classes[0], "cardiomegaly");
    assert_string_equal(t.classes[2], "mass");
    const uint64_t labels[] = {3, 0, 4, 6};
    for (int i = 0; i < 4; i++) assert_int_equal(t.rows[i].labels, labels[i]);
    tr_labels_release(&t);
    t.class_count = 3;
    strcpy(t.classes[0], "mass");
    strcpy(t.classes[1], "effusion");
    strcpy(t.classes[2], "cardiomegaly");
    assert_int_equal(parse(&t, text, NULL), NN_OK);
    const uint64_t reordered[] = {6, 0, 1, 3};
    for (int i = 0; i < 4; i++) assert_int_equal(t.rows[i].labels, reordered[i]);
    tr_labels_release(&t);
}

static void a_bar_or_none_in_the_column_label_is_part_of_a_class(void **state)
{
    (void)state;
    struct tr_labels t = {0};
    assert_int_equal(parse(&t, HEADER "a,x|y,1,train\nb,none,2,train\n", NULL), NN_OK);
    assert_false(t.multi);
    assert_int_equal(t.class_count, 2);
    assert_string_equal(t.classes[1], "x|y");
    assert_int_equal(t.rows[0].labels, 2);
    tr_labels_release(&t);
}

static void bad_findings_get_one_line_that_says_where(void **state)
{
    (void)state;
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"file,label,labels,patient_id,split\n", "labels.csv:1: has both \"label\" and \"labels\""},
        {"file,labels,labels,patient_id,split\n", "labels.csv:1: column \"labels\" is there twice"},
        {FINDINGS "a,,1,train\n", "labels.csv:2: labels is empty"},
        {FINDINGS "a,x|,1,train\n", "labels.csv:2: an empty label between bars"},
        {FINDINGS "a,|x,1,train\n", "labels.csv:2: an empty label between bars"},
        {FINDINGS "a,x||y,1,train\n", "labels.csv:2: an empty label between bars"},
        {FINDINGS "a,x,1,train\nb,x|y|x,2,train\n", "labels.csv:3: label \"x\" is there twice"},
        {FINDINGS "a,none|x,1,train\n", "labels.csv:2: \"none\" stands beside another label"},
        {FINDINGS "a,none,1,train\n", "labels.csv: no image has a label but \"none\""},
        {FINDINGS "a,x|a_label_of_forty_eight_bytes_is_one_byte_too_lon,1,train\n",
         "labels.csv:2: label \"a_label_of_forty_eight_bytes_is_one_byte_too_lon\" is longer than 47 bytes"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_refused((struct tr_labels){0}, cases[i].text, cases[i].error);
    check_refused((struct tr_labels){.class_count = 2, .classes = {"x", "none"}}, FINDINGS "a,x,1,train\n",
                  "labels.csv: no finding can be called \"none\"");
    check_refused((struct tr_labels){.class_count = 1, .classes = {"x"}},
                  FINDINGS "a,x,1,train\nb,x|xy,2,test\n",
                  "labels.csv:3: label \"xy\" is not a class of this data set");
}

static void only_training_needs_an_image_of_every_class(void **state)
{
    (void)state;
    static const struct {
        const char *text, *given, *error;
    } cases[] = {
        {HEADER "a,x,1,train\nb,y,2,test\nc,y,3,train\n", NULL, NULL},
        {HEADER "a,x,1,test\n", NULL, "labels.csv: has no training image"},
        {HEADER "a,x,1,train\nb,y,2,test\n", NULL, "labels.csv: class \"y\" has no training image"},
        {HEADER "a,x,1,train\n", "w", "labels.csv: class \"w\" has no training image"},
        {FINDINGS "a,x,1,train\nb,x|y,2,test\n", NULL, "labels.csv: class \"y\" has no training image"},
        {FINDINGS "a,none,1,train\nb,x,2,test\n", NULL, "labels.csv: class \"x\" has no training image"},
        {FINDINGS "a,x|y,1,train\nb,none,2,test\n", NULL, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tr_labels t = {.class_count = cases[i].given ? 2 : 0, .classes = {"x"}};
        struct nn_error err;
        if (cases[i].given) strcpy(t.classes[1], cases[i].given);
        if (parse(&t, cases[i].text, &err)) fail_msg("%s", err.text);
        nn_status status = tr_labels_check_training(&t, "labels.csv", &err);
        assert_int_equal(status, cases[i].error ? NN_ERR_FORMAT : NN_OK);
        if (cases[i].error) assert_string_equal(err.text, cases[i].error);
        tr_labels_release(&t);
    }
}

static void there_can_be_63_findings_and_no_more(void **state)
{
    (void)state;
    struct nn_error err;
    for (int count = NN_CLASSES_MAX - 1; count <= NN_CLASSES_MAX; count++) {
        struct tr_labels t = {0};
        char text[2048] = FINDINGS "a,";
        for (int i = 0; i < count; i++) snprintf(text + strlen(text), 16, "%sf%02d", i ? "|" : "", i);
        strcat(text, ",1,train\n");
        nn_status status = parse(&t, text, &err);
        assert_int_equal(status, count < NN_CLASSES_MAX ? NN_OK : NN_ERR_FORMAT);
        if (status == NN_OK)
            assert_true(t.rows[0].labels == ((uint64_t)1 << count) - 1);
        else
            assert_string_equal(err.text, "labels.csv: has more than 63 different labels");
        tr_labels_release(&t);
    }
}

static void a_label_outside_the_given_classes_is_refused(void **state)
{
    (void)state;
    check_refused((struct tr_labels){.class_count = 1, .classes = {"x"}}, HEADER "a,x,1,train\nb,z,2,test\n",
                  "labels.csv:3: label \"z\" is not a class of this data set");
}

static void more_labels_than_classes_can_be_are_refused(void **state)
{
    (void)state;
    char text[8192] = HEADER;
    for (int i = 0; i <= NN_CLASSES_MAX; i++)
        snprintf(text + strlen(text), 64, "f%d,label%d,p%d,train\n", i, i, i);
    check_refused((struct tr_labels){0}, text, "labels.csv: has more than 64 different labels");
}

static void an_overlong_path_is_refused(void **state)
{
    (void)state;
    char path[TR_LABELS_PATH_MAX + 2] = {0}, text[2048];
    memset(path, 'a', TR_LABELS_PATH_MAX + 1);
    snprintf(text, sizeof text, HEADER "%s,x,1,train\n", path);
    check_refused((struct tr_labels){0}, text, "labels.csv:2: file is longer than 1000 bytes");
}

static void mutated_tables_are_read_or_refused_in_one_line(void **state)
{
    (void)state;
    static const char text[] =
        HEADER "images/a.png,fracture,1,train\n\"images/b, \"\"2\"\".png\",none,2,test\r\n"
               "c,none,3,train\n";
    uint8_t mutated[sizeof text];
    int read = 0, refused = 0;
    for (uint64_t n = 0; n < 5000; n++) {
        size_t size = scratch_mutate((const uint8_t *)text, sizeof text - 1, n, mutated);
        /* A block of just its size shows the sanitizer any byte read or written beyond. */
        char *exact = malloc(size ? size : 1);
        memcpy(exact, mutated, size);
        struct tr_labels t = {0};
        struct nn_error err = {0};
        if (tr_labels_parse(&t, exact, size, "labels.csv", &err)) {
            refused++;
            assert_true(!strncmp(err.text, "labels.csv:", 11) && !strchr(err.text, '\n'));
        } else {
            read++;
            assert_true(t.row_count >= 1 && t.class_count >= 1);
        }
        tr_labels_release(&t);
        free(exact);
    }
    assert_true(read > 100 && refused > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csv_cells_follow_rfc_4180),
        cmocka_unit_test(csv_refuses_zero_bytes_and_endless_records),
        cmocka_unit_test(csv_lines_are_counted_within_quotes),
        cmocka_unit_test(rows_are_read_whatever_the_order_of_columns),
        cmocka_unit_test(classes_are_the_sorted_labels_unless_they_are_given),
        cmocka_unit_test(every_bad_table_gets_one_line_that_says_where),
        cmocka_unit_test(a_column_labels_holds_several_findings_or_none),
        cmocka_unit_test(a_bar_or_none_in_the_column_label_is_part_of_a_class),
        cmocka_unit_test(bad_findings_get_one_line_that_says_where),
        cmocka_unit_test(only_training_needs_an_image_of_every_class),
        cmocka_unit_test(there_can_be_63_findings_and_no_more),
        cmocka_unit_test(a_label_outside_the_given_classes_is_refused),
        cmocka_unit_test(more_labels_than_classes_can_be_are_refused),
        cmocka_unit_test(an_overlong_path_is_refused),
        cmocka_unit_test(mutated_tables_are_read_or_refused_in_one_line),
    };
    return cmocka_run_group_tests_name("labels", tests, NULL, NULL);
}
