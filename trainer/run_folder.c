#include "trainer/run_folder.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void tr_run_path(const struct tr_run_folder *folder, const char *file, char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s/%s", folder->path, file);
}

nn_status tr_run_check_unused(const struct tr_run_folder *folder, struct nn_error *err)
{
    char state[PATH_MAX];
    tr_run_path(folder, "state.safetensors", state);
    if (access(state, F_OK) != 0) return NN_OK;
    return nn_fail(err, NN_ERR_ARGUMENT,
                   "%s: holds a run already; --resume goes on with it, another --out starts anew",
                   folder->path);
}

nn_status tr_run_make(const struct tr_run_folder *folder, struct nn_error *err)
{
    char inside[PATH_MAX];
    tr_run_path(folder, ".", inside);
    if ((mkdir(folder->path, 0777) != 0 && errno != EEXIST) || access(inside, W_OK | X_OK) != 0)
        return nn_fail(err, NN_ERR_IO, "%s: %s", folder->path, strerror(errno));
    return NN_OK;
}

nn_status tr_run_append_metrics(const struct tr_run_folder *folder, const char *line, struct nn_error *err)
{
    char path[PATH_MAX];
    tr_run_path(folder, "metrics.jsonl", path);
    FILE *file = fopen(path, "a");
    if (!file) return nn_fail(err, NN_ERR_IO, "%s: %s", path, strerror(errno));
    fprintf(file, "%s\n", line);
    if (fclose(file) != 0) return nn_fail(err, NN_ERR_IO, "%s: %s", path, strerror(errno));
    return NN_OK;
}
