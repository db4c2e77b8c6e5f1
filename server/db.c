#include "server/db.h"

#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/log.h"
#include "server/schema.h"

enum { BUSY_TIMEOUT_MS = 5000 };

struct db {
    pthread_mutex_t mutex; /* held from db_begin to db_end */
    sqlite3 *handle;
    enum db_status status; /* of the open transaction */
};

struct db_rows {
    struct db *db;
    sqlite3_stmt *statement;
};

/* ---- opening ---- */

/* The one integer that a PRAGMA or a count gives; -1 with *rc set on failure. */
static int64_t read_number(sqlite3 *handle, const char *sql, int *rc)
{
    sqlite3_stmt *statement = NULL;
    int64_t value = -1;
    *rc = sqlite3_prepare_v2(handle, sql, -1, &statement, NULL);
    if (*rc == SQLITE_OK) *rc = sqlite3_step(statement);
    if (*rc == SQLITE_ROW) {
        value = sqlite3_column_int64(statement, 0);
        *rc = SQLITE_OK;
    }
    sqlite3_finalize(statement);
    return value;
}

static nn_status refuse(sqlite3 *handle, const char *path, struct nn_error *err)
{
    if (sqlite3_errcode(handle) == SQLITE_NOTADB)
        return nn_fail(err, NN_ERR_FORMAT, "%s: is not a database", path);
    return nn_fail(err, NN_ERR_IO, "%s: cannot use the database: %s", path, sqlite3_errmsg(handle));
}

/* Decides by the two numbers in the file's header before anything is written to it. */
static nn_status check_schema(sqlite3 *handle, const char *path, bool *empty, struct nn_error *err)
{
    int rc;
    int64_t tables = 0, application = 0, version = 0;
    tables = read_number(handle, "SELECT count(*) FROM sqlite_schema", &rc);
    if (rc == SQLITE_OK) application = read_number(handle, "PRAGMA application_id", &rc);
    if (rc == SQLITE_OK) version = read_number(handle, "PRAGMA user_version", &rc);
    if (rc != SQLITE_OK) return refuse(handle, path, err);
    *empty = tables == 0 && application == 0 && version == 0;
    if (*empty) return NN_OK;
    if (application != SCHEMA_APPLICATION_ID)
        return nn_fail(err, NN_ERR_FORMAT, "%s: is another program's database", path);
    if (version != SCHEMA_VERSION)
        return nn_fail(err, NN_ERR_FORMAT,
                       "%s: has schema version %lld, this roentgymd knows version %d only", path,
                       (long long)version, SCHEMA_VERSION);
    return NN_OK;
}

static bool run_script(sqlite3 *handle, const char *sql)
{
    return sqlite3_exec(handle, sql, NULL, NULL, NULL) == SQLITE_OK;
}

static nn_status prepare_file(sqlite3 *handle, const char *path, struct nn_error *err)
{
    bool empty;
    sqlite3_extended_result_codes(handle, 1);
    sqlite3_busy_timeout(handle, BUSY_TIMEOUT_MS);
    nn_status status = check_schema(handle, path, &empty, err);
    if (status) return status;
    if (!run_script(handle, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
                            "PRAGMA trusted_schema=OFF;"))
        return refuse(handle, path, err);
    if (!empty) return NN_OK;
    if (run_script(handle, "BEGIN IMMEDIATE") && run_script(handle, srv_schema_sql) &&
        run_script(handle, "COMMIT"))
        return NN_OK;
    return refuse(handle, path, err);
}

nn_status db_open(struct db **out, const char *path, struct nn_error *err)
{
    *out = NULL;
    struct db *db = calloc(1, sizeof *db);
    if (!db) return nn_fail(err, NN_ERR_MEMORY, "%s: out of memory", path);
    pthread_mutex_init(&db->mutex, NULL);
    nn_status status = NN_OK;
    if (sqlite3_open_v2(path, &db->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) != SQLITE_OK)
        status = nn_fail(err, NN_ERR_IO, "%s: cannot open the database: %s", path,
                         db->handle ? sqlite3_errmsg(db->handle) : "out of memory");
    if (!status) status = prepare_file(db->handle, path, err);
    if (status) {
        db_close(db);
        return status;
    }
    *out = db;
    return NN_OK;
}

