#include "server/api/results/export_download.h"

#include <string.h>

#include "engine/sha256.h"
#include "server/export/export_package.h"
#include "server/export/export_rows.h"
#include "server/export/export_xapi.h"
#include "server/export/spool.h"
#include "server/folder_of.h"
#include "server/log.h"

enum { ROWS_BETWEEN_LOOKS = 4096, PIECE = 65536 };

/* ---- files ---- */

struct lines {
    FILE *out;
    enum srv_export_form form;
    unsigned set; /* of columns */
    long long rows;
};

static bool write_line(void *context, const char *const *cells)
{
    struct lines *lines = context;
    srv_export_line(lines->out, lines->form, lines->set, cells);
    return ++lines->rows % ROWS_BETWEEN_LOOKS || srv_spool_has_room(lines->out);
}

static bool write_lines(struct srv_export_log *log, FILE *spool, enum srv_export_form form)
{
    unsigned set = log->study ? srv_export_published(&log->filter) : IN_LOG;
    struct lines lines = {spool, form, set, 0};
    srv_export_head(spool, form, set);
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

/* A participant is the same person in all exports of the study, a session's reader nobody known. */
static bool write_xapi(struct srv_export_log *log, FILE *spool, const char *folder, char *refusal)
{
    const struct srv_xapi_manner by_session = {.columns = IN_LOG, .dated = true};
    const struct srv_xapi_manner by_participant = {.participants = true,
                                                   .columns = srv_export_published(&log->filter)};
    (void)folder, (void)refusal;
    return srv_xapi_write(log, spool, log->study ? &by_participant : &by_session);
}

const struct srv_download srv_download_csv = {"responses.csv", "text/csv; charset=utf-8; header=present",
                                              "attachment; filename=\"responses.csv\"", write_csv};
const struct srv_download srv_download_jsonl = {"responses.jsonl", "application/jsonl",
                                                "attachment; filename=\"responses.jsonl\"", write_jsonl};
const struct srv_download srv_download_package = {
    "package.zip", "application/zip", "attachment; filename=\"roentgym-answers.zip\"", write_package};
const struct srv_download srv_download_imrmc = {
    "imrmc.zip", "application/zip", "attachment; filename=\"roentgym-imrmc.zip\"", srv_imrmc_write};
const struct srv_download srv_download_xapi = {"xapi.jsonl", "application/jsonl",
                                               "attachment; filename=\"xapi.jsonl\"", write_xapi};

/* ---- making one ---- */

/* What became of it. `spool` is NULL, or whole and the caller's. */
struct made {
    FILE *spool;
    enum db_status status;
    const char *unknown; /* what the filter names and is not there */
    char refusal[EXPORT_REFUSAL_TEXT];
};

static void make(struct srv_app *app, const struct srv_export_filter *filter,
                 const struct srv_download *download, struct made *made)
{
    struct srv_export_log log;
    char folder[CONFIG_PATH_TEXT];
    *made = (struct made){0};
    /* Beside the data base is room, and what lies there is as private as an answer. */
    srv_folder_of(app->config->db, folder, sizeof folder);
    made->spool = srv_spool_open(folder);
    if (!made->spool) return;
    pthread_mutex_lock(&app->export_turn);
    srv_export_begin(&log, app->db, filter);
    log.stop = &app->stopping;
    log.home = *app->config->public_url ? app->config->public_url : srv_connections_address(app->connections);
    made->unknown = srv_export_unknown(&log);
    bool written = !made->unknown && download->write(&log, made->spool, folder, made->refusal);
    made->status = srv_export_end(&log);
    pthread_mutex_unlock(&app->export_turn);
    if (made->status == DB_OK && written && !fflush(made->spool) && !ferror(made->spool)) return;
    fclose(made->spool);
    made->spool = NULL;
}

static void respond_not_made(const struct srv_app *app, const struct made *made,
                             const struct srv_export_filter *filter, struct srv_response *response)
{
    if (made->status != DB_OK) {
        srv_respond_db_error(response, made->status);
    } else if (made->unknown && !strcmp(made->unknown, "study")) {
        srv_respond_error(response, 404, "unknown_study", "There is no such study.");
    } else if (made->unknown) {
        const char *name = filter->deck ? filter->deck : filter->phase;
        srv_respond_error(response, 422, "wrong_filter", "%s: there is no %s \"%s\".", made->unknown,
                          made->unknown, name);
    } else if (made->refusal[0]) {
        srv_respond_error(response, 409, "not_crossed", "%s", made->refusal);
    } else if (atomic_load(&app->stopping)) {
        srv_respond_error(response, 503, "stopping", "The server is being stopped.");
    } else {
        srv_log_error("an export could not be written: the disk is too full, or one file of it too large");
        srv_respond_error(response, 503, "storage_unavailable",
                          "There is no room for the export; a shorter time or one deck may do.");
    }
}

static bool hash_spool(FILE *spool, char sha256[SRV_DIGEST_TEXT])
{
    char piece[PIECE];
    size_t got;
    struct nn_sha256 hash;
    nn_sha256_init(&hash);
    bool good = !fseeko(spool, 0, SEEK_SET);
    while (good && (got = fread(piece, 1, sizeof piece, spool)) > 0) nn_sha256_add(&hash, piece, got);
    nn_sha256_finish(&hash, sha256);
    return good && !ferror(spool);
}

void srv_download_send(struct srv_app *app, const struct srv_export_filter *filter,
                       const struct srv_download *download, struct srv_response *response)
{
    struct made made;
    char sha256[SRV_DIGEST_TEXT];
    make(app, filter, download, &made);
    if (!made.spool) {
        respond_not_made(app, &made, filter, response);
        return;
    }
    if (filter->study && hash_spool(made.spool, sha256))
        snprintf(response->etag, sizeof response->etag, "\"%s\"", sha256);
    response->content_type = download->content_type;
    response->disposition = download->disposition;
    srv_spool_send(made.spool, response);
}

bool srv_download_sha256(struct srv_app *app, const struct srv_export_filter *filter,
                         const struct srv_download *download, char sha256[SRV_DIGEST_TEXT])
{
    struct made made;
    make(app, filter, download, &made);
    bool good = made.spool && hash_spool(made.spool, sha256);
    if (made.spool) fclose(made.spool);
    return good;
}
