#include "tests/unit/tested_backend.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool wants_cuda(void)
{
    const char *device = getenv("ROENTGYM_TEST_DEVICE");
    return device && strcmp(device, "cuda") == 0;
}

nn_status test_backend_open(struct nn_backend **be, enum nn_type map_type, struct nn_error *err)
{
    char name[256];
    return wants_cuda() ? nn_backend_open_cuda(be, map_type, name, err)
                        : nn_backend_open_cpu(be, map_type, err);
}

bool test_backend_has_bf16(void)
{
    return wants_cuda() || nn_cpu_has_bf16();
}

bool test_backend_is_slow(void)
{
    struct nn_backend *be;
    char name[256] = "";
    if (!wants_cuda() || nn_backend_open_cuda(&be, NN_F32, name, NULL) != NN_OK) return false;
    be->close(be);
    return strcmp(name, "host") == 0;
}

bool test_is_hurried(void)
{
    return getenv("ROENTGYM_TEST_QUICK") || test_backend_is_slow();
}

void test_skip_where_slow(void)
{
    if (!test_is_hurried()) return;
    print_message("skipped: too slow where the host plays the GPU, or under a checker\n");
    skip();
}
