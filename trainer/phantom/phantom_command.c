/* `roentgym phantom`: the command line around phantom_dataset_write. */
#include <getopt.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trainer/command_end.h"
#include "trainer/commands.h"
#include "trainer/interrupt.h"
#include "trainer/option_value.h"
#include "trainer/phantom/dataset_writer.h"
#include "trainer/progress.h"

static const char usage[] =
    "usage: roentgym phantom --patients N --out DIR [options]\n"
    "\n"
    "Simulates hip radiographs of virtual patients, one or two hips each, about 28 % of them fractured, and\n"
    "writes a data set: images/, masks/ of the fractures, labels.csv, dataset.json. The same seed gives the\n"
    "same bytes, whatever the number of threads. Ctrl-C stops; the same command goes on.\n"
    "\n"
    "With --view pelvis each patient gives one radiograph of the whole pelvis, 28 % of whose hips are\n"
    "fractured, and boxes.csv has the true place of both hips in pixels: file, side, x, y, width, height.\n"
    "\n"
    "  --patients N   virtual patients, 1..1000000\n"
    "  --out DIR      folder of the data set; made if it is not there\n"
    "  --view VIEW    hip or pelvis; default hip\n"
    "  --size N       side in pixels: 64, 128, ... 1024; default 1024\n"
    "  --seed N       default 1\n"
    "  --sheet FILE   also a contact sheet (PNG) of the first 32 images\n"
    "  --threads N    images made at the same time, 1..1024; default one per processor\n"
    "  --help\n";

static bool show_progress(void *progress, int done, int total)
{
    tr_progress_show(progress, done, total);
    return !tr_interrupted();
}

/* 0: go on; otherwise *status is the exit status. */
static int parse(struct phantom_dataset_options *o, int argc, char **argv, int *status)
{
    static const struct option options[] = {
        {"patients", required_argument, NULL, 'p'},
        {"out", required_argument, NULL, 'o'},
        {"size", required_argument, NULL, 's'},
        {"seed", required_argument, NULL, 'r'},
        {"sheet", required_argument, NULL, 'c'},
        {"threads", required_argument, NULL, 't'},
        {"view", required_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    uint64_t patients = 0, size = 1024, seed = 1, threads = 0;
    int code;
    *status = 0;
    while ((code = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (code) {
        case 'p':
            *status = tr_option_whole("phantom", "patients", optarg, 0, 1000000, &patients);
            break;
        case 's':
            *status = tr_option_whole("phantom", "size", optarg, 0, 1024, &size);
            break;
        case 'r':
            *status = tr_option_whole("phantom", "seed", optarg, 0, INT64_MAX, &seed);
            break;
        case 't':
            *status = tr_option_whole("phantom", "threads", optarg, 0, 1024, &threads);
            break;
        case 'v':
            o->pelvis = strcmp(optarg, "pelvis") == 0;
            if (!o->pelvis && strcmp(optarg, "hip") != 0) {
                fputs("roentgym phantom: --view must be hip or pelvis\n", stderr);
                *status = 2;
            }
            break;
        case 'o':
            o->out = optarg;
            break;
        case 'c':
            o->sheet = optarg;
            break;
        case 'h':
            fputs(usage, stdout);
            return 1;
        default:
            *status = 2;
        }
        if (*status) return 1;
    }
    if (optind < argc || !patients || !o->out || size < 64 || (size & (size - 1)) != 0) {
        fputs(size < 64 || (size & (size - 1)) != 0
                  ? "roentgym phantom: --size must be 64, 128, 256, 512 or 1024\n"
                  : "roentgym phantom: --patients N and --out DIR are needed; see roentgym phantom --help\n",
              stderr);
        *status = 2;
        return 1;
    }
    o->patients = (int)patients;
    o->size = (int)size;
    o->seed = seed;
    if (threads) omp_set_num_threads((int)threads);
    return 0;
}

int tr_phantom_main(int argc, char **argv)
{
    struct phantom_dataset_options options = {0};
    struct nn_error err;
    struct tr_progress progress;
    int exit_status;
    if (parse(&options, argc, argv, &exit_status)) return exit_status;
    tr_interrupt_catch();
    tr_progress_start(&progress, "images");
    nn_status status = phantom_dataset_write(&options, show_progress, &progress, &err);
    if (status == NN_OK && progress.first < 0) printf("%s: complete already\n", options.out);
    return tr_command_end(argv[0], "the same command goes on", status, &err);
}
