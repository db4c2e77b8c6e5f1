#include "tests/unit/server/scratch_db.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct db *scratch_db(void *const *state, const char *name)
{
    struct db *db;
    struct nn_error err = {0};
    if (db_open(&db, scratch_path(state, name), &err)) fail_msg("%s", err.text);
    return db;
}

int64_t scratch_number(struct db *db, const char *sql)
{
    struct db_transaction t;
    db_begin(&t, db);
    struct db_rows *rows = db_query(&t, sql, "");
    int64_t value = db_next(rows) ? db_int(rows, 0) : -1;
    db_finish(rows);
    assert_int_equal(db_end(&t), DB_OK);
    return value;
}

void scratch_run(struct db *db, const char *sql)
{
    struct db_transaction t;
    db_begin_write(&t, db);
    db_run(&t, sql, "");
    assert_int_equal(db_end(&t), DB_OK);
}
