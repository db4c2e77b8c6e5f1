/* What models.c (whoever asks) and model_loader.c (the one thread that acts) share; nobody else includes it.
 *
 * The loader alone makes, changes and frees entries and versions, with the mutex held; so it reads them
 * without. Others read them with the mutex, and write what is marked so. */
#ifndef SRV_MODEL_REGISTRY_H
#define SRV_MODEL_REGISTRY_H

#include <pthread.h>

#include "server/models/model_folder.h"
#include "server/models/models.h"
#include "server/secrets.h"

enum { MODEL_REASON_TEXT = 256 };

/* Where the machine and not the file is to blame: memory, permission, a device. */
#define MODEL_RETRY_US (INT64_C(30) * 1000000)

/* One file of the folder, or a deck's model that has none. */
struct model_entry {
    struct model_entry *next; /* by name */
    char name[DECK_ID_TEXT];
    bool needed;                    /* by a deck */
    struct srv_file_stamp stamp;    /* of the file that what follows is about */
    struct nn_model_info info;      /* of that file's header, while `reason` is empty */
    size_t memory_bytes;            /* that it will take, about */
    char sha256[SRV_DIGEST_TEXT];   /* of that file; "" while not known */
    char reason[MODEL_REASON_TEXT]; /* why that file cannot be used; "" when it can */
    char told[MODEL_REASON_TEXT];   /* the last reason in the log */
    int64_t retry_us;               /* when to try again though the file is the same; 0: never */
    struct srv_model *current; /* the version that the name stands for, of that file or an older one; NULL:
                                  not in memory */
    bool due;          /* to be loaded though nobody asks: a deck's, or `current` is of an older file */
    bool stale;        /* the file is another one by now, which the next looks will tell */
    bool no_room;      /* was found when it should have been loaded */
    int64_t wanted_us; /* since when askers want it, who write it; 0: nobody does */
};

struct srv_model {
    struct srv_models *owner;
    struct srv_model *next;
    struct model_entry *entry; /* whose current version this is; NULL: only sessions want it */
    struct nn_model *engine;
    size_t memory_bytes;
    /* Written by askers. */
    int holders;
    int64_t used_us, session_us; /* when last let go of; when last held for a session, or 0 */
};

enum models_readiness { MODELS_STARTING, MODELS_READY, MODELS_REFUSED };

struct srv_models {
    struct srv_models_setup setup;
    pthread_t thread;
    pthread_mutex_t mutex; /* guards all below, as said above */
    pthread_cond_t work;   /* for the loader */
    pthread_cond_t news;   /* for askers: something is loaded, refused or gone */
    struct model_entry *entries;
    struct srv_model *versions;
    enum models_readiness readiness;
    struct nn_error refusal;
    struct srv_models_counts counts; /* of events; the rest is counted when asked for */
    bool stopping;                   /* written by srv_models_stop */
    bool hashes_wanted;              /* by askers: which file has this SHA-256? */
    bool memory_wanted;              /* a load waits until somebody lets go of a model, and clears this */

    /* The loader's own. */
    struct srv_model_look look; /* the last one */
    int64_t look_us;            /* when the next one is due */
    bool folder_lost, note_told;
};

/* model_looks.c. The first look makes an entry of every file and every deck's model; NN_OK even when files
 * are bad. Later ones follow what two looks in a row have seen. */
nn_status models_look_first(struct srv_models *m, struct nn_error *err) NN_MUST_CHECK;
void models_look_again(struct srv_models *m);

/* model_loader.c. The thread ends when `stopping` is set; what is loaded stays until models_close_all, which
 * also frees entries and look. */
void *models_loader(void *registry);
void models_close_all(struct srv_models *m);

/* The loader's, without the mutex. */
/* PATH of a model's file; heap, or NULL. */
char *models_path(const struct srv_models *m, const char *name);
/* The file cannot be used: says so to those who ask, and once in the log; while starting, a deck's model is
 * instead what srv_models_wait_ready fails with. */
void models_refuse(struct srv_models *m, struct model_entry *e, const struct nn_error *err);

/* With the mutex held. */
struct model_entry *models_find(struct srv_models *m, const char *name);
struct srv_model *models_find_version(struct srv_models *m, const char *sha256);
size_t models_memory(const struct srv_models *m);
/* Whether the version's file is there to load it from. */
bool models_can_be_loaded_again(const struct srv_model *version);

/* The entry's name stands for no version any more, or for `version`; the one before is left to sessions. */
void models_set_current(struct model_entry *e, struct srv_model *version);

#endif
