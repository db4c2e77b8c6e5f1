#include "server/store/sessions/store_simulated.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/rng.h"
#include "server/clock.h"
#include "server/store/store_audit.h"

enum { KEY_STREAM = 0x6b6579 }; /* "key", apart from what else is drawn by such a seed */

enum db_status srv_store_simulated_add(struct db *db, const struct srv_account *actor,
                                       const char *code_sha256, uint64_t seed, int64_t now_ms)
{
    char now[SRV_TIME_TEXT], text[24];
    struct db_transaction t;
    srv_clock_format(now_ms, now);
    snprintf(text, sizeof text, "%" PRIu64, seed);
    db_begin_write(&t, db);
    db_run(&t, "INSERT INTO learners (code_sha256, created_at, simulated, draw_seed) VALUES (?,?,1,?)", "ttt",
           code_sha256, now, text);
    srv_audit_add(&t, actor, "learner.simulate", "learner:simulated", NULL);
    return db_end(&t);
}

enum db_status srv_store_simulated_key(struct db *db, int64_t learner_id, uint64_t *key)
{
    struct db_transaction t;
    db_begin(&t, db);
    struct db_rows *rows = db_query(&t,
                                    "SELECT draw_seed, (SELECT count(*) FROM session_learners k"
                                    " WHERE k.learner_id = l.id) FROM learners l WHERE id = ? AND simulated",
                                    "i", learner_id);
    if (db_next(rows)) {
        uint64_t seed = strtoull(db_text(rows, 0), NULL, 10), at = 2 * (uint64_t)db_int(rows, 1);
        *key = (uint64_t)nn_random_u32(seed, KEY_STREAM, at) << 32 | nn_random_u32(seed, KEY_STREAM, at + 1);
    }
    db_finish(rows);
    return db_end(&t);
}

enum db_status srv_store_truths(struct db *db, const char *session_id, srv_store_truth_row *row,
                                void *context, bool *simulated)
{
    struct db_transaction t;
    *simulated = false;
    db_begin(&t, db);
    struct db_rows *rows = db_query(&t,
                                    "SELECT i.n, i.truth, i.class, i.source FROM items i JOIN sessions s"
                                    " ON s.id = i.session_id AND s.simulated WHERE s.id = ? ORDER BY i.n",
                                    "t", session_id);
    while (db_next(rows)) {
        *simulated = true;
        row(context, &(struct srv_store_truth){(int)db_int(rows, 0), db_text(rows, 1), db_text(rows, 2),
                                               db_text(rows, 3)});
    }
    db_finish(rows);
    return db_end(&t);
}
