#include "trainer/localise/localise.h"

#include <stdio.h>
#include <string.h>

#include "trainer/commands.h"

static const char usage[] =
    "usage: roentgym localise train|apply|evaluate [options]\n"
    "\n"
    "  train      train a network to find both hips on pelvic radiographs with known boxes\n"
    "  apply      cut the hips out of a data set of pelvic radiographs, for `roentgym train`\n"
    "  evaluate   say how well a network finds hips whose boxes are known\n"
    "\n"
    "roentgym localise train --help tells its options, and so on.\n";

static const struct {
    const char *word;
    char name[32]; /* how getopt's lines begin */
    int (*main)(int argc, char **argv);
} parts[] = {{"train", "roentgym localise train", tr_localise_train},
             {"apply", "roentgym localise apply", tr_localise_apply},
             {"evaluate", "roentgym localise evaluate", tr_localise_evaluate}};

int tr_localise_main(int argc, char **argv)
{
    static char name[sizeof parts->name];
    for (size_t i = 0; argc >= 2 && i < sizeof parts / sizeof *parts; i++) {
        if (strcmp(argv[1], parts[i].word) != 0) continue;
        strcpy(name, parts[i].name);
        argv[1] = name;
        return parts[i].main(argc - 1, argv + 1);
    }
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(usage, stdout);
        return 0;
    }
    fputs("roentgym localise: train, apply or evaluate is needed; see roentgym localise --help\n", stderr);
    return 2;
}
