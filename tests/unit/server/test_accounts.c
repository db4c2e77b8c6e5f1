/* Roles, names, cookies, the throttle of log-ins, and what the database keeps of accounts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/accounts/account.h"
#include "server/accounts/login_throttle.h"
#include "server/http/cookie.h"
#include "server/store/staff/store_accounts.h"
#include "server/store/store_audit.h"
#include "tests/unit/server/scratch_db.h"

/* ---- roles and names ---- */

static void an_administrator_may_all_and_the_others_only_their_own(void **state)
{
    (void)state;
    const enum srv_role wanted[] = {SRV_STAFF, SRV_EDUCATOR, SRV_RESEARCHER, SRV_ADMIN};
    const struct {
        enum srv_role has;
        bool may[4];
    } rows[] = {
        {SRV_EDUCATOR, {true, true, false, false}},  {SRV_RESEARCHER, {true, false, true, false}},
        {SRV_ADMIN, {true, true, true, true}},       {SRV_STAFF, {false, false, false, false}},
        {SRV_LEARNER, {false, false, false, false}}, {SRV_ANYONE, {false, false, false, false}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int k = 0; k < 4; k++) assert_int_equal(srv_role_allows(wanted[k], rows[i].has), rows[i].may[k]);
}

static void only_three_roles_can_be_given(void **state)
{
    (void)state;
    enum srv_role role;
    assert_true(srv_role_read("educator", &role) && role == SRV_EDUCATOR);
    assert_true(srv_role_read("admin", &role) && role == SRV_ADMIN);
    const char *const wrong[] = {"", "anyone", "learner", "staff", "Admin", "admin "};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) assert_false(srv_role_read(wrong[i], &role));
}

static void names_may_be_anybodys_but_not_look_like_anothers(void **state)
{
    (void)state;
    char long_name[ACCOUNT_NAME_TEXT + 1];
    memset(long_name, 'a', sizeof long_name);
    long_name[ACCOUNT_NAME_TEXT] = '\0';
    assert_non_null(srv_account_name_wrong(long_name));
    long_name[ACCOUNT_NAME_TEXT - 1] = '\0';
    assert_null(srv_account_name_wrong(long_name));
    const char *const right[] = {"a", "Marie Curie", "m.curie@example.org", "Zo\xc3\xab",
                                 "'; DROP TABLE accounts;--"};
    const char *const wrong[] = {"", " a", "a ", "a  b", "a\tb", "a\nb", "\x7f", "a\xc2\x85"};
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) assert_null(srv_account_name_wrong(right[i]));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_non_null(srv_account_name_wrong(wrong[i]));
}

/* ---- cookies ---- */

static void our_cookie_is_found_among_others(void **state)
{
    (void)state;
    char value[9];
    const char *const right[] = {"s=abc",         "a=1; s=abc", "s=abc; a=1",
                                 "a=1;s=abc;b=2", " s=abc ",    "xs=1; s=abc; ss=2",
                                 "a; s=abc",      ";; s=abc",   "S=1; s=abc"};
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
        assert_true(srv_cookie_find(right[i], "s", value, sizeof value));
        assert_string_equal(value, "abc");
    }
}

static void a_cookie_that_is_not_plain_is_none(void **state)
{
    (void)state;
    char value[9];
    const char *const wrong[] = {"",
                                 "s",
                                 "s=",
                                 "s =abc",
                                 "x=s=abc",
                                 "S=abc",
                                 "s=a b",
                                 "s=\"a",
                                 "s=a\\b",
                                 "s=a\x01"
                                 "b",
                                 "s=a,b",
                                 "s=abcdefghi",
                                 "s=\xc3\xab",
                                 "s=a; s=b",
                                 "s=a; s=a"};
    assert_false(srv_cookie_find(NULL, "s", value, sizeof value));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_false(srv_cookie_find(wrong[i], "s", value, sizeof value));
        assert_string_equal(value, "");
    }
    static char flood[COOKIE_HEADER_MAX + 16];
    memset(flood, 'a', sizeof flood - 1);
    memcpy(flood, "s=abc;", 6);
    assert_false(srv_cookie_find(flood, "s", value, sizeof value));
    flood[COOKIE_HEADER_MAX] = '\0';
    assert_true(srv_cookie_find(flood, "s", value, sizeof value));
}

