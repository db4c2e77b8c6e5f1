/* What a database file must be before the daemon uses it. Of the module db alone. */
#ifndef SRV_DB_SCHEMA_H
#define SRV_DB_SCHEMA_H

#include "server/database/db_connection.h"

/* Makes the tables in an empty file. A file of an older version is first copied to PATH.v1-20260105T100000Z,
 * then brought up to this version in one transaction, and looked over; whatever fails, it stays as it was.
 * Refuses, before anything is written: another program's database, a newer schema, a file that is not a
 * database. The file is in WAL mode afterwards. */
nn_status db_schema_prepare(struct db_connection *connection, const char *path,
                            struct nn_error *err) NN_MUST_CHECK;

/* For a connection that only reads: refuses all but a database of this very version. */
nn_status db_schema_check(struct db_connection *connection, const char *path,
                          struct nn_error *err) NN_MUST_CHECK;

#endif
