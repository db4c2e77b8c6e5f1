/* What `roentgym inspect` says of checkpoints, training states and runs. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "engine/checkpoint.h"
#include "engine/safetensors.h"
#include "trainer/inspect/inspect.h"
#include "trainer/train/run_facts.h"
#include "trainer/train/run_folder.h"
#include "trainer/train/train_state.h"

static json_t *size_of_file(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 ? json_integer(info.st_size) : json_null();
}

static json_t *rounded(double value)
{
    char text[40];
    if (!isfinite(value)) return json_null();
    snprintf(text, sizeof text, "%.6g", value);
    return json_real(strtod(text, NULL));
}

static void put_architecture(json_t *facts, const struct nn_gan_config *g)
{
    json_object_set_new(facts, "resolution", json_integer(1 << g->resolution_log2));
    json_object_set_new(facts, "fmap_base", json_integer(g->fmap_base));
    json_object_set_new(facts, "fmap_max", json_integer(g->fmap_max));
    json_object_set_new(facts, "latent_size", json_integer(nn_gan_latent_size(g)));
    json_object_set_new(facts, "label_kind",
                        json_string(g->label_count ? nn_label_kind_words[g->label_kind] : "none"));
    json_object_set_new(facts, "label_norm", json_string(nn_label_norm_words[g->label_norm]));
    json_object_set_new(facts, "conditioning",
                        json_string(g->label_count ? nn_conditioning_words[g->conditioning] : "none"));
    json_object_set_new(facts, "fused_scale", json_boolean(!g->unfused));
    json_object_set_new(facts, "mbstd_group", json_integer(g->mbstd_group));
}

/* The tensors by name would fill the screen; their number, size and range tell a damaged file. */
static json_t *weights(const struct nn_network *net, const float *values)
{
    double low = INFINITY, high = -INFINITY, squares = 0;
    size_t not_finite = 0;
    for (size_t i = 0; i < net->value_count; i++) {
        double value = (double)values[i];
        not_finite += !isfinite(value);
        low = fmin(low, value);
        high = fmax(high, value);
        squares += value * value;
    }
    json_t *facts = json_object();
    json_object_set_new(facts, "tensors", json_integer(net->param_count));
    json_object_set_new(facts, "values", json_integer((json_int_t)net->value_count));
    json_object_set_new(facts, "lowest", rounded(low));
    json_object_set_new(facts, "highest", rounded(high));
    json_object_set_new(facts, "rms", rounded(sqrt(squares / (double)net->value_count)));
    json_object_set_new(facts, "not_finite", json_integer((json_int_t)not_finite));
    return facts;
}

nn_status tr_inspect_checkpoint(const char *path, json_t **out, struct nn_error *err)
{
    struct nn_checkpoint info;
    struct nn_network net;
    float *values;
    char sha256[65];
    *out = NULL;
    nn_status status = nn_checkpoint_read(path, &info, &net, &values, sha256, err);
    if (status != NN_OK) return status;
    json_t *facts = json_object(), *classes = json_array();
    for (int k = 0; k < info.class_count; k++) json_array_append_new(classes, json_string(info.classes[k]));
    json_object_set_new(facts, "kind", json_string("generator checkpoint"));
    json_object_set_new(facts, "path", json_string(path));
    json_object_set_new(facts, "name", json_string(info.name));
    json_object_set_new(facts, "training_data", json_string(info.simulated ? "simulated" : "real"));
    json_object_set_new(facts, "provenance", json_string(info.provenance));
    if (info.licence[0]) json_object_set_new(facts, "licence", json_string(info.licence));
    json_object_set_new(facts, "kimg", rounded(info.kimg));
    json_object_set_new(facts, "classes", classes);
    put_architecture(facts, &info.config);
    json_object_set_new(facts, "weights", weights(&net, values));
    json_object_set_new(facts, "bytes", size_of_file(path));
    json_object_set_new(facts, "sha256", json_string(sha256));
    free(values);
    nn_network_release(&net);
    *out = facts;
    return NN_OK;
}

/* ---- training states ---------------------------------------------------------------------------- */

static void put_counter(json_t *facts, const struct nn_st_file *file, const char *key, const char *name)
{
    const char *text = nn_st_metadata(file, key);
    if (text) json_object_set_new(facts, name, json_integer(strtoll(text, NULL, 10)));
}