/* ---- the throttle ---- */

enum { SECOND = 1000000 };

static struct srv_throttle *open_throttle(void)
{
    struct srv_throttle *throttle;
    struct nn_error err = {0};
    assert_int_equal(srv_throttle_open(&throttle, &err), NN_OK);
    return throttle;
}

static void after_five_attempts_each_waits_twice_as_long_up_to_a_limit(void **state)
{
    (void)state;
    struct srv_throttle *throttle = open_throttle();
    int64_t now = 5 * SECOND;
    for (int i = 0; i < THROTTLE_FREE; i++) assert_int_equal(srv_throttle_attempt(throttle, "ann", now), 0);
    int wait = 1;
    for (int i = 0; i < 20; i++) {
        assert_int_equal(srv_throttle_attempt(throttle, "ann", now), wait);
        assert_int_equal(srv_throttle_attempt(throttle, "ANN", now + 1),
                         wait); /* asking does not lengthen it */
        now += wait * (int64_t)SECOND;
        assert_int_equal(srv_throttle_attempt(throttle, "ann", now - 1), 1);
        assert_int_equal(srv_throttle_attempt(throttle, "ann", now), 0);
        wait = wait * 2 < THROTTLE_DELAY_MAX_S ? wait * 2 : THROTTLE_DELAY_MAX_S;
    }
    assert_int_equal(wait, THROTTLE_DELAY_MAX_S);
    assert_int_equal(srv_throttle_attempt(throttle, "bob", now), 0);
    srv_throttle_close(throttle);
}

static void a_right_password_or_an_hour_clears_a_name(void **state)
{
    (void)state;
    struct srv_throttle *throttle = open_throttle();
    for (int i = 0; i < THROTTLE_FREE; i++) srv_throttle_attempt(throttle, "ann", 0);
    assert_int_equal(srv_throttle_attempt(throttle, "ann", 0), 1);
    srv_throttle_clear(throttle, "Ann");
    for (int i = 0; i < THROTTLE_FREE; i++) assert_int_equal(srv_throttle_attempt(throttle, "ann", 0), 0);
    assert_int_equal(srv_throttle_attempt(throttle, "ann", (int64_t)THROTTLE_FORGET_S * SECOND), 0);
    assert_int_equal(srv_throttle_attempt(throttle, "ann", (int64_t)THROTTLE_FORGET_S * SECOND), 2);
    int64_t later = ((int64_t)2 * THROTTLE_FORGET_S + 10) * SECOND;
    for (int i = 0; i < THROTTLE_FREE; i++) assert_int_equal(srv_throttle_attempt(throttle, "ann", later), 0);
    srv_throttle_close(throttle);
}

static void an_attempt_that_nobody_looked_at_does_not_count(void **state)
{
    (void)state;
    struct srv_throttle *throttle = open_throttle();
    for (int i = 0; i < 50; i++) {
        assert_int_equal(srv_throttle_attempt(throttle, "ann", 0), 0);
        srv_throttle_withdraw(throttle, "ann");
    }
    srv_throttle_close(throttle);
}

static void an_attempt_that_nobody_looked_at_makes_none_before_it_forgotten(void **state)
{
    (void)state;
    struct srv_throttle *throttle = open_throttle();
    int64_t now = (int64_t)2 * THROTTLE_FORGET_S * SECOND; /* of a clock that has run for long */
    for (int i = 0; i < THROTTLE_FREE; i++) srv_throttle_attempt(throttle, "ann", now);
    now += SECOND;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(srv_throttle_attempt(throttle, "ann", now), 0);
        srv_throttle_withdraw(throttle, "ann");
    }
    assert_int_equal(srv_throttle_attempt(throttle, "ann", now), 0);
    assert_int_equal(srv_throttle_attempt(throttle, "ann", now), 2);
    srv_throttle_close(throttle);
}

