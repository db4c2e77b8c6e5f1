#include "server/statistics/readings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room for one more of `size` bytes; false when there is none. */
static bool grow(void **block, int count, int *room, size_t size)
{
    if (count < *room) return true;
    int wanted = *room ? 2 * *room : 64;
    void *larger = realloc(*block, (size_t)wanted * size);
    if (!larger) return false;
    *block = larger;
    *room = wanted;
    return true;
}

static bool grow_trials(struct srv_readings *r)
{
    int room = r->room;
    return r->count < READINGS_MAX && grow((void **)&r->trials, r->count, &room, sizeof *r->trials) &&
           grow((void **)&r->kind_of, r->count, &r->room, sizeof *r->kind_of);
}

static signed char find_kind(struct srv_readings *r, const struct srv_reading *one)
{
    for (int i = 0; i < r->kind_count; i++) {
        const struct srv_readings_kind *kind = &r->kinds[i];
        if (!strcmp(kind->class_name, one->class_name) && !strcmp(kind->source, one->source) &&
            !strcmp(kind->truth, one->truth))
            return (signed char)i;
    }
    if (r->kind_count == READINGS_KINDS_MAX) return -1;
    struct srv_readings_kind *added = &r->kinds[r->kind_count];
    snprintf(added->class_name, sizeof added->class_name, "%s", one->class_name);
    snprintf(added->source, sizeof added->source, "%s", one->source);
    snprintf(added->truth, sizeof added->truth, "%s", one->truth);
    return (signed char)r->kind_count++;
}

static struct srv_readings_reader *find_reader(struct srv_readings *r, const char *id)
{
    struct srv_readings_reader *last = r->reader_count ? &r->readers[r->reader_count - 1] : NULL;
    if (last && !strcmp(last->id, id)) return last;
    if (!grow((void **)&r->readers, r->reader_count, &r->reader_room, sizeof *r->readers)) return NULL;
    last = &r->readers[r->reader_count++];
    *last = (struct srv_readings_reader){.first = r->count};
    snprintf(last->id, sizeof last->id, "%s", id);
    return last;
}

void srv_readings_add(struct srv_readings *r, const struct srv_reading *one)
{
    if (r->failed) return;
    struct srv_readings_reader *reader = grow_trials(r) ? find_reader(r, one->reader) : NULL;
    r->failed = !reader;
    if (r->failed) return;
    reader->count++;
    r->kind_of[r->count] = find_kind(r, one);
    r->trials[r->count++] = (struct srv_stat_trial){.signal = (one->rating >= SRV_STAT_YES) == one->correct,
                                                    .rating = one->rating,
                                                    .response_ms = one->response_ms};
}

void srv_readings_release(struct srv_readings *r)
{
    free(r->trials);
    free(r->kind_of);
    free(r->readers);
    *r = (struct srv_readings){0};
}

struct srv_stat_reader *srv_readings_all(const struct srv_readings *r)
{
    struct srv_stat_reader *all = malloc(((size_t)r->reader_count + 1) * sizeof *all);
    for (int i = 0; all && i < r->reader_count; i++)
        all[i] = (struct srv_stat_reader){r->trials + r->readers[i].first, r->readers[i].count};
    return all;
}

int srv_readings_of_kind(const struct srv_readings *r, int kind, struct srv_stat_trial *trials,
                         struct srv_stat_reader *readers)
{
    int used = 0, at = 0;
    for (int i = 0; i < r->reader_count; i++) {
        const struct srv_readings_reader *reader = &r->readers[i];
        int first = at;
        for (int n = reader->first; n < reader->first + reader->count; n++)
            if (r->kind_of[n] == kind) trials[at++] = r->trials[n];
        if (at > first) readers[used++] = (struct srv_stat_reader){trials + first, at - first};
    }
    return used;
}
