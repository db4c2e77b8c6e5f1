#include "trainer/report/html_text.h"

#include <stdbool.h>

/* Length of the UTF-8 character at `text`, 0 if there is none (RFC 3629: no overlong forms, no surrogates).
 */
static int character(const unsigned char *text)
{
    int length = text[0] < 0x80 ? 1 : text[0] < 0xc2 ? 0 : text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;
    if (text[0] > 0xf4) return 0;
    for (int i = 1; i < length; i++)
        if ((text[i] & 0xc0) != 0x80) return 0;
    if ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] >= 0xa0)) return 0;
    if ((text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] >= 0x90)) return 0;
    /* C1 controls are no text either: U+0080 to U+009F. */
    if (text[0] == 0xc2 && text[1] < 0xa0) return 0;
    return length;
}

static const char *entity(unsigned char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

void tr_html_put(FILE *page, const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at;) {
        int length = character(at);
        bool control = (*at < 0x20 && *at != '\t' && *at != '\n') || *at == 0x7f;
        if (length == 0 || control)
            fputs("\xEF\xBF\xBD", page);
        else if (entity(*at))
            fputs(entity(*at), page);
        else
            fwrite(at, 1, (size_t)length, page);
        at += length > 0 ? length : 1;
    }
}
