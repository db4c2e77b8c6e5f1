#include "trainer/evaluate/evaluation_report.h"

#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"
#include "trainer/drawing/embedded_picture.h"
#include "trainer/drawing/html_text.h"
#include "trainer/drawing/page_style.h"
#include "trainer/evaluate/sections.h"
#include "trainer/overwrite.h"
#include "trainer/parts/part_file.h"
#include "trainer/text_file.h"

_Static_assert(sizeof((struct tr_evaluation *)0)->missing / sizeof *((struct tr_evaluation *)0)->missing ==
                   TR_SECTIONS,
               "a command for each section");

/* What is known of a part. */
struct part {
    const struct tr_section *section;
    json_t *file;      /* or NULL */
    char problem[400]; /* why a file that is there does not count, or "" */
};

struct writing {
    const struct tr_evaluation *e;
    struct part parts[TR_SECTIONS];
    struct tr_text_table *tables; /* room for those of a section */
};

/* ---- reading ------------------------------------------------------------------------------------ */

static bool is_of(const json_t *file, const char *key, const char *sha256)
{
    const char *own = json_string_value(json_object_get(json_object_get(file, key), "sha256"));
    return own && strcmp(own, sha256) == 0;
}

static void read_part(const struct tr_evaluation *e, const struct tr_section *section, struct part *part)
{
    struct nn_error err;
    *part = (struct part){.section = section};
    if (tr_part_read(e->folder, section->part, &part->file, &err) != NN_OK)
        snprintf(part->problem, sizeof part->problem, "It cannot be read: %s.", err.text);
    if (!part->file) return;
    const char *other = !is_of(part->file, "data", e->data_sha256)     ? "other data"
                        : !is_of(part->file, "model", e->model_sha256) ? "another model"
                                                                       : NULL;
    if (!other) return;
    snprintf(part->problem, sizeof part->problem, "%s.json is of %s and not shown.", section->part, other);
    json_decref(part->file);
    part->file = NULL;
}

static const char *command_of(const struct part *part)
{
    const char *command = json_string_value(json_object_get(part->file, "command"));
    return command ? command : "?";
}

/* ---- the page ----------------------------------------------------------------------------------- */

static void put_sentence(FILE *page, const char *class_name, const char *text)
{
    fprintf(page, *class_name ? "<p class=\"%s\">" : "<p>%s", class_name);
    tr_html_put(page, text);
    fputs("</p>\n", page);
}

static void put_command(FILE *page, const char *before, const char *command)
{
    fprintf(page, "<p class=\"command\">%s <code>", before);
    tr_html_put(page, command);
    fputs("</code></p>\n", page);
}

static void put_origin(FILE *page, const struct tr_evaluation *e)
{
    fputs("<p class=\"origin\"><strong>Samples are synthetic and not for diagnosis.</strong> ", page);
    fputs(e->simulated_data
              ? "What is called real here are <strong>simulated</strong> images, not patients'. "
              : "The images compared with are <strong>real</strong> radiographs: treat this page "
                "as your rules for such data demand. ",
          page);
    fputs(e->simulated_model ? "The generator was trained on simulated images."
                             : "The generator was trained on real images.",
          page);
    fputs("</p>\n", page);
}

static void put_headlines(FILE *page, const struct writing *w)
{
    fputs("<dl class=\"facts\">\n", page);
    for (int k = 0; k < TR_SECTIONS; k++) {
        struct tr_headline h = {.range = ""};
        const struct part *part = &w->parts[k];
        if (!part->file || !part->section->headline ||
            !part->section->headline(json_object_get(part->file, "results"), &h))
            continue;
        fputs("<div><dt>", page);
        tr_html_put(page, h.name);
        fputs("</dt><dd>", page);
        tr_html_put(page, h.value);
        if (h.range[0]) fprintf(page, " <span class=\"range\">%s</span>", h.range);
        fputs("<small>", page);
        tr_html_put(page, h.note);
        fputs("</small></dd></div>\n", page);
    }
    fputs("</dl>\n", page);
}

