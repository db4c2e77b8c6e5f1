/* The daemon's log: one line per event on standard error. Lines carry no network address, no secret and
 * no image name. Any thread may log. */
#ifndef SRV_LOG_H
#define SRV_LOG_H

/* "2026-01-05T10:00:00.000Z text". Control characters in the text become '?', so that nothing a client
 * sent can forge a line. */
void srv_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
