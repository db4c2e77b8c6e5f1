#include "server/accounts/account.h"

#include <string.h>

static const char *const role_texts[] = {
    [SRV_ANYONE] = "anyone",     [SRV_LEARNER] = "learner",       [SRV_STAFF] = "staff",
    [SRV_EDUCATOR] = "educator", [SRV_RESEARCHER] = "researcher", [SRV_ADMIN] = "admin",
};

bool srv_role_allows(enum srv_role wanted, enum srv_role has)
{
    if (has < SRV_EDUCATOR) return false;
    return wanted == SRV_STAFF || wanted == has || has == SRV_ADMIN;
}

const char *srv_role_text(enum srv_role role)
{
    return role_texts[role];
}

bool srv_role_read(const char *text, enum srv_role *role)
{
    for (enum srv_role r = SRV_EDUCATOR; r <= SRV_ADMIN; r++) {
        if (strcmp(text, role_texts[r])) continue;
        *role = r;
        return true;
    }
    return false;
}

const char *srv_account_name_wrong(const char *name)
{
    size_t length = strlen(name);
    if (length < 1 || length >= ACCOUNT_NAME_TEXT) return "A name has 1 to 80 bytes.";
    if (name[0] == ' ' || name[length - 1] == ' ' || strstr(name, "  "))
        return "A name has no space at its ends and no two together.";
    for (const unsigned char *c = (const unsigned char *)name; *c; c++)
        if (*c < 0x20 || *c == 0x7f || (*c == 0xc2 && c[1] < 0xa0))
            return "A name has no control characters.";
    return NULL;
}

const char *srv_account_password_wrong(const char *password)
{
    size_t length = strlen(password);
    if (length >= ACCOUNT_PASSWORD_MIN && length <= ACCOUNT_PASSWORD_MAX) return NULL;
    return "A password has 8 to 1024 bytes.";
}
