#include "trainer/report/report_page.h"

#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "engine/engine.h"
#include "trainer/drawing/html_text.h"
#include "trainer/drawing/page_style.h"
#include "trainer/progress.h"
#include "trainer/report/report_charts.h"
#include "trainer/report/report_sheets.h"

enum { TEXT_SIZE = 1200 };

/* ---- small parts -------------------------------------------------------------------------------- */

static void put_fact(FILE *page, const char *name, const char *note, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void put_fact(FILE *page, const char *name, const char *note, const char *format, ...)
{
    char text[TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fprintf(page, "<div><dt>%s</dt><dd>", name);
    tr_html_put(page, text);
    if (note[0]) fputs("<small>", page);
    tr_html_put(page, note);
    fputs(note[0] ? "</small></dd></div>\n" : "</dd></div>\n", page);
}

static void put_row(FILE *page, const char *name, const char *value)
{
    fputs("<tr><th scope=\"row\">", page);
    tr_html_put(page, name);
    fputs("</th><td>", page);
    tr_html_put(page, value);
    fputs("</td></tr>\n", page);
}

static void put_problem(FILE *page, const char *text)
{
    fputs("<p class=\"problem\">", page);
    tr_html_put(page, text);
    fputs("</p>\n", page);
}

/* ---- the head of the page ----------------------------------------------------------------------- */

/* The folder's own name, without the way to it. */
static void run_name(const char *run, char name[256])
{
    size_t end = strlen(run), from;
    while (end > 1 && run[end - 1] == '/') end--;
    for (from = end; from > 0 && run[from - 1] != '/'; from--) {
    }
    snprintf(name, 256, "%.*s", (int)(end - from < 255 ? end - from : 255), run + from);
}

static void put_origin(FILE *page, const struct tr_run_facts *f)
{
    fputs("<p class=\"origin\"><strong>All pictures here are synthetic and not for diagnosis.</strong> ",
          page);
    if (!f->has_generator)
        fputs("Whether the training data were simulated or real is not known: the run has no generator yet.",
              page);
    else if (f->generator.simulated)
        fputs("The training data were <strong>simulated</strong>: no patient's image went into the network.",
              page);
    else
        fputs("The training data were <strong>real</strong> radiographs: treat network and pictures as your "
              "rules for such data demand.",
              page);
    fputs("</p>\n", page);
}

static void put_problems(FILE *page, const struct tr_run_facts *f)
{
    char text[TEXT_SIZE];
    if (f->state_problem[0]) put_problem(page, f->state_problem);
    if (f->generator_problem[0]) put_problem(page, f->generator_problem);
    if (!f->log.bad_count) return;
    int used = snprintf(text, sizeof text, "metrics.jsonl: %d line%s left out:", f->log.bad_count,
                        f->log.bad_count == 1 ? "" : "s");
    for (int i = 0; i < f->log.bad_count && i < TR_LOG_BAD_NAMED; i++)
        used += snprintf(text + used, sizeof text - (size_t)used, "%s line %d %s%s", i ? ";" : "",
                         f->log.bad[i].line, strncmp(f->log.bad[i].why, "has ", 4) ? "is no JSON: " : "",
                         f->log.bad[i].why);
    if (f->log.bad_count > TR_LOG_BAD_NAMED)
        snprintf(text + used, sizeof text - (size_t)used, "; and others");
    put_problem(page, text);
}

static const struct tr_log_entry *last_measured(const struct tr_run_log *log)
{
    for (int i = log->count - 1; i >= 0; i--)
        if (log->entries[i].swd_levels) return &log->entries[i];
    return NULL;
}

static void put_facts(FILE *page, const struct tr_run_facts *f)
{
    const struct tr_log_entry *last = f->log.count ? &f->log.entries[f->log.count - 1] : NULL;
    const struct tr_log_entry *measured = last_measured(&f->log);
    char note[TEXT_SIZE] = "", time[32];
    double kimg = last ? last->kimg : (double)f->images / 1000;
    fputs("<dl class=\"facts\">\n", page);
    if (f->config_text)
        snprintf(note, sizeof note, "of %g planned", tr_schedule_total_kimg(&f->config.schedule));
    put_fact(page, "Shown so far", note, "%.5g kimg", kimg);
    if (last) {
        bool fading = last->lod > floor(last->lod);
        put_fact(page, "Level", fading ? "fading in" : "at full strength", "%d\xC3\x97%d", last->side,
                 last->side);
    }
    if (measured) {
        snprintf(note, sizeof note, "floor %.2f; %d images a set, at %.5g kimg", measured->swd_floor_mean,
                 measured->swd_images, measured->kimg);
        put_fact(page, "SWD \xC3\x97 1000, mean", note, "%.2f", measured->swd_mean);
    }
    if (f->has_watch && f->watch.best_images) {
        snprintf(note, sizeof note, "at %.5g kimg, of %d\xC3\x97%d", (double)f->watch.best_images / 1000,
                 f->watch.best_side, f->watch.best_side);
        put_fact(page, "Best SWD of its level", note, "%.2f", f->watch.best);
    }
    if (last) {
        snprintf(note, sizeof note, "%.3g images/s at the last tick", last->images_per_s);
        put_fact(page, "Time in training", note, "%s", tr_duration_text(tr_run_facts_trained_s(f), time));
    }
    put_fact(page, "Updates left out", "gradient not finite", "%.0f",
             last && isfinite(last->skipped) ? last->skipped : (double)f->skipped);
    fputs("</dl>\n", page);
}

/* ---- tables ------------------------------------------------------------------------------------- */

static void put_swd_table(FILE *page, const struct tr_run_log *log)
{
    const struct tr_log_entry *e = last_measured(log);
    if (!e) return;
    fprintf(page,
            "<table><caption>At %.5g kimg, %d images a set</caption>\n<thead><tr><th "
            "scope=\"col\">Level</th><th scope=\"col\" class=\"n\">Generated from real</th><th "
            "scope=\"col\" class=\"n\">Floor: real from real</th><th scope=\"col\" "
            "class=\"n\">Ratio</th></tr></thead>\n<tbody>\n",
            e->kimg, e->swd_images);
    for (int k = 0; k < e->swd_levels; k++)
        fprintf(page,
                "<tr><th scope=\"row\">%d\xC3\x97%d</th><td class=\"n\">%.2f</td><td "
                "class=\"n\">%.2f</td><td class=\"n\">%.1f</td></tr>\n",
                e->swd_sides[k], e->swd_sides[k], e->swd[k], e->swd_floor[k], e->swd[k] / e->swd_floor[k]);
    fprintf(page,
            "<tr><th scope=\"row\">mean</th><td class=\"n\">%.2f</td><td class=\"n\">%.2f</td><td "
            "class=\"n\">%.1f</td></tr>\n</tbody></table>\n",
            e->swd_mean, e->swd_floor_mean, e->swd_mean / e->swd_floor_mean);
}

static void put_levels(FILE *page, const struct tr_schedule *s)
{
    fputs("<section class=\"wide\" tabindex=\"0\" "
          "aria-label=\"Schedule\"><table><caption>Schedule</caption>\n<thead><tr><th "
          "scope=\"col\">Level</th><th scope=\"col\" class=\"n\">Fade-in, kimg</th><th scope=\"col\" "
          "class=\"n\">Then, kimg</th><th scope=\"col\" class=\"n\">Minibatch</th><th scope=\"col\" "
          "class=\"n\">Learning rate</th></tr></thead>\n<tbody>\n",
          page);
    for (int k = 0; k < s->level_count; k++)
        fprintf(page,
                "<tr><th scope=\"row\">%d\xC3\x97%d</th><td class=\"n\">%g</td><td class=\"n\">%g</td><td "
                "class=\"n\">%d</td><td class=\"n\">%g</td></tr>\n",
                4 << k, 4 << k, s->levels[k].fade_kimg, s->levels[k].train_kimg, s->levels[k].minibatch,
                (double)s->levels[k].lr);
    fputs("</tbody></table></section>\n", page);
}

/* Every single value of the configuration, as it is in the state. */
static void put_settings(FILE *page, const char *config_text)
{
    json_t *root = json_loads(config_text, 0, NULL), *value;
    const char *key;
    fputs("<section class=\"wide\" tabindex=\"0\" "
          "aria-label=\"Settings\"><table><caption>Settings</caption>\n<tbody>\n",
          page);
    json_object_foreach(root, key, value)
    {
        char text[TEXT_SIZE];
        if (json_is_array(value) || json_is_object(value)) continue;
        if (json_is_string(value))
            snprintf(text, sizeof text, "%s", json_string_value(value));
        else if (json_is_boolean(value))
            snprintf(text, sizeof text, "%s", json_is_true(value) ? "on" : "off");
        else
            snprintf(text, sizeof text, "%.7g", json_number_value(value));
        put_row(page, key, text);
    }
    fputs("</tbody></table></section>\n", page);
    json_decref(root);
}

/* With those that sheets have beside the labels: images without any finding. */
static void class_names(const struct tr_run_facts *f, char text[TEXT_SIZE])
{
    const struct nn_checkpoint *g = &f->generator;
    size_t used = 0;
    text[0] = '\0';
    for (int k = 0; k < g->class_count && used < TEXT_SIZE; k++)
        used += (size_t)snprintf(text + used, TEXT_SIZE - used, "%s%s", k ? ", " : "", g->classes[k]);
    if (g->class_count && g->config.label_kind == NN_LABELS_MULTI && used < TEXT_SIZE)
        snprintf(text + used, TEXT_SIZE - used, ", " NN_CLASS_NONE);
}

static void put_network(FILE *page, const struct tr_run_facts *f)
{
    char text[TEXT_SIZE];
    fputs("<section class=\"wide\" tabindex=\"0\" aria-label=\"Network and state\"><table>\n<tbody>\n", page);
    if (f->has_generator) {
        put_row(page, "Model", f->generator.name);
        put_row(page, "Training data", f->generator.simulated ? "simulated" : "real");
        class_names(f, text);
        put_row(page, "Classes", f->generator.class_count ? text : "none: unconditional");
        snprintf(text, sizeof text, "%d\xC3\x97%d, fmap %d/%d", 1 << f->generator.config.resolution_log2,
                 1 << f->generator.config.resolution_log2, f->generator.config.fmap_base,
                 f->generator.config.fmap_max);
        put_row(page, "generator.safetensors", text);
        put_row(page, "Its provenance", f->generator.provenance);
        put_row(page, "Its SHA-256", f->generator_sha256);
    }
    if (f->state_file[0]) {
        snprintf(text, sizeof text, "%s; %d in all", f->state_file, f->state_count);
        put_row(page, "Newest whole state", text);
        snprintf(text, sizeof text, "%.6g kimg in %llu steps; %.6g kimg in runs before this one",
                 (double)f->images / 1000, (unsigned long long)f->steps, (double)f->images_before / 1000);
        put_row(page, "It stands at", text);
        put_row(page, "SHA-256 of the data set", f->data_sha256);
    }
    put_row(page, "Report written by", "roentgym " ROENTGYM_VERSION);
    fputs("</tbody></table></section>\n", page);
}

/* ---- the page ----------------------------------------------------------------------------------- */

/* When the log was last written: the report of a run that stands still is the same bytes each time. */
static void put_date(FILE *page, const char *run)
{
    char path[4200], text[64];
    struct stat info;
    struct tm tm;
    snprintf(path, sizeof path, "%s/metrics.jsonl", run);
    if (stat(path, &info) != 0 || !gmtime_r(&info.st_mtim.tv_sec, &tm)) return;
    strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &tm);
    fprintf(page, "<p>As of the last tick, %s.</p>\n", text);
}

static void put_head(FILE *page, const char *run, const struct tr_run_facts *f)
{
    char name[256];
    run_name(run, name);
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<title>Training run ",
          page);
    tr_html_put(page, name);
    fprintf(page, "</title>\n<style>\n%s</style>\n</head>\n<body>\n<header>\n<h1>Training run ",
            tr_page_style);
    tr_html_put(page, name);
    fputs("</h1>\n", page);
    put_date(page, run);
    put_origin(page, f);
    put_problems(page, f);
    put_facts(page, f);
    fputs("</header>\n<main>\n", page);
}

