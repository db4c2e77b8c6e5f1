/* roentgym: phantoms, data sets, training, sampling, evaluation, reports, simulated learners. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "engine/engine.h"
#include "trainer/commands.h"

struct command {
    const char *name, *what;
    int (*main)(int argc, char **argv);
};

static const struct command commands[] = {
    {"phantom", "simulate hip radiographs", tr_phantom_main},
    {"ingest", "make a data set of a folder of DICOM, PNG or JPEG files", tr_ingest_main},
    {"localise", "find the hips on pelvic radiographs and cut them out", tr_localise_main},
    {"train", "train a progressive GAN on a data set", tr_train_main},
    {"sample", "make images with a trained generator", tr_sample_main},
    {"import", "make a checkpoint of a converted generator of others", tr_import_main},
    {"report", "show a training run as one HTML page", tr_report_main},
    {"classify", "train networks to tell a finding, and let them score images", tr_classify_main},
    {"evaluate", "compare generated with real images", tr_evaluate_main},
    {"inspect", "say what a checkpoint, a state, a run or a data set is", tr_inspect_main},
    {"simulate", "play learners against a running daemon", tr_simulate_main},
};

static void print_usage(FILE *to)
{
    fputs("usage: roentgym COMMAND [options]\n\n", to);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].what);
    fputs("\nroentgym COMMAND --help tells a command's options, roentgym --version which program this is.\n",
          to);
}

int main(int argc, char **argv)
{
    /* Errors to report, not deaths: a file at its size limit, and lines that nobody reads any more, which a
     * training of days is not to end for. */
    signal(SIGXFSZ, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    if (argc < 2) {
        print_usage(stderr);
        return 2;
    }
    if (strcmp(argv[1], "--help") == 0) {
        print_usage(stdout);
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("roentgym " ROENTGYM_VERSION " " ROENTGYM_COMMIT);
        return 0;
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(argv[1], commands[i].name) != 0) continue;
        char name[32]; /* how getopt's lines begin, as all others do */
        snprintf(name, sizeof name, "roentgym %s", commands[i].name);
        argv[1] = name;
        return commands[i].main(argc - 1, argv + 1);
    }
    fprintf(stderr, "roentgym: no command '%s'; see roentgym --help\n", argv[1]);
    return 2;
}
