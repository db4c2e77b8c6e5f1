#include "server/export/zip_writer.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "server/export/spool.h"

enum {
    LOCAL_HEADER = 0x04034b50,
    DESCRIPTOR = 0x08074b50,
    DIRECTORY_HEADER = 0x02014b50,
    DIRECTORY_END = 0x06054b50,
    ZIP64_END = 0x06064b50,
    ZIP64_LOCATOR = 0x07064b50,
    FLAGS = 1 << 3 | 1 << 11, /* sizes follow the content; names are UTF-8 */
    DEFLATED = 8,
    DATE = 1 << 5 | 1, /* 1980-01-01 */
    VERSION = 45,      /* of APPNOTE, the first with zip64 */
    MADE_ON_UNIX = 3 << 8 | VERSION,
    PIECE = 32768,
    NAME_MAX_BYTES = 255,
    COUNT_LIMIT = 0xffff, /* from here on zip64 */
};
#define SIZE_LIMIT UINT64_C(0xffffffff) /* likewise */
#define FILE_MODE ((uint32_t)0100644 << 16)

struct srv_zip {
    FILE *out, *directory;
    uint64_t at, entries;
    bool failed, in_entry;
    z_stream deflate;
    struct { /* of the entry that is open */
        char name[NAME_MAX_BYTES + 1];
        uint64_t offset, plain_bytes, packed_bytes;
        uint32_t crc;
    } entry;
    unsigned char piece[PIECE];
};

/* ---- numbers, little-endian ---- */

static void put(struct srv_zip *zip, FILE *file, const void *bytes, size_t size)
{
    if (fwrite(bytes, 1, size, file) != size) zip->failed = true;
    if (file == zip->out) zip->at += size;
}

static void put_number(struct srv_zip *zip, FILE *file, uint64_t value, int size)
{
    unsigned char bytes[8];
    for (int i = 0; i < size; i++) bytes[i] = (unsigned char)(value >> 8 * i);
    put(zip, file, bytes, (size_t)size);
}

static void put16(struct srv_zip *zip, FILE *file, unsigned value)
{
    put_number(zip, file, value, 2);
}

static void put32(struct srv_zip *zip, FILE *file, uint64_t value)
{
    put_number(zip, file, value, 4);
}

static uint64_t at_most(uint64_t value, uint64_t limit)
{
    return value < limit ? value : limit;
}

/* ---- an entry ---- */

static void put_local_header(struct srv_zip *zip)
{
    size_t length = strlen(zip->entry.name);
    put32(zip, zip->out, LOCAL_HEADER);
    put16(zip, zip->out, VERSION);
    put16(zip, zip->out, FLAGS);
    put16(zip, zip->out, DEFLATED);
    put16(zip, zip->out, 0);
    put16(zip, zip->out, DATE);
    for (int i = 0; i < 3; i++) put32(zip, zip->out, 0); /* CRC and sizes: in the descriptor */
    put16(zip, zip->out, (unsigned)length);
    put16(zip, zip->out, 0);
    put(zip, zip->out, zip->entry.name, length);
}

static void put_directory_header(struct srv_zip *zip)
{
    FILE *to = zip->directory;
    size_t length = strlen(zip->entry.name);
    bool far = zip->entry.offset >= SIZE_LIMIT;
    put32(zip, to, DIRECTORY_HEADER);
    put16(zip, to, MADE_ON_UNIX);
    put16(zip, to, VERSION);
    put16(zip, to, FLAGS);
    put16(zip, to, DEFLATED);
    put16(zip, to, 0);
    put16(zip, to, DATE);
    put32(zip, to, zip->entry.crc);
    put32(zip, to, zip->entry.packed_bytes);
    put32(zip, to, zip->entry.plain_bytes);
    put16(zip, to, (unsigned)length);
    put16(zip, to, far ? 12 : 0);
    for (int i = 0; i < 3; i++) put16(zip, to, 0); /* comment, disk, text or not */
    put32(zip, to, FILE_MODE);
    put32(zip, to, at_most(zip->entry.offset, SIZE_LIMIT));
    put(zip, to, zip->entry.name, length);
    if (!far) return;
    put16(zip, to, 1); /* the extra field of zip64, with what did not fit above */
    put16(zip, to, 8);
    put_number(zip, to, zip->entry.offset, 8);
}

static void pack(struct srv_zip *zip, const char *bytes, size_t size, int flush)
{
    z_stream *z = &zip->deflate;
    z->next_in = (unsigned char *)(uintptr_t)bytes; /* zlib only reads it */
    z->avail_in = (unsigned)size;
    do {
        z->next_out = zip->piece;
        z->avail_out = PIECE;
        deflate(z, flush);
        size_t packed = PIECE - z->avail_out;
        put(zip, zip->out, zip->piece, packed);
        zip->entry.packed_bytes += packed;
    } while (z->avail_out == 0);
}

