#include "server/export/export_xapi.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "engine/sha256.h"
#include "server/clock.h"
#include "server/decks/deck.h"
#include "server/export/export_columns.h"
#include "server/export/spool.h"
#include "server/secrets.h"

enum { ROWS_BETWEEN_LOOKS = 4096, UUID_TEXT = 37, IRI_TEXT = 512 };

/* The columns that a statement has a place for, and those that are left out. */
enum used {
    DECK,
    VERSION,
    ITEM,
    SESSION,
    PARTICIPANT,
    TRUTH,
    CHOICE,
    CORRECT,
    TIME,
    IMAGE,
    SERVER,
    ROW,
    USED
};
static const char *const used_columns[USED] = {
    "deck_id", "deck_version", "item",        "session_id",   "participant_id", "truth",
    "choice",  "correct",      "received_at", "image_sha256", "server_version", "row_id"};

/* The columns that tell of the answer rather than of what was shown. */
static const char *const of_answer[] = {"rating",   "response_ms", "timed_out",
                                        "blur_ms",  "wl_centre",   "viewer_actions",
                                        "wl_width", "zoom_max",    "at_item_ms"};

struct writer {
    FILE *out;
    struct srv_export_log *log;
    const struct srv_xapi_manner *manner;
    char now[SRV_TIME_TEXT];
    int cell[USED], response_ms;
    char deck[DECK_ID_TEXT], version[16], question[DECK_SENTENCE_TEXT]; /* of the row before */
    long long rows;
};

/* ---- names ---- */

/* 122 bits of the hash of what is random: a UUID as good as drawn (version 4). */
static void uuid_of(const char *kind, const char *session, const char *item, char uuid[UUID_TEXT])
{
    char text[128], hex[SRV_DIGEST_TEXT];
    int length = snprintf(text, sizeof text, "xapi %s %s %s", kind, session, item);
    nn_sha256_hex(text, (size_t)length, hex);
    snprintf(uuid, UUID_TEXT, "%.8s-%.4s-4%.3s-%c%.3s-%.12s", hex, hex + 8, hex + 13, "89ab"[hex[16] & 3],
             hex + 17, hex + 20);
}

static json_t *agent(const struct writer *w, const char *const *cells)
{
    char home[IRI_TEXT], pseudonym[UUID_TEXT];
    const char *name = cells[w->cell[PARTICIPANT]];
    uuid_of("actor", cells[w->cell[SESSION]], "", pseudonym);
    if (!w->manner->participants) name = pseudonym;
    snprintf(home, sizeof home, "%s/", w->log->home);
    return json_pack("{s:s,s:{s:s,s:s}}", "objectType", "Agent", "account", "homePage", home, "name", name);
}

/* Everybody who was shown the same file in one deck has had the same activity. */
static void activity_of(const struct writer *w, const char *const *cells, char iri[IRI_TEXT])
{
    char uuid[UUID_TEXT];
    const char *image = cells[w->cell[IMAGE]];
    uuid_of("item", cells[w->cell[SESSION]], cells[w->cell[ITEM]], uuid);
    snprintf(iri, IRI_TEXT, "%s/decks/%s/images/%s", w->log->home, cells[w->cell[DECK]],
             *image ? image : uuid);
}

/* ---- the parts of a statement ---- */

static json_t *value_of(enum srv_column_kind kind, const char *text)
{
    switch (kind) {
    case COLUMN_INTEGER:
        return json_integer(strtoll(text, NULL, 10));
    case COLUMN_NUMBER:
        return json_real(strtod(text, NULL));
    case COLUMN_YES_NO:
        return json_boolean(*text == '1');
    default:
        return json_string(text);
    }
}

static bool is_one_of(const char *name, const char *const *names, size_t count)
{
    while (count > 0 && strcmp(names[count - 1], name)) count--;
    return count > 0;
}

/* Of the answer, or of all else. */
static json_t *extensions(const struct writer *w, const char *const *cells, bool answer)
{
    char iri[IRI_TEXT];
    json_t *all = json_object();
    for (int i = 0; i < EXPORT_COLUMNS; i++) {
        const struct srv_export_column *column = &srv_export_columns[i];
        if (!(column->in & w->manner->columns) || !*cells[i] || is_one_of(column->name, used_columns, USED))
            continue;
        if (is_one_of(column->name, of_answer, sizeof of_answer / sizeof *of_answer) != answer) continue;
        snprintf(iri, sizeof iri, "%s/x/%s", w->log->home, column->name);
        json_object_set_new(all, iri, value_of(column->kind, cells[i]));
    }
    return all;
}

