/* Bytes shared between threads: an encoded image sits in the cache and is at the same time written to disk
 * and sent to several clients. Immutable once made; the last release frees it. */
#ifndef SRV_BLOB_H
#define SRV_BLOB_H

#include <stdatomic.h>
#include <stddef.h>

enum { BLOB_DIGEST_TEXT = 65 };

struct srv_blob {
    atomic_int holders;
    size_t size_bytes;
    unsigned char *bytes;
    atomic_int digest_state; /* of sha256: blob.c's */
    char sha256[BLOB_DIGEST_TEXT];
};

/* Takes `bytes` (heap) and returns a blob with one holder; NULL, with `bytes` freed, when memory ran out. */
struct srv_blob *srv_blob_take(void *bytes, size_t size_bytes);
struct srv_blob *srv_blob_hold(struct srv_blob *blob); /* one holder more; returns its argument */
void srv_blob_release(struct srv_blob *blob);          /* NULL is harmless */

/* The SHA-256 of the bytes in lower-case hex, computed once however many ask. Any thread; waits for none. */
void srv_blob_sha256(struct srv_blob *blob, char hex[BLOB_DIGEST_TEXT]);

#endif
