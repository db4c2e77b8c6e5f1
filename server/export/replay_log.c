#include "server/export/replay_log.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/sha256.h"
#include "server/config.h"
#include "server/images/encode.h"
#include "server/images/image_sampler.h"
#include "server/models/model_folder.h"
#include "server/store/results/store_shown.h"

enum { EXIT_FAILED = 1, EXIT_USAGE = 2, BATCH = 8, CONFIG_ARGS = 17 };

static const char help[] =
    "Usage: roentgymd replay [options] --all | --session ID | --image NAME\n"
    "Makes the images that learners were shown again, from what the data base says of them, and compares\n"
    "their SHA-256 with what was sent. The data base is only read; the daemon may be running.\n"
    "\n"
    "  --all           every image of the data base\n"
    "  --session ID    those of one session\n"
    "  --image NAME    one, by the name in its address (without .png)\n"
    "  --out DIR       writes the images made here, as NAME.png, into DIR, made when missing\n"
    "  --config FILE, --db FILE, --models DIR, --device NAME   as for roentgymd itself\n"
    "  --help          this text\n"
    "\n"
    "One line an image: session/item, name, and same, differs, \"model missing\" (no file of the models "
    "folder\n"
    "has the SHA-256 of the model, whatever it is called), \"image missing\" (of the library) or \"never "
    "sent\".\n"
    "Bytes are the same on machines of one class (device, kind of processor); elsewhere single pixels may be "
    "rounded otherwise.\n"
    "Exit status: 0 all that was sent is the same, 1 something is not or could not be made, 2 wrong usage.\n";

struct options {
    struct srv_config *config;
    const char *session, *image, *out;
    bool all;
};

struct counts {
    long long same, differ, missing, unsent;
};

/* The hash of one file of the models folder; "" when it could not be read. */
struct file_hash {
    char sha256[SRV_DIGEST_TEXT];
};

struct replay {
    const struct options *options;
    struct db *db;
    struct srv_model_look look;
    struct file_hash *hashes; /* look.count of them */
    struct counts counts;
};

/* ---- usage ---- */

enum { FLAG_ALL = 1, FLAG_SESSION, FLAG_IMAGE, FLAG_OUT, FLAG_HELP, FLAG_CONFIG };

static bool wrong_usage(struct nn_error *err, const char *what, const char *how)
{
    nn_fail(err, NN_ERR_ARGUMENT, "replay: %s%s, see roentgymd replay --help", what, how);
    return false;
}

/* What both commands know goes on to the daemon's reader, with its checks. */
static bool read_flags(int argc, char **argv, struct options *options, char *rest[CONFIG_ARGS],
                       int *rest_count, bool *wants_help, struct nn_error *err)
{
    static const struct option known[] = {
        {"all", no_argument, NULL, FLAG_ALL},
        {"session", required_argument, NULL, FLAG_SESSION},
        {"image", required_argument, NULL, FLAG_IMAGE},
        {"out", required_argument, NULL, FLAG_OUT},
        {"help", no_argument, NULL, FLAG_HELP},
        {"config", required_argument, NULL, FLAG_CONFIG},
        {"db", required_argument, NULL, FLAG_CONFIG + 1},
        {"models", required_argument, NULL, FLAG_CONFIG + 2},
        {"device", required_argument, NULL, FLAG_CONFIG + 3},
        {NULL, 0, NULL, 0},
    };
    static char *const names[] = {"--config", "--db", "--models", "--device"};
    int flag;
    opterr = 0;
    while ((flag = getopt_long(argc, argv, ":", known, NULL)) != -1) {
        if (flag == ':') return wrong_usage(err, argv[optind - 1], " wants a value");
        if (flag == '?') return wrong_usage(err, argv[optind - 1], " is no flag of it");
        if (flag == FLAG_ALL) options->all = true;
        if (flag == FLAG_SESSION) options->session = optarg;
        if (flag == FLAG_IMAGE) options->image = optarg;
        if (flag == FLAG_OUT) options->out = optarg;
        if (flag == FLAG_HELP) *wants_help = true;
        if (flag < FLAG_CONFIG) continue;
        if (*rest_count + 2 > CONFIG_ARGS) return wrong_usage(err, argv[optind - 1], " is too much");
        rest[(*rest_count)++] = names[flag - FLAG_CONFIG];
        rest[(*rest_count)++] = optarg;
    }
    if (*wants_help) return true;
    if (optind < argc) return wrong_usage(err, argv[optind], " is unexpected");
    if (options->all + !!options->session + !!options->image != 1)
        return wrong_usage(err, "wants one of --all, --session and --image", "");
    return true;
}

