/* Ctrl-C, kill and a closed terminal (SIGINT, SIGTERM, SIGHUP) as a question that long work asks between two
 * steps, and the clock for its speed. */
#ifndef TR_INTERRUPT_H
#define TR_INTERRUPT_H

#include <stdbool.h>

/* From now on the signals do not end the process; tr_interrupted() says whether one has come. Under nohup a
 * closed terminal still does nothing. */
void tr_interrupt_catch(void);
bool tr_interrupted(void);

double tr_now_s(void); /* monotonic: for differences only */

#endif
