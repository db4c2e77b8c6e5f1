/* Rows of answers, into what statistics are made from. Of the module store alone. */
#ifndef SRV_READINGS_ROWS_H
#define SRV_READINGS_ROWS_H

#include "server/database/db.h"
#include "server/statistics/readings.h"

/* Of the tables answers a and items i, after the reader. */
#define READINGS_CELLS "i.class, i.source, i.truth, a.correct, a.rating, a.response_ms"

/* Takes the rows: readers one after the other, each one's in the order of answering. */
void srv_readings_take(struct db_rows *rows, struct srv_readings *readings);

#endif
