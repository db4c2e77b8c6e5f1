#!/bin/bash
# Phantoms, and from them the default model, as far as a given time allows:
#
#   tests/gpu/default_model.sh ROENTGYM MINUTES [OUT [LOCK]]
#
# starts in the background, in the folder default-model, what does not run yet, and says how far it is. OUT receives the
# newest generator (in pieces of 15 MiB: cat generator.safetensors.* >generator.safetensors), a sheet of samples and the
# log. MINUTES count from the first start. Whatever stops it, the same command goes on.
#
# Each side has its share of the time, whatever the card's speed: a run of its own, which a signal ends and the next one
# grows from. Training waits while another program holds LOCK. The environment changes what is made:
#   SIDE=1024 PATIENTS=3600 BASE=8192 MOST=256 DEVICE=cuda OPTIONS="--conditioning projection"
set -uo pipefail
usage="usage: tests/gpu/default_model.sh ROENTGYM MINUTES [OUT [LOCK]]"
[ "${1:-}" = --work ] && worker=1 && shift
roentgym=$(realpath "${1:?$usage}") minutes=${2:?$usage} out=${3:-} lock=${4:-/dev/null}
side=${SIDE:-1024} patients=${PATIENTS:-3600} base=${BASE:-8192} most=${MOST:-256} device=${DEVICE:-cuda}
read -ra options <<<"${OPTIONS:-}"
work=$PWD/default-model
export OMP_WAIT_POLICY=passive
mkdir -p "$work"

# The first run to its end; then side, share of the time, and in kimg how long it fades in and from state to state. More
# kimg than any card trains in the time.
first=4:0/8,8:4/12,16:4/16,32:6/24
shares=(64:12:4:20 128:15:4:10 256:20:3:4 512:22:1.5:2 1024:31:1:1)
plenty=1000

say() { echo "$(date +%T) $*" >>"$work/log"; }

train() { # SIDE LEVELS TICK SECONDS [PREVIOUS]; SECONDS 0: to its end
    local name=at$1 began=$SECONDS limit=() status
    local command=(--preset gpu-short --resolution "$1" --levels "$2" --fmap-base "$base" --fmap-max "$most"
                   --loss nonsat-r1 --tick-kimg "$3" --metric-kimg 0 --name "hip-phantom-$side" "${options[@]}"
                   ${5:+--grow-from "$work/$5"})
    [ -e "$work/$name.done" ] && return
    compgen -G "$work/$name/state*" >/dev/null && command=(--resume)
    [ "$4" = 0 ] || limit=(timeout --signal=TERM "$4")
    say "$name, ${4/#0/all the} s"
    "${limit[@]}" "$roentgym" train --data "$work/data" --out "$work/$name" --device "$device" "${command[@]}" \
        >>"$work/log" 2>&1
    status=$?
    say "$name ended after $((SECONDS - began)) s, status $status"
    [ $status = 0 ] || [ $status = 124 ] || return 1 # 124: its time was over
    : >"$work/$name.done"
}

# No state yet of a side's run: the time of its first tick is more than its share.
trained() { compgen -G "$work/$1/state*" >/dev/null; }

levels_of() { # SIDE FADE
    local s levels=
    for ((s = 4; s < $1; s *= 2)); do levels+="$s:0/0,"; done
    echo "$levels$1:$2/$plenty"
}

work() {
    local deadline now part s share fade tick total=0 previous=at32
    deadline=$(awk -v began="$(cat "$work/began")" "BEGIN { printf \"%d\", began + $minutes * 60 - 15 }")
    say "phantoms"
    nice -n 10 "$roentgym" phantom --patients "$patients" --size "$side" --seed 1 --out "$work/data" \
        --threads "$(($(nproc) > 8 ? $(nproc) - 4 : $(nproc)))" >>"$work/log" 2>&1 || return 1
    say "the GPU is waited for"
    exec 8>>"$lock"
    flock 8
    train 32 "$first" 10 0 || return 1
    for part in "${shares[@]}"; do
        IFS=: read -r s share fade tick <<<"$part"
        [ "$s" -le "$side" ] && total=$((total + share))
    done
    for part in "${shares[@]}"; do
        IFS=: read -r s share fade tick <<<"$part"
        [ "$s" -le "$side" ] || break
        now=$(date +%s)
        local seconds=$(((deadline - now) * share / total))
        total=$((total - share))
        train "$s" "$(levels_of "$s" "$fade")" "$tick" $((seconds > 10 ? seconds : 10)) $previous || return 1
        trained "at$s" && previous=at$s
    done
    say "complete"
}

if [ -n "${worker:-}" ]; then
    exec 9>"$work/lock"
    flock -n 9 || exit 0
    work || say "failed"
    exit
fi

[ -e "$work/began" ] || date +%s >"$work/began"
tail -n 1 "$work/log" 2>/dev/null | grep -q complete || setsid -f bash "$0" --work "$@" </dev/null >/dev/null 2>&1
sleep 1
grep -E '^[0-9:]{8} ' "$work/log"
tail -n 3 "$work/log"
newest=$(ls -t "$work"/at*/generator.safetensors 2>/dev/null | head -n 1)
if [ -n "$out" ]; then
    mkdir -p "$out"
    cp "$work/log" "$out/training.log"
    if [ -n "$newest" ]; then
        rm -f "$out"/generator.safetensors.*
        split -b 15m -d "$newest" "$out/generator.safetensors."
        rm -rf "$work/samples"
        "$roentgym" sample --model "$newest" --seeds 1..8 --out "$work/samples" --sheet "$out/sheet.png" --device cpu \
            >/dev/null && ls -l "$out"
    fi
fi
