#!/usr/bin/env bash
# Runs every bench, writes build/bench.json (one object of all figures) and prints a table with the goals.
# A figure that misses its goal is said; nothing here passes or fails.
set -u
cd "$(dirname "$0")/../.."
lines=build/bench.lines
load_before=$(cut -d ' ' -f 1-3 /proc/loadavg) # a machine that others use is no place for absolute figures
: >"$lines"
for bench in build/bench/bench_*; do
    [ -x "$bench" ] || continue
    echo "--- ${bench##*/}" >&2
    timeout 600 "$bench" | tee -a "$lines" >&2 || echo "${bench##*/} did not finish" >&2
done
echo "--- fleet (killed to READY, memory)" >&2
timeout 900 tests/bench/fleet.sh | tee -a "$lines" >&2 || echo "the fleet's bench did not finish" >&2

grep '^{' "$lines" | jq -s --arg date "$(date -u +%FT%TZ)" --arg host "$(nproc) cores, Linux $(uname -r)" \
    --arg load "$load_before, at the end $(cut -d ' ' -f 1-3 /proc/loadavg)" \
    '{date: $date, machine: $host, load: $load, figures: .}' >build/bench.json
echo
jq -r '"\(.date)  \(.machine)  load at the start \(.load)"' build/bench.json
# goals.txt: metric, comparison, goal, unit, what it is
awk -F'\t' '!/^#/ && NF >= 4 {print}' tests/bench/goals.txt | while IFS=$'\t' read -r metric sign goal what; do
    jq -r --arg m "$metric" '.figures[] | select(.metric == $m) | "\(.value)\t\(.unit)"' build/bench.json | tail -1 |
        awk -F'\t' -v m="$metric" -v s="$sign" -v g="$goal" -v w="$what" '
            {met = s == "<=" ? $1 <= g : $1 >= g
             printf "%-52s %12.4g %-6s goal %s %-8s %s\n", w, $1, $2, s, g, met ? "met" : "MISSED"; n++}
            END {if (!n) printf "%-52s %12s %-6s goal %s %-8s not measured\n", w, "-", "", s, g}'
done
echo
echo "all figures: build/bench.json"
