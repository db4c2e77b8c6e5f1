#include "trainer/parts/part_warnings.h"

#include <stddef.h>
#include <string.h>

const char *tr_few_patients_warning(double with, double without)
{
    return with < 30 || without < 30
               ? "Fewer than 30 patients with the finding to test on, or without it: the intervals are "
                 "rough: of 100 intervals of 95 %, 91 to 99 hold the truth."
               : NULL;
}

const char *tr_other_data_warning(const char *provenance, const char *data_sha256)
{
    return strstr(provenance, data_sha256) ? NULL
                                           : "The generator's provenance does not name this data set: "
                                             "whether held-out images are among those "
                                             "that it was trained on is not known here. If they are, samples "
                                             "show more of them than they should.";
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
