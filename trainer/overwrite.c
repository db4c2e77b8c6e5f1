#include "trainer/overwrite.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { START_MAX = 64 };

nn_status tr_check_overwrite(const char *path, const char *start, const char *kind, struct nn_error *err)
{
    char found[START_MAX];
    size_t size = strlen(start);
    FILE *file = fopen(path, "rb");
    if (!file && errno == ENOENT) return NN_OK;
    bool same = file && size <= sizeof found && fread(found, 1, size, file) == size &&
                memcmp(found, start, size) == 0;
    if (file) fclose(file);
    if (same) return NN_OK;
    return nn_fail(err, NN_ERR_ARGUMENT, "%s: is there already and no %s, and is left as it is", path, kind);
}
