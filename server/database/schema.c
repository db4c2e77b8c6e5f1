/* The assembler copies the files; the Makefile names them as prerequisites of this object, and runs the
 * compiler in the folder that holds them. */
#include "server/database/schema.h"

#include <stddef.h>

#define TEXT_OF(file) ".incbin \"" file "\"\n"
#define CARRY(symbol, texts)                                                                                 \
    __asm__(".section .rodata\n"                                                                             \
            ".global " #symbol "\n"                                                                          \
            ".type " #symbol ", @object\n" #symbol ":\n" texts ".byte 0\n"                                   \
            ".size " #symbol ", . - " #symbol "\n"                                                           \
            ".section .note.GNU-stack,\"\",@progbits\n"                                                      \
            ".text\n")

#define FROZEN_STUDIES TEXT_OF("server/database/frozen_studies.sql")

CARRY(srv_schema_sql, TEXT_OF("schema.sql") FROZEN_STUDIES);
CARRY(srv_schema_step_1, TEXT_OF("server/database/migrations/to_version_2.sql"));
CARRY(srv_schema_step_2, TEXT_OF("server/database/migrations/to_version_3.sql"));
CARRY(srv_schema_step_3, TEXT_OF("server/database/migrations/to_version_4.sql"));
CARRY(srv_schema_step_4, TEXT_OF("server/database/migrations/to_version_5.sql"));
CARRY(srv_schema_step_5, TEXT_OF("server/database/migrations/to_version_6.sql"));
CARRY(srv_schema_step_6, TEXT_OF("server/database/migrations/to_version_7.sql") FROZEN_STUDIES);
CARRY(srv_schema_step_7, TEXT_OF("server/database/migrations/to_version_8.sql"));

extern const char srv_schema_step_1[], srv_schema_step_2[], srv_schema_step_3[], srv_schema_step_4[],
    srv_schema_step_5[], srv_schema_step_6[], srv_schema_step_7[];

const char *const srv_schema_steps[SCHEMA_VERSION] = {NULL,
                                                      srv_schema_step_1,
                                                      srv_schema_step_2,
                                                      srv_schema_step_3,
                                                      srv_schema_step_4,
                                                      srv_schema_step_5,
                                                      srv_schema_step_6,
                                                      srv_schema_step_7};
