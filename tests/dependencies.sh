#!/bin/bash
# Who may use whom, as a test: web -> HTTP -> server -> engine <- trainer. Prints TAP.
set -u
cd "$(dirname "$0")/.." || exit 2

count=0
claim() { # CLAIM OFFENDERS   holds when there are no offenders
    count=$((count + 1))
    if [ -z "$2" ]; then
        echo "ok $count - $1"
    else
        echo "not ok $count - $1"
        sed 's/^/# /' <<<"$2"
        broken=1
    fi
}
broken=0

files() { find "$1" -type d -name node_modules -prune -o -type f \( "${@:2}" \) -print | sort; }
mapfile -t c_files < <(for part in engine trainer server; do files $part -name '*.[ch]' -o -name '*.cc' -o -name '*.cu' -o -name '*.cuh'; done)

# including PATTERN   file:line of each #include in the three parts that matches
including() { grep -nE "^ *# *include *[<\"]($1)" "${c_files[@]}"; }
# outside PATTERN   drops what lies in files that match
outside() { grep -vE "^($1):"; }

claim "the engine includes neither server nor trainer" "$(including '(server|trainer)/' | grep -E '^engine/')"
claim "the trainer includes nothing of the server" "$(including 'server/' | grep -E '^trainer/')"
claim "the server includes nothing of the trainer" "$(including 'trainer/' | grep -E '^server/')"
claim "of the engine the server sees engine.h, error.h and files, images, numbers, ROC curves, texts, hashes only" \
    "$(including 'engine/' | grep -E '^server/' | grep -vE '"engine/(base64|csv_reader|engine|error|file|image|rng|roc|sample_text|sha256|wilson)\.h"')"
claim "only the files server/database/db* include sqlite3.h" "$(including '.*sqlite3\.h' | outside 'server/database/db[^:]*')"
claim "only server/accounts/password.c includes sodium.h" "$(including '.*sodium' | outside 'server/accounts/password\.c')"
claim "only server/http/http.c includes microhttpd.h" "$(including '.*microhttpd\.h' | outside 'server/http/http\.c')"
claim "only engine/cpu includes dnnl.h" "$(including '.*dnnl' | outside 'engine/cpu/[^:]*')"
claim "only engine/cuda includes CUDA and cuDNN" "$(including '(cuda|cudnn|cublas)[^/]*\.h' | outside 'engine/cuda/[^:]*')"
claim "only engine/image.c includes png.h" "$(including '([^">]*/)?png\.h' | outside 'engine/image\.c')"
claim "only engine/png_writer.c includes libdeflate.h" \
    "$(including '.*libdeflate\.h' | outside 'engine/png_writer\.c')"

claim "only server/export/zip_writer.c includes zlib.h" "$(including '([^">]*/)?zlib\.h' | outside 'server/export/zip_writer\.c')"

claim "only trainer/ingest/jpeg_file.c includes libjpeg" "$(including 'jpeglib\.h|jerror\.h' | outside 'trainer/ingest/jpeg_file\.c')"
claim "only trainer/ingest/dicom.cc includes GDCM, and is the only C++ of the three parts" \
    "$(including 'gdcm.*' | outside 'trainer/ingest/dicom\.cc'
        files engine -name '*.cc' -o -name '*.cpp'; files server -name '*.cc' -o -name '*.cpp'
        files trainer -name '*.cc' -o -name '*.cpp' | grep -v '^trainer/ingest/dicom\.cc$')"
claim "only trainer/simulate/simulate_http.c includes libcurl" "$(including 'curl/.*' | outside 'trainer/simulate/simulate_http\.c')"

prints='(printf|vprintf|fprintf|vfprintf|puts|fputs|putchar|fputc|putc|perror|psignal)'
ends='(exit|_exit|_Exit|quick_exit|abort|raise|kill)'
claim "the engine never prints and never exits" \
    "$(grep -nE "(^|[^A-Za-z0-9_.>])($prints|$ends) *\(" "${c_files[@]}" | grep -E '^engine/' |
        grep -vE '^[^:]*:[0-9]+: *(/?\*|//)')"

sources=(-name '*.[ch]' -o -name '*.cc' -o -name '*.cu' -o -name '*.js' -o -name '*.css' -o -name '*.html' -o -name '*.py' -o -name '*.sh')
claim "every source file's name is unique in the tree, the two main.c aside" \
    "$(for part in engine trainer server web deploy tests; do files $part "${sources[@]}"; done |
        awk -F/ '{ where[$NF] = where[$NF] " " $0; if (++n[$NF] == 2) twice[$NF] } END { delete twice["main.c"]; for (f in twice) print where[f] }')"
claim "only web/js/api/transport.js speaks to the server, and only web/js/api knows its routes" \
    "$(grep -nE '\b(fetch|XMLHttpRequest|sendBeacon|WebSocket|EventSource) *\(' -r web/js --include='*.js' | outside 'web/js/api/transport\.js'
        grep -n '/api/v1/' -r web/js --include='*.js' | outside 'web/js/api/[^:]*')"
claim "pages are built without innerHTML, inline scripts and inline styles" \
    "$(grep -rnE '\.(inner|outer)HTML|insertAdjacentHTML|document\.write' web/js
        grep -nE '<script>|<style| style="| on[a-z]+="' web/*.html)"

echo "1..$count"
exit $broken
