#include "server/blob.h"

#include <stdlib.h>

struct srv_blob *srv_blob_take(void *bytes, size_t size_bytes)
{
    struct srv_blob *blob = malloc(sizeof *blob);
    if (!blob) {
        free(bytes);
        return NULL;
    }
    atomic_init(&blob->holders, 1);
    blob->size_bytes = size_bytes;
    blob->bytes = bytes;
    return blob;
}

struct srv_blob *srv_blob_hold(struct srv_blob *blob)
{
    atomic_fetch_add(&blob->holders, 1);
    return blob;
}

void srv_blob_release(struct srv_blob *blob)
{
    if (!blob || atomic_fetch_sub(&blob->holders, 1) > 1) return;
    free(blob->bytes);
    free(blob);
}
