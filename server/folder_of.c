#include "server/folder_of.h"

#include <stdio.h>
#include <string.h>

void srv_folder_of(const char *file, char *folder, size_t room)
{
    snprintf(folder, room, "%s", file);
    char *slash = strrchr(folder, '/');
    if (slash)
        slash[slash == folder] = '\0';
    else
        snprintf(folder, room, ".");
}
