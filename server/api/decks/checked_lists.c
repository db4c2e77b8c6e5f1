#include "server/api/decks/checked_lists.h"

#include <stdio.h>

#include "server/log.h"

static bool find_hash(struct srv_app *app, const char *name, char sha256[SRV_DIGEST_TEXT],
                      struct srv_response *response)
{
    struct srv_model *model = api_model(app, name, response);
    if (!model) return false;
    snprintf(sha256, SRV_DIGEST_TEXT, "%s", srv_model_info(model)->sha256);
    srv_model_release(model);
    return true;
}

static bool read_one(struct srv_app *app, const char *name, const char *sha256, struct srv_checked_list *list,
                     struct srv_response *response)
{
    struct nn_error err = {0};
    if (!srv_checked_list_read(app->config->models, name, sha256, list, &err)) return true;
    srv_log_error("a deck draws checked images of the model %s: %s", name, err.text);
    srv_respond_error(
        response, 409, "deck_unavailable",
        "This deck cannot be started: its model \"%s\" has no list of checked images that can be "
        "used.",
        name);
    return false;
}

bool api_checked_lists(struct srv_app *app, const struct srv_deck *deck, const struct nn_model_info *models,
                       struct api_checked_lists *lists, struct srv_response *response)
{
    bool read = true;
    char sha256[SRV_DIGEST_TEXT];
    *lists = (struct api_checked_lists){0};
    for (int i = 0; i < deck->model_count && read; i++) {
        if (!srv_deck_has_checked(deck, i)) continue;
        if (models)
            snprintf(sha256, sizeof sha256, "%s", models[i].sha256);
        else
            read = find_hash(app, deck->models[i], sha256, response);
        read = read && read_one(app, deck->models[i], sha256, &lists->of[i], response);
    }
    if (!read) api_checked_lists_release(lists);
    return read;
}

void api_checked_lists_release(struct api_checked_lists *lists)
{
    for (int i = 0; i < DECK_SOURCES_MAX; i++) srv_checked_list_release(&lists->of[i]);
}
