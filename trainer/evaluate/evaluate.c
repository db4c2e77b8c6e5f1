#include "trainer/evaluate/evaluate.h"

#include <stdio.h>
#include <string.h>

#include "trainer/commands.h"

static const char usage[] = "usage: roentgym evaluate swd [options]\n"
                            "\n"
                            "  swd        sliced Wasserstein distance of generated from real images\n"
                            "\n"
                            "roentgym evaluate swd --help tells its options.\n";

int tr_evaluate_main(int argc, char **argv)
{
    static char name[] = "roentgym evaluate swd"; /* how getopt's lines begin */
    if (argc >= 2 && strcmp(argv[1], "swd") == 0) {
        argv[1] = name;
        return tr_evaluate_swd(argc - 1, argv + 1);
    }
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(usage, stdout);
        return 0;
    }
    fputs("roentgym evaluate: what to evaluate is missing or unknown; see roentgym evaluate --help\n",
          stderr);
    return 2;
}
