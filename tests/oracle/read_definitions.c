/* Reads decks, one JSON document a line of standard input, and answers each with a line: "ok" and the
 * definition as written back, or what is wrong. For tests that hold the reader to another one. */
#include <stdio.h>
#include <stdlib.h>

#include "server/decks/deck.h"

static void answer(const char *line, size_t size)
{
    struct srv_deck deck;
    struct nn_error err = {0};
    json_error_t where;
    json_t *json = json_loadb(line, size, JSON_REJECT_DUPLICATES, &where);
    if (!json) {
        printf("not JSON: %s\n", where.text);
    } else if (srv_deck_read(json, "deck", &deck, &err)) {
        printf("%s\n", err.text);
    } else {
        json_t *definition = srv_deck_definition(&deck);
        char *text = definition ? json_dumps(definition, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
        printf("ok %s\n", text ? text : "");
        free(text);
        json_decref(definition);
    }
    json_decref(json);
}

int main(void)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t size;
    while ((size = getline(&line, &room, stdin)) > 0) answer(line, (size_t)size);
    free(line);
    return 0;
}
