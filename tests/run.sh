#!/bin/bash
# Runs the test suites and ends with one line, `N passed, N failed`. Exit 0 if all passed and some ran.
#
#   tests/run.sh BUILD [SUITE...]     BUILD is the build folder that `make test` filled
#
# Every test program prints TAP (ok 1 - claim, not ok 2 - claim, ok 3 # SKIP why), or is run so that it
# does. A program that crashes, hangs, prints no test, or fewer than it announced, counts as one failure.
# The output of each goes to BUILD/logs/; here appears one line a program, and all of a failed one. AT_ONCE programs
# (default 2) run side by side: most of them use one core, and wait half of the time.
#
#   dependencies  tests/dependencies.sh
#   unit          test_*.c in tests/unit and its folders
#   cpus          the unit tests of what depends on the CPU again, as on one without AMX, and without bf16
#   cuda          the unit tests of backends again, on the CUDA backend with the host in the GPU's place, and
#                 cuDNN's plans for a card that is only described, where cuDNN is
#   fuzz          tests/fuzz/fuzz_*.c, each over the files of tests/fuzz/corpus/NAME/
#   oracle        tests/oracle/test_*.py
#   web           tests/web/*.test.js
#   commands, api, faults
#                 tests/commands/, tests/api/ and its folders, tests/faults/: test_*.c, test_*.py, test_*.sh
#   e2e           tests/e2e/*.test.js
#   sanitized     unit and fuzz again, as built by `make SANITIZE=1 unit-programs` (not in the default list)
#
# The programs find in their environment ROENTGYM_BUILD, the build folder, and TMPDIR, an empty folder of
# their own that goes away afterwards. They start in the repository's root.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 2

