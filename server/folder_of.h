/* The folder that a file lies in. */
#ifndef SRV_FOLDER_OF_H
#define SRV_FOLDER_OF_H

#include <stddef.h>

/* Writes it to `folder`, which has room for `room` bytes and is cut there: "var" for "var/roentgym.db", "/"
 * for "/roentgym.db", "." for "roentgym.db". */
void srv_folder_of(const char *file, char *folder, size_t room);

#endif
