/* SQLite, wrapped: the only module that includes sqlite3.h.
 *
 * One connection, used by one transaction at a time. db_begin waits for the others, so any thread may use
 * the database; between db_begin and db_end it belongs to the caller.
 *
 * The status is sticky: once a call in a transaction has failed, the later ones do nothing, and db_end
 * rolls back and returns the first failure. Callers check once, at the end:
 *
 *     db_begin(db);
 *     struct db_rows *rows = db_query(db, "SELECT name FROM decks WHERE id = ?", "i", id);
 *     if (db_next(rows)) copy(name, db_text(rows, 0));
 *     db_finish(rows);
 *     return db_end(db);
 */
#ifndef SRV_DB_H
#define SRV_DB_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/error.h"

enum db_status {
    DB_OK,
    DB_CONFLICT,    /* a UNIQUE constraint refused the row */
    DB_UNAVAILABLE, /* the storage refuses: disk full, I/O error, locked by another program */
    DB_FAILED,      /* anything else: a bug, a damaged file; logged */
};

struct db;
struct db_rows;

/* Opens or makes the file, in WAL mode with synchronous=FULL and foreign keys on, and its tables when it is
 * empty. Refused: another program's database, a newer schema, a file that is not a database, a folder that
 * does not exist. The error text starts with the path. */
nn_status db_open(struct db **db, const char *path, struct nn_error *err) NN_MUST_CHECK;
void db_close(struct db *db); /* NULL is harmless; no transaction may be open */

void db_begin(struct db *db); /* for reading; db_end gives the connection back */
void db_begin_write(struct db *db);
/* Commits, to the disk, when all went well; else rolls back. */
enum db_status db_end(struct db *db) NN_MUST_CHECK;
/* Makes db_end roll back and return `status`. */
void db_abandon(struct db *db, enum db_status status);

/* Runs one statement. `types` has one letter for each ? and each further argument: t text (const char *,
 * NULL is SQL's NULL; must live until db_finish), i integer (int64_t), r real (double). */
struct db_rows *db_query(struct db *db, const char *sql, const char *types, ...);
/* The same for a statement without rows. */
void db_run(struct db *db, const char *sql, const char *types, ...);
int64_t db_last_id(const struct db *db); /* of the last INSERT of this transaction */

bool db_next(struct db_rows *rows); /* false at the end, after a failure, and for NULL */
/* Columns of the current row, from 0. Text is borrowed until the next db_next; NULL reads as "". */
const char *db_text(struct db_rows *rows, int column);
int64_t db_int(struct db_rows *rows, int column);
double db_real(struct db_rows *rows, int column);
void db_finish(struct db_rows *rows); /* NULL is harmless */

#endif
