#!/bin/bash
# deploy/'s systemd units, as systemd reads them. Nothing is started. Prints TAP.
set -u
cd "${TMPDIR:?}" || exit 2
root=$OLDPWD

if ! command -v systemd-analyze >/dev/null; then
    echo "1..0 # SKIP no systemd-analyze"
    exit 0
fi

count=0 broken=0
claim() { # CLAIM STATUS
    count=$((count + 1))
    [ "$2" = 0 ] && echo "ok $count - $1" || { echo "not ok $count - $1"; broken=1; }
}

for unit in "$root"/deploy/*.{service,timer}; do
    name=$(basename "$unit")
    # The programs that it names are those of this tree.
    sed "s:/opt/roentgym/build:$root/$ROENTGYM_BUILD:; s:/opt/roentgym:$root:" "$unit" >"$name"
done
for unit in *.service *.timer; do
    said=$(SYSTEMD_LOG_LEVEL=warning systemd-analyze verify --man=no "./$unit" 2>&1 | grep -F "$unit")
    [ -z "$said" ] || echo "# $said"
    claim "systemd finds nothing wrong with $unit" "$([ -z "$said" ]; echo $?)"
done
systemd-analyze security --offline=yes --threshold=20 ./roentgymd.service >/dev/null 2>&1
claim "systemd finds little that the daemon could harm (2.0 of 10 at most)" $?

# Where standard output goes nowhere, standard error does so too unless it is told otherwise.
claim "the daemon's log goes to the journal" "$(grep -qx 'StandardError=journal' roentgymd.service; echo $?)"
claim "one-time links go to no journal" "$(grep -qx 'StandardOutput=null' roentgymd.service; echo $?)"

echo "1..$count"
exit $broken
