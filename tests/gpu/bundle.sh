#!/bin/bash
# Collects a folder that runs the GPU's checks, benchmarks and a training on a machine that has a driver and a
# python3 with PyTorch, but none of Debian's packages:
#
#   tests/gpu/bundle.sh DIR        then, there: DIR/run.sh test | bench | COMMAND OF roentgym ...
#
# The programs are built anew for any x86-64 processor from 2013 on. cuDNN (400 MB) and cuBLAS (600 MB) stay
# behind: run.sh finds them in PyTorch's packages or in the toolkit.
set -euo pipefail
cd "$(dirname "$0")/../.."
out=${1:?usage: tests/gpu/bundle.sh DIR}
b=build/bundle
programs=(tests/unit/engine/test_{backend_{convolutions,kernels,classifiers,warps},ops,cuda}
          tests/unit/trainer/test_{loss,classifier_device,training,train_state} tests/bench/bench_{sampling,training,classifier})
make -j"$(nproc)" B=$b ARCH=x86-64-v3 DICOM=no JPEG=no $b/roentgym $b/libroentgym_cuda.so "${programs[@]/#/$b/}"

rm -rf "$out"
mkdir -p "$out/lib" "$out/build/tests/unit/"{engine,trainer} "$out/build/tests/bench" "$out/tests/oracle"
for file in roentgym libroentgym_cuda.so "${programs[@]}"; do
    strip -o "$out/build/$file" $b/$file
done
cp -r tests/gpu tests/bench "$out/tests/"
cp tests/oracle/{test_pytorch,tensors}.py "$out/tests/oracle/"

# What the programs load, but for the C library, C++'s, and what a machine with a GPU has.
for file in roentgym "${programs[@]}"; do
    ldd $b/$file
done | awk '$2 == "=>" && $3 ~ /^\// { print $3 }' | sort -u |
    grep -vE '/(libc|libm|libdl|librt|libpthread|libstdc\+\+|libgcc_s)\.so|/libcu(da|dnn|blas)' | while read -r library; do
    strip -o "$out/lib/$(basename "$library")" "$library" 2>/dev/null || cp -L "$library" "$out/lib/"
done

cat >"$out/run.sh" <<'RUN'
#!/bin/bash
# run.sh test | bench [OPTIONS] | train ... | sample ... | phantom ...
cd "$(dirname "$0")" || exit 2
export LD_LIBRARY_PATH=$PWD/lib
. tests/gpu/cuda_libraries.sh
case ${1:-} in
test) exec bash tests/gpu/gpu_test.sh build ;;
bench) exec python3 tests/gpu/gpu_bench.py --build build "${@:2}" ;;
*) exec build/roentgym "$@" ;;
esac
RUN
chmod +x "$out/run.sh"
du -sh "$out" | awk '{ print $1, "in", $2 }'
