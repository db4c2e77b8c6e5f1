/* read_definitions deck|study: reads definitions, one JSON document a line of standard input, and answers
 * each with a line: "ok" and the definition as written back, or what is wrong. For tests that hold the reader
 * to another one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/decks/deck.h"
#include "server/studies/study.h"

/* The definition as written back, NULL with err->text where it is refused. */
static json_t *reread_deck(const json_t *json, struct nn_error *err)
{
    struct srv_deck deck;
    return srv_deck_read(json, "deck", &deck, err) ? NULL : srv_deck_definition(&deck);
}

static json_t *reread_study(const json_t *json, struct nn_error *err)
{
    struct srv_study study;
    return srv_study_read(json, "study", &study, err) ? NULL : srv_study_definition(&study);
}

static void answer(const char *line, size_t size, json_t *(*reread)(const json_t *, struct nn_error *))
{
    struct nn_error err = {0};
    json_error_t where;
    json_t *json = json_loadb(line, size, JSON_REJECT_DUPLICATES, &where);
    json_t *definition = json ? reread(json, &err) : NULL;
    if (!json) {
        printf("not JSON: %s\n", where.text);
    } else if (err.status) {
        printf("%s\n", err.text);
    } else {
        char *text = definition ? json_dumps(definition, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
        printf("ok %s\n", text ? text : "");
        free(text);
    }
    json_decref(definition);
    json_decref(json);
}

int main(int argc, char **argv)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t size;
    if (argc != 2 || (strcmp(argv[1], "deck") && strcmp(argv[1], "study"))) return 2;
    while ((size = getline(&line, &room, stdin)) > 0)
        answer(line, (size_t)size, strcmp(argv[1], "deck") ? reread_study : reread_deck);
    free(line);
    return 0;
}
