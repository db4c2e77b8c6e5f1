/* Guards files against a path that the user gave by mistake. */
#ifndef TR_OVERWRITE_H
#define TR_OVERWRITE_H

#include "engine/error.h"

/* NN_OK where nothing is at `path`, or a file that begins with `start`, as the program's own files of that
 * `kind`
 * ("HTML page") do; NN_ERR_ARGUMENT for anything else. Long work asks this before it begins, too. */
nn_status tr_check_overwrite(const char *path, const char *start, const char *kind,
                             struct nn_error *err) NN_MUST_CHECK;

#endif
