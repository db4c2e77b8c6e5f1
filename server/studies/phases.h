/* Where somebody is in a study: which phases are over, which is open, when the next one opens. Pure: times
 * are given, in milliseconds since 1970, UTC.
 *
 * A phase's window is counted from the end of the phase before it, the first one's from enrolment. A phase
 * ends when its last answer was stored, or else when its window closes: what comes later is refused. The
 * window of a session that cannot go on closes before its time. */
#ifndef SRV_PHASES_H
#define SRV_PHASES_H

#include <stdbool.h>
#include <stdint.h>

#include "server/studies/study.h"

enum srv_phase_state { PHASE_LATER, PHASE_WAITS, PHASE_OPEN, PHASE_DONE, PHASE_MISSED };

struct srv_phase_at {
    enum srv_phase_state state;  /* PHASE_LATER: it is not known yet when it opens */
    int64_t opens_ms, closes_ms; /* INT64_MAX: never closes; of PHASE_LATER both 0 */
};

/* What is on record of a phase; each 0 when it is not. */
struct srv_phase_record {
    int64_t finished_ms, closes_ms; /* closes_ms: the window of its session */
};

/* records[k] is phase k's. Fills study->phase_count places of `phases`. Returns the first phase that is
 * neither done nor missed: PHASE_WAITS or PHASE_OPEN; phase_count when all are over. */
int srv_phases_at(const struct srv_study *study, int64_t enrolled_ms, const struct srv_phase_record *records,
                  int64_t now_ms, struct srv_phase_at *phases);

/* "later", "waits", "open", "done", "missed", by value. */
extern const char *const srv_phase_states[5];

#endif
