#include <math.h>
#include <stdio.h>
#include <string.h>

#include "server/api/api.h"
#include "server/store/decks/store_classes.h"

/* ---- showing ---- */

static json_t *class_json(const struct srv_class *class)
{
    return json_pack("{s:s,s:s,s:s,s:s?,s:s,s:b}", "code", class->code, "title", class->title, "deck",
                     class->deck, "owner", *class->owner ? class->owner : NULL, "created_at",
                     class->created_at, "closed", (int)class->closed);
}

static void respond_class(const struct srv_class *class, int status, struct srv_response *response)
{
    srv_respond_json(response, status, json_pack("{s:o}", "class", class_json(class)));
}

static void respond_unknown(struct srv_response *response)
{
    srv_respond_error(response, 404, "unknown_class", "There is no such class.");
}

/* The class that the route names. */
static bool find(struct srv_app *app, const struct srv_request *request, struct srv_class *class,
                 struct srv_response *response)
{
    bool found;
    enum db_status status = srv_store_class_find(app->db, request->params[0], class, &found);
    if (status != DB_OK)
        srv_respond_db_error(response, status);
    else if (!found)
        respond_unknown(response);
    return status == DB_OK && found;
}

/* The same if it is the account's own; administrators and the operator have all. */
static bool find_own(struct srv_app *app, const struct srv_request *request, struct srv_class *class,
                     struct srv_response *response)
{
    if (!find(app, request, class, response)) return false;
    if (request->account->role == SRV_ADMIN || request->account->id == class->account_id) return true;
    respond_unknown(response);
    return false;
}

void api_class(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    struct srv_class class;
    if (!find(app, request, &class, response)) return;
    srv_respond_json(response, 200,
                     json_pack("{s:{s:s,s:s,s:s,s:b}}", "class", "code", class.code, "title", class.title,
                               "deck", class.deck, "closed", (int)class.closed));
}

static void append(void *list, const struct srv_class *class)
{
    json_array_append_new(list, class_json(class));
}

void api_classes(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    json_t *list = json_array();
    bool all = request->account->role == SRV_ADMIN;
    enum db_status status = srv_store_class_list(app->db, all ? -1 : request->account->id, append, list);
    if (status == DB_OK) {
        srv_respond_json(response, 200, json_pack("{s:o}", "classes", list));
    } else {
        json_decref(list);
        srv_respond_db_error(response, status);
    }
}

/* A number of people, unless it is so small that it tells of single ones. */
static json_t *people(int64_t count)
{
    return count > 0 && count < CLASS_LEARNERS_MIN ? json_null() : json_integer(count);
}

void api_class_results(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    struct srv_class class;
    struct srv_class_results results;
    if (!find_own(app, request, &class, response)) return;
    enum db_status status = srv_store_class_results(app->db, class.id, &results);
    if (status != DB_OK) {
        srv_respond_db_error(response, status);
        return;
    }
    bool enough = results.answered_by >= CLASS_LEARNERS_MIN;
    srv_respond_json(response, 200,
                     json_pack("{s:o,s:{s:o,s:o,s:o,s:o,s:i}}", "class", class_json(&class), "results",
                               "learners", people(results.learners), "answered_by",
                               people(results.answered_by), "answers",
                               enough ? json_integer(results.answers) : json_null(), "accuracy",
                               enough ? json_real(round(results.accuracy * 100) / 100) : json_null(),
                               "fewest_shown", CLASS_LEARNERS_MIN));
}

/* ---- making and closing ---- */

static const char *wrong_title(const char *title)
{
    size_t length = strlen(title);
    if (length < 1 || length >= CLASS_TITLE_TEXT) return "title has 1 to 120 bytes.";
    for (; *title; title++)
        if ((unsigned char)*title < ' ' || *title == 0x7f) return "title has no control characters.";
    return NULL;
}

void api_class_create(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    static const struct srv_json_field fields[] = {{"title", 's', true}, {"deck", 's', true}};
    struct srv_class class = {0};
    json_t *body = srv_request_json(request, fields, 2, response);
    if (!body) return;
    const char *title = json_string_value(json_object_get(body, "title"));
    struct api_deck_version newest;
    bool known = api_deck(app, json_string_value(json_object_get(body, "deck")), &newest, response);
    const char *wrong = wrong_title(title);
    if (known && wrong) {
        srv_respond_error(response, 422, "out_of_range", "%s", wrong);
    } else if (known) {
        srv_random_hex(class.code, sizeof class.code);
        snprintf(class.title, sizeof class.title, "%s", title);
        snprintf(class.deck, sizeof class.deck, "%s", newest.deck.id);
        enum db_status status = srv_store_class_add(app->db, request->account, srv_clock_utc_ms(), &class);
        if (status == DB_OK)
            respond_class(&class, 201, response);
        else
            srv_respond_db_error(response, status);
    }
    json_decref(body);
}

void api_class_close(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    struct srv_class class;
    if (!find_own(app, request, &class, response)) return;
    enum db_status status = srv_store_class_close(app->db, request->account, class.id, srv_clock_utc_ms());
    class.closed = true;
    if (status == DB_OK)
        respond_class(&class, 200, response);
    else
        srv_respond_db_error(response, status);
}
