/* Links for people who are to choose a name or a password, and the first of them all. */
#ifndef SRV_INVITATION_LINK_H
#define SRV_INVITATION_LINK_H

#include <stdbool.h>

#include "engine/error.h"
#include "server/database/db.h"
#include "server/secrets.h"

enum { INVITATION_LINK_TEXT = 512 };

/* "https://host/setup.html#SECRET", or from the "/" on where `base` is "". What follows the # stays in the
 * browser: no server and no proxy on the way has it in its log. */
void srv_invitation_link(const char *base, const char *secret, char link[INVITATION_LINK_TEXT]);

/* Makes a link for an administrator's account and prints it on standard output, and nowhere else: it is a
 * password as long as nobody used it. Older unused ones are void. */
nn_status srv_print_admin_link(struct db *db, const char *base, struct nn_error *err) NN_MUST_CHECK;

/* At the start: the same when there is neither an administrator nor a link for the first. What goes wrong is
 * logged: learners do not need an administrator. */
void srv_invite_first_admin(struct db *db, const char *base);

#endif
