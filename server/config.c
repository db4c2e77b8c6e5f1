#include "server/config.h"

#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/http/json_fields.h"

#define DEFAULT_CONFIG "deploy/roentgymd.json"

const char srv_config_help[] =
    "Usage: roentgymd [options]\n"
    "       roentgymd replay ...   makes images of the log again, see roentgymd replay --help\n"
    "       roentgymd library ...  takes in real or phantom images, see roentgymd library --help\n"
    "Serves synthetic radiographs, drills on them, and keeps the answers.\n"
    "\n"
    "  --config FILE   configuration, JSON (default " DEFAULT_CONFIG ")\n"
    "  --port N        TCP port, 0 for any free one (default 8080)\n"
    "  --bind ADDR     address to listen on (default 127.0.0.1)\n"
    "  --db FILE       SQLite database, made when missing (default var/roentgym.db)\n"
    "  --models DIR    folder of checkpoints and model cards (default deploy/models)\n"
    "  --device NAME   auto, cpu or cuda (default auto)\n"
    "  --web DIR       folder of the pages (default build/web)\n"
    "  --admin-link    print a link that makes an administrator's account, good once and for 24 hours, and\n"
    "                  end; the daemon may run meanwhile\n"
    "  --version       which program this is\n"
    "  --help          this text\n"
    "\n"
    "Flags win over the configuration file. Exit status: 0 stopped, 1 failed, 2 wrong usage.\n";

static void set_defaults(struct srv_config *config)
{
    *config = (struct srv_config){.bind = "127.0.0.1",
                                  .port = 8080,
                                  .db = "var/roentgym.db",
                                  .models = "deploy/models",
                                  .device = "auto",
                                  .web = "build/web",
                                  .admin_token_file = "var/admin-token",
                                  .image_memory_mb = 256,
                                  .image_disk_mb = 1024,
                                  .image_folder = "var/images",
                                  .library = "var/library"};
}

/* `name` is the key or flag to blame. An absent value (NULL) keeps what was there. */
static nn_status set_text(char *text, size_t size, const char *value, const char *name, struct nn_error *err)
{
    if (!value) return NN_OK;
    size_t length = strlen(value);
    if (length == 0 || length >= size)
        return nn_fail(err, NN_ERR_FORMAT, "%s: must have 1 to %zu bytes", name, size - 1);
    memcpy(text, value, length + 1);
    return NN_OK;
}

/* What browsers send as Origin: no path, and so no slash at the end. */
static nn_status set_public_url(struct srv_config *config, const char *value, struct nn_error *err)
{
    const char *host = !value                           ? NULL
                       : !strncmp(value, "https://", 8) ? value + 8
                       : !strncmp(value, "http://", 7)  ? value + 7
                                                        : "/";
    if (host && (!*host || strpbrk(host, "/?#@ \t\r\n\"")))
        return nn_fail(err, NN_ERR_FORMAT, "public_url: must be like https://roentgym.example.org");
    return set_text(config->public_url, sizeof config->public_url, value, "public_url", err);
}

static nn_status set_device(struct srv_config *config, const char *value, const char *name,
                            struct nn_error *err)
{
    if (value && strcmp(value, "auto") && strcmp(value, "cpu") && strcmp(value, "cuda"))
        return nn_fail(err, NN_ERR_FORMAT, "%s: must be auto, cpu or cuda", name);
    return set_text(config->device, sizeof config->device, value, name, err);
}

static nn_status set_port(struct srv_config *config, long long value, const char *name, struct nn_error *err)
{
    if (value < 0 || value > 65535)
        return nn_fail(err, NN_ERR_FORMAT, "%s: must be between 0 and 65535", name);
    config->port = (int)value;
    return NN_OK;
}

/* A size in MB of at least `min`. What is absent stays as it was. */
static nn_status set_mb(int *mb, int min, const json_t *json, const char *name, struct nn_error *err)
{
    const json_t *value = json_object_get(json, name);
    if (!value) return NN_OK;
    if (json_integer_value(value) < min || json_integer_value(value) > CONFIG_MB_MAX)
        return nn_fail(err, NN_ERR_FORMAT, "%s: must be between %d and %d", name, min, CONFIG_MB_MAX);
    *mb = (int)json_integer_value(value);
    return NN_OK;
}

