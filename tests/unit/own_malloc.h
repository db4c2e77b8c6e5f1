/* An allocator of the program's own, which counts and can fail. To be included by one file of a test program:
 * these functions replace the C library's in all of it, for all threads. OWN_MALLOC is 0 where they cannot,
 * under a sanitizer or another C library; a test is then skipped. */
#ifndef TESTS_OWN_MALLOC_H
#define TESTS_OWN_MALLOC_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

enum { OWN_BUFFER_BYTES = 4096 };

static atomic_long own_until_failure __attribute__((unused)) = -1; /* allocations before the one that fails;
                                                                      below 0 none does */
static atomic_long own_blocks_held __attribute__((unused));
static atomic_long own_buffers __attribute__((unused)); /* allocations so far of at least OWN_BUFFER_BYTES */

#if defined __GLIBC__ && !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__
#define OWN_MALLOC 1

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *block);

static bool own_fails(size_t size)
{
    if (size >= OWN_BUFFER_BYTES) atomic_fetch_add(&own_buffers, 1);
    if (atomic_load(&own_until_failure) < 0 || atomic_fetch_sub(&own_until_failure, 1) != 0) return false;
    errno = ENOMEM;
    return true;
}

static void *own_counted(void *block)
{
    if (block) atomic_fetch_add(&own_blocks_held, 1);
    return block;
}

void *malloc(size_t size)
{
    return own_fails(size) ? NULL : own_counted(__libc_malloc(size));
}

void *calloc(size_t count, size_t size)
{
    return own_fails(count * size) ? NULL : own_counted(__libc_calloc(count, size));
}

void *realloc(void *block, size_t size)
{
    if (own_fails(size)) return NULL;
    return block ? __libc_realloc(block, size) : own_counted(__libc_malloc(size));
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return own_fails(size) ? NULL : own_counted(__libc_memalign(alignment, size));
}

int posix_memalign(void **block, size_t alignment, size_t size)
{
    void *made = aligned_alloc(alignment, size);
    if (made) *block = made;
    return made ? 0 : ENOMEM;
}

void free(void *block)
{
    if (block) atomic_fetch_sub(&own_blocks_held, 1);
    __libc_free(block);
}

#else
#define OWN_MALLOC 0
#endif

#endif
