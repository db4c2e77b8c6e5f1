#include "tests/bench/load_run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* web/js/retry.js */
static const double first_delay_s = 0.4, longest_delay_s = 8, longest_wish_s = 60;

static const char *const names[KIND_COUNT] = {
    "file", "page",   "list",    "session", "item",  "first image", "image",
    "wait", "answer", "summary", "sample",  "atlas", "atlas 1024",  "refusal",
};

void load_record(struct load_run *run, enum load_kind kind, double seconds)
{
    struct load_samples *s = &run->samples[kind];
    if (s->count == s->room) {
        s->room = s->room ? 2 * s->room : 1024;
        s->seconds = realloc(s->seconds, s->room * sizeof *s->seconds);
        if (!s->seconds) abort();
    }
    s->seconds[s->count++] = seconds;
}

void load_error(struct load_run *run, const char *what)
{
    json_int_t count = json_integer_value(json_object_get(run->errors, what));
    json_object_set_new(run->errors, what, json_integer(count + 1));
}

bool load_expect(struct load_run *run, enum load_kind kind, const struct load_reply *reply, int status)
{
    static const char *const failures[] = {"", "refused connection", "broken connection", "time-out",
                                           "not HTTP"};
    char what[96];
    bool image = kind == KIND_IMAGE || kind == KIND_FIRST_IMAGE || kind >= KIND_SAMPLE;
    if (reply->failure) {
        snprintf(what, sizeof what, "%s: %s", names[kind], failures[reply->failure]);
    } else if (reply->status == 503 && reply->retry_after_s > 0) {
        load_record(run, KIND_REFUSAL, reply->seconds);
        return false;
    } else if (reply->status != status && (reply->status != 200 || status != 201)) {
        snprintf(what, sizeof what, "%s: status %d", names[kind], reply->status);
    } else if (image && reply->png_side == 0) {
        snprintf(what, sizeof what, "%s: not a PNG", names[kind]);
    } else {
        load_record(run, kind, reply->seconds);
        return true;
    }
    load_error(run, what);
    return false;
}

json_t *load_json(struct load_run *run, enum load_kind kind, const struct load_reply *reply)
{
    char what[96];
    json_t *json = json_loads(reply->text, 0, NULL);
    if (json) return json;
    snprintf(what, sizeof what, "%s: not JSON", names[kind]);
    load_error(run, what);
    return NULL;
}

bool load_transient(const struct load_reply *reply)
{
    return reply->failure || reply->status == 408 || reply->status == 429 || reply->status >= 500;
}

double load_backoff(struct nn_rng *rng, int attempt, const struct load_reply *reply)
{
    double ceiling = first_delay_s * (1 << (attempt < 10 ? attempt : 10));
    if (ceiling > longest_delay_s) ceiling = longest_delay_s;
    double spread = nn_rng_uniform(rng), delay = ceiling * (0.5 + 0.5 * spread);
    double wish = fmin(reply->retry_after_s, longest_wish_s) * (1 + 0.5 * spread);
    return wish > delay ? wish : delay;
}

void load_note_model(struct load_run *run, const json_t *model)
{
    const json_t *classes = json_object_get(model, "classes"), *sizes = json_object_get(model, "sizes");
    const char *id = json_string_value(json_object_get(model, "id"));
    if (!id || json_array_size(classes) < 2 || json_array_size(sizes) < 1) {
        load_error(run, "list: no model");
        return;
    }
    for (size_t i = 0; i < 2; i++)
        snprintf(run->classes[i], sizeof run->classes[i], "%s",
                 json_string_value(json_array_get(classes, i)));
    for (run->size_count = 0; run->size_count < 8; run->size_count++) {
        run->sizes[run->size_count] = (int)json_integer_value(json_array_get(sizes, (size_t)run->size_count));
        if (!run->sizes[run->size_count]) break;
    }
    snprintf(run->model, sizeof run->model, "%s", id);
}

int load_size(const struct load_run *run, int pixels)
{
    int i = 0;
    while (i < run->size_count - 1 && run->sizes[i] < pixels) i++;
    return run->sizes[i];
}

/* ---- report ---- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The smallest value that at least `share` of them do not exceed, in milliseconds. */
static json_t *percentile(const struct load_samples *s, double share)
{
    size_t at = (size_t)((double)s->count * share);
    if ((double)at == (double)s->count * share && at > 0) at--;
    return json_real(s->seconds[at] * 1e3);
}

json_t *load_report(const struct load_run *run)
{
    json_t *kinds = json_object();
    struct load_traffic traffic = load_loop_traffic(run->loop);
    for (int k = 0; k < KIND_COUNT; k++) {
        const struct load_samples *s = &run->samples[k];
        if (s->count == 0) continue;
        qsort(s->seconds, s->count, sizeof *s->seconds, by_value);
        json_object_set_new(kinds, names[k],
                            json_pack("{s:I,s:o,s:o,s:o,s:o}", "count", (json_int_t)s->count, "p50",
                                      percentile(s, 0.5), "p95", percentile(s, 0.95), "p99",
                                      percentile(s, 0.99), "max", percentile(s, 1)));
    }
    return json_pack("{s:o,s:O,s:I,s:i,s:i,s:I,s:i,s:i}", "ms", kinds, "errors", run->errors, "acknowledged",
                     (json_int_t)run->acknowledged, "finished", run->finished, "unfinished", run->running,
                     "bytes", (json_int_t)traffic.received_bytes, "connections", traffic.most_connections,
                     "reopened", traffic.reopened);
}