static void rows_in_words(const struct tr_run_facts *f, char text[TEXT_SIZE])
{
    char classes[TEXT_SIZE];
    class_names(f, classes);
    if (f->generator.class_count)
        snprintf(text, TEXT_SIZE, "Rows: %.1100s. The same seeds in every row and on every sheet.", classes);
    else
        snprintf(text, TEXT_SIZE, "The same seeds in every row and on every sheet.");
}

static const char swd_words[] =
    "<h2>Sliced Wasserstein distance</h2>\n"
    "<p>How far the averaged generator's images are from the training images, by size of detail\n"
    "(form swd-3x, times 1000; low is near). The floor is the distance between two sets of training\n"
    "images: nothing can be expected below it. Both fall with the number of images: compare runs that\n"
    "were measured with the same number. Published figures are for 16,384.</p>\n";

nn_status tr_report_put_page(FILE *page, const char *run, const struct tr_run_facts *f, struct nn_error *err)
{
    char rows[TEXT_SIZE];
    rows_in_words(f, rows);
    put_head(page, run, f);
    fputs("<h2>Samples</h2>\n<p>", page);
    tr_html_put(page, rows);
    fputs("</p>\n", page);
    nn_status status = tr_report_put_sheets(page, run, rows, err);
    fputs(swd_words, page);
    put_swd_table(page, &f->log);
    if (status == NN_OK) status = tr_report_put_swd(page, &f->log, err);
    fputs("<h2>Training</h2>\n<p>Means between ticks. Grey stretches are levels of resolution, named "
          "above.</p>\n",
          page);
    if (status == NN_OK)
        status = tr_report_put_curves(page, &f->log, f->config_text ? &f->config : NULL, err);
    fputs("<h2>Configuration</h2>\n", page);
    if (f->config_text) {
        put_levels(page, &f->config.schedule);
        put_settings(page, f->config_text);
    } else {
        fputs("<p>Not known: the folder has no state that can be read.</p>\n", page);
    }
    fputs("<h2>Network and data</h2>\n", page);
    put_network(page, f);
    fputs("</main>\n<footer><p>Synthetic images, not for diagnosis. Written by roentgym " ROENTGYM_VERSION
          ".</p></footer>\n"
          "</body>\n</html>\n",
          page);
    return status;
}
