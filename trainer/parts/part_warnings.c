#include "trainer/parts/part_warnings.h"

#include <stddef.h>

const char *tr_few_patients_warning(double with, double without)
{
    return with < 30 || without < 30
               ? "Fewer than 30 patients with the finding to test on, or without it: the intervals are "
                 "rough, "
                 "and those of differences too narrow: of 95 % they may be as those of 85 %."
               : NULL;
}

const char *tr_weak_network_warning(double auc)
{
    return auc < 0.7
               ? "The network in whose layers images are compared hardly tells its own validation images "
                 "apart (AUC "
                 "below 0.7): what is near in it need not be alike. More --epochs and --network-images, "
                 "--architecture resnet18 or --weights give a better one."
               : NULL;
}
