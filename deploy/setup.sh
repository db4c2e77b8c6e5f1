#!/bin/bash
# Sets this machine up: finds what is missing, says what and why, installs it.
#
#   deploy/setup.sh run    what building and running needs
#   deploy/setup.sh test   that, and what the tests need
#
# It looks for the headers and commands themselves, not for packages, so a library or a Node.js from
# elsewhere counts. Installing takes root or a sudo that asks no password; without either it prints the
# exact command and exits 1. With nothing missing it costs a fraction of a second.
set -euo pipefail
cd "$(dirname "$0")/.."

log=build/logs/setup.log
node_min=18
python=/usr/bin/python3
modules=(web tests/e2e tests/validators) # folders with npm modules

missing=() # Debian packages

# need PACKAGE WHY PROBE...  notes the package when the probe fails
need() {
    local package=$1 why=$2
    shift 2
    "$@" >/dev/null 2>&1 && return
    missing+=("$package")
    notes+="  $(printf '%-22s' "$package") $why"$'\n'
}

header() { echo "#include <$1>" | cc -E -x c -; }
jpeg_header() { printf '#include <stdio.h>\n#include <jpeglib.h>\n' | cc -E -x c -; }
node_is_new() { [ "$(node -p 'process.versions.node.split(".")[0]')" -ge "$node_min" ]; }
python_has() { "$python" -c 'import sys, importlib.util as u; sys.exit(u.find_spec(sys.argv[1]) is None)' "$1"; }

find_missing() {
    missing=()
    notes=
    need gcc "compiles the project" command -v cc
    need libc6-dev "the C library's headers" header stdio.h
    need libdnnl-dev "oneDNN: the networks on the CPU" header dnnl.h
    need libpng-dev "reads PNG images" header png.h
    need libdeflate-dev "writes PNG images" header libdeflate.h
    need zlib1g-dev "packs exports" header zlib.h
    need libjansson-dev "reads and writes JSON" header jansson.h
    need libmicrohttpd-dev "the daemon's HTTP" header microhttpd.h
    need libsqlite3-dev "the daemon's data base" header sqlite3.h
    need libsodium-dev "passwords" header sodium.h
    need libcurl4-openssl-dev "simulated learners, who speak HTTP" header curl/curl.h
    [ "$1" = test ] || return 0
    need libgdcm-dev "ingest reads DICOM files" test -d /usr/include/gdcm-3.0
    need libjpeg62-turbo-dev "ingest reads JPEG files" jpeg_header
    need libgdcm-tools "tests that compress DICOM files" command -v gdcmconv
    need python3-pydicom "tests that write DICOM files" python_has pydicom
    need libcmocka-dev "unit tests" header cmocka.h
    need g++ "what reads DICOM files; tests of the CUDA kernels, run by the host" command -v c++
    need sqlite3 "tests that look into the data base" command -v sqlite3
    need curl "tests that speak HTTP" command -v curl
    need nginx "tests behind the reverse proxy" test -x /usr/sbin/nginx
    need openssl "their certificate" command -v openssl
    need systemd "tests of the service's units" command -v systemd-analyze
    need chromium "browser tests" command -v chromium
    need nodejs "web tests (Node.js $node_min or later)" node_is_new
    need npm "fetches what drives the browser tests and what reads exports" command -v npm
    need libxml2-utils "tests that read XML with a program of others" command -v xmllint
    need python3 "tests against NumPy and PyTorch" test -x "$python"
    need python3-numpy "tests against NumPy" python_has numpy
    need python3-scipy "tests of statistics and distances against SciPy" python_has scipy
    need python3-sklearn "tests of the statistics against scikit-learn" python_has sklearn
    need python3-pil "tests that read images with a program of others" python_has PIL
    need python3-jsonschema "tests that hold answers to the interface's schemas" python_has jsonschema
    need python3-prometheus-client "tests that read metrics with Prometheus' own parser" python_has prometheus_client
    need faketime "tests of time limits, at ten times the speed" command -v faketime
    need python3-torch "tests of gradients and networks against PyTorch" python_has torch
    need python3-torchvision "tests of the classifiers against torchvision" python_has torchvision
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        sudo -n "$@"
    fi
}

install_missing() {
    local options=(-y --no-install-recommends -o DPkg::Lock::Timeout=300)
    printf 'Missing on this machine:\n%s' "$notes"
    if ! command -v apt-get >/dev/null; then
        echo "This is not Debian. Please install what these Debian packages hold: ${missing[*]}" >&2
        exit 1
    fi
    if ! as_root true 2>/dev/null; then
        echo "Installing takes root. Please run:" >&2
        echo "  sudo apt-get update && sudo apt-get install -y --no-install-recommends ${missing[*]}" >&2
        exit 1
    fi
    echo "Installing with apt-get; the log is $log"
    mkdir -p "$(dirname "$log")"
    : >"$log"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update </dev/null >>"$log" 2>&1 ||
        echo "apt-get update failed; trying with the package lists at hand" >&2
    if ! as_root env DEBIAN_FRONTEND=noninteractive apt-get install "${options[@]}" "${missing[@]}" </dev/null 2>&1 |
        tee -a "$log" | awk '/^(Need to get|After this|Fetched|E:)/ { print; fflush() }'; then
        tail -n 20 "$log" >&2
        echo "apt-get could not install: ${missing[*]}" >&2
        exit 1
    fi
}

# install_modules FOLDER...  npm ci leaves a copy of the lock file in node_modules; an older copy means other modules.
install_modules() {
    local folder
    for folder in "$@"; do
        [ "$folder/node_modules/.package-lock.json" -nt "$folder/package-lock.json" ] && continue
        echo "Missing: the npm modules of $folder. Running npm ci there."
        mkdir -p "$(dirname "$log")"
        if ! (cd "$folder" && npm ci --no-audit --no-fund --ignore-scripts </dev/null) >>"$log" 2>&1; then
            tail -n 20 "$log" >&2
            echo "npm ci failed in $folder" >&2
            return 1
        fi
        touch "$folder/node_modules/.package-lock.json"
    done
}

# npm is much to install for two small files: whoever has it gets charts and QR codes, all others the pages without.
install_pages() {
    if ! command -v npm >/dev/null; then
        echo "npm is not installed: the staff's pages will have no charts and no QR codes. All else works."
    elif ! install_modules web; then
        echo "The staff's pages will have no charts and no QR codes until npm gets through. All else works." >&2
    fi
}

case ${1:-} in
run | test) ;;
*)
    sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac

find_missing "$1"
if [ ${#missing[@]} -gt 0 ]; then
    install_missing
    find_missing "$1"
    if [ ${#missing[@]} -gt 0 ]; then
        printf 'Still missing after the installation:\n%s' "$notes" >&2
        exit 1
    fi
fi
if [ "$1" = run ]; then
    install_pages
else
    install_modules "${modules[@]}"
fi