static json_t *lines_of(const char *text)
{
    json_t *list = json_array();
    while (text && *text) {
        size_t length = strcspn(text, "\n");
        json_array_append_new(list, json_stringn(text, length));
        text += length + (text[length] != '\0');
    }
    return list;
}

/* The values of the configuration as they are; its levels are one line each, as --levels takes them. */
static json_t *configuration(const char *text)
{
    json_t *root = json_loads(text, 0, NULL), *levels = json_array(), *level;
    size_t k;
    json_array_foreach(json_object_get(root, "levels"), k, level)
    {
        char line[160];
        snprintf(line, sizeof line, "%d:%g/%g kimg, minibatch %d, step size %g", 4 << k,
                 json_number_value(json_object_get(level, "fade_kimg")),
                 json_number_value(json_object_get(level, "train_kimg")),
                 (int)json_integer_value(json_object_get(level, "minibatch")),
                 json_number_value(json_object_get(level, "lr")));
        json_array_append_new(levels, json_string(line));
    }
    json_object_set_new(root, "levels", levels);
    return root;
}

static json_t *where_it_stands(const struct tr_train_config *c, uint64_t images)
{
    struct tr_phase phase = tr_schedule_at(&c->schedule, images);
    char text[120];
    snprintf(text, sizeof text, "%dx%d, %s%s, of %g kimg planned", phase.side, phase.side,
             phase.fading ? "fading in" : "at full strength", phase.finished ? ", finished" : "",
             tr_schedule_total_kimg(&c->schedule));
    return json_string(text);
}

nn_status tr_inspect_state(const char *path, json_t **out, struct nn_error *err)
{
    struct tr_train_config config;
    struct nn_st_file *file;
    char sha256[65];
    *out = NULL;
    nn_status status = tr_train_state_read_config(path, &config, err); /* with the checksum of all of it */
    if (status == NN_OK) status = nn_st_open(&file, path, err);
    if (status != NN_OK) return status;
    const char *images = nn_st_metadata(file, "images"), *hash = nn_st_metadata(file, "data_sha256");
    const char *text = nn_st_metadata(file, "config"), *watch_text = nn_st_metadata(file, "watch");
    uint64_t shown = images ? strtoull(images, NULL, 10) : 0;
    struct tr_watch watch;
    json_t *facts = json_object();
    json_object_set_new(facts, "kind", json_string("training state"));
    json_object_set_new(facts, "path", json_string(path));
    json_object_set_new(facts, "kimg", rounded((double)shown / 1000));
    json_object_set_new(facts, "level", where_it_stands(&config, shown));
    put_counter(facts, file, "images_before", "images_in_runs_before");
    put_counter(facts, file, "steps", "steps");
    put_counter(facts, file, "skipped", "updates_left_out");
    json_object_set_new(facts, "classes", lines_of(nn_st_metadata(file, "classes")));
    json_object_set_new(facts, "data_sha256", json_string(hash ? hash : ""));
    if (watch_text && tr_watch_parse(&watch, watch_text) && watch.best_images) {
        json_object_set_new(facts, "best_swd", rounded(watch.best));
        json_object_set_new(facts, "best_at_kimg", rounded((double)watch.best_images / 1000));
    }
    put_architecture(facts, &config.gan);
    json_object_set_new(facts, "configuration", configuration(text));
    json_object_set_new(facts, "tensors", json_integer(nn_st_count(file)));
    json_object_set_new(facts, "checksum",
                        json_string(nn_st_metadata(file, "sha256") ? "verified" : "none: an old state"));
    json_object_set_new(facts, "bytes", size_of_file(path));
    nn_st_sha256(file, sha256);
    json_object_set_new(facts, "sha256", json_string(sha256));
    nn_st_close(file);
    *out = facts;
    return NN_OK;
}

/* ---- runs --------------------------------------------------------------------------------------- */

