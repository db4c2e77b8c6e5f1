/* The route table: matching, Allow, agreement with openapi.json; and the readers of requests. */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/api/api.h"

static const struct srv_route *find(const char *method, const char *path, struct srv_request *request)
{
    *request = (struct srv_request){.method = method, .path = path};
    return srv_router_find(api_routes, (size_t)api_route_count, request);
}

static void parameters_are_cut_out_of_the_path(void **state)
{
    (void)state;
    struct srv_request request;
    const struct srv_route *route =
        find("GET", "/api/v1/samples/default/no_fracture/18446744073709551615.png", &request);
    assert_non_null(route);
    assert_string_equal(request.params[0], "default");
    assert_string_equal(request.params[1], "no_fracture");
    assert_string_equal(request.params[2], "18446744073709551615");
}

static void near_misses_have_no_route(void **state)
{
    (void)state;
    const char *const paths[] = {
        "",
        "/",
        "/healthz/",
        "//healthz",
        "/api/v1/decks/",
        "/api/v1/images/.png",
        "/api/v1/images/a.jpg",
        "/api/v1/images/a/b.png",
        "/api/v1/sessions//items/1",
        "/api/v1/samples/default/fracture/1.png/x",
        "/api/v1/samples/default/fracture/1",
        "api/v1/decks",
    };
    struct srv_request request;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) assert_null(find("GET", paths[i], &request));
}

static void a_parameter_that_is_too_long_has_no_route(void **state)
{
    (void)state;
    char path[300] = "/api/v1/sessions/";
    struct srv_request request;
    memset(path + strlen(path), 'a', REQUEST_PARAM_TEXT - 1);
    assert_non_null(find("GET", path, &request));
    path[strlen(path)] = 'a';
    assert_null(find("GET", path, &request));
}

static void allow_names_the_methods_of_a_path(void **state)
{
    (void)state;
    char allow[RESPONSE_ALLOW_TEXT];
    struct srv_request request;
    assert_null(find("DELETE", "/api/v1/sessions", &request));
    srv_router_allow(api_routes, (size_t)api_route_count, &request, allow);
    assert_string_equal(allow, "POST");
    assert_null(find("POST", "/healthz", &request));
    srv_router_allow(api_routes, (size_t)api_route_count, &request, allow);
    assert_string_equal(allow, "GET, HEAD");
    assert_null(find("GET", "/nothing", &request));
    srv_router_allow(api_routes, (size_t)api_route_count, &request, allow);
    assert_string_equal(allow, "");
}

static const char *lower_method(const struct srv_route *route)
{
    return strcmp(route->method, "GET") ? "post" : "get";
}

static void every_route_is_in_openapi_and_every_path_there_is_a_route(void **state)
{
    (void)state;
    json_error_t where;
    json_t *document = json_load_file("server/openapi.json", JSON_REJECT_DUPLICATES, &where);
    if (!document) fail_msg("line %d: %s", where.line, where.text);
    const json_t *paths = json_object_get(document, "paths");
    int described = 0;
    for (int i = 0; i < api_route_count; i++)
        if (!json_object_get(json_object_get(paths, api_routes[i].pattern), lower_method(&api_routes[i])))
            fail_msg("%s %s is not described", api_routes[i].method, api_routes[i].pattern);
    const char *path;
    json_t *methods;
    json_object_foreach((json_t *)(uintptr_t)paths, path, methods) described +=
        (int)json_object_size(methods);
    assert_int_equal(described, api_route_count);
    json_decref(document);
}

