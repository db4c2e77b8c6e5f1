#include "trainer/drawing/html_text.h"

#include "trainer/data/utf8.h"

static const char *entity(char c)
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
    for (int length; *text; text += length > 0 ? length : 1) {
        length = *text == '\t' || *text == '\n' ? 1 : tr_utf8_length(text);
        if (length == 0)
            fputs("\xEF\xBF\xBD", page);
        else if (entity(*text))
            fputs(entity(*text), page);
        else
            fwrite(text, 1, (size_t)length, page);
    }
}