static nn_status read_decks(const json_t *list, struct srv_config *config, struct nn_error *err)
{
    size_t count = json_array_size(list);
    if (count < 1 || count > CONFIG_DECKS_MAX)
        return nn_fail(err, NN_ERR_FORMAT, "decks: must be 1 to %d decks", CONFIG_DECKS_MAX);
    for (size_t i = 0; i < count; i++) {
        char where[32];
        snprintf(where, sizeof where, "decks[%zu]", i);
        nn_status status = srv_deck_read(json_array_get(list, i), where, &config->decks[i], err);
        if (status) return status;
        for (size_t k = 0; k < i; k++)
            if (!strcmp(config->decks[k].id, config->decks[i].id))
                return nn_fail(err, NN_ERR_FORMAT, "%s.id: \"%s\" is taken by decks[%zu]", where,
                               config->decks[i].id, k);
    }
    config->deck_count = (int)count;
    return NN_OK;
}

static nn_status read_document(const json_t *json, struct srv_config *config, struct nn_error *err)
{
    static const struct srv_json_field fields[] = {
        {"port", 'i', false},
        {"bind", 's', false},
        {"db", 's', false},
        {"models", 's', false},
        {"model_memory_mb", 'i', false},
        {"device", 's', false},
        {"web", 's', false},
        {"admin_token_file", 's', false},
        {"image_memory_mb", 'i', false},
        {"image_disk_mb", 'i', false},
        {"image_folder", 's', false},
        {"library", 's', false},
        {"public_url", 's', false},
        {"decks", 'a', true},
    };
    const struct {
        const char *name;
        char *text;
        size_t size;
    } texts[] = {
        {"bind", config->bind, sizeof config->bind},
        {"db", config->db, sizeof config->db},
        {"models", config->models, sizeof config->models},
        {"web", config->web, sizeof config->web},
        {"admin_token_file", config->admin_token_file, sizeof config->admin_token_file},
        {"image_folder", config->image_folder, sizeof config->image_folder},
        {"library", config->library, sizeof config->library},
    };
    if (json_object_get(json, "model"))
        return nn_fail(err, NN_ERR_FORMAT,
                       "model: is no longer a key: every deck names its own model, so take this line out");
    nn_status status = srv_json_fields_check(json, "", fields, sizeof fields / sizeof *fields, err);
    for (size_t i = 0; !status && i < sizeof texts / sizeof *texts; i++)
        status = set_text(texts[i].text, texts[i].size,
                          json_string_value(json_object_get(json, texts[i].name)), texts[i].name, err);
    const json_t *port = json_object_get(json, "port");
    if (!status && port) status = set_port(config, json_integer_value(port), "port", err);
    if (!status)
        status = set_device(config, json_string_value(json_object_get(json, "device")), "device", err);
    if (!status) status = set_mb(&config->model_memory_mb, 1, json, "model_memory_mb", err);
    if (!status) status = set_mb(&config->image_memory_mb, 0, json, "image_memory_mb", err);
    if (!status) status = set_mb(&config->image_disk_mb, 0, json, "image_disk_mb", err);
    if (!status) status = set_public_url(config, json_string_value(json_object_get(json, "public_url")), err);
    if (!status) status = read_decks(json_object_get(json, "decks"), config, err);
    return status;
}

nn_status srv_config_read_file(const char *path, struct srv_config *config, struct nn_error *err)
{
    json_error_t where;
    struct nn_error cause = {0};
    set_defaults(config);
    json_t *json = json_load_file(path, JSON_REJECT_DUPLICATES, &where);
    if (!json && where.line < 0) return nn_fail(err, NN_ERR_IO, "%s", where.text); /* names the path itself */
    if (!json) return nn_fail(err, NN_ERR_FORMAT, "%s: line %d: %s", path, where.line, where.text);
    nn_status status = read_document(json, config, &cause);
    json_decref(json);
    return status ? nn_fail(err, status, "%s: %s", path, cause.text) : NN_OK;
}

