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
#   described_plans  cuDNN has a kernel for every convolution of the networks, on this card
#   memcheck, racecheck   compute-sanitizer over test_backend_*' small shapes and test_cuda, side by side; one that
#                   takes longer than 150 s is left unfinished, which is no failure
#
#   tests/gpu/gpu_test.sh BUILD
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2
build=${1:?usage: tests/gpu/gpu_test.sh BUILD}
. tests/gpu/cuda_libraries.sh

nvidia-smi -L 2>/dev/null || [ -e /dev/nvidiactl ] || { echo "1..0 # SKIP no NVIDIA driver or GPU"; exit 0; }
[ -f "$build/libroentgym_cuda.so" ] || { echo "1..0 # SKIP built without CUDA (no nvcc or cuDNN)"; exit 0; }

export ROENTGYM_TEST_DEVICE=cuda ROENTGYM_CUDA_LIBRARY=$PWD/$build/libroentgym_cuda.so OMP_WAIT_POLICY=passive
export CMOCKA_MESSAGE_OUTPUT=STDOUT
logs=$build/logs/gpu
mkdir -p "$logs"
failed=0
check() { # SECONDS NAME COMMAND...; 1 where it has failed
    local limit=$1 name=$2 began=$SECONDS status verdict
    shift 2
    timeout "$limit" "$@" >"$logs/$name.log" 2>&1
    status=$?
    case $status in
    0) verdict=passed ;;
    124) verdict=unfinished ;;
    *) verdict="FAILED, status $status" ;;
    esac
    verdict=$(printf '%-28s %s (%d s)' "$name" "$verdict" $((SECONDS - began)))
    [ $status = 0 ] || verdict+=$'\n'$(grep -E 'ERROR|LINE|FAILED|=========|^#' "$logs/$name.log" | head -n 25 | sed 's/^/    /')
    echo "$verdict" # at once: others write, too
    [ $status = 0 ] || { [ $status = 124 ] && [ "$limit" = "$sanitizer_s" ]; }
}
sanitizer_s=150
jobs=()
finish() { # what `check ... & jobs+=($!)` has begun
    local job
    for job in "${jobs[@]}"; do wait "$job" || failed=1; done
    jobs=()
}

# Side by side, since most of the time goes into the references on the host.
kernels=(test_backend_{convolutions,kernels,classifiers,warps,random})
for name in "${kernels[@]}" test_ops test_loss test_classifier_device test_training test_train_state test_cuda; do
    check 240 $name "$build"/tests/unit/*/$name & jobs+=($!)
done
if [ -x "$build/tests/gpu/described_plans" ]; then
    check 120 described_plans "$build/tests/gpu/described_plans" here & jobs+=($!)
fi
finish
grep -hE 'after [0-9]+ steps|logits differ' "$logs"/test_{training,classifier_device}.log || true

sanitizer=$(command -v compute-sanitizer || ls /usr/local/cuda/bin/compute-sanitizer 2>/dev/null || true)
if [ -n "$sanitizer" ]; then
    export ROENTGYM_TEST_QUICK=1
    # Libraries ask the driver for what it may not have; only what goes wrong on the device is looked for.
    memcheck=("$sanitizer" --tool memcheck --report-api-errors no --error-exitcode 9)
    racecheck=("$sanitizer" --tool racecheck --error-exitcode 9)
    for name in "${kernels[@]}" test_cuda; do
        check $sanitizer_s memcheck-$name "${memcheck[@]}" "$build"/tests/unit/engine/$name & jobs+=($!)
        check $sanitizer_s racecheck-$name "${racecheck[@]}" "$build"/tests/unit/engine/$name & jobs+=($!)
    done
    finish
else
    echo "compute-sanitizer is not here: skipped"
fi
[ $failed = 0 ] && echo "all passed" || echo "some failed; the logs are in $logs"
exit $failed
