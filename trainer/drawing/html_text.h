/* Text inside an HTML page. */
#ifndef TR_HTML_TEXT_H
#define TR_HTML_TEXT_H

#include <stdio.h>

/* `text` so that it is neither markup nor the end of an attribute. Bytes that are no UTF-8 and control
 * characters become U+FFFD: a page must not break on a file's name. */
void tr_html_put(FILE *page, const char *text);

#endif
