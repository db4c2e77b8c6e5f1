#include "trainer/parts/few_patients.h"

#include <stddef.h>

const char *tr_few_patients_warning(double with, double without)
{
    return with < 30 || without < 30
               ? "Fewer than 30 patients with the finding to test on, or without it: the intervals are "
                 "rough, "
                 "and those of differences too narrow: of 95 % they may be as those of 85 %."
               : NULL;
}
