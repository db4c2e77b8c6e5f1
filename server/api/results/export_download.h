/* An export as the answer to a request: made whole from one moment of the data base, in a file without a name
 * beside it, then sent. What is stored meanwhile waits for nobody, and is in all of an export or in none. A
 * stop of the server waits for what is sent, and not for exports that are made or wait for their turn. */
#ifndef SRV_EXPORT_DOWNLOAD_H
#define SRV_EXPORT_DOWNLOAD_H

#include <stdio.h>

#include "server/app.h"
#include "server/export/export_imrmc.h"
#include "server/http/response.h"
#include "server/secrets.h"
#include "server/store/results/store_export.h"

/* One file that can be had; all text is constant. */
struct srv_download {
    const char *name, *content_type, *disposition;
    /* False with "" in `refusal`: it could not be written. */
    bool (*write)(struct srv_export_log *log, FILE *spool, const char *folder,
                  char refusal[EXPORT_REFUSAL_TEXT]);
};

/* The rows as CSV and as JSON lines (all columns of the log, or those of a study), the package, ratings for
 * iMRMC, whose filter names a deck, or a study and a phase, and xAPI statements. */
extern const struct srv_download srv_download_csv, srv_download_jsonl, srv_download_package,
    srv_download_imrmc, srv_download_xapi;

/* Sends the file, a study's with its SHA-256 as the entity tag, or the error: 404 unknown_study, 409
 * not_crossed, 422 wrong_filter, 500, 503 storage_unavailable or stopping. */
void srv_download_send(struct srv_app *app, const struct srv_export_filter *filter,
                       const struct srv_download *download, struct srv_response *response);

/* The same file's SHA-256, without sending it; false when it could not be made. */
bool srv_download_sha256(struct srv_app *app, const struct srv_export_filter *filter,
                         const struct srv_download *download, char sha256[SRV_DIGEST_TEXT]);

#endif
