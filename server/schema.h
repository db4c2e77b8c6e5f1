/* schema.sql, carried inside the program. */
#ifndef SRV_SCHEMA_H
#define SRV_SCHEMA_H

/* What schema.sql sets: application_id marks the file as ours, user_version is the schema's version. */
enum { SCHEMA_APPLICATION_ID = 1919903604, SCHEMA_VERSION = 1 };

extern const char srv_schema_sql[]; /* NUL-terminated */

#endif
