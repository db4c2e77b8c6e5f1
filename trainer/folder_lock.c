#include "trainer/folder_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

nn_status tr_folder_lock(const char *folder, const char *busy, int *lock, struct nn_error *err)
{
    *lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*lock < 0) return nn_fail(err, NN_ERR_IO, "%s: %s", folder, strerror(errno));
    if (flock(*lock, LOCK_EX | LOCK_NB) == 0) return NN_OK;
    int why = errno;
    close(*lock);
    *lock = -1;
    if (why == EWOULDBLOCK) return nn_fail(err, NN_ERR_ARGUMENT, "%s: another %s", folder, busy);
    return nn_fail(err, NN_ERR_IO, "%s: cannot be locked: %s", folder, strerror(why));
}