static void a_flood_of_names_does_not_free_the_one_that_is_guessed(void **state)
{
    (void)state;
    struct srv_throttle *throttle = open_throttle();
    for (int i = 0; i <= THROTTLE_FREE; i++) srv_throttle_attempt(throttle, "ann", i * 2 * (int64_t)SECOND);
    int64_t now = 10 * (int64_t)SECOND + 1;
    assert_int_equal(srv_throttle_attempt(throttle, "ann", now), 2);
    for (int i = 0; i < 2 * THROTTLE_NAMES_MAX; i++) {
        char name[16];
        snprintf(name, sizeof name, "n%d", i);
        assert_int_equal(srv_throttle_attempt(throttle, name, now), 0);
    }
    assert_int_equal(srv_throttle_attempt(throttle, "ann", now), 2);
    srv_throttle_close(throttle);
}

/* ---- what is kept ---- */

static const int64_t noon = INT64_C(1767262800000);
static const struct srv_account operator_account = {.name = "operator", .role = SRV_ADMIN};

static const char *digest(char first)
{
    static char texts[8][SRV_DIGEST_TEXT];
    static int next;
    char *text = texts[next++ % 8];
    memset(text, 'a', SRV_DIGEST_TEXT - 1);
    text[0] = first;
    return text;
}

static enum srv_account_outcome use(struct db *db, char link, const char *name, char session, int64_t now_ms,
                                    struct srv_account *account)
{
    enum srv_account_outcome outcome;
    assert_int_equal(
        srv_store_invitation_use(db, digest(link), name, "hash", digest(session), now_ms, account, &outcome),
        DB_OK);
    return outcome;
}

static void invite(struct db *db, char link, enum srv_invitation_purpose purpose, enum srv_role role,
                   int64_t account)
{
    enum srv_account_outcome outcome;
    struct srv_invitation invitation = {.purpose = purpose, .role = role, .account_id = account};
    assert_int_equal(
        srv_store_invitation_add(db, &operator_account, digest(link), noon, &invitation, &outcome), DB_OK);
    assert_int_equal(outcome, ACCOUNT_DONE);
}

static bool logged_in(struct db *db, char session, int64_t now_ms)
{
    struct srv_account account;
    bool found;
    assert_int_equal(srv_store_account_session(db, digest(session), now_ms, &account, &found), DB_OK);
    return found;
}

static void a_link_is_good_once_and_until_it_expires(void **state)
{
    struct db *db = scratch_db(state, "accounts.db");
    struct srv_account account;
    invite(db, '1', INVITATION_INVITE, SRV_EDUCATOR, 0);
    invite(db, '2', INVITATION_INVITE, SRV_EDUCATOR, 0);
    assert_int_equal(use(db, '1', "ann", 'a', noon, &account), ACCOUNT_DONE);
    assert_int_equal(account.role, SRV_EDUCATOR);
    assert_true(logged_in(db, 'a', noon));
    assert_int_equal(use(db, '1', "bob", 'b', noon, &account), ACCOUNT_UNKNOWN);
    assert_int_equal(use(db, '2', "ANN", 'b', noon, &account), ACCOUNT_NAME_TAKEN);
    assert_int_equal(use(db, '2', "bob", 'b', noon + INVITATION_S * INT64_C(1000), &account),
                     ACCOUNT_UNKNOWN);
    assert_int_equal(use(db, '2', "bob", 'b', noon + INVITATION_S * INT64_C(1000) - 1, &account),
                     ACCOUNT_DONE);
    db_close(db);
}

