/* From what lies in the folder to the registry's entries. Runs on the loader's thread. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/clock.h"
#include "server/log.h"
#include "server/models/model_registry.h"

/* ---- one file ---- */

static nn_status check_decks(const struct srv_models_setup *setup, const char *name,
                             const struct nn_model_info *info, struct nn_error *err)
{
    for (int i = 0; i < setup->deck_count; i++) {
        const struct srv_deck *deck = &setup->decks[i];
        int model = srv_deck_model_find(deck, name);
        const char *missing = model < 0 ? NULL : srv_deck_class_missing(deck, model, info);
        if (missing)
            return nn_fail(err, NN_ERR_FORMAT, "deck \"%s\": the model has no class \"%s\"", deck->id,
                           missing);
    }
    return NN_OK;
}

/* What the file says of itself, and whether that will do. */
static nn_status examine(const struct srv_models *m, const char *name, struct nn_model_info *info,
                         size_t *memory_bytes, struct nn_error *err)
{
    char *path = models_path(m, name);
    if (!path) return nn_fail(err, NN_ERR_MEMORY, "out of memory");
    nn_status status = nn_model_describe(path, info, memory_bytes, err);
    if (!status) status = check_decks(&m->setup, name, info, err);
    if (!status && *memory_bytes > m->setup.memory_bytes)
        status =
            nn_fail(err, NN_ERR_MEMORY, "%s: needs about %zu MB, more than the %zu MB of model_memory_mb",
                    path, *memory_bytes >> 20, m->setup.memory_bytes >> 20);
    free(path);
    return status;
}

/* From here on the entry is about the file of that stamp (zeroed: about none). A file that is gone or was
 * good takes the place of the one before; while a bad one lies there, the version in memory goes on. */
static void follow(struct srv_models *m, struct model_entry *e, const struct srv_file_stamp *stamp)
{
    struct nn_model_info info = {0};
    struct nn_error err = {0};
    size_t memory_bytes = 0;
    nn_status status = examine(m, e->name, &info, &memory_bytes, &err);
    pthread_mutex_lock(&m->mutex);
    if (srv_file_stamp_none(stamp)) models_set_current(e, NULL);
    e->stamp = *stamp;
    e->info = info;
    e->memory_bytes = memory_bytes;
    e->sha256[0] = e->reason[0] = '\0';
    e->no_room = false;
    e->retry_us = 0;
    e->due = !status && (e->needed || e->current);
    pthread_mutex_unlock(&m->mutex);
    if (status) models_refuse(m, e, &err);
}

/* ---- entries ---- */

static void insert(struct srv_models *m, struct model_entry *e)
{
    struct model_entry **at = &m->entries;
    pthread_mutex_lock(&m->mutex);
    while (*at && strcmp((*at)->name, e->name) < 0) at = &(*at)->next;
    e->next = *at;
    *at = e;
    pthread_mutex_unlock(&m->mutex);
}

static bool is_needed(const struct srv_models_setup *setup, const char *name)
{
    for (int i = 0; i < setup->deck_count; i++)
        if (srv_deck_model_find(&setup->decks[i], name) >= 0) return true;
    return false;
}

/* Described before anybody can find it. Without memory there is none until a later look. */
static void add(struct srv_models *m, const char *name, const struct srv_file_stamp *stamp)
{
    struct model_entry *e = calloc(1, sizeof *e);
    if (!e) return;
    snprintf(e->name, sizeof e->name, "%s", name);
    e->needed = is_needed(&m->setup, name);
    follow(m, e, stamp);
    insert(m, e);
}

static void forget(struct srv_models *m, struct model_entry *e)
{
    struct model_entry **at = &m->entries;
    srv_log("model %s: its file is gone", e->name);
    pthread_mutex_lock(&m->mutex);
    while (*at != e) at = &(*at)->next;
    *at = e->next;
    models_set_current(e, NULL);
    pthread_cond_broadcast(&m->news);
    pthread_mutex_unlock(&m->mutex);
    free(e);
}

/* ---- looks ---- */

static const struct srv_model_file *find_file(const struct srv_model_look *look, const char *name)
{
    for (int i = 0; i < look->count; i++)
        if (!strcmp(look->files[i].name, name)) return &look->files[i];
    return NULL;
}

/* Once, and again when other files are left out. */
static void tell_left_out(const struct srv_model_look *before, const struct srv_model_look *look)
{
    char others[32] = "";
    if (look->left_out == before->left_out && !strcmp(look->left_out_name, before->left_out_name)) return;
    if (look->left_out == 0) return;
    if (look->left_out > 1) snprintf(others, sizeof others, " and %d more", look->left_out - 1);
    srv_log("models: \"%s\"%s left out: at most %d files, named of a-z, 0-9, _ and -, at most %d of them",
            look->left_out_name, others, MODEL_FILES_MAX, DECK_ID_TEXT - 1);
}

static void keep_look(struct srv_models *m, const struct srv_model_look *look)
{
    tell_left_out(&m->look, look);
    srv_model_look_release(&m->look);
    m->look = *look;
}

nn_status models_look_first(struct srv_models *m, struct nn_error *err)
{
    struct srv_model_look look;
    nn_status status = srv_model_folder_look(m->setup.folder, &look, err);
    if (status) return status;
    for (int i = 0; i < look.count; i++) add(m, look.files[i].name, &look.files[i].stamp);
    for (int i = 0; i < m->setup.deck_count; i++)
        for (int k = 0; k < m->setup.decks[i].model_count; k++)
            if (!models_find(m, m->setup.decks[i].models[k]))
                add(m, m->setup.decks[i].models[k], &(struct srv_file_stamp){0});
    keep_look(m, &look);
    m->look_us = srv_clock_monotonic_us() + m->setup.look_us;
    return NN_OK;
}

/* A file that is being written differs from look to look. */
static bool settled(const struct srv_models *m, const struct srv_model_file *file)
{
    const struct srv_model_file *before = find_file(&m->look, file->name);
    return before && srv_file_stamp_same(&before->stamp, &file->stamp);
}

static void look_at_file(struct srv_models *m, const struct srv_model_file *file, int64_t now_us)
{
    struct model_entry *e = models_find(m, file->name);
    if (!e)
        add(m, file->name, &file->stamp);
    else if (!srv_file_stamp_same(&e->stamp, &file->stamp) || (e->retry_us && now_us >= e->retry_us))
        follow(m, e, &file->stamp);
}

void models_look_again(struct srv_models *m)
{
    struct srv_model_look look;
    struct nn_error err = {0};
    int64_t now_us = srv_clock_monotonic_us();
    if (srv_model_folder_look(m->setup.folder, &look, &err)) {
        if (!m->folder_lost)
            srv_log_error("models: the folder cannot be read: %s; what is in memory goes on", err.text);
        m->folder_lost = true;
        return;
    }
    m->folder_lost = false;
    for (int i = 0; i < look.count; i++)
        if (settled(m, &look.files[i])) look_at_file(m, &look.files[i], now_us);
    for (struct model_entry *e = m->entries, *next; e; e = next) {
        next = e->next;
        e->stale = false;
        if (find_file(&look, e->name) || find_file(&m->look, e->name)) continue;
        if (!e->needed)
            forget(m, e);
        else if (!srv_file_stamp_none(&e->stamp))
            follow(m, e, &(struct srv_file_stamp){0});
    }
    keep_look(m, &look);
}
