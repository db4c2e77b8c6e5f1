#include "server/metrics_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "engine/engine.h"
#include "server/clock.h"
#include "server/log.h"

static const char *const priority_names[PRIORITIES] = {"learner", "next", "ahead", "atlas"};
static const char *const phase_names[CONNECTION_PHASES] = {"waiting", "receiving", "answering", "sending"};

/* ---- lines ---- */

/* Begins a family: all its lines follow together. */
static void family(FILE *out, const char *name, const char *type, const char *help)
{
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void one(FILE *out, const char *name, const char *type, const char *help, double value)
{
    family(out, name, type, help);
    fprintf(out, "%s %.15g\n", name, value);
}

static void labelled(FILE *out, const char *name, const char *label, const char *of, uint64_t value)
{
    fprintf(out, "%s{%s=\"%s\"} %" PRIu64 "\n", name, label, of, value);
}

static void by_priority(FILE *out, const char *name, const char *help, const uint64_t values[PRIORITIES])
{
    family(out, name, "counter", help);
    for (int p = 0; p < PRIORITIES; p++) labelled(out, name, "priority", priority_names[p], values[p]);
}

static void histogram(FILE *out, const char *name, const char *help, const struct srv_histogram *histogram)
{
    family(out, name, "histogram", help);
    srv_histogram_print(histogram, out, name, "");
}

/* ---- requests ---- */

/* The last line is for what has no route. */
static struct srv_route route_of(const struct srv_metrics_sources *sources, int line)
{
    return line < sources->route_count ? sources->routes[line]
                                       : (struct srv_route){"any", "static", NULL, SRV_ANYONE};
}

static void print_route(FILE *out, const char *name, const struct srv_metrics *metrics, int line,
                        struct srv_route route)
{
    for (int class = 1; class < METRICS_CLASSES; class ++) {
        uint64_t count = atomic_load(&metrics->requests[line][class]);
        if (count)
            fprintf(out, "%s{method=\"%s\",route=\"%s\",status=\"%dxx\"} %" PRIu64 "\n", name, route.method,
                    route.pattern, class, count);
    }
}

static void print_route_seconds(FILE *out, const char *name, const struct srv_metrics *metrics, int line,
                                struct srv_route route)
{
    char labels[160];
    if (srv_histogram_total(&metrics->seconds[line]) == 0) return;
    snprintf(labels, sizeof labels, "method=\"%s\",route=\"%s\"", route.method, route.pattern);
    srv_histogram_print(&metrics->seconds[line], out, name, labels);
}

static void print_requests(FILE *out, const struct srv_metrics *metrics,
                           const struct srv_metrics_sources *sources)
{
    const char *name = "roentgymd_requests_total";
    family(out, name, "counter", "Requests by route and class of status.");
    for (int i = 0; i < sources->route_count; i++) print_route(out, name, metrics, i, route_of(sources, i));
    print_route(out, name, metrics, METRICS_ROUTES_MAX, route_of(sources, METRICS_ROUTES_MAX));
    name = "roentgymd_request_seconds";
    family(out, name, "histogram", "From a request's last byte until its answer is ready to be sent.");
    for (int i = 0; i < sources->route_count; i++)
        print_route_seconds(out, name, metrics, i, route_of(sources, i));
    print_route_seconds(out, name, metrics, METRICS_ROUTES_MAX, route_of(sources, METRICS_ROUTES_MAX));
}

static void print_errors(FILE *out, const struct srv_metrics *metrics)
{
    family(out, "roentgymd_errors_total", "counter",
           "Errors by the code in their body; busy and storage_unavailable are refusals.");
    for (int i = 0; i < METRICS_ERRORS_MAX; i++) {
        const char *code = atomic_load(&metrics->errors[i].code);
        if (code)
            labelled(out, "roentgymd_errors_total", "code", code, atomic_load(&metrics->errors[i].count));
    }
}

/* ---- connections ---- */

static void print_connections(FILE *out, const struct srv_connections_counts *c)
{
    const char *name = "roentgymd_connections";
    family(out, name, "gauge", "Open connections by what they are at.");
    for (int p = 0; p < CONNECTION_PHASES; p++)
        labelled(out, name, "phase", phase_names[p], (uint64_t)c->open[p]);
    one(out, "roentgymd_connections_max", "gauge", "Places for connections.", c->limit);
    one(out, "roentgymd_connections_accepted_total", "counter", "Connections let in.", (double)c->accepted);
    name = "roentgymd_connections_closed_total";
    family(out, name, "counter",
           "Connections closed by us: for the time that a phase took, or for a newcomer.");
    for (int p = 0; p < CONNECTION_PHASES; p++)
        if (p != CONNECTION_ANSWERING) labelled(out, name, "reason", phase_names[p], c->overstepped[p]);
    labelled(out, name, "reason", "made_room", c->made_room);
}

/* ---- images ---- */

static void print_queue(FILE *out, const struct srv_queue_counts *c)
{
    by_priority(out, "roentgymd_images_made_total", "Images sampled and encoded.", c->made);
    one(out, "roentgymd_images_failed_total", "counter", "Images that the engine or the encoder refused.",
        (double)c->failed);
    one(out, "roentgymd_images_from_cache_total", "counter", "Requests that found their image made.",
        (double)c->from_cache);
    one(out, "roentgymd_images_joined_total", "counter", "Requests that found their image under way.",
        (double)c->joined);
    by_priority(out, "roentgymd_images_refused_total", "Images refused at once, for a full queue.",
                c->refused);
    by_priority(out, "roentgymd_images_dropped_total", "Images not made, as nobody wanted them any more.",
                c->dropped);
    one(out, "roentgymd_images_late_total", "counter", "Requests whose deadline passed.", (double)c->late);
    family(out, "roentgymd_images_waiting", "gauge", "Images that wait to be made.");
    for (int p = 0; p < PRIORITIES; p++)
        labelled(out, "roentgymd_images_waiting", "priority", priority_names[p], (uint64_t)c->waiting[p]);
    one(out, "roentgymd_images_under_way", "gauge", "Images being sampled or encoded.", c->under_way);
}

static void print_stages(FILE *out, const struct srv_queue_counts *c)
{
    const char *name = "roentgymd_image_wait_seconds";
    histogram(out, "roentgymd_batch_images", "Images sampled in one call.", &c->batches);
    family(out, name, "histogram", "From an image's request to the begin of its sampling.");
    for (int p = 0; p < PRIORITIES; p++) {
        char labels[40];
        snprintf(labels, sizeof labels, "priority=\"%s\"", priority_names[p]);
        srv_histogram_print(&c->waited[p], out, name, labels);
    }
    histogram(out, "roentgymd_batch_sampling_seconds", "Sampling of one batch.", &c->sampling);
    histogram(out, "roentgymd_image_encoding_seconds", "Encoding of one image.", &c->encoding);
}

static void print_cache(FILE *out, const struct srv_cache_counts *c)
{
    family(out, "roentgymd_image_cache_hits_total", "counter", "Encoded images found, by where.");
    labelled(out, "roentgymd_image_cache_hits_total", "where", "memory", c->memory_hits);
    labelled(out, "roentgymd_image_cache_hits_total", "where", "disk", c->disk.hits);
    one(out, "roentgymd_image_cache_misses_total", "counter", "Encoded images not found.", (double)c->misses);
    family(out, "roentgymd_image_cache_evictions_total", "counter", "Encoded images dropped for newer ones.");
    labelled(out, "roentgymd_image_cache_evictions_total", "where", "memory", c->memory_evictions);
    labelled(out, "roentgymd_image_cache_evictions_total", "where", "disk", c->disk.evictions);
    family(out, "roentgymd_image_cache_bytes", "gauge", "Space of encoded images.");
    labelled(out, "roentgymd_image_cache_bytes", "where", "memory", c->memory_bytes);
    labelled(out, "roentgymd_image_cache_bytes", "where", "disk", c->disk.bytes);
    one(out, "roentgymd_image_files_refused_total", "counter",
        "Files of images that were not whole or not ours.", (double)c->disk.refused);
    one(out, "roentgymd_image_write_failures_total", "counter", "Files of images that could not be written.",
        (double)c->disk.write_failures);
    one(out, "roentgymd_image_writes_dropped_total", "counter",
        "Images not written as too many waited or writing paused.", (double)c->disk.dropped);
}

/* ---- models ---- */

static void print_models(FILE *out, const struct srv_models_counts *c)
{
    one(out, "roentgymd_model_loads_total", "counter", "Checkpoints loaded.", (double)c->loads);
    one(out, "roentgymd_model_failures_total", "counter", "Checkpoints that could not be used.",
        (double)c->failures);
    one(out, "roentgymd_model_evictions_total", "counter", "Models dropped for want of memory.",
        (double)c->evictions);
    one(out, "roentgymd_models_loaded", "gauge", "Versions of checkpoints in memory.", c->loaded);
    one(out, "roentgymd_model_memory_bytes", "gauge", "What they take.", (double)c->memory_bytes);
    one(out, "roentgymd_model_memory_limit_bytes", "gauge", "What they may take.",
        (double)c->memory_limit_bytes);
}

/* ---- the database ---- */

static void print_database(FILE *out, const struct db_counts *c)
{
    histogram(out, "roentgymd_commit_seconds", "A COMMIT to the disk.", &c->commits);
    histogram(out, "roentgymd_commit_writers", "Writers that shared one COMMIT.", &c->groups);
    one(out, "roentgymd_commits_refused_total", "counter", "Groups of writers that could not be stored.",
        (double)atomic_load(&c->refused));
    one(out, "roentgymd_wal_bytes", "gauge", "The write-ahead log, since it last started over.",
        (double)atomic_load(&c->wal_bytes));
}

/* ---- the process ---- */

/* Under the names that Prometheus' own clients use. */
static void print_process(FILE *out)
{
    unsigned long long pages = 0;
    struct timespec used = {0};
    FILE *file = fopen("/proc/self/statm", "re");
    if (file) {
        if (fscanf(file, "%*u %llu", &pages) != 1) pages = 0;
        fclose(file);
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    one(out, "process_resident_memory_bytes", "gauge", "Memory in use.",
        (double)pages * (double)sysconf(_SC_PAGESIZE));
    one(out, "process_cpu_seconds_total", "counter", "Processor time, user and system.",
        (double)used.tv_sec + (double)used.tv_nsec / 1e9);
}

char *srv_metrics_text(const struct srv_metrics *metrics, const struct srv_metrics_sources *sources)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out) return NULL;
    family(out, "roentgymd_info", "gauge", "The daemon's version.");
    labelled(out, "roentgymd_info", "version", ROENTGYM_VERSION, 1);
    one(out, "roentgymd_uptime_seconds", "gauge", "Since the start.",
        (double)(srv_clock_monotonic_us() - metrics->started_us) / 1e6);
    one(out, "roentgymd_ready", "gauge", "1 when images can be asked for, as /readyz says.", sources->ready);
    one(out, "roentgymd_answers_total", "counter", "Answers stored.", (double)atomic_load(&metrics->answers));
    one(out, "roentgymd_log_lines_suppressed_total", "counter", "Lines of the log left out in a flood.",
        (double)srv_log_suppressed());
    print_requests(out, metrics, sources);
    print_errors(out, metrics);
    print_connections(out, sources->connections);
    print_queue(out, sources->queue);
    print_stages(out, sources->queue);
    print_cache(out, sources->cache);
    print_models(out, sources->models);
    print_database(out, sources->database);
    print_process(out);
    if (fclose(out)) {
        free(text);
        return NULL;
    }
    return text;
}
