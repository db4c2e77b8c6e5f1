#!/bin/bash
# In a bundle (bundle.sh), on the machine with the GPU; README.md says in which order:
#
#   ./run.sh measure                 the checks, and the benchmarks that matter most, in ten minutes
#   ./run.sh test                    every check, as `make gpu-test`
#   ./run.sh bench [OPTIONS]         beside PyTorch, as `make gpu-bench`
#   ./run.sh default-model MINUTES [OUT]
#                                    phantoms and the default model's training, in the background (default_model.sh)
#   ./run.sh build-cuda              builds the CUDA backend with this machine's nvcc; done by itself where the one that
#                                    came along does not load
#   ./run.sh train ... | sample ...  any other command of roentgym
set -uo pipefail
cd "$(dirname "$0")" || exit 2
. tests/gpu/cuda_libraries.sh
export ROENTGYM_CUDA_LIBRARY=$PWD/build/libroentgym_cuda.so

# The names of its libraries have the number of a CUDA version, and this machine may have another.
missing=$(ldd build/libroentgym_cuda.so | grep 'not found')
if [ "${1:-}" = build-cuda ] || { [ -n "$missing" ] && nvidia-smi -L >/dev/null 2>&1; }; then
    [ -n "$missing" ] && echo "$missing"
    bash tests/gpu/build_cuda.sh sources build/libroentgym_cuda.so || exit
fi

# Checks and benchmarks on the one side and training on the other take turns.
alone() {
    exec 7>>build/busy
    flock -n 7 || { echo "waiting for what else uses the GPU: default-model/log"; flock 7; }
}
check() { bash tests/gpu/gpu_test.sh build; }
bench() { python3 tests/gpu/gpu_bench.py --build build "$@"; }

case ${1:-} in
measure)
    alone
    check
    bench --only sampling --no-compile
    bench --only training
    bench --only sampling --batches 64 --compile-s 100
    ;;
test) alone && check ;;
bench) alone && bench "${@:2}" ;;
default-model) bash tests/gpu/default_model.sh build/roentgym "${2:?minutes}" "${3:-}" build/busy ;;
build-cuda) ;;
*) exec build/roentgym "$@" ;;
esac
