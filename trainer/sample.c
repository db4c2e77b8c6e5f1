/* `roentgym sample`: pictures from a generator checkpoint, through the same public face as the daemon. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/engine.h"
#include "engine/image.h"
#include "trainer/commands.h"
#include "trainer/contact_sheet.h"
#include "trainer/option_value.h"

static const char usage[] =
    "usage: roentgym sample --model FILE [--out DIR] [--sheet FILE] [options]\n"
    "\n"
    "Samples COUNT images of one class, or of each class in turn, with seeds SEED, SEED+1, ...: as PNG "
    "files\n"
    "CLASS-SEED.png in DIR, as a contact sheet with a row of seeds for each class, or both.\n"
    "\n"
    "  --model FILE       generator.safetensors of a run, or deploy/models/default.safetensors\n"
    "  --out DIR          folder for the images; made if it is not there\n"
    "  --sheet FILE       contact sheet (PNG)\n"
    "  --class NAME       one class only\n"
    "  --seed N           first seed; default 1\n"
    "  --count N          seeds for each class, 1..10000; default 8\n"
    "  --strength X       0..1: how much of the class; default 1\n"
    "  --truncation X     0..1: how much variety; default 1\n"
    "  --help\n";

enum { SHEET_COLUMNS = 8 };

struct sampling {
    const char *model_path, *out, *sheet, *class_name;
    uint64_t seed;
    int count;
    float strength, truncation;
    struct nn_model *model;
    uint8_t *pixels; /* all images, class by class */
    struct nn_error err;
};

/* ---- options ------------------------------------------------------------------------------------ */

static int parse_share(const char *option, const char *text, float *value)
{
    char *end;
    *value = strtof(text, &end);
    return end != text && !*end && *value >= 0 && *value <= 1
               ? 0
               : tr_option_wrong("sample", option, text, "in 0..1");
}

