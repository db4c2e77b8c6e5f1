#include "server/accounts/invitation_link.h"

#include <stdio.h>

#include "engine/sha256.h"
#include "server/log.h"
#include "server/store/staff/store_accounts.h"

void srv_invitation_link(const char *base, const char *secret, char link[INVITATION_LINK_TEXT])
{
    snprintf(link, INVITATION_LINK_TEXT, "%s/setup.html#%s", base, secret);
}

nn_status srv_print_admin_link(struct db *db, const char *base, struct nn_error *err)
{
    const struct srv_account actor = {.role = SRV_ADMIN};
    struct srv_invitation invitation = {.purpose = INVITATION_FIRST_ADMIN, .role = SRV_ADMIN};
    enum srv_account_outcome outcome;
    char secret[SRV_SECRET_TEXT], sha256[SRV_DIGEST_TEXT], link[INVITATION_LINK_TEXT];
    srv_random_hex(secret, sizeof secret);
    nn_sha256_hex(secret, SRV_SECRET_TEXT - 1, sha256);
    if (srv_store_invitation_add(db, &actor, sha256, srv_clock_utc_ms(), &invitation, &outcome) != DB_OK)
        return nn_fail(err, NN_ERR_IO, "cannot store a link for an administrator");
    srv_invitation_link(base, secret, link);
    printf("for an administrator, once, within 24 hours: %s\n", link);
    fflush(stdout);
    return NN_OK;
}

void srv_invite_first_admin(struct db *db, const char *base)
{
    bool missing, invited;
    struct nn_error err = {0};
    if (srv_store_admin_missing(db, srv_clock_utc_ms(), &missing, &invited) != DB_OK || !missing) return;
    if (invited) {
        srv_log("there is no administrator yet; --admin-link prints a new link for the first");
    } else if (srv_print_admin_link(db, base, &err)) {
        srv_log_error("%s", err.text);
    } else {
        srv_log("there is no administrator yet; a link for the first is on standard output");
    }
}