/* ---- the files ---- */

static void hash_file(const char *path, char hex[SRV_DIGEST_TEXT])
{
    enum { PIECE = 1 << 20 };
    struct nn_sha256 hash;
    char *piece = malloc(PIECE);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = -1;
    *hex = '\0';
    nn_sha256_init(&hash);
    while (file >= 0 && piece && (got = read(file, piece, PIECE)) > 0)
        nn_sha256_add(&hash, piece, (size_t)got);
    if (got == 0) nn_sha256_finish(&hash, hex);
    if (file >= 0) close(file);
    free(piece);
}

static void path_of(const struct replay *replay, int file, char *path, size_t size)
{
    snprintf(path, size, "%s/%s.safetensors", replay->options->config->models, replay->look.files[file].name);
}

static nn_status look_into_folder(struct replay *replay, struct nn_error *err)
{
    nn_status status = srv_model_folder_look(replay->options->config->models, &replay->look, err);
    if (status) return status;
    replay->hashes = calloc((size_t)replay->look.count + 1, sizeof *replay->hashes);
    if (!replay->hashes) return nn_fail(err, NN_ERR_MEMORY, "out of memory");
    for (int i = 0; i < replay->look.count; i++) {
        char path[CONFIG_PATH_TEXT + DECK_ID_TEXT + 16];
        path_of(replay, i, path, sizeof path);
        hash_file(path, replay->hashes[i].sha256);
    }
    if (replay->look.left_out)
        fprintf(stderr,
                "roentgymd: %s/%s: passed over, as its name is not one of small letters, digits, - and _\n",
                replay->options->config->models, replay->look.left_out_name);
    return NN_OK;
}

static nn_status write_image(const char *folder, const char *name, const struct srv_blob *png,
                             struct nn_error *err)
{
    char path[CONFIG_PATH_TEXT + SRV_IMAGE_TEXT + 8];
    snprintf(path, sizeof path, "%s/%s.png", folder, name);
    FILE *file = fopen(path, "wbe");
    if (!file) return nn_fail(err, NN_ERR_IO, "%s: %s", path, strerror(errno));
    bool written = fwrite(png->bytes, 1, png->size_bytes, file) == png->size_bytes;
    if (fclose(file) || !written) return nn_fail(err, NN_ERR_IO, "%s: %s", path, strerror(errno));
    return NN_OK;
}

/* ---- one image ---- */

static void tell(const struct srv_shown *shown, const char *verdict, const char *more)
{
    printf("%s/%d %s %s%s\n", shown->session_id, shown->n, shown->image, verdict, more);
}

/* A learner's page may have asked for a smaller size: the first size that matches is the one that was sent.
 */
static nn_status compare(struct replay *replay, const struct srv_shown *shown, const uint8_t *pixels,
                         const struct nn_model_info *info, struct nn_error *err)
{
    int sizes[IMAGE_SIZES_MAX];
    bool same = false;
    nn_status status = NN_OK;
    struct srv_blob *png = NULL;
    for (int k = srv_image_sizes(info, sizes) - 1; k >= 0 && !same && !status; k--) {
        char hex[SRV_DIGEST_TEXT];
        struct srv_blob *other = NULL;
        struct srv_image_request request = {.size = sizes[k], .depth = 8};
        status = srv_encode(pixels, info, &request, &other, err);
        if (status) break;
        nn_sha256_hex(other->bytes, other->size_bytes, hex);
        same = !strcmp(hex, shown->sha256);
        if (same || !png) { /* what never matched is written at full size */
            srv_blob_release(png);
            png = other;
        } else {
            srv_blob_release(other);
        }
    }
    if (!status && replay->options->out) status = write_image(replay->options->out, shown->image, png, err);
    srv_blob_release(png);
    if (status) return status;
    char more[320] = "";
    if (!same)
        snprintf(more, sizeof more, ": remade on %s by %s; sent by %s, made on %s", info->device,
                 ROENTGYM_VERSION, shown->server_version,
                 *shown->device ? shown->device : "a device that was not recorded");
    tell(shown, same ? "same" : "differs", more);
    ++*(same ? &replay->counts.same : &replay->counts.differ);
    return NN_OK;
}

