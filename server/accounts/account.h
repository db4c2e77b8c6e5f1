/* Who may do what: accounts are of the staff. Learners have none; they are known by the secret of a session
 * or by a random code. */
#ifndef SRV_ACCOUNT_H
#define SRV_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ACCOUNT_NAME_TEXT = 81, /* 80 bytes of UTF-8 and the NUL */
    ACCOUNT_PASSWORD_MIN = 8,
    ACCOUNT_PASSWORD_MAX = 1024, /* bytes of UTF-8 */
};

/* What a route asks for; an account's own role is one of the last three. */
enum srv_role {
    SRV_ANYONE,
    SRV_LEARNER,    /* the secret of a session or a learner's code, which the handler checks */
    SRV_STAFF,      /* any account */
    SRV_EDUCATOR,   /* decks, classes, library */
    SRV_RESEARCHER, /* studies and what is exported of them */
    SRV_ADMIN,      /* accounts, and all that educators and researchers may */
};

struct srv_account {
    int64_t id; /* 0: the operator, who has the admin token and no account */
    char name[ACCOUNT_NAME_TEXT];
    enum srv_role role;
};

/* Whether an account of role `has` may use a route that wants `wanted`, SRV_STAFF or above. */
bool srv_role_allows(enum srv_role wanted, enum srv_role has);

/* "educator", as the interface and the database spell it. */
const char *srv_role_text(enum srv_role role);

/* An account's role by its text; false for anything but educator, researcher and admin. */
bool srv_role_read(const char *text, enum srv_role *role);

/* NULL, or the sentence that says what is wrong. A name has 1 to 80 bytes, no control characters, no space
 * at either end and no two together; a password 8 to 1024 bytes. Both are UTF-8, compared byte by byte, but
 * for the case of A to Z in names. */
const char *srv_account_name_wrong(const char *name);
const char *srv_account_password_wrong(const char *password);

#endif
