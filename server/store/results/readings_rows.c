#include "server/store/results/readings_rows.h"

void srv_readings_take(struct db_rows *rows, struct srv_readings *readings)
{
    while (!readings->failed && db_next(rows))
        srv_readings_add(readings, &(struct srv_reading){
                                       .reader = db_text(rows, 0),
                                       .class_name = db_text(rows, 1),
                                       .source = db_text(rows, 2),
                                       .truth = db_text(rows, 3),
                                       .correct = db_int(rows, 4),
                                       .rating = (int)db_int(rows, 5),
                                       .response_ms = db_real(rows, 6),
                                   });
    db_finish(rows);
}
