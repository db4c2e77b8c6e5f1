/* One connection to SQLite with the statements that it has prepared. Of the module db alone: it shows
 * sqlite3.h, and only files called db* may include that. Used by one thread at a time. */
#ifndef SRV_DB_CONNECTION_H
#define SRV_DB_CONNECTION_H

#include <sqlite3.h>

#include "server/database/db.h"

/* More than the daemon has statements, so that each is prepared once. */
enum { DB_STATEMENTS_MAX = 256 };

/* A statement in its place: idle, ready to be run again, or giving rows. */
struct db_rows {
    struct db_transaction *transaction; /* NULL: idle */
    sqlite3_stmt *statement;            /* NULL: the place is empty */
    uint64_t last_used;
};

struct db_connection {
    sqlite3 *handle;
    struct db_connection *next; /* in a list of the owner's */
    struct db_rows places[DB_STATEMENTS_MAX];
    uint64_t uses;
};

/* Opens the file, which is not looked at yet; what failed to open is closed. A connection that only reads
 * refuses to write. */
nn_status db_connection_open(struct db_connection *connection, const char *path, bool only_reads,
                             struct nn_error *err) NN_MUST_CHECK;
/* synchronous=FULL, foreign keys, and what else every connection needs. */
nn_status db_connection_set_up(struct db_connection *connection, const char *path,
                               struct nn_error *err) NN_MUST_CHECK;
void db_connection_close(struct db_connection *connection); /* a zeroed one is harmless */

/* The error text for a file that SQLite refuses, from the connection's last error. */
nn_status db_connection_refuse(sqlite3 *handle, const char *path, struct nn_error *err);

/* Runs SQL without rows and without arguments. */
bool db_connection_run(struct db_connection *connection, const char *sql);

/* What the last failure means. */
enum db_status db_connection_classify(sqlite3 *handle);

#endif
