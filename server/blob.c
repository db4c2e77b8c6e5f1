#include "server/blob.h"

#include <stdlib.h>
#include <string.h>

#include "engine/sha256.h"

enum { DIGEST_UNKNOWN, DIGEST_BEING_KEPT, DIGEST_KNOWN };

struct srv_blob *srv_blob_take(void *bytes, size_t size_bytes)
{
    struct srv_blob *blob = malloc(sizeof *blob);
    if (!blob) {
        free(bytes);
        return NULL;
    }
    atomic_init(&blob->holders, 1);
    atomic_init(&blob->digest_state, DIGEST_UNKNOWN);
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

/* Two who ask at the same time compute it twice: waiting could mean to wait for a thread of low priority. */
void srv_blob_sha256(struct srv_blob *blob, char hex[BLOB_DIGEST_TEXT])
{
    int unknown = DIGEST_UNKNOWN;
    if (atomic_load(&blob->digest_state) == DIGEST_KNOWN) {
        memcpy(hex, blob->sha256, BLOB_DIGEST_TEXT);
        return;
    }
    nn_sha256_hex(blob->bytes, blob->size_bytes, hex);
    if (atomic_compare_exchange_strong(&blob->digest_state, &unknown, DIGEST_BEING_KEPT)) {
        memcpy(blob->sha256, hex, BLOB_DIGEST_TEXT);
        atomic_store(&blob->digest_state, DIGEST_KNOWN);
    }
}