/* Of every state: which can be gone on from. */
static json_t *states(const char *folder, struct nn_error *err)
{
    const struct tr_run_folder run = {.path = folder, .lock = -1};
    uint64_t *images;
    int count;
    if (tr_run_list_states(&run, &images, &count, err) != NN_OK) return NULL;
    json_t *list = json_array();
    for (int i = 0; i < count; i++) {
        char path[PATH_MAX], text[PATH_MAX + 400];
        struct tr_train_config config;
        struct nn_error problem;
        tr_run_state_path(&run, images[i], path);
        bool good = tr_train_state_read_config(path, &config, &problem) == NN_OK;
        snprintf(text, sizeof text, "%s: %s", strrchr(path, '/') + 1, good ? "whole" : problem.text);
        json_array_append_new(list, json_string(text));
    }
    free(images);
    return list;
}

static void put_last(json_t *facts, const struct tr_log_entry *e)
{
    json_t *last = json_object();
    json_object_set_new(last, "kimg", rounded(e->kimg));
    json_object_set_new(last, "side", json_integer(e->side));
    json_object_set_new(last, "score_of_reals", rounded(e->real));
    json_object_set_new(last, "score_of_fakes", rounded(e->fake));
    json_object_set_new(last, "gradient_penalty", rounded(e->penalty));
    json_object_set_new(last, "label_loss", rounded(e->label));
    json_object_set_new(last, "generator_loss", rounded(e->generator));
    json_object_set_new(last, "images_per_s", rounded(e->images_per_s));
    json_object_set_new(facts, "last_tick", last);
}

static void put_swd(json_t *facts, const struct tr_run_log *log)
{
    for (int i = log->count - 1; i >= 0; i--) {
        const struct tr_log_entry *e = &log->entries[i];
        if (!e->swd_levels) continue;
        json_t *swd = json_object();
        json_object_set_new(swd, "at_kimg", rounded(e->kimg));
        json_object_set_new(swd, "images_a_set", json_integer(e->swd_images));
        json_object_set_new(swd, "mean", rounded(e->swd_mean));
        json_object_set_new(swd, "floor", rounded(e->swd_floor_mean));
        json_object_set_new(facts, "last_swd_3x", swd);
        return;
    }
}

static void put_log(json_t *facts, const struct tr_run_facts *f)
{
    char text[160];
    if (f->log.bad_count) {
        snprintf(text, sizeof text, "%d; the first is line %d: %s", f->log.bad_count, f->log.bad[0].line,
                 f->log.bad[0].why);
        json_object_set_new(facts, "bad_lines_in_metrics", json_string(text));
    }
    json_object_set_new(facts, "ticks", json_integer(f->log.count));
    json_object_set_new(facts, "hours_in_training", rounded(tr_run_facts_trained_s(f) / 3600));
    if (f->log.count) put_last(facts, &f->log.entries[f->log.count - 1]);
    put_swd(facts, &f->log);
}

nn_status tr_inspect_run(const char *folder, json_t **out, struct nn_error *err)
{
    struct tr_run_facts f;
    *out = NULL;
    nn_status status = tr_run_facts_read(&f, folder, err);
    if (status != NN_OK) return status;
    json_t *facts = json_object(), *list = states(folder, err);
    json_object_set_new(facts, "kind", json_string("training run"));
    json_object_set_new(facts, "path", json_string(folder));
    if (f.has_generator) {
        json_object_set_new(facts, "name", json_string(f.generator.name));
        json_object_set_new(facts, "training_data",
                            json_string(f.generator.simulated ? "simulated" : "real"));
        json_object_set_new(facts, "provenance", json_string(f.generator.provenance));
        json_object_set_new(facts, "generator_sha256", json_string(f.generator_sha256));
    } else if (f.generator_problem[0]) {
        json_object_set_new(facts, "generator_problem", json_string(f.generator_problem));
    }
    json_object_set_new(facts, "states", list ? list : json_array());
    if (f.config_text) {
        json_object_set_new(facts, "kimg", rounded((double)f.images / 1000));
        json_object_set_new(facts, "level", where_it_stands(&f.config, f.images));
        json_object_set_new(facts, "data_sha256", json_string(f.data_sha256));
        put_architecture(facts, &f.config.gan);
    }
    put_log(facts, &f);
    if (f.config_text) json_object_set_new(facts, "configuration", configuration(f.config_text));
    tr_run_facts_release(&f);
    *out = facts;
    return NN_OK;
}
