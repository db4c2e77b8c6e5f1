/* A row of the source's labels.csv, and all that becomes known of it. */
#ifndef TR_INGEST_ITEM_H
#define TR_INGEST_ITEM_H

#include "trainer/ingest/ingest_one.h"
#include "trainer/ingest/pseudonym.h"

enum { TR_INGEST_KEEP_MAX = 16 };

enum tr_ingest_verdict {
    TR_INGEST_TAKEN,
    TR_INGEST_COPY,    /* the same pixels are there under the same label: left out, no fault */
    TR_INGEST_LEFT,    /* the user left it out */
    TR_INGEST_REFUSED, /* a fault, told in `reason` */
};

struct tr_ingest_item {
    /* From labels.csv; owned by the table. "" where there is no such column. */
    const char *file, *label, *patient, *side, *split;
    const char *keep[TR_INGEST_KEEP_MAX];
    int line;
    struct tr_ingest_change change;

    char name[TR_PSEUDONYM_SIZE];         /* of the image: images/NAME.png */
    char patient_name[TR_PSEUDONYM_SIZE]; /* "" while it is not known */
    bool done;                            /* the file was read; `facts` are of it unless it is refused */
    struct tr_ingest_facts facts;         /* with the patient's pseudonym in place of the id */
    int64_t source_bytes, source_time_ns;

    enum tr_ingest_verdict verdict;
    char *reason, *note; /* of the verdict; what to look at, "; " between; heap, NULL: nothing to say */
    bool test;
};

/* Gives it a verdict other than TAKEN, unless it has one already. */
void tr_ingest_judge(struct tr_ingest_item *item, enum tr_ingest_verdict verdict, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void tr_ingest_note(struct tr_ingest_item *item, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
