/* The database: which files it opens, what a failed transaction leaves, writers at once. */
#include <pthread.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/database/db.h"
#include "server/database/schema.h"
#include "tests/unit/server/scratch_db.h"

/* ---- files ---- */

static void a_new_file_is_durable_strict_and_marked(void **state)
{
    struct db *db = scratch_db(state, "new.db");
    assert_int_equal(scratch_number(db, "PRAGMA application_id"), SCHEMA_APPLICATION_ID);
    assert_int_equal(scratch_number(db, "PRAGMA user_version"), SCHEMA_VERSION);
    assert_int_equal(scratch_number(db, "PRAGMA synchronous"), 2); /* FULL */
    assert_int_equal(scratch_number(db, "PRAGMA foreign_keys"), 1);
    assert_int_equal(
        scratch_number(db, "SELECT count(*) FROM pragma_journal_mode WHERE journal_mode = 'wal'"), 1);
    assert_int_equal(
        scratch_number(db, "SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND type = 'table'"
                           " AND name NOT LIKE 'sqlite_%' AND strict = 0"),
        0);
    db_close(db);
}

static void a_file_is_opened_again_with_what_it_held(void **state)
{
    struct db *db = scratch_db(state, "again.db");
    scratch_run(db, "INSERT INTO decks (name, built_in, created_at) VALUES ('d', 1, 'now')");
    db_close(db);
    db = scratch_db(state, "again.db");
    assert_int_equal(scratch_number(db, "SELECT count(*) FROM decks"), 1);
    db_close(db);
}

static void assert_refused(const char *path, const char *text)
{
    struct db *db;
    struct nn_error err = {0};
    assert_int_not_equal(db_open(&db, path, &err), NN_OK);
    assert_null(db);
    assert_memory_equal(err.text, path, strlen(path));
    if (!strstr(err.text, text)) fail_msg("wanted \"%s\", got \"%s\"", text, err.text);
}

static void a_newer_schema_is_refused_and_left_alone(void **state)
{
    const char *path = scratch_path(state, "newer.db");
    struct db *db = scratch_db(state, "newer.db");
    scratch_run(db, "PRAGMA user_version = 99");
    db_close(db);
    assert_refused(path, "has schema version 99");
}

static void another_programs_database_is_refused_and_left_alone(void **state)
{
    const char *path = scratch_path(state, "other.db");
    struct db *db = scratch_db(state, "other.db");
    scratch_run(db, "PRAGMA application_id = 7");
    db_close(db);
    assert_refused(path, "is another program's database");
}

static void a_file_that_is_no_database_is_refused_and_left_alone(void **state)
{
    size_t size;
    const char *path = scratch_path(state, "text.db"),
               text[] = "This is a letter, not a database, and long.\n";
    scratch_text(path, text);
    assert_refused(path, "is not a database");
    uint8_t *bytes = scratch_read(path, &size);
    assert_int_equal(size, strlen(text));
    assert_memory_equal(bytes, text, size);
    free(bytes);
    assert_refused(scratch_path(state, "no-such-folder/x.db"), "cannot open the database");
}

/* ---- transactions ---- */

static void a_failure_sticks_and_rolls_all_back(void **state)
{
    struct db_transaction t;
    struct db *db = scratch_db(state, "sticky.db");
    db_begin_write(&t, db);
    db_run(&t, "INSERT INTO decks (name, built_in, created_at) VALUES ('a', 1, 'now')", "");
    db_run(&t, "INSERT INTO decks (name, built_in, created_at) VALUES ('a', 1, 'now')", "");
    db_run(&t, "INSERT INTO decks (name, built_in, created_at) VALUES ('b', 1, 'now')", "");
    assert_null(db_query(&t, "SELECT 1", ""));
    assert_int_equal(db_end(&t), DB_CONFLICT);
    assert_int_equal(scratch_number(db, "SELECT count(*) FROM decks"), 0);
    db_close(db);
}

static void an_abandoned_transaction_changes_nothing(void **state)
{
    struct db_transaction t;
    struct db *db = scratch_db(state, "abandoned.db");
    db_begin_write(&t, db);
    db_run(&t, "INSERT INTO decks (name, built_in, created_at) VALUES ('a', 1, 'now')", "");
    db_abandon(&t, DB_FAILED);
    assert_int_equal(db_end(&t), DB_FAILED);
    assert_int_equal(scratch_number(db, "SELECT count(*) FROM decks"), 0);
    db_close(db);
}

