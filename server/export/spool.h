/* A file without a name that is written first and sent afterwards: a download that is made in one go however
 * slow its client is, and whose failure can still become an error instead of half a file. */
#ifndef SRV_SPOOL_H
#define SRV_SPOOL_H

#include <stdbool.h>
#include <stdio.h>

#include "server/http/response.h"

/* A fresh file in `folder`, gone when it is closed, whoever dies. NULL: errno says why. */
FILE *srv_spool_open(const char *folder);

/* False when the disk is so full that who writes on would take room from others. Costs a system call. */
bool srv_spool_has_room(FILE *spool);

/* Makes the whole file, from its start, the body of `response`. Takes `spool`. */
void srv_spool_send(FILE *spool, struct srv_response *response);

#endif
