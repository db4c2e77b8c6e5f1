#include "server/studies/phases.h"

#include <math.h>

const char *const srv_phase_states[] = {"later", "waits", "open", "done", "missed"};

static int64_t after(int64_t from_ms, double days)
{
    return isfinite(days) ? from_ms + llround(days * 86400000.0) : INT64_MAX;
}

int srv_phases_at(const struct srv_study *study, int64_t enrolled_ms, const struct srv_phase_record *records,
                  int64_t now_ms, struct srv_phase_at *phases)
{
    int64_t from_ms = enrolled_ms;
    int at = 0;
    for (; at < study->phase_count; at++) {
        const struct srv_study_phase *phase = &study->phases[at];
        struct srv_phase_at *p = &phases[at];
        *p = (struct srv_phase_at){.opens_ms = after(from_ms, phase->opens_after_days),
                                   .closes_ms = after(from_ms, phase->closes_after_days)};
        if (records[at].closes_ms && records[at].closes_ms < p->closes_ms)
            p->closes_ms = records[at].closes_ms;
        if (records[at].finished_ms)
            p->state = PHASE_DONE;
        else if (now_ms >= p->closes_ms)
            p->state = PHASE_MISSED;
        else
            p->state = now_ms >= p->opens_ms ? PHASE_OPEN : PHASE_WAITS;
        if (p->state != PHASE_DONE && p->state != PHASE_MISSED) break;
        from_ms = p->state == PHASE_DONE ? records[at].finished_ms : p->closes_ms;
    }
    for (int later = at + 1; later < study->phase_count; later++) phases[later] = (struct srv_phase_at){0};
    return at;
}
