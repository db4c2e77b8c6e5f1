/* Finds the CUDA backend at run time. The library is looked for beside the program (its run path), then where
 * the system looks; ROENTGYM_CUDA_LIBRARY names another, or with "none" does without a GPU. It stays loaded
 * until the program ends: what CUDA starts in a process it does not take down again. */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "engine/cuda/cuda_backend.h"

nn_status nn_backend_open_cuda(struct nn_backend **be, enum nn_type map_type, char name[256],
                               struct nn_error *err)
{
    const char *path = getenv("ROENTGYM_CUDA_LIBRARY");
    *be = NULL;
    if (!path || !*path) path = "libroentgym_cuda.so";
    if (strcmp(path, "none") == 0)
        return nn_fail(err, NN_ERR_ARGUMENT, "no CUDA backend is wanted: ROENTGYM_CUDA_LIBRARY is none");
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        const char *why = dlerror();
        bool absent = why && strncmp(why, "libroentgym_cuda.so:", 20) == 0;
        if (absent) return nn_fail(err, NN_ERR_ARGUMENT, "no CUDA backend was built here: %s", why);
        return nn_fail(err, NN_ERR_DEVICE, "the CUDA backend does not load: %s", why ? why : path);
    }
    nn_status (*open)(size_t, struct nn_backend **, enum nn_type, char *, struct nn_error *);
    void *symbol = dlsym(library, "nn_cuda_open");
    if (!symbol) return nn_fail(err, NN_ERR_DEVICE, "%s is no CUDA backend", path);
    memcpy(&open, &symbol, sizeof open); /* ISO C has no cast from an object to a function */
    return open(sizeof **be, be, map_type, name, err);
}
