/* Tells text from other bytes in what comes from outside. */
#ifndef TR_UTF8_H
#define TR_UTF8_H

#include <stdbool.h>

/* Bytes of the character at `at`, which ends in a zero byte; 0 where there is none (RFC 3629: no overlong
 * forms, no surrogates) or a control character: U+0000 to U+001F, U+007F to U+009F. */
int tr_utf8_length(const char *at);

/* Whether the text consists of such characters; the empty one does. */
bool tr_utf8_is_plain(const char *text);

#endif
