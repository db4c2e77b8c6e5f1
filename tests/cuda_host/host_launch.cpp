/* A grid of threads on the host: one block after another, its threads as fibers of one host thread, which
 * change places only where CUDA's threads wait for each other. Where threads of a block or lanes of a warp
 * wait for one that has gone, the program ends: on a GPU that would hang, or worse, not.
 *
 * A GPU promises no order between blocks, between warps up to a barrier, or between lanes up to a shuffle.
 * Here each block takes another one: its warps forwards, backwards or mixed, each running as far ahead of the
 * others as it may, and its lanes likewise. The blocks come in a different order at each launch, and shared
 * memory begins as NaNs. So a kernel that lacks a barrier, or whose result depends on which came first, gives
 * wrong numbers, or other ones at the next call. TEST_CUDA_SEED=N begins with other orders. */
#include "cuda_runtime.h"

#ifndef __x86_64__
#include <ucontext.h>
#endif

#include <link.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <numeric>

dim3 gridDim, blockDim, blockIdx, threadIdx;

namespace
{

/* switch_to leaves `from` and goes on where `to` was left; prepare makes a context that begins in `entry`.
 * swapcontext asks the kernel for the signal mask each time, which took a third of the tests' time. */
#ifdef __x86_64__
typedef void *context;
extern "C" void host_switch(context *from, context to);
asm(R"(
    .text
    .globl host_switch
host_switch:
    push %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, (%rdi)
    mov %rsi, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    ret
)");

void switch_to(context *from, const context *to)
{
    host_switch(from, *to);
}

void prepare(context *c, char *stack, size_t size, void (*entry)())
{
    void **top = (void **)((uintptr_t)(stack + size) & ~(uintptr_t)15);
    top[-2] = (void *)entry; /* six registers below it, nothing above: as after a call */
    *c = top - 8;
}
#else
typedef ucontext_t context;

void switch_to(context *from, const context *to)
{
    swapcontext(from, to);
}

void prepare(context *c, char *stack, size_t size, void (*entry)())
{
    getcontext(c);
    c->uc_stack.ss_sp = stack;
    c->uc_stack.ss_size = size;
    c->uc_link = nullptr;
    makecontext(c, entry, 0);
}
#endif

enum { WARP_LANES = 32, STACK_BYTES = 128 << 10, THREADS_MAX = 1024, POISONED_MAX = 16 };
enum fiber_state { READY, AT_BARRIER, AT_SHUFFLE, GONE };

struct thread_state {
    context here;
    std::unique_ptr<char[]> stack;
    fiber_state state;
    float offered[2]; /* to the lanes of the warp; two, so that the next shuffle need not wait */
    int shuffles, lane_mask;
    bool begun;
};

thread_state threads[THREADS_MAX];
context scheduler;
unsigned current, thread_count, launches;
unsigned order[THREADS_MAX], place[THREADS_MAX]; /* of the block's threads, and its inverse */
const std::function<void()> *body;

void begin_thread(unsigned t)
{
    current = t;
    threadIdx = dim3(t, 0, 0);
    threads[t].begun = true;
}

[[noreturn]] void give_up(const char *what)
{
    fprintf(stderr, "host_launch: block %u: %s\n", blockIdx.x, what);
    abort();
}

/* A fiber's life: run the kernel for one thread, then for the next that has not begun. Most kernels never
 * wait, and then one fiber is all of the block. */
void live()
{
    for (;;) {
        (*body)();
        threads[current].state = GONE;
        unsigned next = place[current];
        while (next < thread_count && threads[order[next]].begun) next++;
        if (next == thread_count) {
            static context over;
            switch_to(&over, &scheduler);
        }
        begin_thread(order[next]);
    }
}

void resume(unsigned t)
{
    if (threads[t].begun) {
        current = t;
        threadIdx = dim3(t, 0, 0);
        switch_to(&scheduler, &threads[t].here);
        return;
    }
    static context fresh; /* its stack is the thread's that it begins with, and of those that follow there */
    if (!threads[t].stack) threads[t].stack.reset(new char[STACK_BYTES]);
    prepare(&fresh, threads[t].stack.get(), STACK_BYTES, live);
    begin_thread(t);
    switch_to(&scheduler, &fresh);
}

void wait_as(fiber_state state)
{
    threads[current].state = state;
    switch_to(&threads[current].here, &scheduler);
}

/* Lets the threads first..end-1 go on when all of them have come to `state`. */
bool release(unsigned first, unsigned end, fiber_state state)
{
    bool any = false, other = false, gone = false;
    for (unsigned t = first; t < end; t++) {
        any |= threads[t].state == state;
        other |= threads[t].state != state && threads[t].state != GONE;
        gone |= threads[t].state == GONE;
    }
    if (!any || other) return false;
    for (unsigned t = first; t < end; t++)
        if (state == AT_SHUFFLE && threads[t].lane_mask != threads[first].lane_mask)
            give_up("the lanes of a warp meet at different shuffles");
    if (gone && state == AT_SHUFFLE) give_up("a lane has left before a shuffle of its warp");
    if (gone) give_up("a thread has left before a barrier of its block");
    for (unsigned t = first; t < end; t++) threads[t].state = READY;
    return true;
}

/* 0..count-1 one way or another: forwards, backwards, or in steps of an odd number. */
unsigned shuffled(unsigned i, unsigned count, unsigned kind)
{
    if (kind % 3 == 0) return i;
    if (kind % 3 == 1) return count - 1 - i;
    unsigned step = kind / 3 * 2 + 5;
    while (std::gcd(step, count) != 1) step += 2;
    return (unsigned)(((uint64_t)i * step + kind) % count);
}

void choose_order(unsigned kind)
{
    for (unsigned i = 0; i < thread_count; i++) {
        unsigned warp = shuffled(i / WARP_LANES, thread_count / WARP_LANES, kind);
        order[i] = warp * WARP_LANES + shuffled(i % WARP_LANES, WARP_LANES, kind / 3);
        place[order[i]] = i;
    }
}

/* Lets a warp run until each lane is gone or at a barrier. */
bool run_warp(unsigned first)
{
    bool moved = false;
    do {
        for (unsigned i = first; i < first + WARP_LANES; i++)
            if (threads[order[i]].state == READY) {
                resume(order[i]);
                moved = true;
            }
    } while (release(order[first] / WARP_LANES * WARP_LANES,
                     order[first] / WARP_LANES * WARP_LANES + WARP_LANES, AT_SHUFFLE));
    return moved;
}

void run_block()
{
    for (unsigned t = 0; t < thread_count; t++) {
        threads[t].state = READY;
        threads[t].shuffles = 0;
        threads[t].begun = false;
    }
    for (;;) {
        bool moved = false, left = false;
        for (unsigned i = 0; i < thread_count; i += WARP_LANES) moved |= run_warp(i);
        moved |= release(0, thread_count, AT_BARRIER);
        for (unsigned t = 0; t < thread_count; t++) left |= threads[t].state != GONE;
        if (!left) return;
        if (!moved) give_up("its threads wait for each other in different places");
    }
}

struct shared_memory {
    void *data;
    size_t size_bytes;
};

/* Finds this library's block of the thread's own variables, which is all that is __shared__. */
int add_shared(dl_phdr_info *library, size_t, void *found)
{
    auto *shared = (shared_memory *)found;
    for (int i = 0; i < library->dlpi_phnum; i++) {
        const ElfW(Phdr) &part = library->dlpi_phdr[i];
        uintptr_t first = library->dlpi_addr + part.p_vaddr;
        if (part.p_type == PT_LOAD && (uintptr_t)&gridDim - first < part.p_memsz)
            shared->data = library->dlpi_tls_data;
        if (part.p_type == PT_TLS) shared->size_bytes = part.p_memsz;
    }
    return shared->data != nullptr;
}

shared_memory find_shared()
{
    static thread_local char first_use; /* until then there is no block */
    shared_memory shared = {};
    *(volatile char *)&first_use = 1;
    if (!dl_iterate_phdr(add_shared, &shared)) give_up("its shared memory is not found");
    return shared;
}

} // namespace

