/* All answers, or those of a study, as one archive, which is at once a Frictionless Data Package, a BIDS data
 * set of the modality beh and a Psych-DS data set. */
#ifndef SRV_EXPORT_PACKAGE_H
#define SRV_EXPORT_PACKAGE_H

#include <stdbool.h>
#include <stdio.h>

#include "server/store/results/store_export.h"

/* Writes the archive to `spool` (spool.h), `folder` being where that lies. Goes through the log's rows
 * twice. False when it could not be written; what is wrong with the data base srv_export_end tells. */
bool srv_package_write(struct srv_export_log *log, FILE *spool, const char *folder);

#endif
