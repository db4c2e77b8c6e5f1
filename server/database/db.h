/* SQLite, wrapped: only the files called db* see sqlite3.h. Any thread may use the database.
 *
 * A reader has one of a few connections to itself and sees all that was acknowledged before it began. It
 * never waits for a writer or for the disk's flush. Writers take turns on one connection, and those who come
 * while others write share one COMMIT: db_end returns when it is on disk, or has failed for all of them.
 *
 * The status is sticky: once a call in a transaction has failed, the later ones do nothing, and db_end
 * rolls back and returns the first failure. Callers check once, at the end:
 *
 *     struct db_transaction t;
 *     db_begin(&t, db);
 *     struct db_rows *rows = db_query(&t, "SELECT name FROM decks WHERE id = ?", "i", id);
 *     if (db_next(rows)) db_copy(rows, 0, name, sizeof name);
 *     db_finish(rows);
 *     return db_end(&t);
 *
 * What a writer has read may be undone until its db_end has returned: nobody may be told of it before. */
#ifndef SRV_DB_H
#define SRV_DB_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/error.h"
#include "server/database/write_line.h"
#include "server/histogram.h"

/* How long another program may keep the file locked before a transaction gives up. */
enum { DB_BUSY_MS = 5000 };

enum db_status {
    DB_OK,
    DB_CONFLICT,    /* a UNIQUE constraint refused the row */
    DB_UNAVAILABLE, /* the storage refuses: disk full, I/O error, locked by another program, no memory */
    DB_FAILED,      /* anything else: a bug, a damaged file; logged */
};

struct db;
struct db_rows;
struct db_connection;

/* In the caller's stack frame, from db_begin to db_end; its fields are the module's. */
struct db_transaction {
    struct db *db;
    struct db_connection *connection;
    enum db_status status;
    bool writes;
    struct write_turn turn; /* of a writer */
};

/* Opens or makes the file, in WAL mode with synchronous=FULL and foreign keys on, and its tables when it is
 * empty. Refused: another program's database, a newer schema, a file that is not a database, a folder that
 * does not exist. The error text starts with the path. */
nn_status db_open(struct db **db, const char *path, struct nn_error *err) NN_MUST_CHECK;
/* For reading alone, beside a daemon that may be writing: changes nothing, and only db_begin may follow. The
 * file must be there and of this version. */
nn_status db_open_to_read(struct db **db, const char *path, struct nn_error *err) NN_MUST_CHECK;
void db_close(struct db *db); /* NULL is harmless; no transaction may be open */

/* A thread has one transaction at a time. */
void db_begin(struct db_transaction *t, struct db *db); /* for reading */
void db_begin_write(struct db_transaction *t, struct db *db);
/* Commits, to the disk, when all went well; else rolls back. */
enum db_status db_end(struct db_transaction *t) NN_MUST_CHECK;
/* Makes db_end roll back and return `status`. */
void db_abandon(struct db_transaction *t, enum db_status status);

/* What this transaction removes is to leave the files as well: SQLite overwrites what it deletes, and db_end
 * empties the write-ahead log once all of it is in the file. Where somebody reads for longer than it waits,
 * the log is emptied after a later commit, and a line in the log says so. */
void db_erase(struct db_transaction *t);

/* Runs one statement. `types` has one letter for each ? and each further argument: t text (const char *,
 * NULL is SQL's NULL; must live until db_finish), i integer (int64_t), r real (double). Statements are kept
 * prepared, so there should be few different ones. */
struct db_rows *db_query(struct db_transaction *t, const char *sql, const char *types, ...);
/* The same for a statement without rows. */
void db_run(struct db_transaction *t, const char *sql, const char *types, ...);
int64_t db_last_id(const struct db_transaction *t); /* of the last INSERT of this transaction */

bool db_next(struct db_rows *rows); /* false at the end, after a failure, and for NULL */
/* Columns of the current row, from 0. Text is borrowed until the next db_next; NULL reads as "". */
const char *db_text(struct db_rows *rows, int column);
/* The same as the caller's own, cut to `size` bytes with its NUL. */
void db_copy(struct db_rows *rows, int column, char *to, size_t size);
int64_t db_int(struct db_rows *rows, int column);
double db_real(struct db_rows *rows, int column);
void db_finish(struct db_rows *rows); /* NULL is harmless */

/* For operators; counts on while the database is open. */
struct db_counts {
    struct srv_histogram commits; /* time of a COMMIT */
    struct srv_histogram groups;  /* writers that shared one */
    atomic_ullong refused;        /* groups that could not be stored */
    atomic_ullong wal_bytes;      /* of the write-ahead log, since it last started over */
};
const struct db_counts *db_counts(const struct db *db);

#endif