enum {
    FLAG_CONFIG = 1,
    FLAG_PORT,
    FLAG_BIND,
    FLAG_DB,
    FLAG_MODELS,
    FLAG_DEVICE,
    FLAG_WEB,
    FLAG_ADMIN_LINK,
    FLAG_VERSION,
    FLAG_HELP,
    FLAG_END
};

static nn_status apply_flag(int flag, const char *value, struct srv_config *config, struct nn_error *err)
{
    char *end;
    long long port;
    switch (flag) {
    case FLAG_PORT:
        port = strtoll(value, &end, 10);
        if (end == value || *end) return nn_fail(err, NN_ERR_FORMAT, "--port: \"%s\" is not a number", value);
        return set_port(config, port, "--port", err);
    case FLAG_BIND:
        return set_text(config->bind, sizeof config->bind, value, "--bind", err);
    case FLAG_DB:
        return set_text(config->db, sizeof config->db, value, "--db", err);
    case FLAG_MODELS:
        return set_text(config->models, sizeof config->models, value, "--models", err);
    case FLAG_DEVICE:
        return set_device(config, value, "--device", err);
    case FLAG_WEB:
        return set_text(config->web, sizeof config->web, value, "--web", err);
    default:
        return NN_OK;
    }
}

/* Fills values[flag]; the last one given counts. */
static enum srv_config_outcome scan_flags(int argc, char **argv, const char *values[FLAG_END],
                                          struct nn_error *err)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, FLAG_CONFIG},
        {"port", required_argument, NULL, FLAG_PORT},
        {"bind", required_argument, NULL, FLAG_BIND},
        {"db", required_argument, NULL, FLAG_DB},
        {"models", required_argument, NULL, FLAG_MODELS},
        {"device", required_argument, NULL, FLAG_DEVICE},
        {"web", required_argument, NULL, FLAG_WEB},
        {"admin-link", no_argument, NULL, FLAG_ADMIN_LINK},
        {"version", no_argument, NULL, FLAG_VERSION},
        {"help", no_argument, NULL, FLAG_HELP},
        {NULL, 0, NULL, 0},
    };
    int flag;
    optind = 0; /* GNU: start over, tests call this more than once */
    opterr = 0;
    while ((flag = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        if (flag == FLAG_HELP) return CONFIG_HELP;
        if (flag == FLAG_VERSION) return CONFIG_VERSION;
        const char *given = argv[optind - 1];
        if (flag == ':') nn_fail(err, NN_ERR_ARGUMENT, "%s: wants a value", given);
        if (flag == '?') nn_fail(err, NN_ERR_ARGUMENT, "%s: unknown flag, see --help", given);
        if (flag == ':' || flag == '?') return CONFIG_WRONG;
        values[flag] = optarg ? optarg : "";
    }
    if (optind < argc) {
        nn_fail(err, NN_ERR_ARGUMENT, "%s: unexpected argument, see --help", argv[optind]);
        return CONFIG_WRONG;
    }
    return CONFIG_GO;
}

enum srv_config_outcome srv_config_read(int argc, char **argv, struct srv_config *config,
                                        struct nn_error *err)
{
    const char *values[FLAG_END] = {[FLAG_CONFIG] = DEFAULT_CONFIG};
    enum srv_config_outcome outcome = scan_flags(argc, argv, values, err);
    if (outcome != CONFIG_GO) return outcome;
    nn_status status = srv_config_read_file(values[FLAG_CONFIG], config, err);
    for (int flag = FLAG_PORT; !status && flag < FLAG_VERSION; flag++)
        if (values[flag]) status = apply_flag(flag, values[flag], config, err);
    if (status) return CONFIG_WRONG;
    return values[FLAG_ADMIN_LINK] ? CONFIG_ADMIN_LINK : CONFIG_GO;
}
