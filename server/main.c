#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/api.h"
#include "server/clock.h"
#include "server/http.h"
#include "server/image_sampler.h"
#include "server/log.h"

enum { EXIT_FAILED = 1, EXIT_USAGE = 2, STOP_WAIT_MS = 10000, CACHE_BYTES = 256 << 20 };

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
    snprintf(folder, sizeof folder, "%s", file);
    char *slash = strrchr(folder, '/');
    if (!slash || slash == folder) return;
    *slash = '\0';
    if (mkdir(folder, 0700) && errno != EEXIST) return; /* opening the file will say what is wrong */
}

static nn_status check_decks(const struct srv_config *config, const struct nn_model_info *model,
                             struct nn_error *err)
{
    for (int i = 0; i < config->deck_count; i++)
        for (int k = 0; k < DECK_CHOICES; k++)
            if (srv_deck_class_find(model, config->decks[i].choices[k].id) < 0)
                return nn_fail(err, NN_ERR_ARGUMENT, "deck \"%s\": the model has no class \"%s\"",
                               config->decks[i].id, config->decks[i].choices[k].id);
    return NN_OK;
}

/* The first sample compiles kernels and takes several times longer than the next: better now than in a
 * learner's response time. */
static nn_status warm_up(struct nn_model *model, struct nn_error *err)
{
    size_t side = (size_t)nn_model_info(model)->resolution;
    uint8_t *pixels = malloc(side * side);
    if (!pixels) return nn_fail(err, NN_ERR_MEMORY, "out of memory");
    nn_status status = nn_model_sample(model, &(struct nn_sample_request){0}, 1, pixels, err);
    free(pixels);
    return status;
}

static nn_status open_model(struct srv_app *app, struct nn_error *err)
{
    char path[CONFIG_PATH_TEXT + DECK_ID_TEXT + 16];
    const struct srv_config *config = app->config;
    struct nn_model *model = NULL;
    snprintf(path, sizeof path, "%s/%s.safetensors", config->models, config->model);
    nn_status status = nn_model_open(&model, path, config->device, err);
    if (!status) status = check_decks(config, nn_model_info(model), err);
    if (!status) status = warm_up(model, err);
    if (status)
        nn_model_close(model);
    else
        atomic_store(&app->model, model);
    return status;
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

/* HTTP answers before the model is open, so that probes see "loading" rather than nothing; the line on
 * standard output comes when the first image can be asked for. */
static nn_status serve(struct srv_app *app, const sigset_t *stop, struct nn_error *err)
{
    struct srv_http *http = NULL;
    nn_status status = srv_http_start(&http, app->connections, api_serve, app, err);
    if (!status) status = open_model(app, err);
    if (!status) {
        const struct nn_model_info *model = nn_model_info(app->model);
        int signal_number;
        srv_log("model %s, %dx%d, on %s", model->name, model->resolution, model->resolution, model->device);
        if (model->device_note[0]) srv_log("%s", model->device_note);
        printf("listening on %s\n", srv_connections_address(app->connections));
        fflush(stdout);
        sigwait(stop, &signal_number);
        finish(app, http, stop);
    }
    srv_http_stop(http);
    return status;
}

static nn_status run(const struct srv_config *config, const sigset_t *stop, struct nn_error *err)
{
    struct srv_app app = {.config = config, .metrics.started_us = srv_clock_monotonic_us()};
    const struct srv_sampler sampler = srv_model_sampler(&app.model);
    app.web_folder = open(config->web, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (app.web_folder < 0) srv_log("%s: no pages: %s", config->web, strerror(errno));
    make_folder_of(config->db);
    make_folder_of(config->admin_token_file);
    nn_status status = db_open(&app.db, config->db, err);
    if (!status) status = srv_admin_token(config->admin_token_file, app.admin_token, err);
    if (!status) status = srv_cache_open(&app.cache, CACHE_BYTES, err);
    if (!status) status = srv_read_ahead_open(&app.read_ahead, CACHE_BYTES / 2, err);
    if (!status) status = srv_queue_start(&app.queue, &sampler, app.cache, err);
    if (!status) status = srv_connections_open(&app.connections, config->bind, config->port, err);
    if (!status) status = serve(&app, stop, err);
    srv_connections_close(app.connections);
    srv_queue_stop(app.queue);
    srv_read_ahead_close(app.read_ahead);
    srv_cache_close(app.cache);
    nn_model_close(app.model);
    db_close(app.db);
    if (app.web_folder >= 0) close(app.web_folder);
    return status;
}

int main(int argc, char **argv)
{
    static struct srv_config config;
    struct nn_error err = {0};
    sigset_t stop;
    wait_without_spinning(argv);
    switch (srv_config_read(argc, argv, &config, &err)) {
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
    umask(077); /* the database holds people's answers */
    block_signals(&stop);
    if (run(&config, &stop, &err)) {
        fprintf(stderr, "roentgymd: %s\n", err.text);
        return EXIT_FAILED;
    }
    return EXIT_SUCCESS;
}
