/* The assembler copies the file; the Makefile names schema.sql as a prerequisite of this object, and runs
 * the compiler in the folder that holds it. */
#include "server/schema.h"

__asm__(".section .rodata\n"
        ".global srv_schema_sql\n"
        ".type srv_schema_sql, @object\n"
        "srv_schema_sql:\n"
        ".incbin \"schema.sql\"\n"
        ".byte 0\n"
        ".size srv_schema_sql, . - srv_schema_sql\n"
        ".section .note.GNU-stack,\"\",@progbits\n"
        ".text\n");
