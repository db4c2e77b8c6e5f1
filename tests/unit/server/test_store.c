/* The store: what it keeps of sessions, their images and their answers, and that an export sees one moment.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "server/export/export_columns.h"
#include "server/store/decks/store_decks.h"
#include "server/store/results/store_export.h"
#include "server/store/sessions/store_sessions.h"
#include "tests/unit/server/scratch_db.h"

/* ---- a session ---- */

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
    int count = srv_session_draw(&session->deck, 1, items);
    const struct srv_drawn_item *lacking;
    session->deck_version_id = newest_of(db, &session->deck);
    items[0].drawn.seed = UINT64_MAX;
    assert_int_equal(srv_store_session_create(db, session, NULL, items, count, &model, &lacking), DB_OK);
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
    struct db *db = scratch_db(state, "session.db");
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
    struct db *db = scratch_db(state, "shared.db");
    start(db, &session, items);
    start(db, &session, items);
    assert_int_equal(scratch_number(db, "SELECT count(*) FROM sessions"), 2);
    assert_int_equal(scratch_number(db, "SELECT count(*) FROM items"), 6);
    assert_int_equal(scratch_number(db, "SELECT count(*) FROM decks"), 1);
    assert_int_equal(scratch_number(db, "SELECT count(*) FROM models"), 1);
    db_close(db);
}

static void the_first_hash_of_an_image_stays(void **state)
{
    bool found;
    struct srv_session_item items[3];
    struct srv_store_item item;
    struct srv_store_session session;
    struct db *db = scratch_db(state, "hash.db");
    start(db, &session, items);
    assert_int_equal(srv_store_image_find(db, items[1].image, &item, &found), DB_OK);
    assert_int_equal(srv_store_image_sent(db, &item, model.sha256, "cpu"), DB_OK);
    assert_int_equal(srv_store_image_sent(db, &item,
                                          "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
                                          "cuda"),
                     DB_OK);
    assert_int_equal(scratch_number(db, "SELECT count(*) FROM items WHERE image_sha256 LIKE '01234567%'"), 1);
    db_close(db);
}

static void one_key_is_one_row(void **state)
{
    struct srv_session_item items[3];
    enum srv_store_outcome outcome;
    struct srv_store_progress first, repeated;
    struct db *db = scratch_db(state, "key.db");
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
    assert_int_equal(scratch_number(db, "SELECT count(*) FROM answers"), 2);
    db_close(db);
}

static void other_content_or_another_key_is_refused(void **state)
{
    struct srv_session_item items[3];
    enum srv_store_outcome outcome;
    struct srv_store_progress progress;
    struct db *db = scratch_db(state, "refused.db");
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
    assert_int_equal(scratch_number(db, "SELECT count(*) FROM answers"), 1);
    db_close(db);
}

static void the_same_key_in_another_session_is_another_answer(void **state)
{
    struct srv_session_item items[3];
    enum srv_store_outcome outcome;
    struct srv_store_progress progress;
    struct db *db = scratch_db(state, "two.db");
    for (int i = 0; i < 2; i++) {
        struct srv_store_session session;
        start(db, &session, items);
        struct srv_store_answer answer = make_answer(1, 1);
        assert_int_equal(srv_store_answer_add(db, &session, &answer, NULL, &outcome, &progress), DB_OK);
        assert_int_equal(outcome, STORE_ADDED);
    }
    db_close(db);
}

static void a_full_disk_refuses_and_later_goes_on(void **state)
{
    struct srv_session_item items[3];
    enum srv_store_outcome outcome;
    struct srv_store_progress progress;
    struct db *db = scratch_db(state, "full.db");
    struct srv_store_session session;
    start(db, &session, items);
    struct srv_store_answer answer = make_answer(1, 1);
    scratch_disk_full(4096);
    enum db_status status = srv_store_answer_add(db, &session, &answer, NULL, &outcome, &progress);
    scratch_disk_free();
    assert_int_equal(status, DB_UNAVAILABLE);
    assert_int_equal(scratch_number(db, "SELECT count(*) FROM answers"), 0);
    assert_int_equal(srv_store_answer_add(db, &session, &answer, NULL, &outcome, &progress), DB_OK);
    assert_int_equal(outcome, STORE_ADDED);
    db_close(db);
}

static void an_answer_to_a_session_that_was_withdrawn_meanwhile_is_told_so(void **state)
{
    struct srv_session_item items[3];
    enum srv_store_outcome outcome;
    struct srv_store_progress progress;
    struct srv_store_session session;
    struct srv_store_answer answer = make_answer(1, 1);
    struct db *db = scratch_db(state, "gone.db");
    start(db, &session, items);
    scratch_run(db, "DELETE FROM session_models");
    scratch_run(db, "DELETE FROM items");
    scratch_run(db, "DELETE FROM sessions");
    assert_int_equal(srv_store_answer_add(db, &session, &answer, NULL, &outcome, &progress), DB_OK);
    assert_int_equal(outcome, STORE_GONE);
    assert_int_equal(scratch_number(db, "SELECT count(*) FROM answers"), 0);
    db_close(db);
}

/* ---- reading beside a writer ---- */

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
    struct db *db = scratch_db(state, "export.db");
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
    struct db *db = scratch_db(state, "read.db");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_comes_back_as_it_was_started),
        cmocka_unit_test(sessions_of_one_deck_and_model_share_their_rows),
        cmocka_unit_test(the_first_hash_of_an_image_stays),
        cmocka_unit_test(one_key_is_one_row),
        cmocka_unit_test(other_content_or_another_key_is_refused),
        cmocka_unit_test(the_same_key_in_another_session_is_another_answer),
        cmocka_unit_test(an_export_sees_one_moment_however_often_it_looks),
        cmocka_unit_test(reading_alone_needs_a_file_of_this_version_and_changes_nothing),
        cmocka_unit_test(a_full_disk_refuses_and_later_goes_on),
        cmocka_unit_test(an_answer_to_a_session_that_was_withdrawn_meanwhile_is_told_so),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