static json_t *object(const struct writer *w, const char *const *cells)
{
    char iri[IRI_TEXT];
    activity_of(w, cells, iri);
    return json_pack("{s:s,s:s,s:{s:s,s:s,s:[s],s:{s:s}}}", "objectType", "Activity", "id", iri, "definition",
                     "type", "http://adlnet.gov/expapi/activities/cmi.interaction", "interactionType",
                     "choice", "correctResponsesPattern", cells[w->cell[TRUTH]], "description", "und",
                     w->question);
}

static json_t *result(const struct writer *w, const char *const *cells)
{
    char duration[48];
    snprintf(duration, sizeof duration, "PT%.2fS", strtod(cells[w->response_ms], NULL) / 1000);
    return json_pack("{s:b,s:s,s:s,s:o}", "success", *cells[w->cell[CORRECT]] == '1', "response",
                     cells[w->cell[CHOICE]], "duration", duration, "extensions", extensions(w, cells, true));
}

static json_t *context(const struct writer *w, const char *const *cells)
{
    char registration[UUID_TEXT], deck[IRI_TEXT], platform[64];
    uuid_of("registration", cells[w->cell[SESSION]], "", registration);
    snprintf(deck, sizeof deck, "%s/decks/%s", w->log->home, cells[w->cell[DECK]]);
    snprintf(platform, sizeof platform, "roentgymd %s", cells[w->cell[SERVER]]);
    return json_pack("{s:s,s:s,s:s,s:{s:[{s:s,s:s}]},s:o}", "registration", registration, "revision",
                     cells[w->cell[VERSION]], "platform", platform, "contextActivities", "parent",
                     "objectType", "Activity", "id", deck, "extensions", extensions(w, cells, false));
}

/* NULL when memory ran out. */
static json_t *statement(const struct writer *w, const char *const *cells)
{
    char id[UUID_TEXT];
    const char *time = cells[w->cell[TIME]];
    uuid_of("statement", cells[w->cell[SESSION]], cells[w->cell[ITEM]], id);
    json_t *json =
        json_pack("{s:s,s:o,s:{s:s,s:{s:s}},s:o,s:o,s:o}", "id", id, "actor", agent(w, cells), "verb", "id",
                  "http://adlnet.gov/expapi/verbs/answered", "display", "en-US", "answered", "object",
                  object(w, cells), "result", result(w, cells), "context", context(w, cells));
    if (json && w->manner->dated && strcmp(time, w->now) <= 0)
        json_object_set_new(json, "timestamp", json_string(time));
    return json;
}

/* ---- rows ---- */

static bool write_row(void *data, const char *const *cells)
{
    struct writer *w = data;
    const char *deck = cells[w->cell[DECK]], *version = cells[w->cell[VERSION]];
    if (strcmp(deck, w->deck) || strcmp(version, w->version)) {
        snprintf(w->deck, sizeof w->deck, "%s", deck);
        snprintf(w->version, sizeof w->version, "%s", version);
        srv_export_question(w->log, deck, version, w->question);
    }
    json_t *json = statement(w, cells);
    bool written = json && !json_dumpf(json, w->out, JSON_COMPACT | JSON_REAL_PRECISION(15)) &&
                   putc('\n', w->out) != EOF;
    json_decref(json);
    return written && (++w->rows % ROWS_BETWEEN_LOOKS || srv_spool_has_room(w->out));
}

bool srv_xapi_write(struct srv_export_log *log, FILE *out, const struct srv_xapi_manner *manner)
{
    struct writer w = {
        .out = out, .log = log, .manner = manner, .response_ms = srv_export_column("response_ms")};
    srv_clock_format(srv_clock_utc_ms(), w.now);
    for (int i = 0; i < USED; i++) w.cell[i] = srv_export_column(used_columns[i]);
    return srv_export_each(log, write_row, &w);
}
