#include "server/api.h"

void api_decks(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    json_t *list = json_array();
    (void)request;
    for (int i = 0; i < app->config->deck_count; i++)
        json_array_append_new(list, srv_deck_public(&app->config->decks[i]));
    srv_respond_json(response, 200, json_pack("{s:o}", "decks", list));
}
