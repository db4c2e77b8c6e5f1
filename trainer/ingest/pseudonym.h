/* Names in place of patients' and files': keyed hashes (HMAC-SHA-256, RFC 2104). Who has the key can make the
 * name of a known patient again; who has not, can neither go back nor try out ids. */
#ifndef TR_PSEUDONYM_H
#define TR_PSEUDONYM_H

#include <stddef.h>
#include <stdint.h>

#include "engine/error.h"

enum { TR_PSEUDONYM_KEY_BYTES = 32, TR_PSEUDONYM_SIZE = 18 };

struct tr_pseudonym_key {
    uint8_t bytes[TR_PSEUDONYM_KEY_BYTES];
    char name[TR_PSEUDONYM_SIZE]; /* by which a data set tells which key it was made with */
};

/* Reads a key of 64 hex digits from `path`; where there is no file, makes a random one that its owner alone
 * may read. The text of a failure names the file. */
nn_status tr_pseudonym_key_open(struct tr_pseudonym_key *key, const char *path,
                                struct nn_error *err) NN_MUST_CHECK;

/* `kind` and 16 hex digits: the first 64 bits of the HMAC of kind, a zero byte and `text`. Among a million
 * names two are the same with a chance of 1 to 37 million. */
void tr_pseudonym(const struct tr_pseudonym_key *key, char kind, const char *text,
                  char name[TR_PSEUDONYM_SIZE]);

/* The whole of it, of any bytes, as hex digits. */
void tr_hmac_sha256(const uint8_t *key, size_t key_bytes, const void *data, size_t size_bytes, char hex[65]);

#endif
