#include "server/machine_memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The path of the process's control group, "/" inside most containers. cgroups(7): the line of the unified
 * hierarchy is "0::PATH". */
static void find_group(char *path, size_t size)
{
    char line[512];
    FILE *file = fopen("/proc/self/cgroup", "re");
    snprintf(path, size, "/");
    while (file && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        if (!strncmp(line, "0::/", 4)) snprintf(path, size, "%s", line + 3);
    }
    if (file) fclose(file);
}

/* `bytes`, or the limit of that group when it is smaller. A file that cannot be read or says "max" has none.
 */
static size_t limited(size_t bytes, const char *group)
{
    char path[640];
    unsigned long long limit;
    snprintf(path, sizeof path, "/sys/fs/cgroup%s/memory.max", group);
    FILE *file = fopen(path, "re");
    if (file && fscanf(file, "%llu", &limit) == 1 && limit < bytes) bytes = (size_t)limit;
    if (file) fclose(file);
    return bytes;
}

size_t srv_machine_memory_bytes(void)
{
    char group[512];
    size_t bytes = (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE);
    find_group(group, sizeof group);
    /* Each group above counts too; of the top one is left "". */
    for (char *end = group + strlen(group); end; end = strrchr(group, '/')) {
        *end = '\0';
        bytes = limited(bytes, group);
    }
    return bytes;
}
