/* A zip archive (PKWARE's APPNOTE 6.3) written front to back, an entry at a time, deflated. Memory does not
 * grow with the archive. More than 65,535 entries or 4 GiB take the form zip64; one entry may not be that
 * large. Entries carry no date (1980-01-01 stands there), so equal contents make equal archives. */
#ifndef SRV_ZIP_WRITER_H
#define SRV_ZIP_WRITER_H

#include <stdbool.h>
#include <stdio.h>

struct srv_zip;

/* Writes to `out`, which the caller keeps, from where it stands. NULL: no memory, or no room for a file of
 * its own beside `out`: the list of entries waits there, in `folder`. */
struct srv_zip *srv_zip_open(FILE *out, const char *folder);

/* Begins an entry; `name` is UTF-8, of at most 255 bytes. What is written to the result is in it; closing the
 * result ends it. One at a time. NULL when that cannot be; srv_zip_close will fail then. */
FILE *srv_zip_entry(struct srv_zip *zip, const char *name);

/* Writes the list of entries; frees `zip`. False when anything failed. NULL is false. */
bool srv_zip_close(struct srv_zip *zip);

#endif
