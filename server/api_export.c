#include <stdio.h>
#include <stdlib.h>

#include "server/api.h"
#include "server/csv_writer.h"
#include "server/store_audit.h"

enum { ROWS_PER_PIECE = 500 };

/* The file is made a page at a time while it is sent, each page its own short transaction: an export of
 * any size holds little memory and keeps no answer waiting. */
struct export
{
    struct db *db;
    int64_t last_id;
    bool head_sent;
};

static void write_row(void *out, const char *const *cells)
{
    srv_csv_row(out, cells, STORE_EXPORT_COLUMNS);
}

static char *next_piece(void *context, size_t *size_bytes, bool *failed)
{
    struct export *export = context;
    int64_t before = export->last_id;
    bool first = !export->head_sent;
    char *text = NULL;
    FILE *out = open_memstream(&text, size_bytes);
    if (!out) {
        *failed = true;
        return NULL;
    }
    if (first) srv_csv_row(out, srv_store_export_columns, STORE_EXPORT_COLUMNS);
    export->head_sent = true;
    *failed = srv_store_export(export->db, before, ROWS_PER_PIECE, write_row, out, &export->last_id) != DB_OK;
    if (fclose(out)) *failed = true;
    if (!*failed && (first || export->last_id > before)) return text;
    free(text);
    return NULL;
}

void api_export(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    enum db_status status = srv_audit_note(app->db, request->account, "export", "responses.csv", NULL);
    if (status != DB_OK) {
        srv_respond_db_error(response, status);
        return;
    }
    struct export *export = calloc(1, sizeof *export);
    if (!export) {
        srv_respond_error(response, 500, "internal", "Out of memory.");
        return;
    }
    export->db = app->db;
    response->status = 200;
    response->content_type = "text/csv; charset=utf-8; header=present";
    response->disposition = "attachment; filename=\"responses.csv\"";
    response->stream = (struct srv_stream){next_piece, free, export};
}
