#!/bin/bash
# Every check that needs an NVIDIA GPU: `make gpu-test`, or in a bundle ./run.sh test. Skips with the reason
# where there is none. The programs are those of tests/unit, told by ROENTGYM_TEST_DEVICE what to be about:
#
#   test_backend_*  every kernel against the reference, odd shapes and the networks', f32 and bf16
#   test_ops        every operation's first and second derivative against f64
#   test_loss       losses with the penalty's double backward, against f64 and against differences
#   test_training   200 steps beside the CPU's, growth of resolution
#   test_classifier_device   classifiers, their gradients and a short training beside the CPU's
#   test_train_state   stop and resume bit-equal, f32 and bf16
#   test_cuda       batches and recordings, copies, memory over 1,000 samples
#   memcheck, racecheck   compute-sanitizer over test_backend_*' small shapes and test_cuda
#
#   tests/gpu/gpu_test.sh BUILD
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2
build=${1:?usage: tests/gpu/gpu_test.sh BUILD}
. tests/gpu/cuda_libraries.sh

nvidia-smi -L 2>/dev/null || { echo "1..0 # SKIP no NVIDIA driver or GPU (nvidia-smi)"; exit 0; }
[ -f "$build/libroentgym_cuda.so" ] || { echo "1..0 # SKIP built without CUDA (no nvcc or cuDNN)"; exit 0; }

export ROENTGYM_TEST_DEVICE=cuda ROENTGYM_CUDA_LIBRARY=$PWD/$build/libroentgym_cuda.so OMP_WAIT_POLICY=passive
export CMOCKA_MESSAGE_OUTPUT=STDOUT
logs=$build/logs/gpu
mkdir -p "$logs"
failed=0
check() { # NAME COMMAND...
    local name=$1 began=$SECONDS status
    shift
    timeout 240 "$@" >"$logs/$name.log" 2>&1
    status=$?
    printf '%-28s %s (%d s)\n' "$name" "$([ $status = 0 ] && echo passed || echo "FAILED, status $status")" \
        $((SECONDS - began))
    if [ $status != 0 ]; then
        failed=1
        grep -E 'ERROR|LINE|FAILED|=========' "$logs/$name.log" | head -n 25 | sed 's/^/    /'
    fi
}

kernels=(test_backend_{convolutions,kernels,classifiers,warps})
for name in "${kernels[@]}" test_ops test_loss test_classifier_device test_training test_train_state test_cuda; do
    check $name "$build"/tests/unit/*/$name
done
grep -hE 'after [0-9]+ steps|logits differ' "$logs"/test_{training,classifier_device}.log || true

sanitizer=$(command -v compute-sanitizer || ls /usr/local/cuda/bin/compute-sanitizer 2>/dev/null || true)
if [ -n "$sanitizer" ]; then
    export ROENTGYM_TEST_QUICK=1
    for tool in memcheck racecheck; do
        for name in "${kernels[@]}"; do
            check $tool-$name "$sanitizer" --tool $tool --error-exitcode 9 "$build"/tests/unit/engine/$name
        done
    done
    check memcheck-test_cuda "$sanitizer" --tool memcheck --error-exitcode 9 "$build/tests/unit/engine/test_cuda"
else
    echo "compute-sanitizer is not here: skipped"
fi
[ $failed = 0 ] && echo "all passed" || echo "some failed; the logs are in $logs"
exit $failed
