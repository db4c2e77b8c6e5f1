/* Learners that a program plays, and what the program is told so that it can answer as rightly as its skill
 * allows. Of a person's session nobody is told that before the answer. */
#include "server/accounts/learner_code.h"
#include "server/api/api.h"
#include "server/store/sessions/store_simulated.h"
#include "server/store/store_audit.h"

void api_simulated_create(struct srv_app *app, const struct srv_request *request,
                          struct srv_response *response)
{
    static const struct srv_json_field fields[] = {{"draw_seed", 's', true}};
    char code[LEARNER_CODE_TEXT], sha256[SRV_DIGEST_TEXT];
    uint64_t seed;
    json_t *body = srv_request_json(request, fields, 1, response);
    if (!body) return;
    bool right = srv_request_read_u64(json_string_value(json_object_get(body, "draw_seed")), &seed);
    json_decref(body);
    if (!right) {
        srv_respond_error(response, 422, "out_of_range",
                          "draw_seed must be a whole number from 0 to 2^64-1.");
        return;
    }
    srv_learner_code_make(code);
    srv_learner_code_hash(code, sha256);
    enum db_status status =
        srv_store_simulated_add(app->db, request->account, sha256, seed, srv_clock_utc_ms());
    if (status == DB_OK)
        srv_respond_json(response, 201, json_pack("{s:{s:s}}", "learner", "code", code));
    else
        srv_respond_db_error(response, status);
}

static void list_truth(void *context, const struct srv_store_truth *truth)
{
    json_array_append_new(context, json_pack("{s:i,s:s,s:s,s:s}", "n", truth->n, "truth", truth->truth,
                                             "class", truth->class_name, "source", truth->source));
}

void api_truths(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    bool simulated;
    json_t *list = json_array();
    enum db_status status = srv_store_truths(app->db, request->params[0], list_truth, list, &simulated);
    if (status == DB_OK && simulated)
        status = srv_audit_note(app->db, request->account, "truths", "session:simulated", NULL);
    if (status != DB_OK)
        srv_respond_db_error(response, status);
    else if (!simulated)
        srv_respond_error(response, 409, "not_simulated",
                          "There is no session of a simulated learner by that id.");
    else
        srv_respond_json(response, 200, json_pack("{s:O}", "truths", list));
    json_decref(list);
}
