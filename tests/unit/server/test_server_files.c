/* What the daemon sends and reads as files: CSV cells, pages, the admin token. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/export/csv_writer.h"
#include "server/http/static_files.h"
#include "server/secrets.h"
#include "tests/unit/scratch.h"

/* ---- CSV ---- */

static void assert_cell(const char *text, const char *expected)
{
    char *out = NULL;
    size_t size;
    FILE *file = open_memstream(&out, &size);
    srv_csv_cell(file, text);
    fclose(file);
    assert_string_equal(out, expected);
    free(out);
}

static void cells_are_quoted_when_they_must_be(void **state)
{
    (void)state;
    assert_cell("", "");
    assert_cell("plain", "plain");
    assert_cell("a,b", "\"a,b\"");
    assert_cell("say \"yes\"", "\"say \"\"yes\"\"\"");
    assert_cell("two\nlines", "\"two\nlines\"");
}

static void cells_that_a_spreadsheet_would_run_are_disarmed(void **state)
{
    (void)state;
    assert_cell("=1+1", "'=1+1");
    assert_cell("+1", "'+1");
    assert_cell("-1+1", "'-1+1");
    assert_cell("@SUM(A1)", "'@SUM(A1)");
    assert_cell("\tx", "'\tx");
    assert_cell("=a,b", "\"'=a,b\"");
    assert_cell("a=b", "a=b");
}

/* ---- pages ---- */

static int get(int folder, const char *path, struct srv_response *response)
{
    struct srv_request request = {.method = "GET", .path = path};
    srv_response_release(response);
    srv_static_file(folder, &request, response);
    return response->status;
}

static void only_pages_inside_the_folder_are_sent(void **state)
{
    struct srv_response response = {0};
    scratch_text(scratch_path(state, "index.html"), "<p>hello");
    scratch_text(scratch_path(state, ".hidden.html"), "no");
    scratch_text(scratch_path(state, "data.bin"), "no");
    assert_int_equal(mkdir(scratch_path(state, "js.js"), 0700), 0);
    assert_int_equal(mkdir(scratch_path(state, "js"), 0700), 0);
    scratch_text(scratch_path(state, "js/main.js"), "1");
    assert_int_equal(symlink("/etc/passwd", scratch_path(state, "link.txt")), 0);
    int folder = open(*state, O_PATH | O_DIRECTORY);
    assert_int_equal(get(folder, "/", &response), 200);
    assert_int_equal(response.body->size_bytes, 8);
    assert_string_equal(response.content_type, "text/html; charset=utf-8");
    assert_int_equal(get(folder, "/js/main.js", &response), 200);
    assert_string_equal(response.content_type, "text/javascript; charset=utf-8");
    const char *const refused[] = {
        "/.hidden.html",  "/data.bin",
        "/js.js",         "/js",
        "/js/",           "//index.html",
        "/../index.html", "/js/../index.html",
        "/link.txt",      "/none.html",
        "/index.html/",   "/js/..%2findex.html",
        "/etc/passwd",    "",
        "/js//main.js",
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (get(folder, refused[i], &response) != 404)
            fail_msg("%s was answered %d", refused[i], response.status);
    assert_int_equal(get(-1, "/", &response), 404);
    srv_response_release(&response);
    close(folder);
}

static void a_page_that_is_not_there_is_answered_by_a_page_and_a_script_by_an_error(void **state)
{
    struct srv_response response = {0};
    scratch_text(scratch_path(state, "not-found.html"), "<p>none");
    int folder = open(*state, O_PATH | O_DIRECTORY);
    const char *const pages[] = {"/decks", "/none.html", "/js/none.html"}, *const others[] = {"/none.js",
                                                                                              "/.env"};
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        assert_int_equal(get(folder, pages[i], &response), 404);
        assert_string_equal(response.content_type, "text/html; charset=utf-8");
        assert_string_equal(response.error, "not_found");
        assert_string_equal(response.etag, "");
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_int_equal(get(folder, others[i], &response), 404);
        assert_string_equal(response.content_type, "application/json");
    }
    srv_response_release(&response);
    close(folder);
}

static void an_unchanged_page_is_confirmed_by_its_tag(void **state)
{
    struct srv_response response = {0};
    struct srv_request request = {.method = "GET", .path = "/index.html"};
    int folder = open(*state, O_PATH | O_DIRECTORY);
    assert_int_equal(get(folder, "/index.html", &response), 200);
    char tag[RESPONSE_ETAG_TEXT];
    strcpy(tag, response.etag);
    request.if_none_match = tag;
    srv_response_release(&response);
    srv_static_file(folder, &request, &response);
    assert_int_equal(response.status, 304);
    assert_int_equal(response.body->size_bytes, 8); /* whose length is told */
    scratch_text(scratch_path(state, "index.html"), "<p>changed");
    srv_response_release(&response);
    srv_static_file(folder, &request, &response);
    assert_int_equal(response.status, 200);
    srv_response_release(&response);
    close(folder);
}

/* ---- secrets ---- */

static void the_admin_token_is_made_once_and_kept_private(void **state)
{
    struct nn_error err = {0};
    struct stat info;
    char first[SRV_SECRET_TEXT], second[SRV_SECRET_TEXT];
    const char *path = scratch_path(state, "token");
    assert_int_equal(srv_admin_token(path, first, &err), NN_OK);
    assert_int_equal(strlen(first), 64);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(srv_admin_token(path, second, &err), NN_OK);
    assert_string_equal(first, second);
}

static void a_token_that_could_be_guessed_is_refused(void **state)
{
    struct nn_error err = {0};
    char token[SRV_SECRET_TEXT];
    const char *path = scratch_path(state, "weak");
    scratch_text(path, "secret\n");
    assert_int_equal(srv_admin_token(path, token, &err), NN_ERR_FORMAT);
    scratch_text(path, "");
    assert_int_equal(srv_admin_token(path, token, &err), NN_ERR_FORMAT);
    scratch_text(path, "0123456789abcdef0123456789abcdef\n");
    assert_int_equal(srv_admin_token(path, token, &err), NN_OK);
    assert_string_equal(token, "0123456789abcdef0123456789abcdef");
}

static void secrets_are_compared_whole(void **state)
{
    (void)state;
    assert_true(srv_secret_equal("abc", "abc"));
    assert_false(srv_secret_equal("abc", "abd"));
    assert_false(srv_secret_equal("abc", "ab"));
    assert_false(srv_secret_equal("", "a"));
}

static void random_numbers_stay_below_their_limit_and_reach_it(void **state)
{
    (void)state;
    bool seen[7] = {false};
    for (int i = 0; i < 1000; i++) {
        uint32_t value = srv_random_below(7);
        assert_in_range(value, 0, 6);
        seen[value] = true;
    }
    for (int i = 0; i < 7; i++) assert_true(seen[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_are_quoted_when_they_must_be),
        cmocka_unit_test(cells_that_a_spreadsheet_would_run_are_disarmed),
        cmocka_unit_test(only_pages_inside_the_folder_are_sent),
        cmocka_unit_test(a_page_that_is_not_there_is_answered_by_a_page_and_a_script_by_an_error),
        cmocka_unit_test(an_unchanged_page_is_confirmed_by_its_tag),
        cmocka_unit_test(the_admin_token_is_made_once_and_kept_private),
        cmocka_unit_test(a_token_that_could_be_guessed_is_refused),
        cmocka_unit_test(secrets_are_compared_whole),
        cmocka_unit_test(random_numbers_stay_below_their_limit_and_reach_it),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
