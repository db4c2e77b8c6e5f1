#include "trainer/ingest/ingest_item.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void tr_ingest_judge(struct tr_ingest_item *item, enum tr_ingest_verdict verdict, const char *format, ...)
{
    va_list values;
    if (item->verdict != TR_INGEST_TAKEN) return;
    item->verdict = verdict;
    va_start(values, format);
    if (vasprintf(&item->reason, format, values) < 0) item->reason = NULL; /* the verdict stands */
    va_end(values);
}

void tr_ingest_note(struct tr_ingest_item *item, const char *format, ...)
{
    char *text, *both;
    va_list values;
    va_start(values, format);
    int length = vasprintf(&text, format, values);
    va_end(values);
    if (length < 0) return;
    if (item->note && asprintf(&both, "%s; %s", item->note, text) >= 0) {
        free(item->note);
        free(text);
        item->note = both;
    } else if (!item->note) {
        item->note = text;
    } else {
        free(text);
    }
}
