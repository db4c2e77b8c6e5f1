/* Finds the handler for a method and a path in a table. Pure. */
#ifndef SRV_ROUTER_H
#define SRV_ROUTER_H

#include <stddef.h>

#include "server/http/request.h"
#include "server/http/response.h"

struct srv_app;

/* Answers one request. Runs on the connection's own thread, at the same time as others. */
typedef void srv_handler(struct srv_app *app, const struct srv_request *request,
                         struct srv_response *response);

/* In a pattern, {name} stands for one or more characters without '/', and ends a path segment but for a
 * literal suffix: "/api/v1/images/{image}.png". */
struct srv_route {
    const char *method; /* GET or POST; GET serves HEAD too */
    const char *pattern;
    srv_handler *handler;
    enum srv_role role; /* checked before the handler runs, but SRV_LEARNER by the handler */
};

/* The route, with request->params filled; NULL when there is none. */
const struct srv_route *srv_router_find(const struct srv_route *routes, size_t count,
                                        struct srv_request *request);

/* The methods that request->path has, as an Allow header: "GET, HEAD"; "" when no route has the path. */
void srv_router_allow(const struct srv_route *routes, size_t count, const struct srv_request *request,
                      char allow[RESPONSE_ALLOW_TEXT]);

#endif
