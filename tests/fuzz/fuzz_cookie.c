/* Any bytes as the text of a Cookie header: our cookie's value is cut out of it, or there is none; never more
 * than the buffer holds, never a character that a cookie must not have. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/api/access.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int holds)
{
    if (!holds) abort();
}

/* The value is a whole one of the header: after the name, before a ';' or the end. */
static void check_place(const char *header, const char *value)
{
    char pair[32 + SRV_SECRET_TEXT];
    snprintf(pair, sizeof pair, "%s=%s", COOKIE_SESSION(false), value);
    const char *at = strstr(header, pair);
    while (at && !(strchr("; \t", at[strlen(pair)]) && (at == header || strchr("; \t", at[-1]))))
        at = strstr(at + 1, pair);
    must(at != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *header = malloc(size + 1), value[SRV_SECRET_TEXT];
    must(header != NULL);
    if (size) memcpy(header, data, size);
    header[size] = '\0';
    memset(value, 'x', sizeof value);
    bool found = srv_cookie_find(header, COOKIE_SESSION(false), value, sizeof value);
    must(memchr(value, '\0', sizeof value) != NULL && found == (value[0] != '\0'));
    if (found) {
        must(!strpbrk(value, "\",;\\ \t\r\n"));
        check_place(header, value);
    }
    struct srv_request request = {.cookie = header};
    const struct srv_config plain = {.public_url = ""};
    bool secret = srv_access_cookie(&plain, &request, value);
    must(!secret || (found && strlen(value) == SRV_SECRET_TEXT - 1));
    free(header);
    return 0;
}
