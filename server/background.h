/* Threads that make images give way to those that answer: where there are as many busy engine threads as
 * cores, an answer would else wait its turn among them. 200 learners on two cores of which others took 60 %:
 * answer p99 250 ms and 1.2 s without, 35 and 95 ms with it; images came no later, since who asks for them is
 * served first. */
#ifndef SRV_BACKGROUND_H
#define SRV_BACKGROUND_H

/* Called by the thread itself, before it starts others, which inherit the priority. `name` is what the system
 * shows, 15 bytes at most. */
void srv_background(const char *name);

#endif