void db_close(struct db *db)
{
    if (!db) return;
    sqlite3_close(db->handle);
    pthread_mutex_destroy(&db->mutex);
    free(db);
}

/* ---- transactions ---- */

static enum db_status classify(sqlite3 *handle)
{
    int code = sqlite3_extended_errcode(handle);
    if (code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY) return DB_CONFLICT;
    switch (code & 0xff) {
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_BUSY:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
        return DB_UNAVAILABLE;
    default:
        return DB_FAILED;
    }
}

/* The first failure of a transaction stays. */
static void note_failure(struct db *db)
{
    if (db->status != DB_OK) return;
    db->status = classify(db->handle);
    if (db->status != DB_CONFLICT) srv_log_error("database: %s", sqlite3_errmsg(db->handle));
}

static void begin(struct db *db, const char *sql)
{
    pthread_mutex_lock(&db->mutex);
    db->status = DB_OK;
    if (!run_script(db->handle, sql)) note_failure(db);
}

void db_begin(struct db *db)
{
    begin(db, "BEGIN");
}

/* IMMEDIATE takes the write lock now: a later upgrade could fail half-way through. */
void db_begin_write(struct db *db)
{
    begin(db, "BEGIN IMMEDIATE");
}

void db_abandon(struct db *db, enum db_status status)
{
    if (db->status == DB_OK) db->status = status;
}

enum db_status db_end(struct db *db)
{
    if (db->status == DB_OK && !run_script(db->handle, "COMMIT")) note_failure(db);
    /* A full disk makes SQLite roll back by itself; then there is nothing left to do. */
    if (!sqlite3_get_autocommit(db->handle) && !run_script(db->handle, "ROLLBACK"))
        srv_log_error("database: cannot roll back: %s", sqlite3_errmsg(db->handle));
    enum db_status status = db->status;
    pthread_mutex_unlock(&db->mutex);
    return status;
}

/* ---- statements ---- */

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

static struct db_rows *query(struct db *db, const char *sql, const char *types, va_list args)
{
    if (db->status != DB_OK) return NULL;
    struct db_rows *rows = calloc(1, sizeof *rows);
    if (!rows) {
        db_abandon(db, DB_FAILED);
        return NULL;
    }
    rows->db = db;
    if (sqlite3_prepare_v2(db->handle, sql, -1, &rows->statement, NULL) != SQLITE_OK ||
        !bind_all(rows->statement, types, args)) {
        note_failure(db);
        db_finish(rows);
        return NULL;
    }
    return rows;
}

struct db_rows *db_query(struct db *db, const char *sql, const char *types, ...)
{
    va_list args;
    va_start(args, types);
    struct db_rows *rows = query(db, sql, types, args);
    va_end(args);
    return rows;
}

void db_run(struct db *db, const char *sql, const char *types, ...)
{
    va_list args;
    va_start(args, types);
    struct db_rows *rows = query(db, sql, types, args);
    va_end(args);
    db_next(rows);
    db_finish(rows);
}

int64_t db_last_id(const struct db *db)
{
    return sqlite3_last_insert_rowid(db->handle);
}

bool db_next(struct db_rows *rows)
{
    if (!rows || rows->db->status != DB_OK) return false;
    int rc = sqlite3_step(rows->statement);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) note_failure(rows->db);
    return rc == SQLITE_ROW;
}

const char *db_text(struct db_rows *rows, int column)
{
    const unsigned char *text = sqlite3_column_text(rows->statement, column);
    return text ? (const char *)text : "";
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
    sqlite3_finalize(rows->statement);
    free(rows);
}
