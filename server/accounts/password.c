#include "server/accounts/password.h"

#include <pthread.h>
#include <sodium.h>
#include <string.h>

_Static_assert(PASSWORD_HASH_TEXT >= crypto_pwhash_STRBYTES, "a hash fits");

/* A place at the hashing, and those who wait for one. */
static struct {
    pthread_mutex_t mutex;
    pthread_cond_t free;
    int busy, waiting;
} gate = {.mutex = PTHREAD_MUTEX_INITIALIZER, .free = PTHREAD_COND_INITIALIZER};

static bool enter(void)
{
    pthread_mutex_lock(&gate.mutex);
    bool in = gate.busy < PASSWORD_AT_ONCE || gate.waiting < PASSWORD_WAITING_MAX;
    if (in) {
        gate.waiting++;
        while (gate.busy == PASSWORD_AT_ONCE) pthread_cond_wait(&gate.free, &gate.mutex);
        gate.waiting--;
        gate.busy++;
    }
    pthread_mutex_unlock(&gate.mutex);
    return in;
}

static void leave(void)
{
    pthread_mutex_lock(&gate.mutex);
    gate.busy--;
    pthread_cond_signal(&gate.free);
    pthread_mutex_unlock(&gate.mutex);
}

nn_status srv_password_start(struct nn_error *err)
{
    return sodium_init() < 0 ? nn_fail(err, NN_ERR_IO, "libsodium cannot start") : NN_OK;
}

static enum srv_password_result hash_now(const char *password, char hash[PASSWORD_HASH_TEXT])
{
    memset(hash, 0, PASSWORD_HASH_TEXT);
    if (crypto_pwhash_str_alg(hash, password, strlen(password), crypto_pwhash_OPSLIMIT_INTERACTIVE,
                              crypto_pwhash_MEMLIMIT_INTERACTIVE, crypto_pwhash_ALG_ARGON2ID13))
        return PASSWORD_FAILED;
    return PASSWORD_RIGHT;
}

enum srv_password_result srv_password_hash(const char *password, char hash[PASSWORD_HASH_TEXT])
{
    if (!enter()) return PASSWORD_BUSY;
    enum srv_password_result result = hash_now(password, hash);
    leave();
    return result;
}

/* libsodium's check decodes the text, hashes with its salt and compares; for an account that does not exist
 * a hash with a fresh salt is the same work. */
enum srv_password_result srv_password_check(const char *password, const char *hash)
{
    char unused[PASSWORD_HASH_TEXT];
    if (!enter()) return PASSWORD_BUSY;
    enum srv_password_result result;
    if (!*hash)
        result = hash_now(password, unused) == PASSWORD_RIGHT ? PASSWORD_WRONG : PASSWORD_FAILED;
    else
        result = crypto_pwhash_str_verify(hash, password, strlen(password)) ? PASSWORD_WRONG : PASSWORD_RIGHT;
    leave();
    return result;
}

bool srv_password_stale(const char *hash)
{
    return crypto_pwhash_str_needs_rehash(hash, crypto_pwhash_OPSLIMIT_INTERACTIVE,
                                          crypto_pwhash_MEMLIMIT_INTERACTIVE) != 0;
}