build=${1:?usage: tests/run.sh BUILD [SUITE...]}
shift
suites=("$@")
[ ${#suites[@]} -gt 0 ] || suites=(dependencies unit cpus cuda fuzz oracle web commands api faults e2e)

export CMOCKA_MESSAGE_OUTPUT=TAP PYTHONDONTWRITEBYTECODE=1
export ASAN_OPTIONS=detect_stack_use_after_return=1 UBSAN_OPTIONS=print_stacktrace=1
export OMP_WAIT_POLICY=passive # on a busy machine, threads that wait by spinning cost more than they save
export ROENTGYM_BUILD
logs=$build/logs
scratch=$(mktemp -d) || exit 2
mkdir -p "$logs"
at_once=${AT_ONCE:-2}
limit_s=900 # of a program: it hangs; none of them takes two minutes on two idle cores
counts=$scratch/counts # a line of each program: passed failed skipped
: >"$counts"
started=0
trap 'kill $(jobs -p) 2>/dev/null; wait; rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM
shopt -s nullglob

# Reads TAP and prints `passed failed skipped`. A result that follows deeper-indented ones only sums them
# up; it counts when it failed and they did not. Standard input: the log; status: the program's.
count_tap() {
    awk -v status="$1" '
    function indent_of(line) { match(line, /^ */); return RLENGTH }
    /^1\.\.[0-9]+/ { planned += substr($1, 4); plans++; if (/# *[Ss][Kk][Ii][Pp]/) skip++; next }
    /^ *(not )?ok [0-9]+/ || /^ *(not )?ok( |$)/ {
        depth = indent_of($0); bad = /^ *not ok/
        if (depth == 0) results++
        if (depth < last) { if (bad && !inner) fail++ }
        else if (/# *[Ss][Kk][Ii][Pp]/) skip++
        else if (bad) { fail++; inner++ }
        else pass++
        if (depth == 0) inner = 0
        last = depth
    }
    END {
        if (plans && results < planned) fail++
        else if ((status != 0 || pass + skip == 0) && !fail) fail++
        print pass + 0, fail + 0, skip + 0
    }'
}

# program NAME COMMAND...  in the background, as soon as there is room
program() {
    while [ "$(jobs -rp | wc -l)" -ge "$at_once" ]; do wait -n; done
    started=$((started + 1))
    run_program "$@" &
}

run_program() {
    local name=$1 log="$logs/${1//[\/ ]/-}.log" began=$SECONDS own child status p f s
    shift
    own=$(mktemp -d "$scratch/XXXXXX")
    mkdir "$own/tmp"
    TMPDIR=$own/tmp timeout --kill-after=10 "$limit_s" "$@" >"$log" 2>&1 </dev/null &
    child=$!
    trap 'kill "$child"; exit 130' TERM
    { wait "$child"; } 2>/dev/null
    status=$?
    case $status in
    0) ;;
    124 | 137) echo "# ended after $limit_s s" >>"$log" ;;
    *) echo "# exit status $status" >>"$log" ;;
    esac
    # A log that cannot be read (somebody removed the build folder) is a failure too.
    read -r p f s < <(count_tap "$status" <"$log") && [ -n "$p" ] || { p=0 f=1 s=0; }
    report "$name" $((SECONDS - began)) "$log" "$p" "$f" "$s" >"$own/report"
    { # all of it, and nothing of another's between
        flock 9
        cat "$own/report"
        echo "$p $f $s" >>"$counts"
    } 9>"$scratch/lock"
    rm -rf "$own"
}

# report NAME SECONDS LOG PASSED FAILED SKIPPED
report() {
    printf '%-38s %4d passed' "$1" "$4"
    [ "$5" = 0 ] || printf ', %d failed' "$5"
    [ "$6" = 0 ] || printf ', %d skipped' "$6"
    [ "$2" -lt 5 ] || printf ' (%d s)' "$2"
    echo
    if [ "$5" -gt 0 ]; then
        tail -n 400 "$3" | sed 's/^/    /'
    elif [ "$6" -gt 0 ]; then
        sed -nE 's/^ *(1\.\.0|(not )?ok).*# *skip */    skipped: /Ip' "$3" | sort -u | head -n 3
    fi
}

# compiled FOLDER PREFIX [NOTE]  every program PREFIX*.c of tests/FOLDER and its folders
compiled() {
    local source name corpus
    for source in tests/"$1"/{,*/}"$2"*.c; do
        name=$(basename "$source" .c)
        corpus=(tests/"$1"/corpus/"${name#"$2"}"/*)
        program "$1/$name${3:-}" "$ROENTGYM_BUILD/${source%.c}" "${corpus[@]}"
    done
}

scripts() { # FOLDER
    local script
    for script in tests/"$1"/test_*.sh; do program "$1/$(basename "$script")" bash "$script"; done
    for script in tests/"$1"/{,*/}test_*.py; do
        program "$1/$(basename "$script")" /usr/bin/python3 tests/unittest_tap.py "$script"
    done
    for script in tests/"$1"/*.test.{js,mjs}; do
        program "$1/$(basename "$script")" node --test --test-reporter=tap "$script"
    done
}

for suite in "${suites[@]}"; do
    ROENTGYM_BUILD=$build
    case $suite in
    dependencies) program dependencies bash tests/dependencies.sh ;;
    unit) compiled unit test_ ;;
    cpus)
        for isa in AVX512_CORE_BF16 AVX2; do
            for name in test_backend_{convolutions,random} test_winograd test_sampler test_ops; do
                program "cpus/$name $isa" env ONEDNN_MAX_CPU_ISA=$isa "$ROENTGYM_BUILD"/tests/unit/*/"$name"
            done
        done
        ;;
    cuda)
        export ROENTGYM_TEST_DEVICE=cuda ROENTGYM_CUDA_LIBRARY=$PWD/$build/host/libroentgym_cuda.so
        for name in test_backend_{convolutions,kernels,classifiers,warps,random} test_cuda test_ops test_loss test_classifier_device; do
            program "cuda/$name" "$ROENTGYM_BUILD"/tests/unit/*/"$name"
        done
        unset ROENTGYM_TEST_DEVICE ROENTGYM_CUDA_LIBRARY
        [ ! -x "$build/tests/gpu/described_plans" ] || program cuda/described_plans "$build/tests/gpu/described_plans"
        ;;
    fuzz) compiled fuzz fuzz_ ;;
    web | oracle | e2e) scripts "$suite" ;;
    commands | api | faults)
        compiled "$suite" test_
        scripts "$suite"
        ;;
    sanitized)
        ROENTGYM_BUILD=$build/sanitize
        compiled unit test_ ' (sanitized)'
        compiled fuzz fuzz_ ' (sanitized)'
        ;;
    *)
        echo "tests/run.sh: no such suite: $suite" >&2
        exit 2
        ;;
    esac
done

wait
# One of which nothing is known has failed.
read -r passed failed skipped < <(awk '{ p += $1; f += $2; s += $3 } END { print p + 0, f + started - NR, s + 0 }' started="$started" "$counts")
[ "$skipped" = 0 ] && echo "$passed passed, $failed failed" || echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
