/* Slows down who guesses passwords, by the name of the account, whether there is such an account or not, and
 * without any address. In memory: a restart forgets. Any thread may call.
 *
 * The first THROTTLE_FREE attempts at a name are free. Each further one is refused until 1, 2, 4, ... seconds
 * have passed since the one before, up to THROTTLE_DELAY_MAX_S. An attempt counts when it begins, so a
 * hundred at once are not a hundred free ones. Logging in clears the name; so does an hour without an attempt
 * after its delay is over. Whoever is logged in stays so: only new log-ins are slowed. */
#ifndef SRV_LOGIN_THROTTLE_H
#define SRV_LOGIN_THROTTLE_H

#include <stdint.h>

#include "engine/error.h"

enum {
    THROTTLE_FREE = 5,
    THROTTLE_DELAY_MAX_S = 15 * 60,
    THROTTLE_FORGET_S = 60 * 60,
    THROTTLE_NAMES_MAX = 4096, /* names with a delay; the one whose delay ends first makes room */
};

struct srv_throttle;

nn_status srv_throttle_open(struct srv_throttle **throttle, struct nn_error *err) NN_MUST_CHECK;
void srv_throttle_close(struct srv_throttle *throttle); /* NULL is harmless */

/* An attempt at `name` begins, at now_us of the steady clock. Returns 0, or in how many seconds it may come
 * again, and then it does not count. Upper and lower case of A to Z are one name. */
int srv_throttle_attempt(struct srv_throttle *throttle, const char *name, int64_t now_us);

/* The attempt was right. */
void srv_throttle_clear(struct srv_throttle *throttle, const char *name);

/* The attempt was not tried after all (the server was busy): it does not count. */
void srv_throttle_withdraw(struct srv_throttle *throttle, const char *name);

#endif
