/* Cookies: reading one out of a request's header, and writing ours. Pure. */
#ifndef SRV_COOKIE_H
#define SRV_COOKIE_H

#include <stdbool.h>
#include <stddef.h>

enum {
    COOKIE_HEADER_MAX = 8192, /* bytes; a longer header has no cookie for us */
    COOKIE_SET_TEXT = 256,
};

/* The name of ours. Over https it starts as browsers require of a cookie that no other host of the domain can
 * set (RFC 6265bis section 4.1.3.2): else a page of a neighbour could have its visitors log in here as
 * somebody else, or keep them from logging in. */
#define COOKIE_SESSION(secure) ((secure) ? "__Host-roentgym_session" : "roentgym_session")

/* Copies the value of cookie `name` from the text of a Cookie header (RFC 6265 section 4.2.1) into `value`.
 * False, with `value` "", when the header is NULL or longer than COOKIE_HEADER_MAX, when the name is not in
 * it, or comes twice: two values can only come from somebody who may set cookies for our host beside us, and
 * which of them is ours cannot be told. False too for a value that is empty, does not fit or has a character
 * that a value must not have. Names are compared byte by byte. */
bool srv_cookie_find(const char *header, const char *name, char *value, size_t value_size);

/* The Set-Cookie header that keeps `secret` for max_age_s seconds; 0 and "" take it back. Not for scripts,
 * not for requests that come from other sites, and for https only where `secure`. */
void srv_cookie_write(char text[COOKIE_SET_TEXT], const char *secret, int max_age_s, bool secure);

#endif
