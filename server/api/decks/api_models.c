#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/api/api.h"

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

static const char *state_text(enum srv_model_state state)
{
    static const char *const texts[] = {
        [MODEL_AVAILABLE] = "available",
        [MODEL_LOADING] = "loading",
        [MODEL_LOADED] = "loaded",
        [MODEL_BROKEN] = "broken",
    };
    return texts[state];
}

static json_t *text_or_null(const char *text)
{
    return *text ? json_string(text) : json_null();
}

/* What the checkpoint says of itself, and what is known of its version. */
static json_t *description_json(const struct nn_model_info *model)
{
    return json_pack("{s:s,s:o,s:i,s:o,s:o,s:o,s:s,s:f,s:s,s:s}", "name", model->name, "sha256",
                     text_or_null(model->sha256), "resolution", model->resolution, "sizes", sizes_json(model),
                     "classes", classes_json(model), "device", text_or_null(model->device), "training_data",
                     model->simulated ? "simulated" : "real", "kimg", model->kimg, "provenance",
                     model->provenance, "licence", model->licence);
}

static json_t *model_json(const struct srv_model_entry *entry)
{
    char card[128];
    snprintf(card, sizeof card, "/api/v1/models/%s/card", entry->name);
    json_t *json =
        json_pack("{s:s,s:s,s:o,s:s,s:I}", "id", entry->name, "state", state_text(entry->state), "reason",
                  text_or_null(entry->reason), "card", card, "memory_bytes", (json_int_t)entry->memory_bytes);
    json_t *description = entry->described ? description_json(&entry->info) : NULL;
    if (json && description) json_object_update(json, description);
    json_decref(description);
    return json;
}

void api_models(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    struct srv_model_entry *entries;
    int count = srv_models_list(app->models, &entries);
    json_t *list = json_array();
    (void)request;
    for (int i = 0; i < count; i++) json_array_append_new(list, model_json(&entries[i]));
    free(entries);
    srv_respond_json(response, 200, json_pack("{s:o}", "models", list));
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
    struct srv_model_entry entry;
    size_t size = 0;
    char *text = NULL;
    if (srv_models_find(app->models, request->params[0], &entry)) {
        snprintf(path, sizeof path, "%s/%s.md", app->config->models, entry.name);
        text = read_card(path, &size);
    }
    if (!text) {
        srv_respond_error(response, 404, "unknown_model", "There is no such model, or it has no card.");
        return;
    }
    srv_respond_bytes(response, "text/markdown; charset=utf-8", text, size);
    response->cache_control = "no-cache";
}
