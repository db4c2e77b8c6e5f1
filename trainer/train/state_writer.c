#include "trainer/train/state_writer.h"

#include <signal.h>

#include "trainer/train/generator_export.h"

static nn_status write_all(struct tr_state_writer *w, struct nn_error *err)
{
    const struct tr_training *at = &w->snapshot.at;
    const struct tr_watch *watch = &at->watch;
    char path[PATH_MAX];
    /* The state last: it stands for all that a run has at its moment, and is not written twice. */
    tr_run_path(w->folder, "generator.safetensors", path);
    nn_status status = tr_generator_export(path, &w->snapshot, w->name, err);
    tr_run_path(w->folder, "generator-best.safetensors", path);
    if (status == NN_OK && watch->best_images && watch->best_images == at->images)
        status = tr_generator_export(path, &w->snapshot, w->name, err);
    tr_run_state_path(w->folder, at->images, path);
    if (status == NN_OK) status = tr_train_state_write(path, &w->snapshot, err);
    /* Only now that the newest is safe may an older one go. */
    if (status == NN_OK)
        status = tr_run_prune_states(w->folder, at->images, watch->best_images, watch->good_images, err);
    return status;
}

static void *run_thread(void *writer)
{
    struct tr_state_writer *w = writer;
    w->status = write_all(w, &w->err);
    atomic_store(&w->done, true);
    return NULL;
}

/* Signals are for the thread that trains. */
static bool start_thread(struct tr_state_writer *w)
{
    sigset_t all, before;
    sigfillset(&all);
    atomic_store(&w->done, false);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    w->running = pthread_create(&w->thread, NULL, run_thread, w) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return w->running;
}

nn_status tr_state_writer_finish(struct tr_state_writer *w, struct nn_error *err)
{
    if (!w->running) return NN_OK;
    pthread_join(w->thread, NULL);
    w->running = false;
    return w->status == NN_OK ? NN_OK : nn_fail(err, w->status, "%s", w->err.text);
}

nn_status tr_state_writer_poll(struct tr_state_writer *w, struct nn_error *err)
{
    return w->running && atomic_load(&w->done) ? tr_state_writer_finish(w, err) : NN_OK;
}

nn_status tr_state_writer_save(struct tr_state_writer *w, const struct tr_training *tr, struct nn_error *err)
{
    nn_status status = tr_state_writer_finish(w, err);
    if (status == NN_OK) status = tr_snapshot_take(&w->snapshot, tr, err);
    if (status != NN_OK || start_thread(w)) return status;
    return write_all(w, err); /* no thread to be had: it takes longer, that is all */
}

void tr_state_writer_release(struct tr_state_writer *w)
{
    (void)!tr_state_writer_finish(w, NULL);
    tr_snapshot_release(&w->snapshot);
}
