/* `roentgym phantom`: the command line around phantom_dataset_write. */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trainer/command_end.h"
#include "trainer/commands.h"
#include "trainer/given_options.h"
#include "trainer/interrupt.h"
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
    enum { PATIENTS, OUT, SIZE, SEED, SHEET, THREADS, VIEW, HELP };
    static const struct option options[] = {
        {"patients", required_argument, NULL, PATIENTS},
        {"out", required_argument, NULL, OUT},
        {"size", required_argument, NULL, SIZE},
        {"seed", required_argument, NULL, SEED},
        {"sheet", required_argument, NULL, SHEET},
        {"threads", required_argument, NULL, THREADS},
        {"view", required_argument, NULL, VIEW},
        {"help", no_argument, NULL, HELP},
        {NULL, 0, NULL, 0},
    };
    static const char *const views[] = {"hip", "pelvis", NULL};
    struct tr_given given = {.options = options, .usage = usage};
    int threads = 0, view = 0;
    if (tr_given_read(&given, argc, argv, status)) return 1;
    *o = (struct phantom_dataset_options){.seed = 1, .size = 1024};
    *status = tr_given_int(&given, PATIENTS, 1, 1000000, &o->patients);
    if (!*status) *status = tr_given_int(&given, SIZE, 64, 1024, &o->size);
    if (!*status) *status = tr_given_whole(&given, SEED, 0, INT64_MAX, &o->seed);
    if (!*status) *status = tr_given_int(&given, THREADS, 0, 1024, &threads);
    if (!*status) *status = tr_given_word(&given, VIEW, views, &view);
    if (*status) return 1;
    o->out = tr_given_text(&given, OUT);
    o->sheet = tr_given_text(&given, SHEET);
    o->pelvis = view == 1;
    if (o->size & (o->size - 1)) return *status = tr_given_wrong(&given, SIZE, "64, 128, 256, 512 or 1024");
    if (!o->patients || !o->out)
        return *status = tr_given_refuse(&given, "--patients N and --out DIR are needed");
    if (threads) omp_set_num_threads(threads);
    return 0;
}

int tr_phantom_main(int argc, char **argv)
{
    struct phantom_dataset_options options;
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
