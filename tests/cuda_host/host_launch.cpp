/* A grid of threads on the host: one block after another, its threads as fibers of one host thread, which
 * change places only where CUDA's threads wait for each other. Where threads of a block or lanes of a warp
 * wait for one that has gone, the program ends: on a GPU that would hang, or worse, not. */
#include "cuda_runtime.h"

#ifndef __x86_64__
#include <ucontext.h>
#endif

#include <cstdio>
#include <cstdlib>
#include <memory>

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

enum { WARP_LANES = 32, STACK_BYTES = 128 << 10, THREADS_MAX = 1024 };
enum fiber_state { READY, AT_BARRIER, AT_SHUFFLE, GONE };

struct thread_state {
    context here;
    std::unique_ptr<char[]> stack;
    fiber_state state;
    float offered[2]; /* to the lanes of the warp; two, so that the next shuffle need not wait */
    int shuffles;
    bool begun;
};

thread_state threads[THREADS_MAX];
context scheduler;
unsigned current, thread_count;
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
        while (current < thread_count && threads[current].begun) current++;
        if (current == thread_count) {
            static context over;
            switch_to(&over, &scheduler);
        }
        begin_thread(current);
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
    if (gone && state == AT_SHUFFLE) give_up("a lane has left before a shuffle of its warp");
    if (gone) give_up("a thread has left before a barrier of its block");
    for (unsigned t = first; t < end; t++) threads[t].state = READY;
    return true;
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
        for (unsigned t = 0; t < thread_count; t++)
            if (threads[t].state == READY) {
                resume(t);
                moved = true;
            }
        for (unsigned t = 0; t < thread_count; t += WARP_LANES)
            moved |= release(t, t + WARP_LANES < thread_count ? t + WARP_LANES : thread_count, AT_SHUFFLE);
        moved |= release(0, thread_count, AT_BARRIER);
        for (unsigned t = 0; t < thread_count; t++) left |= threads[t].state != GONE;
        if (!left) return;
        if (!moved) give_up("its threads wait for each other in different places");
    }
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
    for (unsigned b = 0; b < grid.x; b++) {
        blockIdx = dim3(b, 0, 0);
        run_block();
    }
}
