#include "server/database/db_connection.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "server/log.h"

/* ---- opening ---- */

nn_status db_connection_refuse(sqlite3 *handle, const char *path, struct nn_error *err)
{
    if (sqlite3_errcode(handle) == SQLITE_NOTADB)
        return nn_fail(err, NN_ERR_FORMAT, "%s: is not a database", path);
    return nn_fail(err, NN_ERR_IO, "%s: cannot use the database: %s", path,
                   handle ? sqlite3_errmsg(handle) : "out of memory");
}

bool db_connection_run(struct db_connection *connection, const char *sql)
{
    return sqlite3_exec(connection->handle, sql, NULL, NULL, NULL) == SQLITE_OK;
}

nn_status db_connection_open(struct db_connection *connection, const char *path, bool only_reads,
                             struct nn_error *err)
{
    /* A place in db.c's list gives a connection to one thread at a time, so SQLite's own mutex is left out.
     */
    int flags = SQLITE_OPEN_NOMUTEX |
                (only_reads ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    *connection = (struct db_connection){0};
    nn_status status = NN_OK;
    if (sqlite3_open_v2(path, &connection->handle, flags, NULL) != SQLITE_OK) {
        status = nn_fail(err, NN_ERR_IO, "%s: cannot open the database: %s", path,
                         connection->handle ? sqlite3_errmsg(connection->handle) : "out of memory");
        db_connection_close(connection);
        return status;
    }
    sqlite3_extended_result_codes(connection->handle, 1);
    sqlite3_busy_timeout(connection->handle, DB_BUSY_MS);
    return NN_OK;
}

/* What is deleted is overwritten with zeros, so that who withdraws leaves nothing in the file. A log that was
 * once longer is cut to 64 MB when it starts over; up to that its blocks stay, because
 * writing over them costs the file system less than appending. */
nn_status db_connection_set_up(struct db_connection *connection, const char *path, struct nn_error *err)
{
    if (db_connection_run(connection, "PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
                                      "PRAGMA trusted_schema=OFF; PRAGMA secure_delete=ON;"
                                      "PRAGMA journal_size_limit=67108864"))
        return NN_OK;
    return db_connection_refuse(connection->handle, path, err);
}

void db_connection_close(struct db_connection *connection)
{
    for (int i = 0; i < DB_STATEMENTS_MAX; i++) sqlite3_finalize(connection->places[i].statement);
    sqlite3_close(connection->handle);
    *connection = (struct db_connection){0};
}

/* ---- failures ---- */

enum db_status db_connection_classify(sqlite3 *handle)
{
    int code = sqlite3_extended_errcode(handle);
    if (code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY) return DB_CONFLICT;
    switch (code & 0xff) {
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_BUSY:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_NOMEM:
        return DB_UNAVAILABLE;
    default:
        return DB_FAILED;
    }
}

/* The first failure of a transaction stays. */
static void note_failure(struct db_transaction *t)
{
    if (t->status != DB_OK) return;
    t->status = db_connection_classify(t->connection->handle);
    if (t->status != DB_CONFLICT) srv_log_error("database: %s", sqlite3_errmsg(t->connection->handle));
}

/* ---- statements ---- */

/* The idle place that holds this text, or else the idle place that has not been used for longest. */
static struct db_rows *find_place(struct db_connection *connection, const char *sql)
{
    struct db_rows *oldest = NULL;
    for (int i = 0; i < DB_STATEMENTS_MAX; i++) {
        struct db_rows *place = &connection->places[i];
        if (place->transaction) continue;
        if (place->statement && !strcmp(sqlite3_sql(place->statement), sql)) return place;
        if (!oldest || place->last_used < oldest->last_used) oldest = place;
    }
    if (!oldest) return NULL;
    sqlite3_finalize(oldest->statement);
    oldest->statement = NULL;
    return oldest;
}

static bool bind_all(sqlite3_stmt *statement, const char *types, va_list args)
{
    int rc = SQLITE_OK;
    for (int i = 0; types[i] && rc == SQLITE_OK; i++) {
        if (types[i] == 't')
            rc = sqlite3_bind_text(statement, i + 1, va_arg(args, const char *), -1, SQLITE_STATIC);
        else if (types[i] == 'i')
            rc = sqlite3_bind_int64(statement, i + 1, va_arg(args, int64_t));
        else
            rc = sqlite3_bind_double(statement, i + 1, va_arg(args, double));
    }
    return rc == SQLITE_OK;
}

static struct db_rows *query(struct db_transaction *t, const char *sql, const char *types, va_list args)
{
    if (t->status != DB_OK) return NULL;
    struct db_connection *connection = t->connection;
    struct db_rows *rows = find_place(connection, sql);
    if (!rows) {
        db_abandon(t, DB_FAILED);
        return NULL;
    }
    rows->transaction = t;
    rows->last_used = ++connection->uses;
    if ((rows->statement || sqlite3_prepare_v3(connection->handle, sql, -1, SQLITE_PREPARE_PERSISTENT,
                                               &rows->statement, NULL) == SQLITE_OK) &&
        bind_all(rows->statement, types, args))
        return rows;
    note_failure(t);
    db_finish(rows);
    return NULL;
}

struct db_rows *db_query(struct db_transaction *t, const char *sql, const char *types, ...)
{
    va_list args;
    va_start(args, types);
    struct db_rows *rows = query(t, sql, types, args);
    va_end(args);
    return rows;
}

void db_run(struct db_transaction *t, const char *sql, const char *types, ...)
{
    va_list args;
    va_start(args, types);
    struct db_rows *rows = query(t, sql, types, args);
    va_end(args);
    db_next(rows);
    db_finish(rows);
}

int64_t db_last_id(const struct db_transaction *t)
{
    return sqlite3_last_insert_rowid(t->connection->handle);
}

bool db_next(struct db_rows *rows)
{
    if (!rows || rows->transaction->status != DB_OK) return false;
    int rc = sqlite3_step(rows->statement);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) note_failure(rows->transaction);
    return rc == SQLITE_ROW;
}

const char *db_text(struct db_rows *rows, int column)
{
    const unsigned char *text = sqlite3_column_text(rows->statement, column);
    if (!text && sqlite3_errcode(rows->transaction->connection->handle) == SQLITE_NOMEM)
        db_abandon(rows->transaction, DB_UNAVAILABLE);
    return text ? (const char *)text : "";
}

void db_copy(struct db_rows *rows, int column, char *to, size_t size)
{
    snprintf(to, size, "%s", db_text(rows, column));
}

int64_t db_int(struct db_rows *rows, int column)
{
    return sqlite3_column_int64(rows->statement, column);
}

double db_real(struct db_rows *rows, int column)
{
    return sqlite3_column_double(rows->statement, column);
}

void db_finish(struct db_rows *rows)
{
    if (!rows) return;
    if (rows->statement) {              /* else it could not be prepared */
        sqlite3_reset(rows->statement); /* tells the step's failure once more; that has been noted */
        sqlite3_clear_bindings(rows->statement);
    }
    rows->transaction = NULL;
}
