#include "server/export/spool.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { PIECE = 65536 };
#define ROOM_BYTES (UINT64_C(256) << 20) /* is left to the data base */

FILE *srv_spool_open(const char *folder)
{
    char *path = NULL;
    if (asprintf(&path, "%s/.export-XXXXXX", folder) < 0) return NULL;
    int file = mkostemp(path, O_CLOEXEC);
    if (file >= 0) unlink(path);
    free(path);
    FILE *spool = file >= 0 ? fdopen(file, "w+") : NULL;
    if (!spool && file >= 0) close(file);
    return spool;
}

bool srv_spool_has_room(FILE *spool)
{
    struct statvfs disk;
    if (fstatvfs(fileno(spool), &disk)) return true;
    return (uint64_t)disk.f_bavail * disk.f_frsize >= ROOM_BYTES;
}

static char *next_piece(void *context, size_t *size_bytes, bool *failed)
{
    FILE *spool = context;
    char *piece = malloc(PIECE);
    *size_bytes = piece ? fread(piece, 1, PIECE, spool) : 0;
    *failed = !piece || ferror(spool);
    if (*size_bytes > 0 && !*failed) return piece;
    free(piece);
    return NULL;
}

static void close_spool(void *context)
{
    fclose(context);
}

void srv_spool_send(FILE *spool, struct srv_response *response)
{
    if (fflush(spool) || fseeko(spool, 0, SEEK_SET)) {
        fclose(spool);
        srv_respond_error(response, 503, "storage_unavailable", "The file could not be written.");
        return;
    }
    response->status = 200;
    response->stream = (struct srv_stream){next_piece, close_spool, spool};
}
