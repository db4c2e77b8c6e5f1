#include "server/database/db_schema.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "server/database/schema.h"
#include "server/folder_of.h"
#include "server/log.h"

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
static nn_status check(sqlite3 *handle, const char *path, int64_t *version, struct nn_error *err)
{
    int rc;
    int64_t tables = 0, application = 0;
    tables = read_number(handle, "SELECT count(*) FROM sqlite_schema", &rc);
    if (rc == SQLITE_OK) application = read_number(handle, "PRAGMA application_id", &rc);
    if (rc == SQLITE_OK) *version = read_number(handle, "PRAGMA user_version", &rc);
    if (rc != SQLITE_OK) return db_connection_refuse(handle, path, err);
    if (tables == 0 && application == 0 && *version == 0) return NN_OK;
    if (application != SCHEMA_APPLICATION_ID)
        return nn_fail(err, NN_ERR_FORMAT, "%s: is another program's database", path);
    if (*version < 1 || *version > SCHEMA_VERSION)
        return nn_fail(err, NN_ERR_FORMAT,
                       "%s: has schema version %lld, this roentgymd knows up to version %d", path,
                       (long long)*version, SCHEMA_VERSION);
    return NN_OK;
}

/* ---- older versions ---- */

/* A copy that is to be relied upon is on the disk, and so is its name. */
static bool flush(const char *copy)
{
    char folder[1200];
    srv_folder_of(copy, folder, sizeof folder);
    int file = open(copy, O_RDONLY | O_CLOEXEC), place = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool flushed = file >= 0 && place >= 0 && !fsync(file) && !fsync(place);
    if (file >= 0) close(file);
    if (place >= 0) close(place);
    return flushed;
}

/* VACUUM INTO copies what is committed, in the log or not, and refuses a file that is there. */
static nn_status back_up(sqlite3 *handle, const char *path, int64_t version, char *copy, size_t room,
                         struct nn_error *err)
{
    char date[32];
    time_t now = time(NULL);
    struct tm utc;
    sqlite3_stmt *statement = NULL;
    gmtime_r(&now, &utc);
    strftime(date, sizeof date, "%Y%m%dT%H%M%SZ", &utc);
    snprintf(copy, room, "%s.v%lld-%s", path, (long long)version, date);
    if (!access(copy, F_OK))
        return nn_fail(err, NN_ERR_IO, "%s: is there already; the older database was not changed", copy);
    int rc = sqlite3_prepare_v2(handle, "VACUUM INTO ?", -1, &statement, NULL);
    if (rc == SQLITE_OK) rc = sqlite3_bind_text(statement, 1, copy, -1, SQLITE_STATIC);
    if (rc == SQLITE_OK) rc = sqlite3_step(statement);
    bool done = rc == SQLITE_DONE && flush(copy);
    if (!done)
        nn_fail(err, NN_ERR_IO, "%s: cannot copy the older database: %s; it was not changed", copy,
                rc == SQLITE_DONE ? strerror(errno) : sqlite3_errmsg(handle));
    sqlite3_finalize(statement);
    if (!done) unlink(copy);
    return done ? NN_OK : NN_ERR_IO;
}

static bool is_sound(sqlite3 *handle)
{
    int rc;
    if (read_number(handle, "SELECT count(*) FROM pragma_foreign_key_check", &rc) != 0 || rc != SQLITE_OK)
        return false;
    return read_number(handle, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'",
                       &rc) == 1 &&
           rc == SQLITE_OK;
}

/* The version is read again under the write lock: another daemon may have been faster. */
static bool take_steps(struct db_connection *connection, int64_t version, const char **wrong)
{
    int rc;
    char set_version[48];
    *wrong = NULL;
    if (!db_connection_run(connection, "BEGIN IMMEDIATE")) return false;
    if (read_number(connection->handle, "PRAGMA user_version", &rc) != version)
        *wrong = "another program is changing it";
    for (; !*wrong && version < SCHEMA_VERSION; version++)
        if (!db_connection_run(connection, srv_schema_steps[version])) return false;
    if (!*wrong && !is_sound(connection->handle)) *wrong = "it is damaged";
    if (*wrong) return false;
    snprintf(set_version, sizeof set_version, "PRAGMA user_version = %d", SCHEMA_VERSION);
    return db_connection_run(connection, set_version) && db_connection_run(connection, "COMMIT");
}

static nn_status bring_up(struct db_connection *connection, const char *path, int64_t version,
                          struct nn_error *err)
{
    char copy[1200];
    const char *wrong;
    nn_status status = back_up(connection->handle, path, version, copy, sizeof copy, err);
    if (status) return status;
    if (!take_steps(connection, version, &wrong)) {
        status = nn_fail(
            err, NN_ERR_IO, "%s: cannot bring schema version %lld up to %d: %s; it was not changed", path,
            (long long)version, SCHEMA_VERSION, wrong ? wrong : sqlite3_errmsg(connection->handle));
        db_connection_run(connection, "ROLLBACK");
        unlink(copy);
        return status;
    }
    srv_log("%s: brought from schema version %lld to %d; the file as it was is %s", path, (long long)version,
            SCHEMA_VERSION, copy);
    return NN_OK;
}

nn_status db_schema_prepare(struct db_connection *connection, const char *path, struct nn_error *err)
{
    int64_t version = 0;
    nn_status status = check(connection->handle, path, &version, err);
    if (status) return status;
    if (!db_connection_run(connection, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL"))
        return db_connection_refuse(connection->handle, path, err);
    if (version > 0 && version < SCHEMA_VERSION) return bring_up(connection, path, version, err);
    if (version > 0) return NN_OK;
    if (db_connection_run(connection, "BEGIN IMMEDIATE") && db_connection_run(connection, srv_schema_sql) &&
        db_connection_run(connection, "COMMIT"))
        return NN_OK;
    return db_connection_refuse(connection->handle, path, err);
}

nn_status db_schema_check(struct db_connection *connection, const char *path, struct nn_error *err)
{
    int64_t version = 0;
    nn_status status = check(connection->handle, path, &version, err);
    if (!status && version == 0) return nn_fail(err, NN_ERR_FORMAT, "%s: is empty", path);
    if (!status && version < SCHEMA_VERSION)
        return nn_fail(err, NN_ERR_FORMAT,
                       "%s: has schema version %lld; start the daemon once to bring it up to %d", path,
                       (long long)version, SCHEMA_VERSION);
    return status;
}