/* 0: go on; otherwise *status is the exit status. */
static int parse(struct sampling *s, int argc, char **argv, int *status)
{
    enum { MODEL = 256, OUT, SHEET, CLASS, SEED, COUNT, STRENGTH, TRUNCATION, HELP };
    static const struct option options[] = {
        {"model", required_argument, NULL, MODEL},
        {"out", required_argument, NULL, OUT},
        {"sheet", required_argument, NULL, SHEET},
        {"class", required_argument, NULL, CLASS},
        {"seed", required_argument, NULL, SEED},
        {"count", required_argument, NULL, COUNT},
        {"strength", required_argument, NULL, STRENGTH},
        {"truncation", required_argument, NULL, TRUNCATION},
        {"help", no_argument, NULL, HELP},
        {NULL, 0, NULL, 0},
    };
    uint64_t count = 8;
    int code;
    *status = 0;
    while ((code = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (code) {
        case MODEL:
            s->model_path = optarg;
            break;
        case OUT:
            s->out = optarg;
            break;
        case SHEET:
            s->sheet = optarg;
            break;
        case CLASS:
            s->class_name = optarg;
            break;
        case SEED:
            *status = tr_option_whole("sample", "--seed", optarg, 0, UINT64_MAX, &s->seed);
            break;
        case COUNT:
            *status = tr_option_whole("sample", "--count", optarg, 1, 10000, &count);
            break;
        case STRENGTH:
            *status = parse_share("--strength", optarg, &s->strength);
            break;
        case TRUNCATION:
            *status = parse_share("--truncation", optarg, &s->truncation);
            break;
        case HELP:
            fputs(usage, stdout);
            return 1;
        default:
            *status = 2;
        }
        if (*status) return 1;
    }
    s->count = (int)count;
    if (optind == argc && s->model_path && (s->out || s->sheet)) return 0;
    fputs("roentgym sample: --model FILE and --out DIR or --sheet FILE are needed; see roentgym sample "
          "--help\n",
          stderr);
    *status = 2;
    return 1;
}

/* ---- work --------------------------------------------------------------------------------------- */

/* The classes asked for: first .. first+count-1. */
static nn_status choose_classes(struct sampling *s, int *first, int *count)
{
    const struct nn_model_info *info = nn_model_info(s->model);
    *first = 0;
    *count = info->class_count;
    if (!s->class_name) return NN_OK;
    *count = 1;
    for (int k = 0; k < info->class_count; k++)
        if (strcmp(info->classes[ *first = k], s->class_name) == 0) return NN_OK;
    return nn_fail(&s->err, NN_ERR_ARGUMENT, "%s: no class '%s'; there are %s%s%s%s", s->model_path,
                   s->class_name, info->classes[0], info->class_count > 1 ? ", " : "",
                   info->class_count > 1 ? info->classes[1] : "", info->class_count > 2 ? ", ..." : "");
}

static nn_status write_image(struct sampling *s, int class_index, uint64_t seed, uint8_t *pixels)
{
    const struct nn_model_info *info = nn_model_info(s->model);
    char path[PATH_MAX], seed_text[24];
    snprintf(seed_text, sizeof seed_text, "%" PRIu64, seed);
    const struct nn_png_text texts[] = {{"Comment", "synthetic, not for diagnosis"},
                                        {"Model", info->sha256},
                                        {"Class", info->classes[class_index]},
                                        {"Seed", seed_text}};
    const struct nn_image image = {
        .width = info->resolution, .height = info->resolution, .depth = 8, .pixels = pixels};
    if (strchr(info->classes[class_index], '/')) /* a foreign model shall not choose the folder */
        return nn_fail(&s->err, NN_ERR_FORMAT, "%s: its class '%s' is no part of a file's name",
                       s->model_path, info->classes[class_index]);
    snprintf(path, sizeof path, "%s/%s-%s.png", s->out, info->classes[class_index], seed_text);
    return nn_png_write(path, &image, texts, 4, &s->err);
}

static nn_status sample_all(struct sampling *s, int first, int classes)
{
    size_t area = (size_t)nn_model_info(s->model)->resolution * (size_t)nn_model_info(s->model)->resolution;
    s->pixels = malloc((size_t)classes * (size_t)s->count * area);
    if (!s->pixels) return nn_fail(&s->err, NN_ERR_MEMORY, "out of memory for %d images", classes * s->count);
    for (int i = 0; i < classes * s->count; i++) {
        struct nn_sample_request request = {.seed = s->seed + (uint64_t)(i % s->count),
                                            .class_index = first + i / s->count,
                                            .strength = s->strength,
                                            .truncation = s->truncation};
        uint8_t *pixels = s->pixels + (size_t)i * area;
        nn_status status = nn_model_sample(s->model, &request, 1, pixels, &s->err);
        if (status == NN_OK && s->out) status = write_image(s, request.class_index, request.seed, pixels);
        if (status != NN_OK) return status;
    }
    return NN_OK;
}

static nn_status run(struct sampling *s)
{
    int first, classes;
    nn_status status = nn_model_open(&s->model, s->model_path, "auto", &s->err);
    if (status == NN_OK) status = choose_classes(s, &first, &classes);
    if (status == NN_OK && s->out && mkdir(s->out, 0777) != 0 && errno != EEXIST)
        status = nn_fail(&s->err, NN_ERR_IO, "%s: %s", s->out, strerror(errno));
    if (status == NN_OK) status = sample_all(s, first, classes);
    if (status == NN_OK && s->sheet) {
        int columns = s->count < SHEET_COLUMNS ? s->count : SHEET_COLUMNS;
        status = tr_contact_sheet_write(s->sheet, s->pixels, classes * s->count, columns,
                                        nn_model_info(s->model)->resolution, &s->err);
    }
    return status;
}

int tr_sample_main(int argc, char **argv)
{
    struct sampling s = {.seed = 1, .strength = 1, .truncation = 1};
    int exit_status;
    if (parse(&s, argc, argv, &exit_status)) return exit_status;
    nn_status status = run(&s);
    if (status != NN_OK) fprintf(stderr, "roentgym sample: %s\n", s.err.text);
    free(s.pixels);
    nn_model_close(s.model);
    return status == NN_OK ? 0 : 1;
}
