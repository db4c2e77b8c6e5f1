/* All bytes into a file, however many calls that takes. */
#ifndef SRV_WRITE_ALL_H
#define SRV_WRITE_ALL_H

#include <stddef.h>

/* 0, or the errno of the call that failed; some bytes may then have been written. */
int srv_write_all(int file, const void *bytes, size_t size_bytes);

#endif
