#include "trainer/localise/default_weights.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char WEIGHTS[] = "deploy/localiser/hips.safetensors";

nn_status tr_localiser_load(struct tr_hip_net *net, const char *path, char sha256[65], struct nn_error *err)
{
    char program[PATH_MAX], found[PATH_MAX];
    if (path) return tr_hip_net_load(net, path, sha256, err);
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    program[length > 0 ? length : 0] = '\0';
    char *slash = strrchr(program, '/');
    if (slash) *slash = '\0';
    for (int up = 0; up < 3 && (slash = strrchr(program, '/')); up++) {
        *slash = '\0';
        snprintf(found, sizeof found, "%.*s/%s", PATH_MAX - 64, program, WEIGHTS);
        if (access(found, F_OK) == 0) return tr_hip_net_load(net, found, sha256, err);
    }
    return nn_fail(err, NN_ERR_IO, "%s: is not there; --weights names another file", WEIGHTS);
}
