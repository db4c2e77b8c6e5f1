#!/bin/bash
# Builds the CUDA backend without make, with the nvcc, cuDNN and cuBLAS of a machine that has nothing else of ours:
#
#   tests/gpu/build_cuda.sh SOURCES LIBRARY      SOURCES has engine/; after cuda_libraries.sh
#
# for the GPU that is there, or, where there is none, for the first generation that is supported.
set -euo pipefail
sources=${1:?usage: tests/gpu/build_cuda.sh SOURCES LIBRARY} library=${2:?usage: tests/gpu/build_cuda.sh SOURCES LIBRARY}
nvcc=$(command -v nvcc || ls /usr/local/cuda/bin/nvcc)
toolkit=$(dirname "$(dirname "$(readlink -f "$nvcc")")")

# What the libraries' packages bring beside them.
folders=() includes=(-I"$sources" -isystem "$toolkit/include")
IFS=: read -ra paths <<<"$LD_LIBRARY_PATH:$toolkit/lib64:$toolkit/lib"
for path in "${paths[@]}"; do
    [ -d "$path" ] || continue
    folders+=(-L"$path")
    [ -d "$path/../include" ] && includes+=(-isystem "$path/../include")
done
cublas=$(for path in "${paths[@]}"; do ls "$path"/libcublas.so.[0-9]* 2>/dev/null || true; done | head -n 1)
[ -n "$cublas" ] || { echo "build_cuda: no libcublas.so beside this machine's CUDA" >&2; exit 1; }

card=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2>/dev/null | head -n 1 | tr -d .) || true
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
for file in "$sources"/engine/cuda/*.c "$sources"/engine/error.c; do
    ${CC:-cc} -std=gnu17 -D_GNU_SOURCE -O2 -fPIC -fvisibility=hidden "${includes[@]}" -c "$file" \
        -o "$scratch/$(basename "$file").o"
done
for file in "$sources"/engine/cuda/*.cu; do
    echo "$file"
done | xargs -P "$(nproc)" -I{} sh -c 'out=$1; shift; "$@" -c {} -o "$out/$(basename {}).o"' - "$scratch" \
    "$nvcc" -std=c++17 -O3 -arch="sm_${card:-80}" "${includes[@]/-isystem/-I}" -Xcompiler -fPIC,-fvisibility=hidden
${CXX:-c++} -shared -o "$library.new" "$scratch"/*.o -Wl,--no-undefined "${folders[@]}" \
    -l:libcudnn.so.9 -l:"$(basename "$cublas")" -lcudart_static -ldl -lrt -lpthread
mv "$library.new" "$library"
echo "built $library for sm_${card:-80} with $("$nvcc" --version | sed -n "s/.* \(V[0-9.]*\)$/\1/p" | head -n 1), $(basename "$cublas")"
