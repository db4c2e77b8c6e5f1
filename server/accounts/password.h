/* Passwords: Argon2id by libsodium, the only module that includes it.
 *
 * Hashing one takes 64 MB and a tenth of a second on purpose. At most PASSWORD_AT_ONCE are hashed at the same
 * time, so that a flood of log-ins cannot take 64 MB for each of a thousand connections; some more wait their
 * turn, and who comes after those is refused. Any thread may call. */
#ifndef SRV_PASSWORD_H
#define SRV_PASSWORD_H

#include <stdbool.h>

#include "engine/error.h"

enum {
    PASSWORD_HASH_TEXT = 128,
    PASSWORD_AT_ONCE = 2,
    PASSWORD_WAITING_MAX = 30,
};

enum srv_password_result {
    PASSWORD_RIGHT,
    PASSWORD_WRONG,
    PASSWORD_BUSY,   /* too many wait */
    PASSWORD_FAILED, /* no memory for it */
};

/* Once, before any other. */
nn_status srv_password_start(struct nn_error *err) NN_MUST_CHECK;

/* PASSWORD_RIGHT with the text to keep in `hash`. */
enum srv_password_result srv_password_hash(const char *password, char hash[PASSWORD_HASH_TEXT]) NN_MUST_CHECK;

/* A `hash` of "", for an account that does not exist, takes as long as any other, and is PASSWORD_WRONG. */
enum srv_password_result srv_password_check(const char *password, const char *hash) NN_MUST_CHECK;

/* Whether a hash was made with other limits than today's, so that the password should be hashed again. */
bool srv_password_stale(const char *hash);

#endif
