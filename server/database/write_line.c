#include "server/database/write_line.h"

#include <stddef.h>

#include "server/clock.h"

/* Each sleeper has a semaphore of its own, posted outside the mutex: a wake-up is for exactly one thread, and
 * that thread does not run into the mutex of its waker. A semaphore may be destroyed as soon as sem_wait has
 * returned, which lets it lie in the sleeper's stack frame. */

void write_line_init(struct write_line *line)
{
    *line = (struct write_line){0};
    pthread_mutex_init(&line->mutex, NULL);
}

void write_line_destroy(struct write_line *line)
{
    pthread_mutex_destroy(&line->mutex);
}

static void sleep_until_called(struct write_turn *turn)
{
    while (sem_wait(&turn->called)) continue; /* EINTR */
}

static struct write_turn *take_first(struct write_line *line)
{
    struct write_turn *turn = line->first;
    if (turn) line->first = turn->next;
    if (!line->first) line->last = NULL;
    return turn;
}

int write_line_enter(struct write_line *line, struct write_turn *turn)
{
    *turn = (struct write_turn){0};
    sem_init(&turn->called, 0, 0);
    pthread_mutex_lock(&line->mutex);
    bool wait = line->taken;
    if (wait) {
        if (line->last)
            line->last->next = turn;
        else
            line->first = turn;
        line->last = turn;
    }
    line->taken = true;
    pthread_mutex_unlock(&line->mutex);
    if (wait) sleep_until_called(turn);
    if (line->member_count == 0) line->begun_us = srv_clock_monotonic_us();
    return line->member_count;
}

bool write_line_leave(struct write_line *line, struct write_turn *turn)
{
    if (line->member_count + 1 >= WRITE_GROUP_MAX ||
        srv_clock_monotonic_us() - line->begun_us >= WRITE_GROUP_US)
        return true;
    pthread_mutex_lock(&line->mutex);
    struct write_turn *next = take_first(line);
    pthread_mutex_unlock(&line->mutex);
    if (!next) return true;
    turn->next = line->members;
    line->members = turn;
    line->member_count++;
    sem_post(&next->called); /* from here on the line's members are the next one's */
    sleep_until_called(turn);
    sem_destroy(&turn->called);
    return false;
}

int write_line_tell(struct write_line *line, struct write_turn *turn, bool kept)
{
    int count = line->member_count + 1;
    struct write_turn *member = line->members;
    line->members = NULL;
    line->member_count = 0;
    while (member) {
        struct write_turn *next = member->next; /* the member is gone once it is called */
        member->kept = kept;
        sem_post(&member->called);
        member = next;
    }
    turn->kept = kept;
    sem_destroy(&turn->called);
    return count;
}

void write_line_pass(struct write_line *line)
{
    pthread_mutex_lock(&line->mutex);
    struct write_turn *next = take_first(line);
    line->taken = next != NULL;
    pthread_mutex_unlock(&line->mutex);
    if (next) sem_post(&next->called);
}
