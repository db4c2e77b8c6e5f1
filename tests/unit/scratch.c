#include "tests/unit/scratch.h"

#include <dirent.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/rng.h"

int scratch_setup(void **state)
{
    const char *parent = getenv("TMPDIR");
    char *folder;
    if (asprintf(&folder, "%s/roentgym-test-XXXXXX", parent ? parent : "/tmp") < 0) return -1;
    *state = mkdtemp(folder);
    return *state ? 0 : -1;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    (void)info;
    (void)kind;
    (void)place;
    return remove(path);
}

int scratch_teardown(void **state)
{
    int failed = nftw(*state, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(*state);
    return failed;
}

const char *scratch_path(void *const *state, const char *name)
{
    static char paths[8][512];
    static int next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", (const char *)*state, name);
    return path;
}

void scratch_write(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

void scratch_text(const char *path, const char *text)
{
    scratch_write(path, text, strlen(text));
}

uint8_t *scratch_read(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *size = (size_t)ftell(file);
    rewind(file);
    uint8_t *bytes = malloc(*size + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    bytes[*size] = 0;
    fclose(file);
    return bytes;
}

int scratch_count(const char *folder)
{
    DIR *stream = opendir(folder);
    assert_non_null(stream);
    int count = -2; /* . and .. */
    while (readdir(stream)) count++;
    closedir(stream);
    return count;
}

void scratch_disk_full(size_t size)
{
    struct rlimit limit;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = size;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

void scratch_disk_free(void)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

size_t scratch_mutate(const uint8_t *bytes, size_t size, uint64_t number, uint8_t *out)
{
    static const uint8_t telling[] = {0x00, 0xff, 0x7f, 0x80, '"', '{', '}', '9', '-', ','};
    struct nn_rng rng = {.seed = number, .stream = 77};
    memcpy(out, bytes, size);
    for (uint32_t change = nn_rng_below(&rng, 4) + 1; change && size; change--) {
        uint32_t at = nn_rng_below(&rng, (uint32_t)size);
        switch (nn_rng_below(&rng, 6)) {
        case 0:
            out[at] ^= (uint8_t)(1u << nn_rng_below(&rng, 8));
            break;
        case 1:
            out[at] = (uint8_t)nn_rng_below(&rng, 256);
            break;
        case 2:
            out[at] = telling[nn_rng_below(&rng, sizeof telling)];
            break;
        case 3: /* drop a byte */
            memmove(out + at, out + at + 1, size - at - 1);
            size--;
            break;
        case 4: /* move a stretch over another */
            memmove(out + nn_rng_below(&rng, at + 1), out + at, size - at < 16 ? size - at : 16);
            break;
        case 5:
            if (!nn_rng_below(&rng, 4)) size = at;
            break;
        }
    }
    return size;
}
