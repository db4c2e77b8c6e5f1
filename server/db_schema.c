#include "server/db_schema.h"

#include "server/schema.h"

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

/* Decides by the two numbers in the file's header before anything is written to it. */
static nn_status check(sqlite3 *handle, const char *path, bool *empty, struct nn_error *err)
{
    int rc;
    int64_t tables = 0, application = 0, version = 0;
    tables = read_number(handle, "SELECT count(*) FROM sqlite_schema", &rc);
    if (rc == SQLITE_OK) application = read_number(handle, "PRAGMA application_id", &rc);
    if (rc == SQLITE_OK) version = read_number(handle, "PRAGMA user_version", &rc);
    if (rc != SQLITE_OK) return db_connection_refuse(handle, path, err);
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

nn_status db_schema_prepare(struct db_connection *connection, const char *path, struct nn_error *err)
{
    bool empty;
    nn_status status = check(connection->handle, path, &empty, err);
    if (status) return status;
    if (!db_connection_run(connection, "PRAGMA journal_mode=WAL"))
        return db_connection_refuse(connection->handle, path, err);
    if (!empty) return NN_OK;
    if (db_connection_run(connection, "BEGIN IMMEDIATE") && db_connection_run(connection, srv_schema_sql) &&
        db_connection_run(connection, "COMMIT"))
        return NN_OK;
    return db_connection_refuse(connection->handle, path, err);
}