static void numbers_are_read_whole_or_not_at_all(void **state)
{
    (void)state;
    uint64_t u;
    double d;
    assert_true(srv_request_read_u64("18446744073709551615", &u));
    assert_true(u == UINT64_MAX);
    const char *const wrong[] = {"",    "18446744073709551616", "-1", "+1", "1 ", "0x1",
                                 "1e3", "99999999999999999999"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(srv_request_read_u64(wrong[i], &u));
    assert_true(srv_request_read_share("0.25", &d) && d == 0.25);
    assert_true(srv_request_read_share("1", &d) && d == 1);
    assert_true(srv_request_read_share(".5", &d) && d == 0.5);
    const char *const not_shares[] = {"", ".", "1.1", "-0.1", "nan", "inf", "0x1", "1e-3", "0.5.5", "0,5"};
    for (size_t i = 0; i < sizeof not_shares / sizeof *not_shares; i++)
        assert_false(srv_request_read_share(not_shares[i], &d));
}

static void an_etag_is_found_in_a_list_and_by_a_star(void **state)
{
    (void)state;
    struct srv_request request = {0};
    assert_false(srv_request_matches_etag(&request, "\"ab\""));
    request.if_none_match = "\"cd\", W/\"ab\"";
    assert_true(srv_request_matches_etag(&request, "\"ab\""));
    request.if_none_match = "\"abc\"";
    assert_false(srv_request_matches_etag(&request, "\"ab\""));
    request.if_none_match = "*";
    assert_true(srv_request_matches_etag(&request, "\"ab\""));
}

static void only_a_bearer_gives_a_secret(void **state)
{
    (void)state;
    struct srv_request request = {.authorization = "Bearer abc"};
    assert_string_equal(srv_request_bearer(&request), "abc");
    request.authorization = "bearer abc";
    assert_string_equal(srv_request_bearer(&request), "abc");
    request.authorization = "Basic abc";
    assert_null(srv_request_bearer(&request));
    request.authorization = NULL;
    assert_null(srv_request_bearer(&request));
}

/* What a body of these bytes and this type is answered with; 0 when it is accepted. */
static int refusal(const char *type, const char *body, size_t size)
{
    static const struct srv_json_field fields[] = {{"deck", 's', true}};
    struct srv_request request = {.content_type = type, .body = body, .body_size = size};
    struct srv_response response = {0};
    json_t *json = srv_request_json(&request, fields, 1, &response);
    int status = response.status;
    assert_true((json == NULL) == (status != 0));
    json_decref(json);
    srv_response_release(&response);
    return status;
}

static void a_body_must_be_json_of_the_right_shape(void **state)
{
    (void)state;
    const char ok[] = "{\"deck\":\"d\"}", cut[] = "{\"deck\":\"\xc3";
    assert_int_equal(refusal("application/json", ok, strlen(ok)), 0);
    assert_int_equal(refusal("Application/JSON; charset=utf-8", ok, strlen(ok)), 0);
    assert_int_equal(refusal("application/jsonp", ok, strlen(ok)), 415);
    assert_int_equal(refusal("text/plain", ok, strlen(ok)), 415);
    assert_int_equal(refusal(NULL, ok, strlen(ok)), 415);
    const char *const wrong[] = {"",
                                 "{",
                                 "[]",
                                 "null",
                                 "{}",
                                 "{\"deck\":1}",
                                 "{\"deck\":\"d\",\"x\":1}",
                                 "{\"deck\":\"d\"}x",
                                 "{\"deck\":\"d\",\"deck\":\"d\"}",
                                 "{\"deck\":\"\\u0000\"}"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(refusal("application/json", wrong[i], strlen(wrong[i])), 400);
    assert_int_equal(refusal("application/json", cut, strlen(cut)), 400);
}

static void deep_nesting_is_refused_rather_than_followed(void **state)
{
    (void)state;
    static char body[60000];
    memset(body, '[', sizeof body);
    assert_int_equal(refusal("application/json", body, sizeof body), 400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_are_cut_out_of_the_path),
        cmocka_unit_test(near_misses_have_no_route),
        cmocka_unit_test(a_parameter_that_is_too_long_has_no_route),
        cmocka_unit_test(allow_names_the_methods_of_a_path),
        cmocka_unit_test(every_route_is_in_openapi_and_every_path_there_is_a_route),
        cmocka_unit_test(numbers_are_read_whole_or_not_at_all),
        cmocka_unit_test(an_etag_is_found_in_a_list_and_by_a_star),
        cmocka_unit_test(only_a_bearer_gives_a_secret),
        cmocka_unit_test(a_body_must_be_json_of_the_right_shape),
        cmocka_unit_test(deep_nesting_is_refused_rather_than_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
