#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/accounts/invitation_link.h"
#include "server/api/api.h"
#include "server/clock.h"
#include "server/export/replay_log.h"
#include "server/folder_of.h"
#include "server/http/http.h"
#include "server/images/image_sampler.h"
#include "server/library/library_command.h"
#include "server/library/library_files.h"
#include "server/log.h"
#include "server/machine_memory.h"
#include "server/store/decks/store_decks.h"

enum { EXIT_FAILED = 1, EXIT_USAGE = 2, STOP_WAIT_MS = 10000 };

/* The engine's OpenMP threads spin while they wait for each other. On a machine that has other work to do,
 * HTTP threads among it, the spinning takes the very core that is waited for: with 16 runnable processes on
 * 2 cores a 256x256 sample took 0.9 to 3.9 s, and 0.1 s without spinning. The OpenMP library reads the
 * choice before main, hence the second start; a choice made by the operator stays. */
static void wait_without_spinning(char **argv)
{
    if (getenv("OMP_WAIT_POLICY")) return;
    setenv("OMP_WAIT_POLICY", "passive", 1);
    execv("/proc/self/exe", argv); /* returns only on failure, and then spinning is no reason to stop */
}

/* Connections have a thread each, and the C library would spread them over 8 heaps a core, each of which
 * keeps its own holes between images of a megabyte. With two, 100 learners a time left 335, 337, 337 and 339
 * MiB resident instead of 343, 352, 362 and 364, and took no more processor time. */
static void keep_memory_together(void)
{
    mallopt(M_ARENA_MAX, 2);
}

/* The signals that stop the daemon. Blocked before any thread starts, so that every thread inherits it and
 * only sigwait takes them. */
