/* Answers gathered for statistics: by reader and by what was shown. Used by one thread. */
#ifndef SRV_STATISTICS_READINGS_H
#define SRV_STATISTICS_READINGS_H

#include <stdbool.h>

#include "engine/engine.h"
#include "server/statistics/readers.h"

enum {
    READINGS_KINDS_MAX = 128, /* further kinds count in the whole alone */
    READINGS_MAX = 2000000,   /* answers */
    READER_ID_TEXT = 40,      /* 32 hex digits, or a letter and a number, and the NUL */
};

/* One answer, as a query gives it; texts are borrowed for the time of the call. */
struct srv_reading {
    const char *reader; /* readers come one after the other, each one's answers in the order of answering */
    const char *class_name, *source, *truth;
    bool correct;
    int rating; /* 1 .. 6; from 4 on it is a "yes" */
    double response_ms;
};

struct srv_readings_kind {
    char class_name[NN_CLASS_NAME_MAX], source[8], truth[NN_CLASS_NAME_MAX];
};

struct srv_readings_reader {
    char id[READER_ID_TEXT];
    int first, count; /* of its trials */
};

/* Zeroed at first. */
struct srv_readings {
    struct srv_stat_trial *trials;
    signed char *kind_of; /* of each trial; -1: none of the kinds */
    int count, room;
    struct srv_readings_reader *readers;
    int reader_count, reader_room;
    struct srv_readings_kind kinds[READINGS_KINDS_MAX];
    int kind_count;
    bool failed; /* no memory, or more than READINGS_MAX: what is there is not whole */
};

void srv_readings_add(struct srv_readings *readings, const struct srv_reading *one);
void srv_readings_release(struct srv_readings *readings); /* a zeroed one is harmless */

/* The readers with all their trials; the array is new (heap), its trials are borrowed. NULL without memory.
 */
struct srv_stat_reader *srv_readings_all(const struct srv_readings *readings);

/* The readers who saw anything of one kind, with these trials alone, which lie in `trials` (as many as
 * readings->count); `readers` has room for readings->reader_count. Returns how many they are. */
int srv_readings_of_kind(const struct srv_readings *readings, int kind, struct srv_stat_trial *trials,
                         struct srv_stat_reader *readers);

#endif
