#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/api.h"

enum { CARD_MAX_BYTES = 1024 * 1024 };

static json_t *sizes_json(const struct nn_model_info *model)
{
    int sizes[IMAGE_SIZES_MAX], count = srv_image_sizes(model, sizes);
    json_t *list = json_array();
    for (int i = 0; i < count; i++) json_array_append_new(list, json_integer(sizes[i]));
    return list;
}

static json_t *classes_json(const struct nn_model_info *model)
{
    json_t *list = json_array();
    for (int i = 0; i < model->class_count; i++) json_array_append_new(list, json_string(model->classes[i]));
    return list;
}

void api_models(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    char card[128];
    const struct nn_model_info *model = api_loaded_model(app, response);
    (void)request;
    if (!model) return;
    snprintf(card, sizeof card, "/api/v1/models/%s/card", app->config->model);
    srv_respond_json(response, 200,
                     json_pack("{s:[{s:s,s:s,s:s,s:i,s:o,s:o,s:s,s:s,s:f,s:s,s:s,s:s}]}", "models", "id",
                               app->config->model, "name", model->name, "sha256", model->sha256, "resolution",
                               model->resolution, "sizes", sizes_json(model), "classes", classes_json(model),
                               "device", model->device, "training_data",
                               model->simulated ? "simulated" : "real", "kimg", model->kimg, "provenance",
                               model->provenance, "licence", model->licence, "card", card));
}

/* Heap text; NULL when there is no readable card of sane size. */
static char *read_card(const char *path, size_t *size)
{
    struct stat info;
    char *text = NULL;
    FILE *file = fopen(path, "rbe");
    if (!file) return NULL;
    if (!fstat(fileno(file), &info) && S_ISREG(info.st_mode) && info.st_size <= CARD_MAX_BYTES)
        text = malloc((size_t)info.st_size + 1);
    *size = text ? fread(text, 1, (size_t)info.st_size, file) : 0;
    fclose(file);
    return text;
}

void api_model_card(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    char path[CONFIG_PATH_TEXT + DECK_ID_TEXT + 8];
    size_t size = 0;
    char *text = NULL;
    if (!strcmp(request->params[0], app->config->model)) {
        snprintf(path, sizeof path, "%s/%s.md", app->config->models, app->config->model);
        text = read_card(path, &size);
    }
    if (!text) {
        srv_respond_error(response, 404, "unknown_model", "There is no such model, or it has no card.");
        return;
    }
    srv_respond_bytes(response, "text/markdown; charset=utf-8", text, size);
    response->cache_control = "no-cache";
}
