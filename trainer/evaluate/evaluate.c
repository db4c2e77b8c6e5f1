#include "trainer/parts/parts.h"

#include <stdio.h>
#include <string.h>

#include "trainer/commands.h"

static const struct part {
    const char *name, *what;
    int (*main)(int argc, char **argv);
} parts[] = {
    {"labels", "whether samples show what they were asked for, and a list of those that do",
     tr_evaluate_labels},
    {"table1", "classifiers trained on real images, on samples, and on both", tr_evaluate_table1},
    {"low-data", "what samples add when real images are few", tr_evaluate_low_data},
    {"boundary", "what a classifier loses by learning from samples", tr_evaluate_boundary},
    {"neighbours", "nearest training images of samples, layer by layer, and whether one is a copy",
     tr_evaluate_neighbours},
    {"tsne", "real images and samples in the plane, by what a classifier sees", tr_evaluate_tsne},
    {"swd", "sliced Wasserstein distance of generated from real images", tr_evaluate_swd},
    {"all", "all of these, one after another, and one report", tr_evaluate_all},
};

static void print_usage(void)
{
    fputs("usage: roentgym evaluate PART [options]\n\n", stdout);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        printf("  %-11s%s\n", parts[i].name, parts[i].what);
    fputs("\nroentgym evaluate PART --help tells its options.\n", stdout);
}

int tr_evaluate_main(int argc, char **argv)
{
    static char name[64]; /* how getopt's lines begin */
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        print_usage();
        return 0;
    }
    for (size_t i = 0; argc >= 2 && i < sizeof parts / sizeof *parts; i++) {
        if (strcmp(argv[1], parts[i].name) != 0) continue;
        snprintf(name, sizeof name, "roentgym evaluate %s", parts[i].name);
        argv[1] = name;
        return parts[i].main(argc - 1, argv + 1);
    }
    fputs("roentgym evaluate: what to evaluate is missing or unknown; see roentgym evaluate --help\n",
          stderr);
    return 2;
}
