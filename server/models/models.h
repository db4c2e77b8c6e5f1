/* The checkpoints of the models folder: loaded when they are first asked for, within a limit of memory, and
 * loaded anew when their file is replaced.
 *
 * Every NAME.safetensors is offered, NAME being an id (srv_deck_id_valid); its description comes from the
 * file's header. A struct srv_model is one version of one checkpoint, opened: the content with one SHA-256.
 * Its holders keep it in memory, whatever happens to the file.
 *
 * The folder is looked at from time to time. A change counts when two looks see the same, so that a file that
 * is just being written is left alone. When the file of a loaded model has changed, the new version is loaded
 * beside the old one, which serves until then; a file that cannot be used (broken, larger than the limit,
 * without the classes that its decks need) costs one line in the log, and the old version goes on serving.
 * A version whose file is gone or replaced stays for sessions that were drawn for it, until none has asked
 * for a while or memory is needed.
 *
 * When memory is needed, models that nobody holds go: first those that can be loaded again, among equals the
 * one that was used longest ago. Where all of them are held all the time, those that do not fit together take
 * turns: once somebody has waited for `turn_us` for a load that finds no room, models that can be loaded
 * again get no new holders until it is done.
 *
 * One thread opens, warms up and closes all models; any thread may call what is declared here. */
#ifndef SRV_MODELS_H
#define SRV_MODELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/engine.h"
#include "engine/error.h"
#include "server/decks/deck.h"

struct srv_models; /* all of them */
struct srv_model;  /* one opened version */

#define MODELS_LOOK_US INT64_C(1000000)
#define MODELS_SESSION_KEEP_US (INT64_C(30) * 60 * 1000000)
#define MODELS_TURN_US INT64_C(1000000)

/* All borrowed until srv_models_stop. */
struct srv_models_setup {
    const char *folder;
    const char *device;           /* as nn_model_open takes it */
    size_t memory_bytes;          /* what all opened models may take together */
    const struct srv_deck *decks; /* their models are loaded first, and must have their classes */
    int deck_count;
    int64_t look_us; /* from one look at the folder to the next */
    /* How long after its last use for a session a version stays whose file is gone or replaced. */
    int64_t session_keep_us;
    int64_t turn_us; /* how long a load that somebody wants leaves its memory to others */
};

/* Looks into the folder and starts the thread, which loads the decks' models. */
nn_status srv_models_start(struct srv_models **models, const struct srv_models_setup *setup,
                           struct nn_error *err) NN_MUST_CHECK;
/* Waits until the decks' models are loaded or one of them has been refused; `err` then says why, with its
 * path. */
nn_status srv_models_wait_ready(struct srv_models *models, struct nn_error *err) NN_MUST_CHECK;
/* Whether srv_models_wait_ready would return NN_OK at once. */
bool srv_models_ready(struct srv_models *models);
/* Nobody holds or waits any more. NULL is harmless. */
void srv_models_stop(struct srv_models *models);

enum srv_models_result {
    MODELS_OK,
    MODELS_LOADING, /* not loaded by the deadline, or everything is stopping */
    MODELS_UNKNOWN, /* no file has this name */
    MODELS_BROKEN, /* the file cannot be loaded and no older version is in memory; srv_models_list says why */
    MODELS_GONE,   /* neither memory nor the folder has this version any more */
};

/* Holds the newest version of a checkpoint, waiting for it to be loaded until `deadline_us` on
 * srv_clock_monotonic_us; a deadline in the past only asks for it. On MODELS_OK gives *model, which the
 * caller releases; else it is NULL. */
enum srv_models_result srv_models_hold(struct srv_models *models, const char *name, int64_t deadline_us,
                                       struct srv_model **model) NN_MUST_CHECK;
/* The same for the version that a session was drawn for, whatever its file is called now. Says that the
 * session is still under way, as srv_model_for_session does. */
enum srv_models_result srv_models_hold_version(struct srv_models *models, const char *sha256,
                                               int64_t deadline_us, struct srv_model **model) NN_MUST_CHECK;
/* One holder more; returns its argument. NULL is harmless, here and to the release. */
struct srv_model *srv_model_hold_again(struct srv_model *model);
void srv_model_release(struct srv_model *model);

/* What follows is for holders. */

/* A session has been drawn for this version, which therefore stays for a while when its file is replaced. */
void srv_model_for_session(struct srv_model *model);

/* When a GPU fails, sampling goes on on the CPU, and from then on this returns another description; each
 * stays as it is while the model is held. */
const struct nn_model_info *srv_model_info(const struct srv_model *model);
/* For the one thread that draws. */
struct nn_model *srv_model_engine(const struct srv_model *model);

enum srv_model_state {
    MODEL_AVAILABLE, /* loaded when asked for */
    MODEL_LOADING,
    MODEL_LOADED,
    MODEL_BROKEN, /* cannot be had */
};

/* One checkpoint, for operators. */
struct srv_model_entry {
    char name[DECK_ID_TEXT];
    enum srv_model_state state;
    bool described; /* `info` is filled: of the version in memory, or of the file. Of a file, its
                       sha256, device and device_note are "" while not known */
    struct nn_model_info info;
    size_t memory_bytes; /* what it takes, or would take; 0 when not described */
    char reason[256];    /* why the file in the folder is not used, without paths; "" when it is */
};

/* All checkpoints by name, and the decks' models that have no file. Gives *entries (heap; NULL when memory
 * ran out), returns their number. */
int srv_models_list(struct srv_models *models, struct srv_model_entry **entries);
/* One of them; false when there is none of that name. */
bool srv_models_find(struct srv_models *models, const char *name, struct srv_model_entry *entry);

/* Since the start, and now. */
struct srv_models_counts {
    uint64_t loads, failures, evictions;
    int loaded; /* versions in memory */
    size_t memory_bytes, memory_limit_bytes;
};
void srv_models_count(struct srv_models *models, struct srv_models_counts *counts);

#endif
