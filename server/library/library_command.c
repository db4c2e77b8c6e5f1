#include "server/library/library_command.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "server/config.h"
#include "server/library/library_import.h"
#include "server/store/decks/store_library.h"

enum { EXIT_FAILED = 1, EXIT_USAGE = 2, CONFIG_ARGS = 5 };

static const char help[] =
    "Usage: roentgymd library add FOLDER --name NAME [options]\n"
    "       roentgymd library list [options]\n"
    "       roentgymd library remove NAME [options]\n"
    "Real or phantom images that decks may show. The daemon may run meanwhile.\n"
    "\n"
    "add     takes in a data-set folder (labels.csv, dataset.json, images) as the collection NAME, which is\n"
    "        of a-z, 0-9, _ and -. Every fault is told with file and line, and with any fault nothing is\n"
    "        taken in. Images become square, 8-bit grey, at most 1024 pixels wide.\n"
    "list    one line a collection: name, simulated or real, images, SHA-256 of the data set\n"
    "remove  takes a collection out, with its files. Sessions that have not shown its images yet cannot go\n"
    "        on; what has been answered stays. Refused while a study shows its images.\n"
    "\n"
    "  --config FILE, --db FILE   as for roentgymd itself; the key \"library\" names the folder\n"
    "  --help                     this text\n"
    "\n"
    "Exit status: 0 done, 1 failed or refused, 2 wrong usage.\n";

struct options {
    const char *action, *object, *name;
    char *rest[CONFIG_ARGS]; /* for the daemon's reader */
    int rest_count;
    bool wants_help;
};

static bool wrong_usage(const char *what, const char *how)
{
    fprintf(stderr, "roentgymd: library: %s%s, see roentgymd library --help\n", what, how);
    return false;
}

enum { FLAG_NAME = 1, FLAG_HELP, FLAG_CONFIG, FLAG_DB };

static bool take_flag(int flag, const char *given, struct options *options)
{
    switch (flag) {
    case FLAG_NAME:
        options->name = optarg;
        return true;
    case FLAG_HELP:
        options->wants_help = true;
        return true;
    case FLAG_CONFIG:
    case FLAG_DB:
        if (options->rest_count + 2 > CONFIG_ARGS) return wrong_usage(given, " is too much");
        options->rest[options->rest_count++] = flag == FLAG_DB ? "--db" : "--config";
        options->rest[options->rest_count++] = optarg;
        return true;
    default:
        return wrong_usage(given, flag == ':' ? " wants a value" : " is no flag of it");
    }
}

static bool check(const struct options *options)
{
    const char *action = options->action;
    bool add = action && !strcmp(action, "add"), list = action && !strcmp(action, "list");
    if (!add && !list && (!action || strcmp(action, "remove")))
        return wrong_usage("wants add, list or remove", "");
    if (add && !options->object) return wrong_usage("add wants a folder", "");
    if (add != !!options->name)
        return wrong_usage(action, add ? " wants --name NAME" : " does not take --name");
    if (!add && list == !!options->object)
        return wrong_usage(action, list ? " takes no name" : " wants the collection's name");
    return true;
}

static bool read_flags(int argc, char **argv, struct options *options)
{
    static const struct option known[] = {
        {"name", required_argument, NULL, FLAG_NAME},
        {"help", no_argument, NULL, FLAG_HELP},
        {"config", required_argument, NULL, FLAG_CONFIG},
        {"db", required_argument, NULL, FLAG_DB},
        {NULL, 0, NULL, 0},
    };
    int flag;
    opterr = 0;
    while ((flag = getopt_long(argc, argv, ":", known, NULL)) != -1)
        if (!take_flag(flag, argv[optind - 1], options)) return false;
    if (options->wants_help) return true;
    if (optind < argc) options->action = argv[optind++];
    if (optind < argc) options->object = argv[optind++];
    if (optind < argc) return wrong_usage(argv[optind], " is unexpected");
    return check(options);
}

static void tell_fault(void *context, const char *line)
{
    (void)context;
    fprintf(stderr, "%s\n", line);
}

static nn_status list(struct db *db, struct nn_error *err)
{
    json_t *all = json_array(), *c;
    size_t i;
    bool read = srv_store_collections(db, all) == DB_OK;
    json_array_foreach(all, i, c)
        printf("%s\t%s\t%lld images\t%s\n", json_string_value(json_object_get(c, "name")),
               json_string_value(json_object_get(c, "training_data")),
               (long long)json_integer_value(json_object_get(c, "images")),
               json_string_value(json_object_get(c, "dataset_sha256")));
    json_decref(all);
    return read ? NN_OK : nn_fail(err, NN_ERR_IO, "the database cannot be read");
}

static nn_status act(const struct options *options, const struct srv_config *config, struct nn_error *err)
{
    int images;
    struct db *db;
    struct srv_faults faults = {.tell = tell_fault};
    nn_status status = db_open(&db, config->db, err);
    if (status) return status;
    if (!strcmp(options->action, "list"))
        status = list(db, err);
    else if (!strcmp(options->action, "remove"))
        status = srv_library_remove(config->library, db, options->object, err);
    else if (!(status = srv_library_import(config->library, db, options->object, options->name, &faults,
                                           &images, err)))
        printf("%s: %d images\n", options->name, images);
    db_close(db);
    return status;
}

int srv_library_command(int argc, char **argv)
{
    static struct srv_config config;
    struct nn_error err = {0};
    struct options options = {.rest = {"roentgymd"}, .rest_count = 1};
    if (!read_flags(argc, argv, &options)) return EXIT_USAGE;
    if (options.wants_help) {
        fputs(help, stdout);
        return EXIT_SUCCESS;
    }
    umask(077); /* real radiographs are nobody else's */
    bool wrong = srv_config_read(options.rest_count, options.rest, &config, &err) != CONFIG_GO;
    if (!wrong && !act(&options, &config, &err)) return EXIT_SUCCESS;
    fprintf(stderr, "roentgymd: %s\n", err.text);
    return wrong ? EXIT_USAGE : EXIT_FAILED;
}
