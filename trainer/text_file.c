#include "trainer/text_file.h"

#include <stdbool.h>
#include <stdlib.h>

#include "engine/file.h"

static nn_status too_large(const struct tr_text_file *file, struct nn_error *err)
{
    return nn_fail(err, NN_ERR_MEMORY, "%s: out of memory", file->path);
}

nn_status tr_text_file_begin(struct tr_text_file *file, const char *path, struct nn_error *err)
{
    *file = (struct tr_text_file){.path = path};
    file->to = open_memstream(&file->bytes, &file->size);
    return file->to ? NN_OK : too_large(file, err);
}

nn_status tr_text_file_end(struct tr_text_file *file, nn_status printed, struct nn_error *err)
{
    bool whole = !ferror(file->to);
    whole &= fclose(file->to) == 0;
    nn_status status = printed;
    if (status == NN_OK && !whole) status = too_large(file, err);
    if (status == NN_OK) status = nn_file_replace(file->path, file->bytes, file->size, err);
    free(file->bytes);
    file->to = NULL;
    file->bytes = NULL;
    return status;
}