static ssize_t write_entry(void *cookie, const char *bytes, size_t size)
{
    struct srv_zip *zip = cookie;
    if (size > PIECE) size = PIECE;
    zip->entry.crc = (uint32_t)crc32(zip->entry.crc, (const unsigned char *)bytes, (unsigned)size);
    zip->entry.plain_bytes += size;
    pack(zip, bytes, size, Z_NO_FLUSH);
    if (zip->entry.plain_bytes >= SIZE_LIMIT || zip->entry.packed_bytes >= SIZE_LIMIT) zip->failed = true;
    return zip->failed ? 0 : (ssize_t)size;
}

static int end_entry(void *cookie)
{
    struct srv_zip *zip = cookie;
    pack(zip, NULL, 0, Z_FINISH);
    put32(zip, zip->out, DESCRIPTOR);
    put32(zip, zip->out, zip->entry.crc);
    put32(zip, zip->out, zip->entry.packed_bytes);
    put32(zip, zip->out, zip->entry.plain_bytes);
    put_directory_header(zip);
    zip->entries++;
    zip->in_entry = false;
    return zip->failed ? -1 : 0;
}

FILE *srv_zip_entry(struct srv_zip *zip, const char *name)
{
    static const cookie_io_functions_t functions = {.write = write_entry, .close = end_entry};
    size_t length = strlen(name);
    FILE *file = NULL;
    if (!zip->in_entry && length <= NAME_MAX_BYTES && deflateReset(&zip->deflate) == Z_OK)
        file = fopencookie(zip, "w", functions);
    if (!file) {
        zip->failed = true;
        return NULL;
    }
    setvbuf(file, NULL, _IOFBF, PIECE);
    memset(&zip->entry, 0, sizeof zip->entry);
    memcpy(zip->entry.name, name, length);
    zip->entry.offset = zip->at;
    zip->in_entry = true;
    put_local_header(zip);
    return file;
}

/* ---- the archive ---- */

struct srv_zip *srv_zip_open(FILE *out, const char *folder)
{
    struct srv_zip *zip = calloc(1, sizeof *zip);
    off_t at = ftello(out);
    if (!zip || at < 0) {
        free(zip);
        return NULL;
    }
    zip->out = out;
    zip->at = (uint64_t)at;
    zip->directory = srv_spool_open(folder);
    /* -15: deflate alone, as zip has it, without zlib's own frame */
    if (zip->directory &&
        deflateInit2(&zip->deflate, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) == Z_OK)
        return zip;
    if (zip->directory) fclose(zip->directory);
    free(zip);
    return NULL;
}

static void copy_directory(struct srv_zip *zip)
{
    size_t got;
    if (fflush(zip->directory) || fseeko(zip->directory, 0, SEEK_SET)) zip->failed = true;
    while ((got = fread(zip->piece, 1, PIECE, zip->directory)) > 0) put(zip, zip->out, zip->piece, got);
    if (ferror(zip->directory)) zip->failed = true;
}

static void put_zip64_end(struct srv_zip *zip, uint64_t directory_at, uint64_t directory_bytes)
{
    FILE *to = zip->out;
    uint64_t end_at = zip->at;
    put32(zip, to, ZIP64_END);
    put_number(zip, to, 44, 8); /* bytes of what follows of this record */
    put16(zip, to, MADE_ON_UNIX);
    put16(zip, to, VERSION);
    put_number(zip, to, 0, 8); /* disks */
    put_number(zip, to, zip->entries, 8);
    put_number(zip, to, zip->entries, 8);
    put_number(zip, to, directory_bytes, 8);
    put_number(zip, to, directory_at, 8);
    put32(zip, to, ZIP64_LOCATOR);
    put32(zip, to, 0);
    put_number(zip, to, end_at, 8);
    put32(zip, to, 1);
}

static void put_end(struct srv_zip *zip)
{
    FILE *to = zip->out;
    uint64_t directory_at = zip->at;
    copy_directory(zip);
    uint64_t directory_bytes = zip->at - directory_at;
    if (zip->entries >= COUNT_LIMIT || directory_at >= SIZE_LIMIT || directory_bytes >= SIZE_LIMIT)
        put_zip64_end(zip, directory_at, directory_bytes);
    put32(zip, to, DIRECTORY_END);
    put32(zip, to, 0); /* disks */
    put16(zip, to, (unsigned)at_most(zip->entries, COUNT_LIMIT));
    put16(zip, to, (unsigned)at_most(zip->entries, COUNT_LIMIT));
    put32(zip, to, at_most(directory_bytes, SIZE_LIMIT));
    put32(zip, to, at_most(directory_at, SIZE_LIMIT));
    put16(zip, to, 0);
}

bool srv_zip_close(struct srv_zip *zip)
{
    if (!zip) return false;
    if (zip->in_entry) zip->failed = true;
    if (!zip->failed) put_end(zip);
    if (fflush(zip->out)) zip->failed = true;
    bool good = !zip->failed;
    fclose(zip->directory);
    deflateEnd(&zip->deflate);
    free(zip);
    return good;
}
