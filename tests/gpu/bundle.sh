#!/bin/bash
# Collects a folder that runs the GPU's checks, benchmarks and a training on a machine that has a driver and a
# python3 with PyTorch, but none of Debian's packages; README.md says in which order.
#
#   tests/gpu/bundle.sh DIR        DIR and DIR.tar.gz; then, there: DIR/run.sh
#
# The programs are built anew for any x86-64 processor from 2013 on, and find their libraries beside them. cuDNN (400
# MB) and cuBLAS (600 MB) stay behind: run.sh finds them in PyTorch's packages or in the toolkit.
set -euo pipefail
cd "$(dirname "$0")/../.."
out=${1:?usage: tests/gpu/bundle.sh DIR}
b=build/bundle
programs=(tests/unit/engine/test_{backend_{convolutions,kernels,classifiers,warps,random},ops,cuda}
          tests/unit/trainer/test_{loss,classifier_device,training,train_state}
          tests/bench/bench_{sampling,training,classifier} tests/gpu/described_plans)
# DT_RPATH, unlike DT_RUNPATH, holds for the libraries' own libraries; LD_LIBRARY_PATH would reach python3 too.
paths='$$ORIGIN:$$ORIGIN/../lib:$$ORIGIN/../../../lib:$$ORIGIN/../../../../lib'
make -j"$(nproc)" B=$b ARCH=x86-64-v3 DICOM=no JPEG=no \
    LDFLAGS="-fopenmp -Wl,--as-needed -Wl,--disable-new-dtags -Wl,-rpath,'$paths'" \
    $b/roentgym $b/libroentgym_cuda.so "${programs[@]/#/$b/}"

rm -rf "$out" "$out.tar.gz"
for file in roentgym libroentgym_cuda.so "${programs[@]}"; do
    mkdir -p "$(dirname "$out/build/$file")"
    strip -o "$out/build/$file" $b/$file
done
mkdir -p "$out/lib" "$out/tests/oracle" "$out/sources/engine"
cp -r tests/gpu tests/bench "$out/tests/"
cp tests/oracle/{test_pytorch,tensors}.py "$out/tests/oracle/"
cp -r engine/cuda engine/*.h engine/error.c "$out/sources/engine/"
cp tests/gpu/bundle_run.sh "$out/run.sh"

# What the programs load, but for the C library, C++'s, and what a machine with a GPU has.
for file in roentgym "${programs[@]}"; do
    ldd $b/$file
done | awk '$2 == "=>" && $3 ~ /^\// { print $3 }' | sort -u |
    grep -vE '/(libc|libm|libmvec|libdl|librt|libpthread|libresolv|libstdc\+\+|libgcc_s)\.so|/libcu(da|dnn|blas)' |
    while read -r library; do
        strip -o "$out/lib/$(basename "$library")" "$library" 2>/dev/null || cp -L "$library" "$out/lib/"
    done
chmod +x "$out/run.sh"
tar czf "$out.tar.gz" -C "$(dirname "$out")" "$(basename "$out")"
du -sh "$out" "$out.tar.gz" | awk '{ print $1, "in", $2 }'
needs=$(find "$out/build" "$out/lib" -type f -exec objdump -T {} + 2>/dev/null | grep -o 'GLIBC_[0-9.]*' | sort -Vu | tail -n 1)
echo "for a C library of ${needs/_/ } or later"
