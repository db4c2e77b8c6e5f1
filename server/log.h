/* The daemon's log: one line per event on standard error, key=value (logfmt), readable by people and by the
 * programs that collect logs. Lines carry no network address, no path or query, no id of a session, no name
 * of an image, no secret. Any thread may log.
 *
 *     time=2026-01-05T10:00:00.000Z level=info msg="model default: loaded"
 *     time=2026-01-05T10:00:01.000Z level=info id=0123456789abcdef method=GET route=/healthz status=200 ...
 *
 * A flood does not fill the disk: of each kind of line at most LOG_LINES_PER_S are written in a second; how
 * many were left out comes with the next line. */
#ifndef SRV_LOG_H
#define SRV_LOG_H

#include <stddef.h>
#include <stdint.h>

enum { LOG_LINES_PER_S = 50 };

/* One answered request. The texts are ours, but for `method`, which is told only when it is a known one. */
struct srv_log_request {
    const char *id, *method;
    const char *route; /* a route's pattern, or "static" */
    int status;
    const char *error; /* the code in the error's body, or NULL */
    int64_t duration_us;
    int64_t bytes; /* of the body; -1 where it is made while it is sent */
};

/* level=info; level=error. What the text holds is quoted. */
void srv_log(const char *format, ...) __attribute__((format(printf, 1, 2)));
void srv_log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* What this thread logs from now on is about the request with this id, which the lines carry; NULL: about
 * none. Borrowed until the next call. */
void srv_log_about(const char *id);

/* level=info; warn when it took a second or more, or was refused for lack of room (429, 503); error when we
 * failed (other 5xx). Refusals, slow ones, failures and all others are four kinds. */
void srv_log_request(const struct srv_log_request *request);

/* Lines left out since the start. */
uint64_t srv_log_suppressed(void);

#endif