static void a_session_ends_when_it_idles_and_after_a_week(void **state)
{
    struct db *db = scratch_db(state, "accounts.db");
    struct srv_account account;
    const int64_t hour = 3600 * 1000;
    invite(db, '1', INVITATION_INVITE, SRV_EDUCATOR, 0);
    assert_int_equal(use(db, '1', "ann", 'a', noon, &account), ACCOUNT_DONE);
    assert_false(logged_in(db, 'b', noon));
    assert_true(logged_in(db, 'a', noon + 12 * hour - 1));
    assert_true(logged_in(db, 'a', noon + 23 * hour));
    assert_false(logged_in(db, 'a', noon + 35 * hour));
    for (int64_t at = noon + 34 * hour; at < noon + 7 * 24 * hour; at += 11 * hour)
        assert_true(logged_in(db, 'a', at));
    assert_false(logged_in(db, 'a', noon + 7 * 24 * hour));
    db_close(db);
}

static void the_last_administrator_cannot_be_lost(void **state)
{
    struct db *db = scratch_db(state, "accounts.db");
    struct srv_account ann, bob;
    enum srv_account_outcome outcome;
    invite(db, '1', INVITATION_FIRST_ADMIN, SRV_ADMIN, 0);
    assert_int_equal(use(db, '1', "ann", 'a', noon, &ann), ACCOUNT_DONE);
    invite(db, '2', INVITATION_INVITE, SRV_ADMIN, 0);
    assert_int_equal(srv_store_account_disable(db, &operator_account, ann.id, noon, &outcome), DB_OK);
    assert_int_equal(outcome, ACCOUNT_LAST_ADMIN);
    assert_int_equal(srv_store_account_role(db, &ann, ann.id, SRV_EDUCATOR, &outcome), DB_OK);
    assert_int_equal(outcome, ACCOUNT_LAST_ADMIN);
    assert_int_equal(use(db, '2', "bob", 'b', noon, &bob), ACCOUNT_DONE);
    /* Both pass the door as administrators; the second change finds that its maker is none any more. */
    assert_int_equal(srv_store_account_role(db, &ann, bob.id, SRV_EDUCATOR, &outcome), DB_OK);
    assert_int_equal(outcome, ACCOUNT_DONE);
    assert_int_equal(srv_store_account_role(db, &bob, ann.id, SRV_EDUCATOR, &outcome), DB_OK);
    assert_int_equal(outcome, ACCOUNT_NOT_ALLOWED);
    assert_int_equal(srv_store_account_disable(db, &ann, 99, noon, &outcome), DB_OK);
    assert_int_equal(outcome, ACCOUNT_UNKNOWN);
    db_close(db);
}

static void a_disabled_account_is_out_at_once_and_its_links_are_void(void **state)
{
    struct db *db = scratch_db(state, "accounts.db");
    struct srv_account ann, nobody;
    enum srv_account_outcome outcome;
    char hash[PASSWORD_HASH_TEXT];
    bool found;
    invite(db, '1', INVITATION_INVITE, SRV_EDUCATOR, 0);
    assert_int_equal(use(db, '1', "ann", 'a', noon, &ann), ACCOUNT_DONE);
    invite(db, '2', INVITATION_RESET, SRV_EDUCATOR, ann.id);
    assert_int_equal(srv_store_account_disable(db, &operator_account, ann.id, noon, &outcome), DB_OK);
    assert_false(logged_in(db, 'a', noon));
    assert_int_equal(use(db, '2', "", 'b', noon, &nobody), ACCOUNT_UNKNOWN);
    assert_int_equal(srv_store_account_find(db, "ann", &nobody, hash, &found), DB_OK);
    assert_false(found);
    assert_string_equal(hash, "");
    assert_int_equal(srv_store_account_login(db, ann.id, "hash", NULL, digest('c'), noon, &outcome), DB_OK);
    assert_int_equal(outcome, ACCOUNT_CHANGED);
    assert_int_equal(srv_store_account_enable(db, &operator_account, ann.id, &outcome), DB_OK);
    assert_false(logged_in(db, 'a', noon));
    assert_int_equal(srv_store_account_login(db, ann.id, "hash", NULL, digest('c'), noon, &outcome), DB_OK);
    assert_true(logged_in(db, 'c', noon));
    db_close(db);
}

