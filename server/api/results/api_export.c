/* Exports of all answers, or of a deck's, for researchers. */
#include <string.h>
#include <time.h>

#include "server/api/api.h"
#include "server/api/results/export_download.h"
#include "server/store/store_audit.h"

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
    static const char *const known[] = {"deck", "from", "to", "simulated"};
    if (!srv_request_query_known(request, known, 4, response)) return false;
    *filter = (struct srv_export_filter){.deck = srv_request_query(request, "deck"),
                                         .from = srv_request_query(request, "from"),
                                         .to = srv_request_query(request, "to")};
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
    return !wrong && srv_request_query_flag(request, "simulated", &filter->simulated, response);
}

static void respond(struct srv_app *app, const struct srv_request *request,
                    const struct srv_download *download, struct srv_response *response)
{
    struct srv_export_filter filter;
    if (!read_filter(request, &filter, response)) return;
    if ((download == &srv_download_imrmc || download == &srv_download_xapi) && !filter.deck) {
        srv_respond_error(response, 422, "wrong_filter", "deck: must name one here.");
        return;
    }
    enum db_status status =
        srv_audit_note(app->db, request->account, "export", download->name,
                       json_pack("{s:s*,s:s*,s:s*,s:o*}", "deck", filter.deck, "from", filter.from, "to",
                                 filter.to, "simulated", filter.simulated ? json_true() : NULL));
    if (status == DB_OK)
        srv_download_send(app, &filter, download, response);
    else
        srv_respond_db_error(response, status);
}

void api_export_csv(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    respond(app, request, &srv_download_csv, response);
}

void api_export_jsonl(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    respond(app, request, &srv_download_jsonl, response);
}

void api_export_package(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    respond(app, request, &srv_download_package, response);
}

void api_export_imrmc(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    respond(app, request, &srv_download_imrmc, response);
}

void api_export_xapi(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    respond(app, request, &srv_download_xapi, response);
}