/* ---- a batch ---- */

/* Draws those of `shown` that were sent, one after another. */
static nn_status draw(struct nn_model *model, const struct srv_shown *shown, int count, uint8_t *pixels,
                      struct nn_error *err)
{
    const struct nn_model_info *info = nn_model_info(model);
    struct nn_sample_request samples[BATCH];
    int sent = 0;
    for (int i = 0; i < count; i++) {
        if (!shown[i].sha256[0]) continue;
        int class_index = shown[i].library.width > 0 ? 0 : srv_deck_class_find(info, shown[i].class_name);
        if (class_index < 0)
            return nn_fail(err, NN_ERR_FORMAT, "%s: the model has no class \"%s\"", shown[i].image,
                           shown[i].class_name);
        samples[sent++] = (struct nn_sample_request){shown[i].seed, class_index, (float)shown[i].strength,
                                                     (float)shown[i].truncation};
    }
    return sent ? nn_model_sample(model, samples, sent, pixels, err) : NN_OK;
}

/* Puts what the library has in the place of what was drawn, if that is what was shown. */
static bool find_in_library(const struct replay *replay, const struct srv_shown *shown, int resolution,
                            uint8_t *pixels)
{
    struct nn_error err = {0};
    if (shown->library.width == 0) return true;
    if (!srv_library_draw(replay->options->config->library, &shown->library, resolution, pixels, &err))
        return true;
    fprintf(stderr, "roentgymd: %s\n", err.text);
    return false;
}

/* `model` is NULL when it is missing. */
static nn_status replay_batch(struct replay *replay, struct nn_model *model, const struct srv_shown *shown,
                              int count, uint8_t *pixels, struct nn_error *err)
{
    const struct nn_model_info *info = model ? nn_model_info(model) : NULL;
    size_t image_bytes = info ? (size_t)info->resolution * (size_t)info->resolution : 0;
    nn_status status = NN_OK;
    for (int i = 0; i < count && !status; i++) {
        if (!shown[i].sha256[0]) {
            tell(&shown[i], "never sent", "");
            replay->counts.unsent++;
        } else if (!model) {
            tell(&shown[i], "model missing", "");
            replay->counts.missing++;
        } else if (!find_in_library(replay, &shown[i], info->resolution, pixels)) {
            tell(&shown[i], "image missing", "");
            replay->counts.missing++;
            pixels += image_bytes;
        } else {
            status = compare(replay, &shown[i], pixels, info, err);
            pixels += image_bytes;
        }
    }
    return status;
}

/* ---- all of one model ---- */

static nn_status database_failed(const struct replay *replay, struct nn_error *err)
{
    return nn_fail(err, NN_ERR_IO, "%s: cannot be read", replay->options->config->db);
}

/* `model` is NULL when it is missing. */
static nn_status replay_images(struct replay *replay, struct srv_shown_range range, int64_t model_id,
                               struct nn_model *model, uint8_t *pixels, struct nn_error *err)
{
    struct srv_shown shown[BATCH];
    int count = 0;
    nn_status status = NN_OK;
    do {
        if (srv_store_shown(replay->db, &range, model_id, shown, BATCH, &count) != DB_OK)
            return database_failed(replay, err);
        if (count == 0) break;
        strcpy(range.after_session, shown[count - 1].session_id);
        range.after_n = shown[count - 1].n;
        if (model) status = draw(model, shown, count, pixels, err);
        if (!status) status = replay_batch(replay, model, shown, count, pixels, err);
        fflush(stdout);
    } while (!status && count == BATCH);
    return status;
}

