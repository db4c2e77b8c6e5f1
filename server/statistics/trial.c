#include "server/statistics/trial.h"

#include <stddef.h>

const char *srv_stat_gap_name(enum srv_stat_gap gap)
{
    switch (gap) {
    case SRV_STAT_WHOLE:
        return NULL;
    case SRV_STAT_NO_SPREAD:
        return "no_spread";
    case SRV_STAT_ONE_OF_A_KIND:
        return "one_of_a_kind";
    case SRV_STAT_TOO_FEW:
        return "too_few";
    case SRV_STAT_ONE_KIND:
        return "one_kind";
    case SRV_STAT_FLAT:
        return "flat";
    case SRV_STAT_NOT_FINITE:
        return "not_finite";
    case SRV_STAT_NO_MEMORY:
        return "no_memory";
    }
    return "unknown";
}
