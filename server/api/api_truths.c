/* What a program that plays a learner is told, so that it can answer as rightly as its skill allows. Of a
 * person's session nobody is told it before the answer. */
#include <stdio.h>

#include "server/api/api.h"
#include "server/store/store_audit.h"

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
