/* Leaving a study. Nobody is named in what stays of it: the table `withdrawals` counts. */
#ifndef SRV_STORE_WITHDRAWAL_H
#define SRV_STORE_WITHDRAWAL_H

#include <stdbool.h>
#include <stdint.h>

#include "server/accounts/account.h"
#include "server/database/db.h"

enum srv_withdrawal {
    WITHDRAWAL_STOP,      /* nothing more is asked; what is there stays */
    WITHDRAWAL_DELETE,    /* every row of theirs goes, from the files too */
    WITHDRAWAL_ANONYMISE, /* what joins the answers to somebody goes; the answers stay, under a new code */
};

extern const char *const srv_withdrawals[3]; /* "stop", "delete", "anonymise" */
/* The place of a text among these; false for anything else. */
bool srv_withdrawal_read(const char *text, enum srv_withdrawal *form);

enum srv_withdrawal_outcome {
    WITHDRAWAL_DONE,
    WITHDRAWAL_NOBODY, /* there is no such participant (any more) */
    WITHDRAWAL_FROZEN,
};

/* Of the participant with this code ("" for none) or else of this learner. `actor` is the account that does
 * it on somebody's request, with an entry in the audit log that names no participant; NULL: the participant.
 * Stopping twice is stopping once; who has stopped may still delete or anonymise. When this returns, nothing
 * of what was removed is left in the data base's files, unless readers were so long under way that the log
 * could not be emptied: then it is tried again at every change from then on. */
enum db_status srv_store_withdraw(struct db *db, const struct srv_account *actor, int64_t study_id,
                                  const char *code, int64_t learner_id, enum srv_withdrawal form,
                                  enum srv_withdrawal_outcome *outcome) NN_MUST_CHECK;

#endif
