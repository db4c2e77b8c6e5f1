#include "trainer/data/utf8.h"

int tr_utf8_length(const char *at)
{
    const unsigned char *text = (const unsigned char *)at;
    int length = text[0] < 0x80 ? 1 : text[0] < 0xc2 ? 0 : text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;
    bool control = text[0] < 0x20 || text[0] == 0x7f || (text[0] == 0xc2 && text[1] < 0xa0);
    if (text[0] > 0xf4 || control) return 0;
    for (int i = 1; i < length; i++)
        if ((text[i] & 0xc0) != 0x80) return 0;
    if ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] >= 0xa0)) return 0;
    if ((text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] >= 0x90)) return 0;
    return length;
}

bool tr_utf8_is_plain(const char *text)
{
    for (int length; *text; text += length)
        if (!(length = tr_utf8_length(text))) return false;
    return true;
}
