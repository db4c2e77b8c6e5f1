/* A data base in a test's own folder, and statements that must succeed. */
#ifndef TESTS_SCRATCH_DB_H
#define TESTS_SCRATCH_DB_H

#include "server/database/db.h"
#include "tests/unit/scratch.h"

/* Opens the file of that name in the folder, or makes it. The caller's. */
struct db *scratch_db(void *const *state, const char *name);

/* The integer that a query gives first; -1 when it gives no row. */
int64_t scratch_number(struct db *db, const char *sql);
/* Runs one statement in a transaction of its own. */
void scratch_run(struct db *db, const char *sql);

#endif