static void block_signals(sigset_t *stop)
{
    sigemptyset(stop);
    sigaddset(stop, SIGINT);
    sigaddset(stop, SIGTERM);
    pthread_sigmask(SIG_BLOCK, stop, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file at its size limit is an error to report, not a death */
}

/* The folder of the database is made when only its last part is missing, as in a fresh clone's var/. */
static void make_folder_of(const char *file)
{
    char folder[CONFIG_PATH_TEXT];
    srv_folder_of(file, folder, sizeof folder);
    if (mkdir(folder, 0700) && errno != EEXIST) return; /* opening the file will say what is wrong */
}

static nn_status start_models(struct srv_app *app, struct nn_error *err)
{
    const struct srv_config *config = app->config;
    const struct srv_models_setup setup = {
        .folder = config->models,
        .device = config->device,
        .memory_bytes =
            config->model_memory_mb ? (size_t)config->model_memory_mb << 20 : srv_machine_memory_bytes() / 2,
        .decks = config->decks,
        .deck_count = config->deck_count,
        .look_us = MODELS_LOOK_US,
        .session_keep_us = MODELS_SESSION_KEEP_US,
        .turn_us = MODELS_TURN_US,
    };
    return srv_models_start(&app->models, &setup, err);
}

/* After the first signal no new connection comes in, and what is under way is finished, for STOP_WAIT_MS at
 * most or until a second signal. What has not been answered by then was not done: an answer is stored before
 * its reply, or its reply says that it was not. */
static void finish(struct srv_app *app, struct srv_http *http, const sigset_t *stop)
{
    int64_t until_us = srv_clock_monotonic_us() + (int64_t)STOP_WAIT_MS * 1000;
    const struct timespec turn = {.tv_nsec = 20 * 1000 * 1000};
    int signal_number = -1;
    atomic_store(&app->stopping, true);
    srv_log("stopping");
    srv_http_shut(http);
    while (srv_http_under_way(http) > 0 && signal_number < 0 && srv_clock_monotonic_us() < until_us)
        signal_number = sigtimedwait(stop, NULL, &turn);
}

/* A limit on open files that leaves fewer places than a class may need is worth a line. */
static void log_places(struct srv_connections *connections)
{
    struct srv_connections_counts counts;
    srv_connections_count(connections, &counts);
    if (counts.limit < CONNECTIONS_MAX)
        srv_log("the limit of open files leaves places for %d connections, not %d", counts.limit,
                CONNECTIONS_MAX);
}

static const char *public_url(const struct srv_app *app)
{
    return *app->config->public_url ? app->config->public_url : srv_connections_address(app->connections);
}

/* HTTP answers before the decks' models are open, so that probes see "loading" rather than nothing; the line
 * on standard output comes when the first image can be asked for. */
static nn_status serve(struct srv_app *app, const sigset_t *stop, struct nn_error *err)
{
    struct srv_http *http = NULL;
    nn_status status = srv_http_start(&http, app->connections, api_serve, app, err);
    if (!status) status = srv_models_wait_ready(app->models, err);
    if (!status) {
        int signal_number;
        log_places(app->connections);
        printf("listening on %s\n", srv_connections_address(app->connections));
        fflush(stdout);
        srv_invite_first_admin(app->db, public_url(app));
        sigwait(stop, &signal_number);
        finish(app, http, stop);
    }
    srv_http_stop(http);
    return status;
}

static nn_status start_images(struct srv_app *app, struct nn_error *err)
{
    const struct srv_config *config = app->config;
    size_t memory_bytes = (size_t)config->image_memory_mb << 20;
    nn_status status = NN_OK;
    if (config->image_disk_mb > 0)
        status = srv_image_store_open(&app->image_store, config->image_folder,
                                      (uint64_t)config->image_disk_mb << 20, err);
    if (!status) status = srv_cache_open(&app->cache, memory_bytes, app->image_store, err);
    if (!status) status = srv_read_ahead_open(&app->read_ahead, memory_bytes / 2, err);
    return status;
}

static nn_status run(const struct srv_config *config, const sigset_t *stop, struct nn_error *err)
{
    const struct srv_sampler sampler = srv_model_sampler(config->library);
    struct srv_app app = {.config = config, .metrics.started_us = srv_clock_monotonic_us()};
    pthread_mutex_init(&app.export_turn, NULL);
    app.web_folder = open(config->web, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (app.web_folder < 0) srv_log("%s: no pages: %s", config->web, strerror(errno));
    make_folder_of(config->db);
    make_folder_of(config->admin_token_file);
    nn_status status = db_open(&app.db, config->db, err);
    if (!status) srv_library_recover_idle(config->library, app.db);
    if (!status && srv_store_decks_configure(app.db, config->decks, config->deck_count) != DB_OK)
        status = nn_fail(err, NN_ERR_IO, "%s: the decks could not be stored; the log says why", config->db);
    if (!status) status = srv_admin_token(config->admin_token_file, app.admin_token, err);
    if (!status) status = start_images(&app, err);
    if (!status) status = srv_password_start(err);
    if (!status) status = srv_throttle_open(&app.throttle, err);
    if (!status) status = srv_queue_start(&app.queue, &sampler, app.cache, err);
    if (!status) status = srv_connections_open(&app.connections, config->bind, config->port, err);
    if (!status) status = start_models(&app, err);
    if (!status) status = serve(&app, stop, err);
    srv_connections_close(app.connections);
    srv_queue_stop(app.queue);
    srv_read_ahead_close(app.read_ahead);
    srv_cache_close(app.cache);
    srv_image_store_close(app.image_store);
    srv_models_stop(app.models); /* nobody holds one after the queue's end */
    srv_throttle_close(app.throttle);
    db_close(app.db);
    pthread_mutex_destroy(&app.export_turn);
    if (app.web_folder >= 0) close(app.web_folder);
    return status;
}

/* Beside a running daemon or without one. */
static nn_status print_admin_link(const struct srv_config *config, struct nn_error *err)
{
    struct db *db;
    char base[SRV_ADDRESS_TEXT];
    srv_connections_address_text(config->bind, config->port, base);
    make_folder_of(config->db);
    nn_status status = db_open(&db, config->db, err);
    if (!status) status = srv_print_admin_link(db, *config->public_url ? config->public_url : base, err);
    db_close(db);
    return status;
}

int main(int argc, char **argv)
{
    static struct srv_config config;
    struct nn_error err = {0};
    sigset_t stop;
    wait_without_spinning(argv);
    prctl(PR_SET_NAME, "roentgymd"); /* the second start is called "exe" otherwise, in ps and in pgrep */
    if (argc > 1 && !strcmp(argv[1], "replay")) return srv_replay(argc - 1, argv + 1);
    if (argc > 1 && !strcmp(argv[1], "library")) return srv_library_command(argc - 1, argv + 1);
    enum srv_config_outcome outcome = srv_config_read(argc, argv, &config, &err);
    switch (outcome) {
    case CONFIG_HELP:
        fputs(srv_config_help, stdout);
        return EXIT_SUCCESS;
    case CONFIG_VERSION:
        puts("roentgymd " ROENTGYM_VERSION " " ROENTGYM_COMMIT);
        return EXIT_SUCCESS;
    case CONFIG_WRONG:
        fprintf(stderr, "roentgymd: %s\n", err.text);
        return EXIT_USAGE;
    default:
        break;
    }
    keep_memory_together();
    umask(077); /* the database holds people's answers */
    block_signals(&stop);
    if (outcome == CONFIG_ADMIN_LINK ? print_admin_link(&config, &err) : run(&config, &stop, &err)) {
        fprintf(stderr, "roentgymd: %s\n", err.text);
        return EXIT_FAILED;
    }
    return EXIT_SUCCESS;
}
