#include "server/write_all.h"

#include <errno.h>
#include <unistd.h>

int srv_write_all(int file, const void *bytes, size_t size_bytes)
{
    for (size_t done = 0; done < size_bytes;) {
        ssize_t n = write(file, (const char *)bytes + done, size_bytes - done);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno;
        done += (size_t)n;
    }
    return 0;
}
