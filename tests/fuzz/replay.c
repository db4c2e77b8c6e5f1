/* Runs a fuzz target over the files named on the command line and prints TAP: what was once found, and a
 * seed of each kind, stays tried at every test run. Linked to each fuzz_*.c.
 *
 * To search for more, link the target with libFuzzer in place of this file:
 *     clang -g -O1 -D_GNU_SOURCE -I. -fsanitize=fuzzer,address,undefined tests/fuzz/fuzz_png.c engine/image.c
 *         engine/file.c engine/error.c -lpng -o /tmp/fuzz_png
 *     mkdir /tmp/found && /tmp/fuzz_png -max_total_time=60 /tmp/found tests/fuzz/corpus/png */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A block of exactly the file's size, so that a sanitizer sees any byte touched beyond. */
static uint8_t *read_exactly(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    if (!file) return NULL;
    uint8_t *bytes = NULL;
    if (!fseek(file, 0, SEEK_END) && ftell(file) >= 0) {
        *size = (size_t)ftell(file);
        rewind(file);
        bytes = malloc(*size ? *size : 1);
        if (bytes && fread(bytes, 1, *size, file) != *size) {
            free(bytes);
            bytes = NULL;
        }
    }
    fclose(file);
    return bytes;
}

int main(int count, char **arguments)
{
    int failed = 0;
    printf("1..%d\n", count - 1);
    for (int i = 1; i < count; i++) {
        size_t size;
        uint8_t *bytes = read_exactly(arguments[i], &size);
        const char *slash = strrchr(arguments[i], '/'), *name = slash ? slash + 1 : arguments[i];
        /* Before the run: a crash leaves the name of the file that did it. */
        printf("# %s\n", arguments[i]);
        fflush(stdout);
        if (bytes) LLVMFuzzerTestOneInput(bytes, size);
        printf("%s %d - %s\n", bytes ? "ok" : "not ok", i, name);
        failed |= !bytes;
        free(bytes);
    }
    return failed;
}
