/* The database: which files it opens, what a failed transaction leaves, and what the store keeps. */
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
#include "server/export/export_columns.h"
#include "server/store/decks/store_decks.h"
#include "server/store/results/store_export.h"
#include "server/store/sessions/store_sessions.h"
#include "tests/unit/scratch.h"

static struct db *open_db(void **state, const char *name)
{
    struct db *db;
    struct nn_error err = {0};
    if (db_open(&db, scratch_path(state, name), &err)) fail_msg("%s", err.text);
    return db;
}

static int64_t number(struct db *db, const char *sql)
{
    struct db_transaction t;
    db_begin(&t, db);
    struct db_rows *rows = db_query(&t, sql, "");
    int64_t value = db_next(rows) ? db_int(rows, 0) : -1;
    db_finish(rows);
    assert_int_equal(db_end(&t), DB_OK);
    return value;
}

static void run(struct db *db, const char *sql)
{
    struct db_transaction t;
    db_begin_write(&t, db);
    db_run(&t, sql, "");
    assert_int_equal(db_end(&t), DB_OK);
}

/* ---- files ---- */

static void a_new_file_is_durable_strict_and_marked(void **state)
{
    struct db *db = open_db(state, "new.db");
    assert_int_equal(number(db, "PRAGMA application_id"), SCHEMA_APPLICATION_ID);
    assert_int_equal(number(db, "PRAGMA user_version"), SCHEMA_VERSION);
    assert_int_equal(number(db, "PRAGMA synchronous"), 2); /* FULL */
    assert_int_equal(number(db, "PRAGMA foreign_keys"), 1);
    assert_int_equal(number(db, "SELECT count(*) FROM pragma_journal_mode WHERE journal_mode = 'wal'"), 1);
    assert_int_equal(number(db,
                            "SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND type = 'table'"
                            " AND name NOT LIKE 'sqlite_%' AND strict = 0"),
                     0);
    db_close(db);
}

static void a_file_is_opened_again_with_what_it_held(void **state)
{
    struct db *db = open_db(state, "again.db");
    run(db, "INSERT INTO decks (name, built_in, created_at) VALUES ('d', 1, 'now')");
    db_close(db);
    db = open_db(state, "again.db");
    assert_int_equal(number(db, "SELECT count(*) FROM decks"), 1);
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
    struct db *db = open_db(state, "newer.db");
    run(db, "PRAGMA user_version = 99");
    db_close(db);
    assert_refused(path, "has schema version 99");
}

static void another_programs_database_is_refused_and_left_alone(void **state)
{
    const char *path = scratch_path(state, "other.db");
    struct db *db = open_db(state, "other.db");
    run(db, "PRAGMA application_id = 7");
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
    struct db *db = open_db(state, "sticky.db");
    db_begin_write(&t, db);
    db_run(&t, "INSERT INTO decks (name, built_in, created_at) VALUES ('a', 1, 'now')", "");
    db_run(&t, "INSERT INTO decks (name, built_in, created_at) VALUES ('a', 1, 'now')", "");
    db_run(&t, "INSERT INTO decks (name, built_in, created_at) VALUES ('b', 1, 'now')", "");
    assert_null(db_query(&t, "SELECT 1", ""));
    assert_int_equal(db_end(&t), DB_CONFLICT);
    assert_int_equal(number(db, "SELECT count(*) FROM decks"), 0);
    db_close(db);
}

static void an_abandoned_transaction_changes_nothing(void **state)
{
    struct db_transaction t;
    struct db *db = open_db(state, "abandoned.db");
    db_begin_write(&t, db);
    db_run(&t, "INSERT INTO decks (name, built_in, created_at) VALUES ('a', 1, 'now')", "");
    db_abandon(&t, DB_FAILED);
    assert_int_equal(db_end(&t), DB_FAILED);
    assert_int_equal(number(db, "SELECT count(*) FROM decks"), 0);
    db_close(db);
}

static void orphans_are_refused(void **state)
{
    struct db_transaction t;
    struct db *db = open_db(state, "orphans.db");
    db_begin_write(&t, db);
    db_run(&t,
           "INSERT INTO answers (session_id, item, key, choice, confidence, rating, correct, response_ms, "
           "received_at)"
           " VALUES ('none', 1, '00000000-0000-4000-8000-000000000000', 'yes', 1, 4, 1, 1.0, 'now')",
           "");
    assert_int_equal(db_end(&t), DB_FAILED);
    assert_int_equal(number(db, "SELECT count(*) FROM answers"), 0);
    db_close(db);
}

