/* Ctrl-C, kill and a terminal that is closed (SIGINT, SIGTERM, SIGHUP) as a question that long work asks
 * between two steps, and the clock by which it tells its speed. */
#ifndef TR_INTERRUPT_H
#define TR_INTERRUPT_H

#include <stdbool.h>

/* From now on the signals no longer end the process; tr_interrupted() says that one has come. What nohup
 * started goes on when the terminal is closed. */
void tr_interrupt_catch(void);
bool tr_interrupted(void);

double tr_now_s(void); /* monotonic: for differences only */

#endif