static void put_settings(FILE *page, const json_t *settings)
{
    const char *key;
    json_t *value;
    bool first = true;
    fputs("<p class=\"settings\">Settings: ", page);
    json_object_foreach((json_t *)settings, key, value)
    {
        char *text = json_is_string(value) ? strdup(json_string_value(value))
                                           : json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(4));
        if (!first) fputs("; ", page);
        first = false;
        tr_html_put(page, key);
        putc(' ', page);
        tr_html_put(page, text ? text : "?");
        free(text);
    }
    fputs(".</p>\n", page);
}

static nn_status put_part(FILE *page, const struct writing *w, int k, struct nn_error *err)
{
    char path[PATH_MAX];
    nn_status status = NN_OK;
    const struct part *part = &w->parts[k];
    const struct tr_section *section = part->section;
    fprintf(page, "<section id=\"%s\">\n<h2>", section->part);
    tr_html_put(page, section->title);
    fputs("</h2>\n", page);
    put_sentence(page, "", section->meaning);
    if (part->problem[0]) put_sentence(page, "problem", part->problem);
    if (!part->file) {
        put_sentence(page, "missing", "This part has not been run.");
        put_command(page, "It is made by", w->e->missing[k]);
        fputs("</section>\n", page);
        return NN_OK;
    }
    const json_t *results = json_object_get(part->file, "results");
    const char *warning = section->warning ? section->warning(results) : NULL;
    if (warning) put_sentence(page, "problem", warning);
    int count = section->tables(results, w->tables);
    for (int t = 0; t < count; t++) tr_text_table_put_html(page, &w->tables[t]);
    for (int p = 0; p < TR_SECTION_PICTURES_MAX && section->pictures[p].file && status == NN_OK; p++) {
        snprintf(path, sizeof path, "%s/%s", w->e->folder, section->pictures[p].file);
        status = tr_html_put_picture(page, path, section->pictures[p].words, err);
    }
    put_sentence(page, "limits", section->limits);
    put_settings(page, json_object_get(part->file, "settings"));
    put_command(page, "Made by", command_of(part));
    fputs("</section>\n", page);
    return status;
}

static void put_contents(FILE *page, const struct writing *w)
{
    fputs("<nav aria-label=\"Contents\"><ul>\n", page);
    for (int k = 0; k < TR_SECTIONS; k++) {
        fprintf(page, "<li><a href=\"#%s\">", w->parts[k].section->part);
        tr_html_put(page, w->parts[k].section->title);
        fputs(w->parts[k].file ? "</a></li>\n" : "</a> (not run)</li>\n", page);
    }
    fputs("</ul></nav>\n", page);
}

static void put_source(FILE *page, const char *what, const char *name, const char *sha256)
{
    fprintf(page, "<tr><th scope=\"row\">%s</th><td>", what);
    tr_html_put(page, name);
    fputs("</td><td><code>", page);
    tr_html_put(page, sha256);
    fputs("</code></td></tr>\n", page);
}

static void put_head(FILE *page, const struct writing *w)
{
    const struct tr_evaluation *e = w->e;
    fputs(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src "
        "'unsafe-inline'\"/>\n<title>Evaluation of ",
        page);
    tr_html_put(page, e->model);
    fprintf(page,
            "</title>\n<style>\n%s"
            ".facts .range{display:block;font-size:.95rem}\n"
            ".drawn{min-width:38rem}.large{max-width:none}table{font-size:.85rem;margin:0}\n"
            "th.n,td.n{padding:.2rem 0 .2rem .7rem}\n"
            "@media (min-width:60rem){th[scope=row]{white-space:nowrap}}\n"
            ".limits::before{content:\"Limits: \";font-weight:600}\n"
            ".missing{border-left:5px solid #767676;background:#f4f4f4;padding:.6rem .9rem}\n"
            ".command,.settings{font-size:.9em;color:#444;overflow-wrap:anywhere}\n"
            "@media "
            "print{.drawn{min-width:0}.large{max-width:100%%}table{font-size:8pt}.wide{overflow:visible}}\n"
            "code{font-size:.85em;overflow-wrap:anywhere}\n"
            "</style>\n</head>\n<body>\n<header>\n<h1>Evaluation of ",
            tr_page_style);
    tr_html_put(page, e->model);
    fputs("</h1>\n", page);
    put_origin(page, e);
    if (e->warning) put_sentence(page, "problem", e->warning);
    put_headlines(page, w);
    fputs("<figure><figcaption>What was evaluated</figcaption><section class=\"wide\" tabindex=\"0\" "
          "aria-label=\"What was evaluated\"><table>\n<thead><tr><th scope=\"col\">What</th><th "
          "scope=\"col\">Name"
          "</th><th scope=\"col\">SHA-256</th></tr></thead>\n<tbody>\n",
          page);
    put_source(page, "Model", e->model, e->model_sha256);
    put_source(page, "Data set", e->data, e->data_sha256);
    fputs("</tbody></table></section></figure>\n", page);
    put_contents(page, w);
    fputs("</header>\n<main>\n", page);
}

