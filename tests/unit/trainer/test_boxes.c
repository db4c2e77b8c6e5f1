/* boxes.csv: what is read, and every line that is refused. */
#include "trainer/data/boxes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/scratch.h"

#define HEADER "file,side,x,y,width,height\n"

static nn_status parse(void **state, const char *text, struct tr_boxes *boxes, struct nn_error *err)
{
    const char *path = scratch_path(state, "boxes.csv");
    scratch_text(path, text);
    return tr_boxes_read(boxes, path, err);
}

static void boxes_come_sorted_by_file_and_side_with_columns_in_any_order(void **state)
{
    struct tr_boxes t;
    const char *text = "height,reader,file,side,x,y,width\n"
                       "40,me,b.png,left,1.5,-2,30\n"
                       "41,me,a.png,left,50,3e1,31\n"
                       "42,me,a.png,right,0,0,32\n";
    assert_int_equal(parse(state, text, &t, NULL), NN_OK);
    assert_int_equal(t.count, 3);
    assert_string_equal(t.boxes[0].file, "a.png");
    assert_false(t.boxes[0].left);
    assert_true(t.boxes[0].height == 42 && t.boxes[0].width == 32 && t.boxes[0].line == 4);
    assert_true(t.boxes[1].left && t.boxes[1].x == 50 && t.boxes[1].y == 30);
    assert_string_equal(t.boxes[2].file, "b.png");
    assert_true(t.boxes[2].x == 1.5 && t.boxes[2].y == -2);
    tr_boxes_release(&t);
    assert_int_equal(parse(state, HEADER, &t, NULL), NN_OK);
    assert_int_equal(t.count, 0);
    tr_boxes_release(&t);
}

static void what_is_no_box_is_refused_with_its_line(void **state)
{
    static const struct {
        const char *text, *told;
    } bad[] = {
        {"", "no column 'file'"},
        {"file,x,y,width,height\n", "no column 'side'"},
        {"file,side,x,y,width\n", "no column 'height'"},
        {HEADER "a,left,1,2,3\n", "boxes.csv:2: has no 'height'"},
        {HEADER "a,left,1,2,3,4\nb,Left,1,2,3,4\n", "boxes.csv:3: side 'Left'"},
        {HEADER "a,left,one,2,3,4\n", "boxes.csv:2: x 'one' is no number"},
        {HEADER "a,left,1,2z,3,4\n", "y '2z' is no number"},
        {HEADER "a,left,1,,3,4\n", "y '' is no number"},
        {HEADER "a,left,1,nan,3,4\n", "y 'nan' is no number"},
        {HEADER "a,left,1,2,0,4\n", "width '0' is no length"},
        {HEADER "a,left,1,2,3,-4\n", "height '-4' is no length"},
        {HEADER "a,left,1,2,3,inf\n", "height 'inf' is no length"},
        {HEADER "a,left,1,2,3,4\na,right,1,2,3,4\na,left,5,6,7,8\n", "the left hip of a is there already"},
        {HEADER "\"a,left,1,2,3,4\n", "boxes.csv:2"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct tr_boxes t;
        struct nn_error err = {.text = ""};
        assert_int_equal(parse(state, bad[i].text, &t, &err), NN_ERR_FORMAT);
        if (!strstr(err.text, bad[i].told)) fail_msg("'%s' lacks '%s'", err.text, bad[i].told);
        assert_null(t.boxes);
        tr_boxes_release(&t);
    }
}

static void a_file_that_is_not_there_is_named(void **state)
{
    struct tr_boxes t;
    struct nn_error err;
    assert_int_equal(tr_boxes_read(&t, scratch_path(state, "none.csv"), &err), NN_ERR_IO);
    assert_non_null(strstr(err.text, "none.csv"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(boxes_come_sorted_by_file_and_side_with_columns_in_any_order),
        TEST(what_is_no_box_is_refused_with_its_line),
        TEST(a_file_that_is_not_there_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
