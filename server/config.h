/* What the daemon is told: a JSON file, and flags that override it. */
#ifndef SRV_CONFIG_H
#define SRV_CONFIG_H

#include <stdbool.h>

#include "engine/error.h"
#include "server/decks/deck.h"

enum { CONFIG_PATH_TEXT = 1024, CONFIG_DECKS_MAX = 32, CONFIG_MB_MAX = 1 << 20 };

/* Relative paths are relative to the folder the daemon is started in. */
struct srv_config {
    char bind[64]; /* a numeric IPv4 or IPv6 address */
    int port;      /* 0: any free one */
    char db[CONFIG_PATH_TEXT];
    char models[CONFIG_PATH_TEXT]; /* folder of NAME.safetensors and NAME.md, its card */
    int model_memory_mb;           /* for all loaded models together; 0: half of what there is */
    char device[8];                /* auto, cpu or cuda */
    char web[CONFIG_PATH_TEXT];    /* folder of the pages */
    char admin_token_file[CONFIG_PATH_TEXT];
    int image_memory_mb;                 /* of images that have been made; 0: none are kept in memory */
    int image_disk_mb;                   /* the same on disk, in image_folder */
    char image_folder[CONFIG_PATH_TEXT]; /* made when missing */
    char library[CONFIG_PATH_TEXT];      /* folder of the images of collections; made when missing */
    char public_url[256]; /* "https://host[:port]", what browsers call it; "" when nobody said */
    struct srv_deck decks[CONFIG_DECKS_MAX];
    int deck_count;
};

enum srv_config_outcome { CONFIG_GO, CONFIG_ADMIN_LINK, CONFIG_HELP, CONFIG_VERSION, CONFIG_WRONG };

/* Reads the flags, the file that --config names (or deploy/roentgymd.json), and lets flags win.
 * CONFIG_ADMIN_LINK, CONFIG_HELP, CONFIG_VERSION: that was asked for. CONFIG_WRONG: `err` says which flag or
 * which key of which file. */
enum srv_config_outcome srv_config_read(int argc, char **argv, struct srv_config *config,
                                        struct nn_error *err) NN_MUST_CHECK;

/* The file alone, on top of the built-in defaults. */
nn_status srv_config_read_file(const char *path, struct srv_config *config,
                               struct nn_error *err) NN_MUST_CHECK;

/* The text of --help. */
extern const char srv_config_help[];

#endif
