#include "server/store/decks/store_classes.h"

#include <stdio.h>

#include "server/store/store_audit.h"

#define COLUMNS                                                                                              \
    "SELECT c.id, c.code, c.title, c.deck, c.created_at, c.closed_at IS NOT NULL, coalesce(c.account_id, "   \
    "0),"                                                                                                    \
    " coalesce(a.name, '') FROM classes c LEFT JOIN accounts a ON a.id = c.account_id "

static void read_class(struct db_rows *rows, struct srv_class *class)
{
    *class =
        (struct srv_class){.id = db_int(rows, 0), .closed = db_int(rows, 5), .account_id = db_int(rows, 6)};
    db_copy(rows, 1, class->code, sizeof class->code);
    db_copy(rows, 2, class->title, sizeof class->title);
    db_copy(rows, 3, class->deck, sizeof class->deck);
    db_copy(rows, 4, class->created_at, sizeof class->created_at);
    db_copy(rows, 7, class->owner, sizeof class->owner);
}

enum db_status srv_store_class_add(struct db *db, const struct srv_account *actor, int64_t now_ms,
                                   struct srv_class *class)
{
    struct db_transaction t;
    srv_clock_format(now_ms, class->created_at);
    class->account_id = actor->id;
    snprintf(class->owner, sizeof class->owner, "%s", actor->id ? actor->name : "");
    db_begin_write(&t, db);
    db_run(
        &t,
        "INSERT INTO classes (code, deck, title, account_id, created_at) VALUES (?, ?, ?, nullif(?, 0), ?)",
        "tttit", class->code, class->deck, class->title, actor->id, class->created_at);
    class->id = db_last_id(&t);
    srv_audit_add_id(&t, actor, "class.create", "class", class->id,
                     json_pack("{s:s,s:s}", "deck", class->deck, "title", class->title));
    return db_end(&t);
}

enum db_status srv_store_class_find(struct db *db, const char *code, struct srv_class *class, bool *found)
{
    struct db_transaction t;
    db_begin(&t, db);
    struct db_rows *rows = db_query(&t, COLUMNS "WHERE c.code = ?", "t", code);
    *found = db_next(rows);
    if (*found) read_class(rows, class);
    db_finish(rows);
    return db_end(&t);
}

enum db_status srv_store_class_list(struct db *db, int64_t owner_id, srv_store_class_take *take,
                                    void *context)
{
    struct db_transaction t;
    db_begin(&t, db);
    struct db_rows *rows =
        db_query(&t, COLUMNS "WHERE ?1 < 0 OR c.account_id = ?1 ORDER BY c.id DESC", "i", owner_id);
    while (db_next(rows)) {
        struct srv_class class;
        read_class(rows, &class);
        take(context, &class);
    }
    db_finish(rows);
    return db_end(&t);
}

enum db_status srv_store_class_close(struct db *db, const struct srv_account *actor, int64_t id,
                                     int64_t now_ms)
{
    char now[SRV_TIME_TEXT];
    struct db_transaction t;
    srv_clock_format(now_ms, now);
    db_begin_write(&t, db);
    struct db_rows *rows = db_query(&t, "SELECT 1 FROM classes WHERE id = ? AND closed_at IS NULL", "i", id);
    bool open = db_next(rows);
    db_finish(rows);
    if (open) {
        db_run(&t, "UPDATE classes SET closed_at = ? WHERE id = ?", "ti", now, id);
        srv_audit_add_id(&t, actor, "class.close", "class", id, NULL);
    }
    return db_end(&t);
}

enum db_status srv_store_class_results(struct db *db, int64_t id, struct srv_class_results *results)
{
    struct db_transaction t;
    *results = (struct srv_class_results){0};
    db_begin(&t, db);
    struct db_rows *rows = db_query(
        &t,
        "WITH each AS (SELECT count(a.id) AS answers, total(a.correct) AS correct"
        " FROM session_learners k JOIN sessions s ON s.id = k.session_id AND NOT s.simulated"
        " LEFT JOIN answers a ON a.session_id = k.session_id AND a.first_attempt"
        " WHERE k.class_id = ? GROUP BY k.learner_id)"
        " SELECT count(*), total(answers > 0), total(answers), avg(correct / nullif(answers, 0)) FROM each",
        "i", id);
    if (db_next(rows)) {
        results->learners = db_int(rows, 0);
        results->answered_by = db_int(rows, 1);
        results->answers = db_int(rows, 2);
        results->accuracy = db_real(rows, 3);
    }
    db_finish(rows);
    return db_end(&t);
}
