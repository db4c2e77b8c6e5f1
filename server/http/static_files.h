/* The pages: files below the web folder, and nothing else. */
#ifndef SRV_STATIC_FILES_H
#define SRV_STATIC_FILES_H

#include "server/http/request.h"
#include "server/http/response.h"

/* Answers GET for request->path; "/" is index.html. `folder` is an open folder or -1. Only names of letters,
 * digits, '.', '_' and '-' that do not begin with '.', only regular files of known types, no links.
 * Where PATH.gz lies beside PATH and is not older, who takes gzip gets that, under a tag of its own.
 * Else 404: with not-found.html of the folder for what could be a page (no '.' in it, or .html at its end).
 */
void srv_static_file(int folder, const struct srv_request *request, struct srv_response *response);

#endif
