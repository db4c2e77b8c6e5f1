/* Text and bytes inside an HTML page. */
#ifndef TR_HTML_TEXT_H
#define TR_HTML_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* `text` so that it is neither markup nor the end of an attribute. Bytes that are no UTF-8 and control
 * characters become U+FFFD: a page must not break on a file's name. */
void tr_html_put(FILE *page, const char *text);

/* RFC 4648. */
void tr_base64_put(FILE *page, const uint8_t *bytes, size_t size);

#endif
