/* What may be replaced by a file whose path the user chose. */
#ifndef TR_OVERWRITE_H
#define TR_OVERWRITE_H

#include "engine/error.h"

/* Nothing is at `path`, or a file that begins with `start`, as the program's own of that `kind` ("HTML page")
 * do. Of anything else, named by mistake, NN_ERR_ARGUMENT. To be asked before long work, too. */
nn_status tr_check_overwrite(const char *path, const char *start, const char *kind,
                             struct nn_error *err) NN_MUST_CHECK;

#endif
