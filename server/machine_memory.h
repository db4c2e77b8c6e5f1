/* How much memory this process may use. */
#ifndef SRV_MACHINE_MEMORY_H
#define SRV_MACHINE_MEMORY_H

#include <stddef.h>

/* The machine's memory, or less where a control group (a service's MemoryMax, a container) sets a limit. */
size_t srv_machine_memory_bytes(void);

#endif