/* ---- the store ---- */

static const struct nn_model_info model = {
    .sha256 = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    .name = "m",
    .resolution = 64,
    .class_count = 2,
    .classes = {"no", "yes"},
    .simulated = true,
};

static void keep_id(void *context, const struct srv_store_deck *row)
{
    *(int64_t *)context = row->version_id;
}

/* As the configuration would bring the deck in. */
static int64_t newest_of(struct db *db, const struct srv_deck *deck)
{
    int64_t id = 0;
    assert_int_equal(srv_store_decks_configure(db, deck, 1), DB_OK);
    assert_int_equal(srv_store_deck_version(db, deck->id, 0, keep_id, &id), DB_OK);
    return id;
}

/* The items borrow from the session's deck. */
static void start(struct db *db, struct srv_store_session *session, struct srv_session_item *items)
{
    *session = (struct srv_store_session){
        .created_at = "2026-01-05T10:00:00.000Z",
        .deck = {.id = "d",
                 .title = "T",
                 .question = "Q?",
                 .models = {"default"},
                 .model_count = 1,
                 .items = 3,
                 .prevalence = 0.5,
                 .sources = {{.weight = 1,
                              .strength = {1, 1},
                              .truncation = {0.7, 0.7},
                              .classes = {{{"no", 1}}, {{"yes", 1}}},
                              .class_count = {1, 1}}},
                 .source_count = 1,
                 .feedback = DECK_TELLS_TRUTH,
                 .choices = {{"no", "No"}, {"yes", "Yes"}}},
    };
    srv_random_hex(session->id, sizeof session->id);
    srv_random_hex(session->secret_sha256, sizeof session->secret_sha256);
    srv_session_draw(&session->deck, 1, items);
    session->deck_version_id = newest_of(db, &session->deck);
    items[0].drawn.seed = UINT64_MAX;
    assert_int_equal(srv_store_session_create(db, session, items, &model), DB_OK);
}

static struct srv_store_answer make_answer(int item, int key)
{
    struct srv_store_answer answer = {.item = item,
                                      .confidence = 2,
                                      .rating = 5,
                                      .choice = "yes",
                                      .correct = true,
                                      .response_ms = 12.5,
                                      .received_at = "2026-01-05T10:00:01.000Z"};
    snprintf(answer.key, sizeof answer.key, "00000000-0000-4000-8000-%012d", key);
    return answer;
}

static void a_session_comes_back_as_it_was_started(void **state)
{
    bool found;
    struct srv_session_item items[3];
    struct srv_store_session read;
    struct srv_store_item item;
    struct db *db = open_db(state, "session.db");
    struct srv_store_session session;
    start(db, &session, items);
    assert_int_equal(srv_store_session_find(db, session.id, &read, &found), DB_OK);
    assert_true(found);
    assert_string_equal(read.secret_sha256, session.secret_sha256);
    assert_string_equal(read.deck.question, "Q?");
    assert_true(read.deck.sources[0].truncation.high == 0.7 && read.models[0].simulated &&
                read.answered_count == 0);
    assert_int_equal(srv_store_image_find(db, items[0].image, &item, &found), DB_OK);
    assert_true(found && item.seed == UINT64_MAX && item.n == 1 && !item.sent);
    assert_string_equal(item.class_name, items[0].drawn.class_name);
    assert_string_equal(item.truth, session.deck.choices[items[0].drawn.truth].id);
    assert_int_equal(srv_store_session_find(db, "none", &read, &found), DB_OK);
    assert_false(found);
    assert_int_equal(srv_store_item_find(db, session.id, 4, &item, &found), DB_OK);
    assert_false(found);
    db_close(db);
}

static void sessions_of_one_deck_and_model_share_their_rows(void **state)
{
    struct srv_session_item items[3];
    struct srv_store_session session;
    struct db *db = open_db(state, "shared.db");
    start(db, &session, items);
    start(db, &session, items);
    assert_int_equal(number(db, "SELECT count(*) FROM sessions"), 2);
    assert_int_equal(number(db, "SELECT count(*) FROM items"), 6);
    assert_int_equal(number(db, "SELECT count(*) FROM decks"), 1);
    assert_int_equal(number(db, "SELECT count(*) FROM models"), 1);
    db_close(db);
}

