/* A grid of threads on the host: one block after another, its threads as fibers of one host thread, which
 * change places only where CUDA's threads wait for each other. Where threads of a block or lanes of a warp
 * wait for one that has gone, the program ends: on a GPU that would hang, or worse, not. */
#include "cuda_runtime.h"

#include <ucontext.h>

#include <cstdio>
#include <cstdlib>
#include <memory>

dim3 gridDim, blockDim, blockIdx, threadIdx;

namespace
{

enum { WARP_LANES = 32, STACK_BYTES = 128 << 10, THREADS_MAX = 1024 };
enum fiber_state { READY, AT_BARRIER, AT_SHUFFLE, GONE };

struct fiber {
    ucontext_t context;
    std::unique_ptr<char[]> stack;
    fiber_state state;
    float offered[2]; /* to the lanes of the warp; two, so that the next shuffle need not wait */
    int shuffles;
};

fiber fibers[THREADS_MAX];
ucontext_t scheduler;
unsigned current, thread_count;
const std::function<void()> *body;

[[noreturn]] void give_up(const char *what)
{
    fprintf(stderr, "host_launch: block %u: %s\n", blockIdx.x, what);
    abort();
}

/* A fiber's life: run the kernel for one thread, say so, be used again for another. */
void live()
{
    for (;;) {
        (*body)();
        fibers[current].state = GONE;
        swapcontext(&fibers[current].context, &scheduler);
    }
}

void resume(unsigned thread)
{
    fiber &f = fibers[thread];
    if (!f.stack) {
        f.stack.reset(new char[STACK_BYTES]);
        getcontext(&f.context);
        f.context.uc_stack.ss_sp = f.stack.get();
        f.context.uc_stack.ss_size = STACK_BYTES;
        f.context.uc_link = nullptr;
        makecontext(&f.context, live, 0);
    }
    current = thread;
    threadIdx = dim3(thread, 0, 0);
    swapcontext(&scheduler, &f.context);
}

void wait_as(fiber_state state)
{
    fibers[current].state = state;
    swapcontext(&fibers[current].context, &scheduler);
}

/* Lets the threads first..end-1 go on when all of them have come to `state`. */
bool release(unsigned first, unsigned end, fiber_state state)
{
    bool any = false, other = false, gone = false;
    for (unsigned t = first; t < end; t++) {
        any |= fibers[t].state == state;
        other |= fibers[t].state != state && fibers[t].state != GONE;
        gone |= fibers[t].state == GONE;
    }
    if (!any || other) return false;
    if (gone && state == AT_SHUFFLE) give_up("a lane has left before a shuffle of its warp");
    if (gone) give_up("a thread has left before a barrier of its block");
    for (unsigned t = first; t < end; t++) fibers[t].state = READY;
    return true;
}

void run_block()
{
    for (unsigned t = 0; t < thread_count; t++) {
        fibers[t].state = READY;
        fibers[t].shuffles = 0;
    }
    for (;;) {
        bool moved = false, left = false;
        for (unsigned t = 0; t < thread_count; t++)
            if (fibers[t].state == READY) {
                resume(t);
                moved = true;
            }
        for (unsigned t = 0; t < thread_count; t += WARP_LANES)
            moved |= release(t, t + WARP_LANES < thread_count ? t + WARP_LANES : thread_count, AT_SHUFFLE);
        moved |= release(0, thread_count, AT_BARRIER);
        for (unsigned t = 0; t < thread_count; t++) left |= fibers[t].state != GONE;
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
    int turn = fibers[thread].shuffles++ % 2;
    fibers[thread].offered[turn] = value;
    wait_as(AT_SHUFFLE);
    return fibers[thread ^ (unsigned)lane_mask].offered[turn];
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
