#include "server/api/api.h"
#include "server/store/store_audit.h"

enum { AUDIT_PAGE = 100, AUDIT_PAGE_MAX = 1000 };

/* A whole number from 1 to `most` of the query; `otherwise` when it is absent. */
static bool read_number(const struct srv_request *request, const char *name, int64_t most, int64_t otherwise,
                        int64_t *number, struct srv_response *response)
{
    uint64_t value;
    const char *text = srv_request_query(request, name);
    *number = otherwise;
    if (!text) return true;
    if (srv_request_read_u64(text, &value) && value >= 1 && value <= (uint64_t)most) {
        *number = (int64_t)value;
        return true;
    }
    srv_respond_error(response, 422, "out_of_range", "%s must be a whole number from 1 to %lld.", name,
                      (long long)most);
    return false;
}

void api_audit(struct srv_app *app, const struct srv_request *request, struct srv_response *response)
{
    static const char *const names[] = {"before", "limit"};
    int64_t before, limit;
    if (!srv_request_query_known(request, names, 2, response) ||
        !read_number(request, "before", INT64_MAX, INT64_MAX, &before, response) ||
        !read_number(request, "limit", AUDIT_PAGE_MAX, AUDIT_PAGE, &limit, response))
        return;
    json_t *list = json_array();
    enum db_status status = srv_audit_list(app->db, before, (int)limit, list);
    if (status == DB_OK) {
        srv_respond_json(response, 200, json_pack("{s:o}", "entries", list));
    } else {
        json_decref(list);
        srv_respond_db_error(response, status);
    }
}