static nn_status put_page(FILE *page, const struct writing *w, struct nn_error *err)
{
    nn_status status = NN_OK;
    put_head(page, w);
    for (int k = 0; k < TR_SECTIONS && status == NN_OK; k++) status = put_part(page, w, k, err);
    fputs(
        "</main>\n<footer><p>Intervals say what other patients or samples might change, not what other data "
        "would. Written by roentgym " ROENTGYM_VERSION ".</p></footer>\n</body>\n</html>\n",
        page);
    return status;
}

/* ---- the card ----------------------------------------------------------------------------------- */

static nn_status put_card(FILE *to, const struct writing *w, struct nn_error *err)
{
    const struct tr_evaluation *e = w->e;
    (void)err;
    fprintf(to,
            "## Evaluation\n\nModel `%s`, SHA-256 `%s`, on the data set `%s`, SHA-256 `%s`. %s%s%sIntervals "
            "are of "
            "95 %%.\n\n",
            e->model, e->model_sha256, e->data, e->data_sha256,
            e->simulated_data ? "What is called real below is simulated, too. " : "",
            e->warning ? e->warning : "", e->warning ? " " : "");
    for (int k = 0; k < TR_SECTIONS; k++) {
        const struct part *part = &w->parts[k];
        fprintf(to, "### %s\n\n", part->section->title);
        if (!part->file) {
            fprintf(to, "Not run: `%s`.\n\n", e->missing[k]);
            continue;
        }
        const json_t *results = json_object_get(part->file, "results");
        const char *warning = part->section->warning ? part->section->warning(results) : NULL;
        fprintf(to, "%s %s%s%s\n\n", part->section->meaning, part->section->limits, warning ? " " : "",
                warning ? warning : "");
        int count = part->section->tables(results, w->tables);
        for (int t = 0; t < count; t++) tr_text_table_put_markdown(to, &w->tables[t]);
        fprintf(to, "```sh\n%s\n```\n\n", command_of(part));
    }
    return NN_OK;
}

/* ---- files -------------------------------------------------------------------------------------- */

static nn_status write_one(const struct writing *w, const char *name, const char *start, const char *kind,
                           nn_status (*put)(FILE *, const struct writing *, struct nn_error *),
                           struct nn_error *err)
{
    char path[PATH_MAX];
    struct tr_text_file text;
    snprintf(path, sizeof path, "%s/%s", w->e->folder, name);
    nn_status status = tr_check_overwrite(path, start, kind, err);
    if (status == NN_OK) status = tr_text_file_begin(&text, path, err);
    if (status != NN_OK) return status;
    status = put(text.to, w, err);
    return tr_text_file_end(&text, status, err);
}

nn_status tr_evaluation_report_write(const struct tr_evaluation *evaluation, struct nn_error *err)
{
    struct writing w = {.e = evaluation, .tables = malloc(TR_SECTION_TABLES_MAX * sizeof *w.tables)};
    if (!w.tables) return nn_fail(err, NN_ERR_MEMORY, "out of memory for tables");
    for (int k = 0; k < TR_SECTIONS; k++) read_part(evaluation, &tr_sections[k], &w.parts[k]);
    nn_status status = write_one(&w, "report.html", "<!DOCTYPE html>", "HTML page", put_page, err);
    if (status == NN_OK)
        status = write_one(&w, "card.md", "## Evaluation", "card of this command", put_card, err);
    for (int k = 0; k < TR_SECTIONS; k++) json_decref(w.parts[k].file);
    free(w.tables);
    return status;
}