static nn_status replay_model(struct replay *replay, const struct srv_shown_range *range,
                              const struct srv_shown_model *wanted, struct nn_error *err)
{
    char path[CONFIG_PATH_TEXT + DECK_ID_TEXT + 16];
    struct nn_model *model = NULL;
    uint8_t *pixels = NULL;
    int file = 0;
    while (file < replay->look.count && strcmp(replay->hashes[file].sha256, wanted->sha256)) file++;
    if (file == replay->look.count) {
        fprintf(stderr, "roentgymd: %s: no file there is the model \"%s\" of SHA-256 %s\n",
                replay->options->config->models, wanted->name, wanted->sha256);
        return replay_images(replay, *range, wanted->id, NULL, NULL, err);
    }
    path_of(replay, file, path, sizeof path);
    nn_status status = nn_model_open(&model, path, replay->options->config->device, err);
    if (status) return status;
    const struct nn_model_info *info = nn_model_info(model);
    if (strcmp(info->sha256, wanted->sha256))
        status = nn_fail(err, NN_ERR_FORMAT, "%s: has just been replaced", path);
    if (!status) pixels = malloc((size_t)info->resolution * (size_t)info->resolution * BATCH);
    if (!status && !pixels) status = nn_fail(err, NN_ERR_MEMORY, "out of memory");
    if (!status) status = replay_images(replay, *range, wanted->id, model, pixels, err);
    free(pixels);
    nn_model_close(model);
    return status;
}

/* ---- all ---- */

static nn_status find_range(struct replay *replay, struct srv_shown_range *range, struct nn_error *err)
{
    const struct options *options = replay->options;
    bool found = true;
    enum db_status status = DB_OK;
    *range = srv_shown_all();
    if (options->session) status = srv_store_shown_session(replay->db, options->session, range, &found);
    if (options->image) status = srv_store_shown_image(replay->db, options->image, range, &found);
    if (status != DB_OK) return database_failed(replay, err);
    if (found) return NN_OK;
    return nn_fail(err, NN_ERR_ARGUMENT, "%s: there is no such %s in it", options->config->db,
                   options->session ? "session" : "image");
}

static nn_status replay_range(struct replay *replay, struct nn_error *err)
{
    struct srv_shown_range range;
    struct srv_shown_model model = {0};
    bool found = true;
    const char *out = replay->options->out;
    nn_status status = find_range(replay, &range, err);
    if (!status) status = look_into_folder(replay, err);
    if (!status && out && mkdir(out, 0700) && errno != EEXIST)
        status = nn_fail(err, NN_ERR_IO, "%s: %s", out, strerror(errno));
    while (!status && found) {
        if (srv_store_shown_model(replay->db, &range, &model, &found) != DB_OK)
            return database_failed(replay, err);
        if (found) status = replay_model(replay, &range, &model, err);
    }
    return status;
}

static int finish(struct replay *replay, nn_status status, const struct nn_error *err)
{
    const struct counts *c = &replay->counts;
    if (status)
        fprintf(stderr, "roentgymd: %s\n", err->text);
    else
        printf("%lld the same, %lld different, %lld without their model or file, %lld never sent\n", c->same,
               c->differ, c->missing, c->unsent);
    if (fflush(stdout) || ferror(stdout)) {
        fprintf(stderr, "roentgymd: standard output: %s\n", strerror(errno));
        return EXIT_FAILED;
    }
    return status || c->differ || c->missing ? EXIT_FAILED : EXIT_SUCCESS;
}

int srv_replay(int argc, char **argv)
{
    static struct srv_config config; /* too large for a stack */
    struct options options = {.config = &config};
    struct replay replay = {.options = &options};
    struct nn_error err = {0};
    char *rest[CONFIG_ARGS + 1] = {argv[0]};
    int rest_count = 1;
    bool wants_help = false;
    bool good = read_flags(argc, argv, &options, rest, &rest_count, &wants_help, &err);
    if (good && wants_help) {
        fputs(help, stdout);
        return EXIT_SUCCESS;
    }
    if (!good || srv_config_read(rest_count, rest, &config, &err) != CONFIG_GO) {
        fprintf(stderr, "roentgymd: %s\n", err.text);
        return EXIT_USAGE;
    }
    umask(077); /* whose images these are is nobody's business */
    nn_status status = db_open_to_read(&replay.db, config.db, &err);
    if (!status) status = replay_range(&replay, &err);
    free(replay.hashes);
    srv_model_look_release(&replay.look);
    db_close(replay.db);
    return finish(&replay, status, &err);
}