void __syncthreads()
{
    wait_as(AT_BARRIER);
}

float __shfl_xor_sync(unsigned mask, float value, int lane_mask)
{
    if (mask != 0xffffffffu) give_up("a shuffle without the whole warp");
    unsigned thread = current;
    int turn = threads[thread].shuffles++ % 2;
    threads[thread].offered[turn] = value;
    threads[thread].lane_mask = lane_mask;
    wait_as(AT_SHUFFLE);
    return threads[thread ^ (unsigned)lane_mask].offered[turn];
}

void host_run_grid(dim3 grid, dim3 block, const std::function<void()> &thread)
{
    gridDim = grid;
    blockDim = block;
    body = &thread;
    thread_count = block.x;
    if (block.y * block.z * grid.y * grid.z != 1 || block.x > THREADS_MAX || block.x % WARP_LANES)
        give_up("a grid of a kind that is not provided for");
    static const unsigned seed = getenv("TEST_CUDA_SEED") ? (unsigned)atol(getenv("TEST_CUDA_SEED")) : 0;
    shared_memory shared = find_shared();
    unsigned launch = seed + launches++;
    for (unsigned i = 0; i < grid.x; i++) {
        unsigned b = shuffled(i, grid.x, launch);
        blockIdx = dim3(b, 0, 0);
        choose_order(launch + i);
        if (i < POISONED_MAX) memset(shared.data, 0xff, shared.size_bytes);
        run_block();
    }
}
