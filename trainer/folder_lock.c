#include "trainer/folder_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "trainer/interrupt.h"

/* NN_OK too when another process has it: then *busy, and nothing is locked. */
static nn_status try_lock(const char *folder, int *lock, bool *busy, struct nn_error *err)
{
    *lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *busy = false;
    if (*lock < 0) return nn_fail(err, NN_ERR_IO, "%s: %s", folder, strerror(errno));
    if (flock(*lock, LOCK_EX | LOCK_NB) == 0) return NN_OK;
    int why = errno;
    close(*lock);
    *lock = -1;
    *busy = why == EWOULDBLOCK;
    return *busy ? NN_OK : nn_fail(err, NN_ERR_IO, "%s: cannot be locked: %s", folder, strerror(why));
}

nn_status tr_folder_lock(const char *folder, const char *what, int *lock, struct nn_error *err)
{
    bool busy;
    nn_status status = try_lock(folder, lock, &busy, err);
    return busy ? nn_fail(err, NN_ERR_ARGUMENT, "%s: another %s", folder, what) : status;
}

nn_status tr_folder_wait(const char *folder, int *lock, struct nn_error *err)
{
    bool busy;
    for (;;) {
        nn_status status = try_lock(folder, lock, &busy, err);
        if (!busy) return status;
        /* Asked again and again: a signal just before a call that blocks would be lost until the lock is
         * free. */
        if (tr_interrupted()) return nn_fail(err, NN_STOPPED, "stopped");
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    }
}