static void the_first_hash_of_an_image_stays(void **state)
{
    bool found;
    struct srv_session_item items[3];
    struct srv_store_item item;
    struct srv_store_session session;
    struct db *db = open_db(state, "hash.db");
    start(db, &session, items);
    assert_int_equal(srv_store_image_find(db, items[1].image, &item, &found), DB_OK);
    assert_int_equal(srv_store_image_sent(db, &item, model.sha256, "cpu"), DB_OK);
    assert_int_equal(srv_store_image_sent(db, &item,
                                          "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
                                          "cuda"),
                     DB_OK);
    assert_int_equal(number(db, "SELECT count(*) FROM items WHERE image_sha256 LIKE '01234567%'"), 1);
    db_close(db);
}

static void one_key_is_one_row(void **state)
{
    struct srv_session_item items[3];
    enum srv_store_outcome outcome;
    struct srv_store_progress first, repeated;
    struct db *db = open_db(state, "key.db");
    struct srv_store_session session;
    start(db, &session, items);
    struct srv_store_answer answer = make_answer(1, 1), again = make_answer(1, 1), other = make_answer(2, 2);
    assert_int_equal(srv_store_answer_add(db, &session, &answer, NULL, &outcome, &first), DB_OK);
    assert_int_equal(outcome, STORE_ADDED);
    assert_int_equal(srv_store_answer_add(db, &session, &other, NULL, &outcome, &repeated), DB_OK);
    assert_int_equal(repeated.answered, 2);
    strcpy(again.received_at, "2026-01-05T10:00:09.000Z");
    assert_int_equal(srv_store_answer_add(db, &session, &again, NULL, &outcome, &repeated), DB_OK);
    assert_int_equal(outcome, STORE_REPEATED);
    assert_string_equal(again.received_at, answer.received_at);
    assert_int_equal(repeated.answered, first.answered);
    assert_int_equal(number(db, "SELECT count(*) FROM answers"), 2);
    db_close(db);
}

static void other_content_or_another_key_is_refused(void **state)
{
    struct srv_session_item items[3];
    enum srv_store_outcome outcome;
    struct srv_store_progress progress;
    struct db *db = open_db(state, "refused.db");
    struct srv_store_session session;
    start(db, &session, items);
    struct srv_store_answer answer = make_answer(1, 1), changed = make_answer(1, 1),
                            second = make_answer(1, 2);
    assert_int_equal(srv_store_answer_add(db, &session, &answer, NULL, &outcome, &progress), DB_OK);
    changed.response_ms = 13;
    assert_int_equal(srv_store_answer_add(db, &session, &changed, NULL, &outcome, &progress), DB_OK);
    assert_int_equal(outcome, STORE_KEY_REUSED);
    assert_int_equal(srv_store_answer_add(db, &session, &second, NULL, &outcome, &progress), DB_OK);
    assert_int_equal(outcome, STORE_ITEM_TAKEN);
    assert_int_equal(number(db, "SELECT count(*) FROM answers"), 1);
    db_close(db);
}

static void the_same_key_in_another_session_is_another_answer(void **state)
{
    struct srv_session_item items[3];
    enum srv_store_outcome outcome;
    struct srv_store_progress progress;
    struct db *db = open_db(state, "two.db");
    for (int i = 0; i < 2; i++) {
        struct srv_store_session session;
        start(db, &session, items);
        struct srv_store_answer answer = make_answer(1, 1);
        assert_int_equal(srv_store_answer_add(db, &session, &answer, NULL, &outcome, &progress), DB_OK);
        assert_int_equal(outcome, STORE_ADDED);
    }
    db_close(db);
}

struct exported {
    int rows, rows_wanted;
    char last_item[16], participant[32];
};

static bool take_row(void *context, const char *const *cells)
{
    struct exported *exported = context;
    exported->rows++;
    snprintf(exported->last_item, sizeof exported->last_item, "%s", cells[EXPORT_DECK + 1]);
    snprintf(exported->participant, sizeof exported->participant, "%s", cells[EXPORT_PARTICIPANT]);
    return exported->rows != exported->rows_wanted;
}