static void orphans_are_refused(void **state)
{
    struct db_transaction t;
    struct db *db = scratch_db(state, "orphans.db");
    db_begin_write(&t, db);
    db_run(&t,
           "INSERT INTO answers (session_id, item, key, choice, confidence, rating, correct, response_ms, "
           "received_at)"
           " VALUES ('none', 1, '00000000-0000-4000-8000-000000000000', 'yes', 1, 4, 1, 1.0, 'now')",
           "");
    assert_int_equal(db_end(&t), DB_FAILED);
    assert_int_equal(scratch_number(db, "SELECT count(*) FROM answers"), 0);
    db_close(db);
}

/* ---- writers at once ---- */

enum { WRITERS = 24, ROWS = 60 };

struct writer {
    pthread_t thread;
    struct db *db;
    int number, kept;
    enum db_status wrong;
};

/* Every third row repeats the one before it and must be refused, without harm to the group's other members.
 */
static void *write_rows(void *context)
{
    struct writer *w = context;
    for (int i = 0; i < ROWS; i++) {
        struct db_transaction t;
        char name[32];
        snprintf(name, sizeof name, "%d-%d", w->number, i % 3 == 2 ? i - 1 : i);
        db_begin_write(&t, w->db);
        if (i % 3 == 2)
            db_run(&t, "INSERT INTO decks (name, built_in, created_at) VALUES (? || 'y', 1, 'now')", "t",
                   name);
        db_run(&t, "INSERT INTO decks (name, built_in, created_at) VALUES (?, 1, 'now')", "t", name);
        enum db_status status = db_end(&t);
        if (status == DB_OK) w->kept++;
        if (status != (i % 3 == 2 ? DB_CONFLICT : DB_OK)) w->wrong = status;
    }
    return NULL;
}

static void *write_one(void *context)
{
    struct writer *w = context;
    struct db_transaction t;
    char text[8192];
    snprintf(text, sizeof text, "%d-%08000d", w->number, 0);
    db_begin_write(&t, w->db);
    db_run(&t, "INSERT INTO decks (name, built_in, created_at) VALUES (?, 1, 'now')", "t", text);
    w->wrong = db_end(&t);
    w->kept = w->wrong == DB_OK;
    return NULL;
}

static void run_writers(struct db *db, struct writer *writers, void *(*work)(void *))
{
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){.db = db, .number = i};
        assert_int_equal(pthread_create(&writers[i].thread, NULL, work, &writers[i]), 0);
    }
}

static int join_writers(struct writer *writers)
{
    int kept = 0;
    for (int i = 0; i < WRITERS; i++) {
        pthread_join(writers[i].thread, NULL);
        kept += writers[i].kept;
    }
    return kept;
}

static void a_failing_writer_is_undone_alone(void **state)
{
    struct writer writers[WRITERS];
    struct db *db = scratch_db(state, "writers.db");
    run_writers(db, writers, write_rows);
    assert_int_equal(join_writers(writers), WRITERS * ROWS * 2 / 3);
    for (int i = 0; i < WRITERS; i++) assert_int_equal(writers[i].wrong, DB_OK);
    assert_int_equal(scratch_number(db, "SELECT count(*) FROM decks"), WRITERS * ROWS * 2 / 3);
    assert_true(srv_histogram_total(&db_counts(db)->groups) < WRITERS * ROWS); /* some did share */
    db_close(db);
}

static void *write_until_refused(void *context)
{
    struct writer *w = context;
    enum db_status status = DB_OK;
    for (int i = 0; status == DB_OK && i < 100000; i++) {
        struct db_transaction t;
        char name[32];
        snprintf(name, sizeof name, "%d-%d", w->number, i);
        db_begin_write(&t, w->db);
        db_run(&t, "INSERT INTO decks (name, built_in, created_at) VALUES (?, 1, 'now')", "t", name);
        status = db_end(&t);
        if (status == DB_OK) w->kept++;
    }
    w->wrong = status;
    return NULL;
}

