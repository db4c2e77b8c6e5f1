/* Any bytes as a safetensors file: refused in one line, or every byte of every tensor can be read. */
#include <stdlib.h>
#include <string.h>

#include "engine/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int holds)
{
    if (!holds) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct nn_st_file *file;
    struct nn_error err = {0};
    if (nn_st_open_memory(&file, data, size, "fuzz", &err)) {
        must(!file && err.status && !strchr(err.text, '\n') && !strncmp(err.text, "fuzz: ", 6));
        return 0;
    }
    size_t total = 0;
    volatile uint8_t sink = 0;
    for (int i = 0; i < nn_st_count(file); i++) {
        const struct nn_st_tensor *t = nn_st_at(file, i);
        const void *again;
        must(!nn_st_get(file, t->name, t->type, t->rank, t->dims, &again, NULL) && again == t->data);
        for (size_t k = 0; k < nn_st_tensor_bytes(t); k++) sink ^= ((const uint8_t *)t->data)[k];
        total += nn_st_tensor_bytes(t);
    }
    must(total < size);
    for (int i = 0; i < nn_st_metadata_count(file); i++)
        must(nn_st_metadata(file, nn_st_metadata_at(file, i).key) == nn_st_metadata_at(file, i).value);
    nn_st_close(file);
    return 0;
}