static void answer_item(struct db *db, const struct srv_store_session *session, int item)
{
    enum srv_store_outcome outcome;
    struct srv_store_progress progress;
    struct srv_store_answer answer = make_answer(item, item);
    assert_int_equal(srv_store_answer_add(db, session, &answer, NULL, &outcome, &progress), DB_OK);
    assert_int_equal(outcome, STORE_ADDED);
}

static void an_export_sees_one_moment_however_often_it_looks(void **state)
{
    struct srv_session_item items[3];
    struct srv_export_log log;
    struct exported before = {0}, after = {0}, few = {.rows_wanted = 1};
    struct db *db = open_db(state, "export.db");
    struct srv_store_session session;
    start(db, &session, items);
    answer_item(db, &session, 1);
    answer_item(db, &session, 2);
    srv_export_begin(&log, db, &(struct srv_export_filter){0});
    assert_true(srv_export_each(&log, take_row, &before));
    answer_item(db, &session, 3);
    assert_true(srv_export_each(&log, take_row, &after));
    assert_false(srv_export_each(&log, take_row, &few));
    assert_int_equal(srv_export_end(&log), DB_OK);
    assert_int_equal(before.rows, 2);
    assert_memory_equal(&before, &after, sizeof before);
    assert_int_equal(few.rows, 1);
    assert_string_equal(before.last_item, "2");
    assert_string_equal(before.participant, "sub-0001");
    srv_export_begin(&log, db, &(struct srv_export_filter){.deck = "none"});
    assert_string_equal(srv_export_unknown(&log), "deck");
    assert_int_equal(srv_export_end(&log), DB_OK);
    db_close(db);
}

static void reading_alone_needs_a_file_of_this_version_and_changes_nothing(void **state)
{
    struct srv_session_item items[3];
    struct nn_error err;
    struct db *reader;
    struct exported exported = {0};
    struct srv_export_log log;
    struct db *db = open_db(state, "read.db");
    struct srv_store_session session;
    start(db, &session, items);
    const char *path = scratch_path(state, "read.db");
    assert_int_equal(db_open_to_read(&reader, path, &err), NN_OK);
    answer_item(db, &session, 1); /* beside a writer, and after it opened */
    srv_export_begin(&log, reader, &(struct srv_export_filter){0});
    assert_true(srv_export_each(&log, take_row, &exported));
    assert_int_equal(srv_export_end(&log), DB_OK);
    assert_int_equal(exported.rows, 1);
    db_close(reader);
    db_close(db);
    assert_int_not_equal(db_open_to_read(&reader, scratch_path(state, "none.db"), &err), NN_OK);
    assert_null(reader);
}

