#include <stdio.h>
#include <string.h>
#include <time.h>

#include "server/api/api.h"
#include "server/export/export_imrmc.h"
#include "server/export/export_package.h"
#include "server/export/export_rows.h"
#include "server/export/export_xapi.h"
#include "server/export/spool.h"
#include "server/folder_of.h"
#include "server/log.h"
#include "server/store/store_audit.h"
#include "server/store/store_export.h"

enum { ROWS_BETWEEN_LOOKS = 4096 };

/* One file that can be had. */
struct download {
    const char *name, *content_type, *disposition;
    /* False with "" in `refusal`: it could not be written. */
    bool (*write)(struct srv_export_log *log, FILE *spool, const char *folder,
                  char refusal[EXPORT_REFUSAL_TEXT]);
    bool of_one_deck; /* the filter must name it */
};

/* ---- as lines ---- */

struct lines {
    FILE *out;
    enum srv_export_form form;
    long long rows;
};

static bool write_line(void *context, const char *const *cells)
{
    struct lines *lines = context;
    srv_export_line(lines->out, lines->form, IN_LOG, cells);
    return ++lines->rows % ROWS_BETWEEN_LOOKS || srv_spool_has_room(lines->out);
}

static bool write_lines(struct srv_export_log *log, FILE *spool, enum srv_export_form form)
{
    struct lines lines = {spool, form, 0};
    srv_export_head(spool, form, IN_LOG);
    return srv_export_each(log, write_line, &lines);
}

static bool write_csv(struct srv_export_log *log, FILE *spool, const char *folder, char *refusal)
{
    (void)folder, (void)refusal;
    return write_lines(log, spool, EXPORT_CSV);
}

static bool write_jsonl(struct srv_export_log *log, FILE *spool, const char *folder, char *refusal)
{
    (void)folder, (void)refusal;
    return write_lines(log, spool, EXPORT_JSONL);
}

static bool write_package(struct srv_export_log *log, FILE *spool, const char *folder, char *refusal)
{
    (void)refusal;
    return srv_package_write(log, spool, folder);
}

static bool write_xapi(struct srv_export_log *log, FILE *spool, const char *folder, char *refusal)
{
    static const struct srv_xapi_manner by_session = {.columns = IN_LOG, .dated = true};
    (void)folder, (void)refusal;
    return srv_xapi_write(log, spool, &by_session);
}

/* ---- what is asked for ---- */

/* YYYY-MM-DD, a day that there is. */
static bool is_day(const char *text)
{
    struct tm day = {0};
    char again[16];
    if (strlen(text) != 10 || strspn(text, "0123456789-") != 10) return false;
    const char *end = strptime(text, "%Y-%m-%d", &day);
    if (!end || *end || timegm(&day) == -1) return false; /* puts 30 February right, to another day */
    return strftime(again, sizeof again, "%Y-%m-%d", &day) && !strcmp(again, text);
}

static bool read_filter(const struct srv_request *request, struct srv_export_filter *filter,
                        struct srv_response *response)
{
    static const char *const known[] = {"deck", "from", "to"};
    if (!srv_request_query_known(request, known, 3, response)) return false;
    *filter =
        (struct srv_export_filter){srv_request_query(request, "deck"), srv_request_query(request, "from"),
                                   srv_request_query(request, "to")};
    const char *wrong = NULL;
    if (filter->deck && !srv_deck_id_valid(filter->deck))
        wrong = "deck: must be the id of a deck.";
    else if (filter->from && !is_day(filter->from))
        wrong = "from: must be a day as in 2026-01-31.";
    else if (filter->to && !is_day(filter->to))
        wrong = "to: must be a day as in 2026-01-31.";
    else if (filter->from && filter->to && strcmp(filter->from, filter->to) > 0)
        wrong = "from: must not be after to.";
    if (wrong) srv_respond_error(response, 422, "wrong_filter", "%s", wrong);
    return !wrong;
}

/* ---- the answer ---- */

