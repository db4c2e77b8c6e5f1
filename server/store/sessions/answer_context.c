#include "server/store/sessions/answer_context.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DAY_MS = 24 * 60 * 60 * 1000, SIDE_MAX = 65535 };

static const char word_letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-";

static bool is_word(const char *text)
{
    return strspn(text, word_letters) == strlen(text);
}

const struct srv_json_field srv_context_fields[CONTEXT_FIELDS] = {
    {"timed_out", 'b', false},  {"blur_ms", 'n', false},     {"viewer_actions", 'a', false},
    {"wl_centre", 'n', false},  {"wl_width", 'n', false},    {"zoom_max", 'n', false},
    {"dpr", 'n', false},        {"viewport_px", 's', false}, {"input_type", 's', false},
    {"ui_version", 's', false},
};

static bool read_number(const json_t *body, const char *name, double low, double high, double *value)
{
    const json_t *member = json_object_get(body, name);
    *value = member ? json_number_value(member) : NAN;
    return !member || (*value >= low && *value <= high);
}

/* False when the text does not fit or holds something else than `allowed`. */
static bool read_text(const json_t *body, const char *name, const char *allowed, char *text, size_t room)
{
    const char *value = json_string_value(json_object_get(body, name));
    if (!value) return true;
    if (!*value || strlen(value) >= room || strspn(value, allowed) != strlen(value)) return false;
    snprintf(text, room, "%s", value);
    return true;
}

static bool is_viewport(const char *text)
{
    char *end;
    if (!*text) return true;
    if (*text < '1' || *text > '9') return false;
    unsigned long width = strtoul(text, &end, 10);
    if (*end != 'x' || end[1] < '1' || end[1] > '9') return false;
    unsigned long height = strtoul(end + 1, &end, 10);
    return !*end && width <= SIDE_MAX && height <= SIDE_MAX;
}

static bool is_input(const char *text)
{
    static const char *const types[] = {"", "keyboard", "mouse", "touch", "pen"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (!strcmp(text, types[i])) return true;
    return false;
}

/* Names, numbers, and nothing that somebody wrote: an export has these cells, and a spreadsheet that takes
 * semicolons for the ends of cells would run what follows one. As deep as JSON is read, at most. */
static bool is_plain(json_t *value)
{
    size_t i;
    const char *name;
    json_t *member;
    if (json_is_string(value)) return is_word(json_string_value(value));
    json_array_foreach(value, i, member) if (!is_plain(member)) return false;
    json_object_foreach(value, name, member) if (!is_word(name) || !is_plain(member)) return false;
    return true;
}

/* Kept as text of its own making: compact, and within the room. */
static bool read_actions(const json_t *body, struct srv_answer_context *context)
{
    size_t i;
    json_t *action, *actions = json_object_get(body, "viewer_actions");
    if (!actions) return true;
    json_array_foreach(actions, i, action) if (!json_is_object(action)) return false;
    size_t size = json_dumpb(actions, context->viewer_actions, CONTEXT_ACTIONS_TEXT - 1,
                             JSON_COMPACT | JSON_ENSURE_ASCII);
    if (size == 0 || size >= CONTEXT_ACTIONS_TEXT || !is_plain(actions)) return false;
    context->viewer_actions[size] = '\0';
    return true;
}

const char *srv_context_read(const json_t *body, struct srv_answer_context *context)
{
    const json_t *timed_out = json_object_get(body, "timed_out");
    *context = (struct srv_answer_context){.timed_out = timed_out ? json_is_true(timed_out) : NAN};
    for (int i = 0; i < CONTEXT_FIELDS; i++)
        if (json_object_get(body, srv_context_fields[i].name)) context->told = true;
    if (!read_number(body, "blur_ms", 0, DAY_MS, &context->blur_ms))
        return "blur_ms must be from 0 to 24 hours.";
    if (!read_number(body, "wl_centre", -1e6, 1e6, &context->wl_centre))
        return "wl_centre must be from -1000000 to 1000000.";
    if (!read_number(body, "wl_width", 1e-6, 1e6, &context->wl_width))
        return "wl_width must be above 0, up to 1000000.";
    if (!read_number(body, "zoom_max", 0.01, 1000, &context->zoom_max))
        return "zoom_max must be from 0.01 to 1000.";
    if (!read_number(body, "dpr", 0.05, 100, &context->dpr)) return "dpr must be from 0.05 to 100.";
    if (!read_actions(body, context))
        return "viewer_actions must be a list of objects, of at most 8192 bytes together, with words of "
               "letters, digits, dots, dashes.";
    if (!read_text(body, "viewport_px", "0123456789x", context->viewport_px, sizeof context->viewport_px) ||
        !is_viewport(context->viewport_px))
        return "viewport_px must be WIDTHxHEIGHT, in pixels up to 65535.";
    if (!read_text(body, "input_type", word_letters, context->input_type, sizeof context->input_type) ||
        !is_input(context->input_type))
        return "input_type must be keyboard, mouse, touch or pen.";
    if (!read_text(body, "ui_version", word_letters, context->ui_version, sizeof context->ui_version))
        return "ui_version must be 1 to 40 letters, digits, dots, dashes.";
    return NULL;
}

/* SQLite stores NaN as NULL. */
void srv_context_insert(struct db_transaction *t, int64_t answer_id, const struct srv_answer_context *c)
{
    if (!c->told) return;
    db_run(t,
           "INSERT INTO answer_context (answer_id, timed_out, blur_ms, viewer_actions, wl_centre, wl_width,"
           " zoom_max, viewport_px, dpr, input_type, ui_version)"
           " VALUES (?,CAST(? AS INTEGER),?,NULLIF(?,''),?,?,?,NULLIF(?,''),?,NULLIF(?,''),NULLIF(?,''))",
           "irrtrrrtrtt", answer_id, c->timed_out, c->blur_ms, c->viewer_actions, c->wl_centre, c->wl_width,
           c->zoom_max, c->viewport_px, c->dpr, c->input_type, c->ui_version);
}
