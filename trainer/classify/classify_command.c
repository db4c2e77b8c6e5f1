#include "trainer/classify/classify_command.h"

#include <stdio.h>
#include <string.h>

#include "trainer/commands.h"

static const char usage[] = "usage: roentgym classify PART [options]\n"
                            "\n"
                            "  train      train a network to tell a finding on a data set\n"
                            "  score      let it score images, and say how well it tells them apart\n"
                            "\n"
                            "roentgym classify PART --help tells its options.\n";

int tr_classify_main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*main)(int argc, char **argv);
    } parts[] = {{"train", tr_classify_train_main}, {"score", tr_classify_score_main}};
    static char name[64]; /* how getopt's lines begin */
    for (size_t i = 0; argc >= 2 && i < sizeof parts / sizeof *parts; i++) {
        if (strcmp(argv[1], parts[i].name) != 0) continue;
        snprintf(name, sizeof name, "roentgym classify %s", parts[i].name);
        argv[1] = name;
        return parts[i].main(argc - 1, argv + 1);
    }
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(usage, stdout);
        return 0;
    }
    fputs("roentgym classify: train or score is missing; see roentgym classify --help\n", stderr);
    return 2;
}
