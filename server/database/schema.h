/* schema.sql, what keeps frozen studies, and the steps to both from older versions, inside the program. */
#ifndef SRV_SCHEMA_H
#define SRV_SCHEMA_H

/* What schema.sql sets: application_id marks the file as ours, user_version is the schema's version. */
enum { SCHEMA_APPLICATION_ID = 1919903604, SCHEMA_VERSION = 8 };

extern const char srv_schema_sql[]; /* NUL-terminated */

/* [v]: makes a file of version v one of version v+1, but for user_version. NULL for v = 0. */
extern const char *const srv_schema_steps[SCHEMA_VERSION];

#endif
