/* Who counts as gone: the clients are real sockets on the loopback. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/http/connections.h"

struct pair {
    struct srv_connections *all;
    struct srv_connection *connection;
    int client;
    atomic_int served; /* set by the door's thread */
};

static void take(void *context, int socket, const struct sockaddr *address, socklen_t size)
{
    struct pair *pair = context;
    (void)address, (void)size;
    pair->served = socket;
}

static int set_up(void **state)
{
    struct pair *pair = calloc(1, sizeof *pair);
    struct nn_error err;
    pair->served = -1;
    assert_int_equal(srv_connections_open(&pair->all, "127.0.0.1", 0, &err), NN_OK);
    assert_int_equal(srv_connections_start(pair->all, take, pair, &err), NN_OK);
    const char *port = strrchr(srv_connections_address(pair->all), ':') + 1;
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)atoi(port)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    pair->client = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(pair->client, (struct sockaddr *)&to, sizeof to), 0);
    while (pair->served < 0) poll(NULL, 0, 1);
    pair->connection = srv_connection_add(pair->all, pair->served);
    assert_non_null(pair->connection);
    srv_connection_enter(pair->connection, CONNECTION_ANSWERING, 0);
    *state = pair;
    return 0;
}

static int tear_down(void **state)
{
    struct pair *pair = *state;
    srv_connection_remove(pair->connection);
    close(pair->served);
    if (pair->client >= 0) close(pair->client);
    srv_connections_close(pair->all);
    free(pair);
    return 0;
}

static void close_client(struct pair *pair)
{
    close(pair->client);
    pair->client = -1;
}

/* Asks for as long as the news may need to come through the loopback. */
static bool left_in_the_end(struct pair *pair, bool may_probe)
{
    for (int i = 0; i < 100; i++) {
        if (srv_connection_left(pair->connection, may_probe)) return true;
        poll(NULL, 0, 1);
    }
    return false;
}

static void one_that_waits_in_silence_is_there(void **state)
{
    assert_false(left_in_the_end(*state, true));
}

static void one_that_sent_its_next_request_already_is_there(void **state)
{
    struct pair *pair = *state;
    assert_int_equal(write(pair->client, "GET", 3), 3);
    assert_false(left_in_the_end(pair, true));
}

static void one_that_closed_is_gone(void **state)
{
    close_client(*state);
    assert_true(left_in_the_end(*state, true));
}

static void one_that_closed_with_a_request_behind_it_is_gone(void **state)
{
    struct pair *pair = *state;
    assert_int_equal(write(pair->client, "GET", 3), 3);
    close_client(pair);
    assert_true(left_in_the_end(pair, true));
}

static void one_that_reset_is_gone_without_a_probe(void **state)
{
    struct pair *pair = *state;
    struct linger at_once = {1, 0};
    setsockopt(pair->client, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close_client(pair);
    assert_true(left_in_the_end(pair, false));
}

static void one_that_only_ended_its_sending_is_there_and_can_read(void **state)
{
    static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";
    char text[64] = "";
    struct pair *pair = *state;
    shutdown(pair->client, SHUT_WR);
    assert_false(left_in_the_end(pair, true));
    assert_int_equal(write(pair->served, "answer", 6), 6);
    poll(NULL, 0, 5);
    assert_int_equal(read(pair->client, text, sizeof text), sizeof interim - 1 + 6); /* asked once only */
    assert_memory_equal(text, interim, sizeof interim - 1);
}

static void one_that_must_not_be_asked_counts_as_there(void **state)
{
    close_client(*state);
    assert_false(left_in_the_end(*state, false));
}

int main(void)
{
#define with_pair(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        with_pair(one_that_waits_in_silence_is_there),
        with_pair(one_that_sent_its_next_request_already_is_there),
        with_pair(one_that_closed_is_gone),
        with_pair(one_that_closed_with_a_request_behind_it_is_gone),
        with_pair(one_that_reset_is_gone_without_a_probe),
        with_pair(one_that_only_ended_its_sending_is_there_and_can_read),
        with_pair(one_that_must_not_be_asked_counts_as_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