static void a_full_disk_refuses_and_later_goes_on(void **state)
{
    struct srv_session_item items[3];
    enum srv_store_outcome outcome;
    struct srv_store_progress progress;
    struct db *db = open_db(state, "full.db");
    struct srv_store_session session;
    start(db, &session, items);
    struct srv_store_answer answer = make_answer(1, 1);
    scratch_disk_full(4096);
    enum db_status status = srv_store_answer_add(db, &session, &answer, NULL, &outcome, &progress);
    scratch_disk_free();
    assert_int_equal(status, DB_UNAVAILABLE);
    assert_int_equal(number(db, "SELECT count(*) FROM answers"), 0);
    assert_int_equal(srv_store_answer_add(db, &session, &answer, NULL, &outcome, &progress), DB_OK);
    assert_int_equal(outcome, STORE_ADDED);
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
    struct db *db = open_db(state, "writers.db");
    run_writers(db, writers, write_rows);
    assert_int_equal(join_writers(writers), WRITERS * ROWS * 2 / 3);
    for (int i = 0; i < WRITERS; i++) assert_int_equal(writers[i].wrong, DB_OK);
    assert_int_equal(number(db, "SELECT count(*) FROM decks"), WRITERS * ROWS * 2 / 3);
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
    struct db *db = open_db(state, "filling.db");
    scratch_disk_full(1 << 20); /* of log, in the middle of some group */
    run_writers(db, writers, write_until_refused);
    int kept = join_writers(writers);
    scratch_disk_free();
    for (int i = 0; i < WRITERS; i++) assert_int_equal(writers[i].wrong, DB_UNAVAILABLE);
    assert_int_equal(number(db, "SELECT count(*) FROM decks"), kept);
    db_close(db);
    db = open_db(state, "filling.db");
    assert_int_equal(number(db, "SELECT count(*) FROM decks"), kept);
    assert_int_equal(number(db, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'"),
                     1);
    run(db, "INSERT INTO decks (name, built_in, created_at) VALUES ('later', 1, 'now')");
    db_close(db);
}

/* Each further step lets a few more of SQLite's allocations succeed, until all do. */
static void memory_that_runs_out_anywhere_refuses_and_loses_nothing(void **state)
{
    struct writer writers[WRITERS];
    int kept = 0, refused = 0, last = -1;
    struct db *db = open_db(state, "memory.db");
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
        assert_int_equal(number(db, "SELECT count(*) FROM decks"), kept);
    }
    assert_true(refused > 0);
    assert_int_equal(number(db, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'"),
                     1);
    db_close(db);
}

static void a_reader_sees_what_was_acknowledged_and_not_what_is_being_written(void **state)
{
    struct db_transaction t;
    struct db *db = open_db(state, "reader.db");
    run(db, "INSERT INTO decks (name, built_in, created_at) VALUES ('a', 1, 'now')");
    db_begin_write(&t, db);
    db_run(&t, "INSERT INTO decks (name, built_in, created_at) VALUES ('b', 1, 'now')", "");
    assert_int_equal(number(db, "SELECT count(*) FROM decks"), 1);
    assert_int_equal(db_end(&t), DB_OK);
    assert_int_equal(number(db, "SELECT count(*) FROM decks"), 2);
    db_close(db);
}

static void an_answer_to_a_session_that_was_withdrawn_meanwhile_is_told_so(void **state)
{
    struct srv_session_item items[3];
    enum srv_store_outcome outcome;
    struct srv_store_progress progress;
    struct srv_store_session session;
    struct srv_store_answer answer = make_answer(1, 1);
    struct db *db = open_db(state, "gone.db");
    start(db, &session, items);
    run(db, "DELETE FROM session_models");
    run(db, "DELETE FROM items");
    run(db, "DELETE FROM sessions");
    assert_int_equal(srv_store_answer_add(db, &session, &answer, NULL, &outcome, &progress), DB_OK);
    assert_int_equal(outcome, STORE_GONE);
    assert_int_equal(number(db, "SELECT count(*) FROM answers"), 0);
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
    struct db *db = open_db(state, "erased.db");
    run(db, "INSERT INTO decks (name, built_in, created_at) VALUES ('remember me', 1, 'now')");
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
    run(db, "INSERT INTO decks (name, built_in, created_at) VALUES ('other', 1, 'now')");
    assert_false(in_files(state, "remember me"));
    run(db, "INSERT INTO decks (name, built_in, created_at) VALUES ('another', 1, 'now')");
    assert_int_equal(number(db, "SELECT count(*) FROM decks"), 2);
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
        cmocka_unit_test(a_session_comes_back_as_it_was_started),
        cmocka_unit_test(sessions_of_one_deck_and_model_share_their_rows),
        cmocka_unit_test(the_first_hash_of_an_image_stays),
        cmocka_unit_test(one_key_is_one_row),
        cmocka_unit_test(other_content_or_another_key_is_refused),
        cmocka_unit_test(the_same_key_in_another_session_is_another_answer),
        cmocka_unit_test(an_export_sees_one_moment_however_often_it_looks),
        cmocka_unit_test(reading_alone_needs_a_file_of_this_version_and_changes_nothing),
        cmocka_unit_test(a_full_disk_refuses_and_later_goes_on),
        cmocka_unit_test(a_failing_writer_is_undone_alone),
        cmocka_unit_test(a_disk_that_fills_under_a_group_keeps_what_was_acknowledged_and_no_more),
        cmocka_unit_test(memory_that_runs_out_anywhere_refuses_and_loses_nothing),
        cmocka_unit_test(a_reader_sees_what_was_acknowledged_and_not_what_is_being_written),
        cmocka_unit_test(an_answer_to_a_session_that_was_withdrawn_meanwhile_is_told_so),
        cmocka_unit_test(what_is_erased_leaves_file_and_log_when_nobody_reads),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