static void a_new_password_ends_every_other_session(void **state)
{
    struct db *db = scratch_db(state, "accounts.db");
    struct srv_account ann;
    enum srv_account_outcome outcome;
    invite(db, '1', INVITATION_INVITE, SRV_EDUCATOR, 0);
    assert_int_equal(use(db, '1', "ann", 'a', noon, &ann), ACCOUNT_DONE);
    assert_int_equal(srv_store_account_password(db, &ann, "other", "new", digest('b'), noon, &outcome),
                     DB_OK);
    assert_int_equal(outcome, ACCOUNT_CHANGED);
    assert_true(logged_in(db, 'a', noon) && !logged_in(db, 'b', noon));
    assert_int_equal(srv_store_account_password(db, &ann, "hash", "new", digest('b'), noon, &outcome), DB_OK);
    assert_true(!logged_in(db, 'a', noon) && logged_in(db, 'b', noon));
    invite(db, '2', INVITATION_RESET, SRV_EDUCATOR, ann.id);
    invite(db, '3', INVITATION_RESET, SRV_EDUCATOR, ann.id);
    assert_int_equal(use(db, '2', "", 'c', noon, &ann), ACCOUNT_UNKNOWN);
    assert_int_equal(use(db, '3', "", 'c', noon, &ann), ACCOUNT_DONE);
    assert_true(!logged_in(db, 'b', noon) && logged_in(db, 'c', noon));
    db_close(db);
}

static void the_audit_log_is_only_appended_to(void **state)
{
    struct db *db = scratch_db(state, "accounts.db");
    const char *const changes[] = {"UPDATE audit SET detail = '{}'", "DELETE FROM audit",
                                   "DELETE FROM audit WHERE id = 1",
                                   "INSERT OR REPLACE INTO audit (id, at, action, object, detail)"
                                   " VALUES (1, '', '', '', '{}')"};
    assert_int_equal(srv_audit_note(db, &operator_account, "export", "responses.csv", NULL), DB_OK);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct db_transaction t;
        db_begin_write(&t, db);
        db_run(&t, changes[i], "");
        assert_int_not_equal(db_end(&t), DB_OK);
    }
    json_t *list = json_array();
    assert_int_equal(srv_audit_list(db, INT64_MAX, 10, list), DB_OK);
    assert_int_equal(json_array_size(list), 1);
    assert_string_equal(json_string_value(json_object_get(json_array_get(list, 0), "action")), "export");
    json_decref(list);
    db_close(db);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_administrator_may_all_and_the_others_only_their_own),
        cmocka_unit_test(only_three_roles_can_be_given),
        cmocka_unit_test(names_may_be_anybodys_but_not_look_like_anothers),
        cmocka_unit_test(our_cookie_is_found_among_others),
        cmocka_unit_test(a_cookie_that_is_not_plain_is_none),
        cmocka_unit_test(after_five_attempts_each_waits_twice_as_long_up_to_a_limit),
        cmocka_unit_test(a_right_password_or_an_hour_clears_a_name),
        cmocka_unit_test(an_attempt_that_nobody_looked_at_does_not_count),
        cmocka_unit_test(an_attempt_that_nobody_looked_at_makes_none_before_it_forgotten),
        cmocka_unit_test(a_flood_of_names_does_not_free_the_one_that_is_guessed),
        WITH_FOLDER(a_link_is_good_once_and_until_it_expires),
        WITH_FOLDER(a_session_ends_when_it_idles_and_after_a_week),
        WITH_FOLDER(the_last_administrator_cannot_be_lost),
        WITH_FOLDER(a_disabled_account_is_out_at_once_and_its_links_are_void),
        WITH_FOLDER(a_new_password_ends_every_other_session),
        WITH_FOLDER(the_audit_log_is_only_appended_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