/* What the log gave, besides the file. */
struct made {
    bool deck_known, written;
    char refusal[EXPORT_REFUSAL_TEXT];
};

/* Takes `spool`, and closes the log. */
static void finish(struct srv_export_log *log, FILE *spool, const struct made *made,
                   const struct download *download, struct srv_response *response)
{
    enum db_status status = srv_export_end(log);
    if (status == DB_OK && made->written && !fflush(spool) && !ferror(spool)) {
        response->content_type = download->content_type;
        response->disposition = download->disposition;
        srv_spool_send(spool, response);
        return;
    }
    fclose(spool);
    if (status != DB_OK) {
        srv_respond_db_error(response, status);
    } else if (!made->deck_known) {
        srv_respond_error(response, 422, "wrong_filter", "deck: there is no deck \"%s\".", log->filter.deck);
    } else if (made->refusal[0]) {
        srv_respond_error(response, 409, "not_crossed", "%s", made->refusal);
    } else {
        srv_log_error("an export could not be written: the disk is too full, or one file of it too large");
        srv_respond_error(response, 503, "storage_unavailable",
                          "There is no room for the export; a shorter time or one deck may do.");
    }
}

/* The file is made whole before its first byte is sent, from one moment of the data base. */
static void make(struct srv_app *app, const struct srv_export_filter *filter, const struct download *download,
                 struct srv_response *response)
{
    struct srv_export_log log;
    struct made made = {0};
    char folder[CONFIG_PATH_TEXT];
    /* Beside the data base is room, and what lies there is as private as an answer. */
    srv_folder_of(app->config->db, folder, sizeof folder);
    FILE *spool = srv_spool_open(folder);
    if (!spool) {
        srv_respond_error(response, 503, "storage_unavailable", "There is no room for the export.");
        return;
    }
    pthread_mutex_lock(&app->export_turn);
    srv_export_begin(&log, app->db, filter);
    log.home = *app->config->public_url ? app->config->public_url : srv_connections_address(app->connections);
    made.deck_known = srv_export_deck_known(&log);
    made.written = made.deck_known && download->write(&log, spool, folder, made.refusal);
    finish(&log, spool, &made, download, response);
    pthread_mutex_unlock(&app->export_turn);
}

static void respond(struct srv_app *app, const struct srv_request *request, const struct download *download,
                    struct srv_response *response)
{
    struct srv_export_filter filter;
    if (!read_filter(request, &filter, response)) return;
    if (download->of_one_deck && !filter.deck) {
        srv_respond_error(response, 422, "wrong_filter", "deck: must name one here.");
        return;
    }
    enum db_status status = srv_audit_note(
        app->db, request->account, "export", download->name,
        json_pack("{s:s*,s:s*,s:s*}", "deck", filter.deck, "from", filter.from, "to", filter.to));
    if (status == DB_OK)
        make(app, &filter, download, response);
    else
        srv_respond_db_error(response, status);
}

void api_export_csv(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    static const struct download csv = {"responses.csv", "text/csv; charset=utf-8; header=present",
                                        "attachment; filename=\"responses.csv\"", write_csv, false};
    respond(app, request, &csv, response);
}

void api_export_jsonl(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    static const struct download jsonl = {"responses.jsonl", "application/jsonl",
                                          "attachment; filename=\"responses.jsonl\"", write_jsonl, false};
    respond(app, request, &jsonl, response);
}

void api_export_package(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    static const struct download package = {"package.zip", "application/zip",
                                            "attachment; filename=\"roentgym-answers.zip\"", write_package,
                                            false};
    respond(app, request, &package, response);
}

void api_export_imrmc(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    static const struct download imrmc = {
        "imrmc.zip", "application/zip", "attachment; filename=\"roentgym-imrmc.zip\"", srv_imrmc_write, true};
    respond(app, request, &imrmc, response);
}

void api_export_xapi(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    static const struct download xapi = {"xapi.jsonl", "application/jsonl",
                                         "attachment; filename=\"xapi.jsonl\"", write_xapi, true};
    respond(app, request, &xapi, response);
}