static void a_disk_that_fills_under_a_group_keeps_what_was_acknowledged_and_no_more(void **state)
{
    struct writer writers[WRITERS];
    struct db *db = scratch_db(state, "filling.db");
    scratch_disk_full(1 << 20); /* of log, in the middle of some group */
    run_writers(db, writers, write_until_refused);
    int kept = join_writers(writers);
    scratch_disk_free();
    for (int i = 0; i < WRITERS; i++) assert_int_equal(writers[i].wrong, DB_UNAVAILABLE);
    assert_int_equal(scratch_number(db, "SELECT count(*) FROM decks"), kept);
    db_close(db);
    db = scratch_db(state, "filling.db");
    assert_int_equal(scratch_number(db, "SELECT count(*) FROM decks"), kept);
    assert_int_equal(
        scratch_number(db, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'"), 1);
    scratch_run(db, "INSERT INTO decks (name, built_in, created_at) VALUES ('later', 1, 'now')");
    db_close(db);
}

/* Each further step lets a few more of SQLite's allocations succeed, until all do. */
static void memory_that_runs_out_anywhere_refuses_and_loses_nothing(void **state)
{
    struct writer writers[WRITERS];
    int kept = 0, refused = 0, last = -1;
    struct db *db = scratch_db(state, "memory.db");
    for (int room = 0; last != 0; room += 1024) {
        int64_t before = sqlite3_memory_used();
        sqlite3_hard_heap_limit64(before + room);
        for (int i = 0; i < 4; i++) {
            writers[i] = (struct writer){.db = db, .number = room * 4 + i};
            assert_int_equal(pthread_create(&writers[i].thread, NULL, write_one, &writers[i]), 0);
        }
        last = 0;
        for (int i = 0; i < 4; i++) {
            pthread_join(writers[i].thread, NULL);
            assert_true(writers[i].wrong == DB_OK || writers[i].wrong == DB_UNAVAILABLE);
            kept += writers[i].kept;
            last += !writers[i].kept;
        }
        refused += last;
        sqlite3_hard_heap_limit64(0);
        assert_int_equal(scratch_number(db, "SELECT count(*) FROM decks"), kept);
    }
    assert_true(refused > 0);
    assert_int_equal(
        scratch_number(db, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'"), 1);
    db_close(db);
}

static void a_reader_sees_what_was_acknowledged_and_not_what_is_being_written(void **state)
{
    struct db_transaction t;
    struct db *db = scratch_db(state, "reader.db");
    scratch_run(db, "INSERT INTO decks (name, built_in, created_at) VALUES ('a', 1, 'now')");
    db_begin_write(&t, db);
    db_run(&t, "INSERT INTO decks (name, built_in, created_at) VALUES ('b', 1, 'now')", "");
    assert_int_equal(scratch_number(db, "SELECT count(*) FROM decks"), 1);
    assert_int_equal(db_end(&t), DB_OK);
    assert_int_equal(scratch_number(db, "SELECT count(*) FROM decks"), 2);
    db_close(db);
}

/* Whether either file of the data base holds the text. */
static bool in_files(void **state, const char *text)
{
    bool found = false;
    const char *const names[] = {"erased.db", "erased.db-wal"};
    for (int i = 0; i < 2; i++) {
        size_t size;
        uint8_t *bytes = scratch_read(scratch_path(state, names[i]), &size);
        found = found || memmem(bytes, size, text, strlen(text));
        free(bytes);
    }
    return found;
}

static void what_is_erased_leaves_file_and_log_when_nobody_reads(void **state)
{
    struct db_transaction t, reader;
    struct db *db = scratch_db(state, "erased.db");
    scratch_run(db, "INSERT INTO decks (name, built_in, created_at) VALUES ('remember me', 1, 'now')");
    assert_true(in_files(state, "remember me"));
    db_begin(&reader, db);
    db_finish(db_query(&reader, "SELECT name FROM decks", ""));
    struct db_rows *rows = db_query(&reader, "SELECT name FROM decks", "");
    assert_true(db_next(rows));
    db_begin_write(&t, db);
    db_run(&t, "DELETE FROM decks WHERE name = 'remember me'", "");
    db_erase(&t);
    assert_int_equal(db_end(&t), DB_OK);
    assert_string_equal(db_text(rows, 0), "remember me");
    db_finish(rows);
    assert_int_equal(db_end(&reader), DB_OK);
    assert_true(in_files(state, "remember me")); /* as somebody read it */
    scratch_run(db, "INSERT INTO decks (name, built_in, created_at) VALUES ('other', 1, 'now')");
    assert_false(in_files(state, "remember me"));
    scratch_run(db, "INSERT INTO decks (name, built_in, created_at) VALUES ('another', 1, 'now')");
    assert_int_equal(scratch_number(db, "SELECT count(*) FROM decks"), 2);
    db_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_file_is_durable_strict_and_marked),
        cmocka_unit_test(a_file_is_opened_again_with_what_it_held),
        cmocka_unit_test(a_newer_schema_is_refused_and_left_alone),
        cmocka_unit_test(another_programs_database_is_refused_and_left_alone),
        cmocka_unit_test(a_file_that_is_no_database_is_refused_and_left_alone),
        cmocka_unit_test(a_failure_sticks_and_rolls_all_back),
        cmocka_unit_test(an_abandoned_transaction_changes_nothing),
        cmocka_unit_test(orphans_are_refused),
        cmocka_unit_test(a_failing_writer_is_undone_alone),
        cmocka_unit_test(a_disk_that_fills_under_a_group_keeps_what_was_acknowledged_and_no_more),
        cmocka_unit_test(memory_that_runs_out_anywhere_refuses_and_loses_nothing),
        cmocka_unit_test(a_reader_sees_what_was_acknowledged_and_not_what_is_being_written),
        cmocka_unit_test(what_is_erased_leaves_file_and_log_when_nobody_reads),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
