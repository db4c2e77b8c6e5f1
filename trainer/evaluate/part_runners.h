/* How `roentgym evaluate all` runs the other parts: their commands, and how much each has to do. */
#ifndef TR_PART_RUNNERS_H
#define TR_PART_RUNNERS_H

#include <stdbool.h>

#include "trainer/evaluate/part_time.h"
#include "trainer/evaluate/sections.h"

/* Options of `all` that it hands on to the parts that have them, too. */
enum tr_passed { TR_FINDING, TR_SIDE, TR_EPOCHS, TR_SEEDS, TR_SEED, TR_DEVICE, TR_PASSED };
extern const char *const tr_passed_names[TR_PASSED]; /* without dashes: "finding" */

/* What the work of a part is counted from. */
struct tr_part_size {
    double train, test; /* images */
    double shown;       /* to a network that is trained on real images, in all epochs */
    double seeds, side;
    bool quick;
    bool tabled, near; /* the networks of table1, of neighbours are there, or will be */
};

struct tr_part_runner {
    int (*main)(int argc, char **argv);
    unsigned takes;    /* bit k: it has the option tr_passed k */
    const char *quick; /* more options with --quick, spaces between */
    struct tr_part_work (*work)(const struct tr_part_size *size);
};

enum { TR_PART_TABLE1 = 1, TR_PART_NEIGHBOURS = 4, TR_PART_SWD = 6 };
enum { TR_QUICK_SWD = 256 };                                     /* images of swd with --quick, at most */
extern const struct tr_part_runner tr_part_runners[TR_SECTIONS]; /* as tr_sections has them */

#endif
