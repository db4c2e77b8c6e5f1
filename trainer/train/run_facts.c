#include "trainer/train/run_facts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/safetensors.h"
#include "trainer/train/run_folder.h"
#include "trainer/train/train_state.h"

static uint64_t counter(const struct nn_st_file *file, const char *key)
{
    const char *text = nn_st_metadata(file, key);
    return text ? strtoull(text, NULL, 10) : 0;
}

/* The state's whole content is checked on the way to its configuration. */
static nn_status read_state(struct tr_run_facts *f, const char *path, struct nn_error *err)
{
    struct nn_st_file *file;
    nn_status status = tr_train_state_read_config(path, &f->config, err);
    if (status == NN_OK) status = nn_st_open(&file, path, err);
    if (status != NN_OK) return status;
    const char *config = nn_st_metadata(file, "config"), *hash = nn_st_metadata(file, "data_sha256");
    const char *watch = nn_st_metadata(file, "watch");
    f->config_text = strdup(config ? config : "{}");
    snprintf(f->data_sha256, sizeof f->data_sha256, "%s", hash ? hash : "");
    snprintf(f->state_file, sizeof f->state_file, "%s", strrchr(path, '/') + 1);
    f->images = counter(file, "images");
    f->images_before = counter(file, "images_before");
    f->steps = counter(file, "steps");
    f->skipped = counter(file, "skipped");
    f->has_watch = watch && tr_watch_parse(&f->watch, watch);
    nn_st_close(file);
    return f->config_text ? NN_OK : nn_fail(err, NN_ERR_MEMORY, "%s: out of memory", path);
}

/* The newest that is whole, as --resume would take it. */
static nn_status find_state(struct tr_run_facts *f, const struct tr_run_folder *folder, struct nn_error *err)
{
    uint64_t *images;
    nn_status status = tr_run_list_states(folder, &images, &f->state_count, err);
    for (int i = 0; i < f->state_count && status == NN_OK && !f->state_file[0]; i++) {
        char path[PATH_MAX];
        struct nn_error problem;
        tr_run_state_path(folder, images[i], path);
        if (read_state(f, path, &problem) != NN_OK && !f->state_problem[0])
            snprintf(f->state_problem, sizeof f->state_problem, "%s", problem.text);
    }
    if (status == NN_OK) free(images);
    return status;
}

static void read_generator(struct tr_run_facts *f, const struct tr_run_folder *folder)
{
    char path[PATH_MAX];
    struct nn_network net;
    struct nn_error problem;
    float *values;
    tr_run_path(folder, "generator.safetensors", path);
    if (access(path, F_OK) != 0) return;
    if (nn_checkpoint_read(path, &f->generator, &net, &values, f->generator_sha256, &problem) == NN_OK) {
        f->has_generator = true;
        free(values);
        nn_network_release(&net);
    } else {
        snprintf(f->generator_problem, sizeof f->generator_problem, "%s", problem.text);
    }
}

nn_status tr_run_facts_read(struct tr_run_facts *f, const char *run, struct nn_error *err)
{
    const struct tr_run_folder folder = {.path = run, .lock = -1};
    char path[PATH_MAX];
    *f = (struct tr_run_facts){0};
    tr_run_path(&folder, "metrics.jsonl", path);
    bool has_log = access(path, F_OK) == 0;
    nn_status status = has_log ? tr_run_log_read(&f->log, path, err) : NN_OK;
    if (status == NN_OK) status = find_state(f, &folder, err);
    if (status == NN_OK) read_generator(f, &folder);
    if (status == NN_OK && !has_log && f->state_count == 0 && !f->has_generator && !f->generator_problem[0])
        status = nn_fail(err, NN_ERR_FORMAT,
                         "%s: no run: neither metrics.jsonl nor a state nor a generator in it", run);
    if (status != NN_OK) tr_run_facts_release(f);
    return status;
}

void tr_run_facts_release(struct tr_run_facts *f)
{
    tr_run_log_release(&f->log);
    free(f->config_text);
    *f = (struct tr_run_facts){0};
}

double tr_run_facts_trained_s(const struct tr_run_facts *f)
{
    double total = 0, last = 0; /* a process that goes on counts from 0 again */
    for (int i = 0; i < f->log.count; i++) {
        double elapsed = f->log.entries[i].elapsed_s;
        if (!isfinite(elapsed)) continue;
        if (elapsed < last) total += last;
        last = elapsed;
    }
    return total + last;
}
