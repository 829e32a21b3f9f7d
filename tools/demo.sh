#!/usr/bin/env bash
# The shipped fleet of ten accounts, on the embedded simulator or on real data, at a speed that a person can watch;
# ends with a summary of all accounts. Everything it writes lies below BUILD/run/; Ctrl-C stops the fleet in order.
#   tools/demo.sh [--data DIR] [--dataset NAME] [--speed N|max] [--config DIR]
# Environment: BUILD (build), DATA, DATASET, SPEED, MINUTES (how long real data should take: 3).
set -u
cd "$(dirname "$0")/.." || exit 1
build=${BUILD:-build}
build=${build%/}
propfleet=$build/bin/propfleet
config=config
data=${DATA:-} dataset=${DATASET:-} speed=${SPEED:-}
fleet=

usage() {
    echo "usage: tools/demo.sh [--data DIR] [--dataset NAME] [--speed N|max] [--config DIR]" >&2
    exit 2
}
while [ $# -gt 0 ]; do
    [ $# -ge 2 ] || usage
    case $1 in
    --data) data=$2 ;;
    --dataset) dataset=$2 ;;
    --speed) speed=$2 ;;
    --config) config=$2 ;;
    *) usage ;;
    esac
    shift 2
done
[ -x "$propfleet" ] || {
    echo "$propfleet is not built; make builds it" >&2
    exit 1
}
arguments=(--config "$config")
[ -z "$data" ] || arguments+=(--data "$data")
[ -z "$dataset" ] || arguments+=(--dataset "$dataset")

# Its mistakes are shown before anything starts; what it says about the span gives the speed for real data.
checked=$("$propfleet" check --json "${arguments[@]}" 2>/dev/null)
if [ -z "$checked" ] || [ "$(jq -r .ok <<<"$checked" 2>/dev/null)" != true ]; then
    "$propfleet" check "${arguments[@]}" >&2
    if [ -n "$data" ] && [ -z "$dataset" ]; then
        sets=$(cd "$config/datasets" 2>/dev/null && printf '%s\n' *.yaml | sed -n 's/\.yaml$//p' | paste -sd' ')
        [ -z "$sets" ] || echo "a data set of $config/datasets: make run DATA=$data DATASET=NAME, NAME one of: $sets" >&2
    fi
    exit 3
fi
if [ -n "$data" ] && [ -z "$speed" ]; then
    speed=$(jq -r --argjson minutes "${MINUTES:-3}" \
        '.summary | if .to_s > .from_s and .from_s > 0 then ((.to_s - .from_s) / 60 / $minutes | ceil | tostring) else "max" end' <<<"$checked")
fi
[ -z "$speed" ] || arguments+=(--speed "$speed")

# A fresh folder; what earlier runs left goes, unless a fleet still runs there.
mkdir -p "$build/run"
for old in "$build"/run/*/; do
    [ -d "$old" ] || continue
    "$propfleet" status --line --runtime "$old/run" >/dev/null 2>&1
    [ $? -eq 4 ] && rm -rf "$old"
done
folder=$(mktemp -d "$PWD/${build#"$PWD"/}/run/$(date +%H%M%S).XXXX") || exit 1
runtime=$folder/run
log=$folder/log
private=
if [ ${#runtime} -gt 85 ]; then # a socket's path has at most 107 bytes
    private=$(mktemp -d "${TMPDIR:-/tmp}/propfleet.XXXXXX") || exit 1
    runtime=$private/run
fi

running() { [ -n "$fleet" ] && kill -0 "$fleet" 2>/dev/null; }

# In order first; after 30 seconds by force (its children die with it).
stop_fleet() {
    local end=$((SECONDS + 30))
    running || return 0
    kill -TERM "$fleet" 2>/dev/null
    while running && [ $SECONDS -lt $end ]; do read -rt 0.1 <> <(:) || true; done
    running && kill -KILL "$fleet" 2>/dev/null
    wait "$fleet" 2>/dev/null
}
interrupted=
on_signal() {
    [ -n "$interrupted" ] && return
    interrupted=1
    echo "stopping the fleet in order" >&2
    stop_fleet
}
on_exit() {
    stop_fleet
    [ -z "$private" ] || rm -rf "$private"
}
trap on_signal INT TERM HUP
trap on_exit EXIT

what="the simulated market (SIMULATED prices and fills)"
[ -z "$data" ] || what="$(jq -r .summary.source <<<"$checked") from $data (real prices, SIMULATED fills)"
echo "ten accounts on $what; log: $log"
echo "watch it in another terminal: $propfleet top --runtime $runtime"
# The fleet is told to stop when this script is killed. Signals of the terminal come here, and go on from here.
prefix=()
setpriv --pdeathsig TERM true 2>/dev/null && prefix=(setpriv --pdeathsig TERM)
"${prefix[@]}" "$propfleet" run "${arguments[@]}" --state "$folder/state" --runtime "$runtime" --exit-at-end \
    >"$log" 2>&1 </dev/null &
fleet=$!

# On a terminal a line every three seconds, otherwise every thirty.
pause=3
[ -t 1 ] || pause=30
next=$((SECONDS + 2))
while running; do
    if [ $SECONDS -ge $next ]; then
        "$propfleet" status --line --runtime "$runtime" 2>/dev/null
        next=$((SECONDS + pause))
    fi
    read -rt 0.2 <> <(:) || true
done
wait "$fleet"
status=$?
[ -z "$interrupted" ] || status=130
fleet=

echo
if [ -d "$folder/state" ]; then
    "$propfleet" summary --state "$folder/state" || [ $status -ne 0 ] || status=1
fi
if [ $status -ne 0 ] && [ -z "$interrupted" ]; then
    echo "the fleet ended with status $status; the end of its log:" >&2
    tail -n 20 "$log" >&2
fi
echo "more: $propfleet account show NAME | trades NAME | journal NAME   --state $folder/state"
exit $status
