#!/usr/bin/env bash
# A short search that finds nothing, and the same with one condition left out of the gate: then it finds breaches.
# BOOKS=admitted books of each run.
set -u
cd "$(dirname "$0")/../.."
declare -A what=([7]="R2" [8]="R3" [9]="R4" [24]="R5" [25]="falling tiers" [22]="q_max, a step too large")
status=0
books=${BOOKS:-20000}
folder=build/planted-search
mkdir -p "$folder"
make -s build/tests/search_rules || exit 1
build/tests/search_rules -n "$books" -s 7 || status=1
build/tests/search_rules -n "$books" || status=1 # another seed each time, printed
rules=$(make -s sources-search_rules | tr ' ' '\n' | grep '^workers/')
base=$(find build/obj/base build/obj/tests/search -name '*.o')
for n in 7 8 9 22 24 25; do
    # shellcheck disable=SC2086
    if ! ${CC:-gcc} -std=c17 -O1 -w -I. -D_GNU_SOURCE -DPROPFLEET_PLANT="$n" $rules $base -o "$folder/search$n"; then
        echo "not ok - without ${what[$n]} it does not build"
        status=1
        continue
    fi
    found=$("$folder/search$n" -q -n "$books" -s 7 | sed -n 's/^# \([0-9]* books attacked.*\)/\1/p')
    if grep -qE ' 0 breached.* 0 wrong q_max' <<<"$found" || [ -z "$found" ]; then
        echo "not ok - wrong: ${what[$n]}: nothing was found"
        status=1
    else
        echo "ok - wrong: ${what[$n]}: $found"
    fi
done
rm -rf "$folder"
exit $status
