/* The line before the one write connection, and one COMMIT for many: who may write now, and who commits for
 * whom. Knows threads only, nothing of SQL.
 *
 * A writer enters, waits until it is called, does its part inside the transaction that its group shares, and
 * leaves. While others wait, leaving hands the connection on and sleeps until somebody has closed the group;
 * the last in line closes it: commits, tells all members how it went, and passes the connection on.
 *
 *     int before = write_line_enter(line, &turn);       (0: the first of its group begins the transaction)
 *     ... statements ...
 *     if (write_line_leave(line, &turn)) {              (true: close the group)
 *         write_line_tell(line, &turn, commit());
 *         write_line_pass(line);
 *     }
 *     return turn.kept;
 */
#ifndef SRV_WRITE_LINE_H
#define SRV_WRITE_LINE_H

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>

/* A group is closed at this many members, or by the first to leave this long after its begin: however long
 * the line, an early member's wait stays short. */
enum { WRITE_GROUP_MAX = 64, WRITE_GROUP_US = 10000 };

/* One writer's place, in its own stack frame. */
struct write_turn {
    sem_t called;
    struct write_turn *next;
    bool kept; /* after the group is closed: what it did is on disk */
};

struct write_line {
    pthread_mutex_t mutex;
    bool taken; /* somebody has the connection, or has been called to it */
    struct write_turn *first, *last;
    /* These belong to who has the connection. */
    struct write_turn *members; /* have left, and sleep until the group is closed */
    int member_count;
    int64_t begun_us;
};

void write_line_init(struct write_line *line);
void write_line_destroy(struct write_line *line); /* nobody may be in it */

/* Waits until the connection is the caller's. Returns how many members the open group has. */
int write_line_enter(struct write_line *line, struct write_turn *turn);

/* True: the connection is still the caller's, who must close the group. False: another has closed it. */
bool write_line_leave(struct write_line *line, struct write_turn *turn);

/* Closes the group: wakes its members with `kept`. Returns how many it had, the caller included. */
int write_line_tell(struct write_line *line, struct write_turn *turn, bool kept);

/* Gives the connection to the next in line, or frees it. No group may be open. */
void write_line_pass(struct write_line *line);

#endif
