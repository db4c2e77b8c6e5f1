#include "server/http/cookie.h"

#include <stdio.h>
#include <string.h>

/* cookie-octet of RFC 6265: printable ASCII without space, '"', ',', ';' and '\'. */
static bool is_value(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (text[i] <= ' ' || text[i] > '~' || strchr("\",;\\", text[i])) return false;
    return length > 0;
}

bool srv_cookie_find(const char *header, const char *name, char *value, size_t value_size)
{
    size_t name_length = strlen(name), found_length = 0;
    const char *found = NULL;
    value[0] = '\0';
    if (!header || strnlen(header, COOKIE_HEADER_MAX + 1) > COOKIE_HEADER_MAX) return false;
    for (const char *at = header; *at;) {
        at += strspn(at, " \t");
        size_t length = strcspn(at, ";");
        if (length > name_length && !strncmp(at, name, name_length) && at[name_length] == '=') {
            if (found) return false;
            found = at + name_length + 1;
            found_length = length - name_length - 1;
        }
        at += length;
        at += *at == ';';
    }
    if (!found) return false;
    while (found_length > 0 && strchr(" \t", found[found_length - 1])) found_length--;
    if (found_length >= value_size || !is_value(found, found_length)) return false;
    memcpy(value, found, found_length);
    value[found_length] = '\0';
    return true;
}

void srv_cookie_write(char text[COOKIE_SET_TEXT], const char *secret, int max_age_s, bool secure)
{
    snprintf(text, COOKIE_SET_TEXT, "%s=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%d%s",
             COOKIE_SESSION(secure), secret, max_age_s, secure ? "; Secure" : "");
}
