#include "server/store/store_audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

void srv_audit_add(struct db_transaction *t, const struct srv_account *actor, const char *action,
                   const char *object, json_t *detail)
{
    char now[SRV_TIME_TEXT];
    char *text = json_dumps(detail, JSON_COMPACT);
    srv_clock_format(srv_clock_utc_ms(), now);
    db_run(t, "INSERT INTO audit (at, account_id, action, object, detail) VALUES (?, nullif(?, 0), ?, ?, ?)",
           "tittt", now, actor->id, action, object, text ? text : "{}");
    free(text);
    json_decref(detail);
}

void srv_audit_add_id(struct db_transaction *t, const struct srv_account *actor, const char *action,
                      const char *kind, int64_t id, json_t *detail)
{
    char object[64];
    snprintf(object, sizeof object, "%s:%" PRId64, kind, id);
    srv_audit_add(t, actor, action, object, detail);
}

enum db_status srv_audit_note(struct db *db, const struct srv_account *actor, const char *action,
                              const char *object, json_t *detail)
{
    struct db_transaction t;
    db_begin_write(&t, db);
    srv_audit_add(&t, actor, action, object, detail);
    return db_end(&t);
}

enum db_status srv_audit_list(struct db *db, int64_t before, int limit, json_t *list)
{
    struct db_transaction t;
    db_begin(&t, db);
    struct db_rows *rows =
        db_query(&t,
                 "SELECT a.id, a.at, coalesce(a.account_id, 0), c.name, a.action, a.object, a.detail"
                 " FROM audit a LEFT JOIN accounts c ON c.id = a.account_id WHERE a.id < ?"
                 " ORDER BY a.id DESC LIMIT ?",
                 "ii", before, (int64_t)limit);
    while (db_next(rows)) {
        json_t *account = json_null();
        if (db_int(rows, 2))
            account = json_pack("{s:I,s:s}", "id", (json_int_t)db_int(rows, 2), "name", db_text(rows, 3));
        json_t *entry = json_pack("{s:I,s:s,s:o}", "id", (json_int_t)db_int(rows, 0), "at", db_text(rows, 1),
                                  "account", account);
        json_object_set_new(entry, "action", json_string(db_text(rows, 4)));
        json_object_set_new(entry, "object", json_string(db_text(rows, 5)));
        json_object_set_new(entry, "detail", json_loads(db_text(rows, 6), 0, NULL));
        json_array_append_new(list, entry);
    }
    db_finish(rows);
    return db_end(&t);
}
