#!/usr/bin/env bash
# Plants one fault at a time in the rules (RULES_PLANT, workers/risk/rules/money.h) and shows that the vectors find
# each. Compiles the rules alone, the rest comes from the plain build. PLANTS="1 7": those alone.
set -u
cd "$(dirname "$0")/../.."
declare -A what=(
    [1]="lt for le" [2]="lower for higher of balance and equity" [3]="closed balances not followed" [4]="cap forgotten"
    [5]="floor rounded down" [6]="OCO forgotten" [7]="R2 left out" [8]="R3 left out" [9]="R4 left out" [10]="buffer forgotten"
    [11]="no look-ahead" [12]="lowest candidate of the day" [13]="the firm's floor ignored" [14]="haircut forgotten"
    [15]="age: reached counts" [16]="jump lock forgotten" [17]="payout effect forgotten" [18]="uncovered lots as covered"
    [19]="gap forgotten" [20]="velocity forgotten" [21]="flatten below the buffer only" [22]="a step too large"
    [23]="idea: reaching it allowed"
    [50]="re-entry: the last second is none" [51]="reaching an open-loss cap allowed" [52]="cap of the initial balance for the day's"
    [53]="micros as minis" [54]="working orders not counted" [55]="tier above its limit only" [56]="tier by the live profit"
    [57]="carried lots forgotten" [58]="news: end free" [59]="news: beginning free" [60]="news of every instrument"
    [61]="inactivity a day late" [62]="flat-by without daylight saving" [63]="no lead before flat-by" [64]="news profit: also long before"
    [65]="holding over a close allowed" [66]="share reached where that breaches" [67]="share not projected" [68]="minimum hold a second late"
    [69]="share of trades for that of profit" [70]="no message reserve" [71]="a message too many" [72]="best day: positive days for net"
    [73]="profit day above its threshold only" [74]="best day cap of the other days" [75]="stop to target: reached refused"
    [76]="groups forgotten" [77]="turning a position allowed" [78]="opposite at another firm allowed" [79]="refused host allowed"
)
status=0
folders=(tests/golden)
[ -n "${PROPFLEET_SHARED:-}" ] && folders+=("$PROPFLEET_SHARED/golden")
folder=build/planted
mkdir -p "$folder"
make -s build/tests/golden || exit 1
rest=$(find build/obj/tests/golden build/obj/base -maxdepth 1 -name '*.o' -not -name wyckoff_pairs.o) # the rules' harness alone
sources=$(ls workers/risk/rules/*.c | grep -v sessions.c) # which is the calendar's, and has no fault
compile() { ${CC:-gcc} -std=c17 -O0 -w -I. -D_GNU_SOURCE -c "$@"; }
for source in $sources; do compile "$source" -o "$folder/$(basename "$source" .c).o" || exit 1; done
for n in ${PLANTS:-$(printf '%s\n' "${!what[@]}" | sort -n)}; do
    objects=$rest
    for source in $sources; do # only the files that have this fault are compiled again
        object="$folder/$(basename "$source" .c)"
        if grep -q "RULES_PLANT($n)" "$source"; then
            compile "-DPROPFLEET_PLANT=$n" "$source" -o "$object.$n.o" || { echo "not ok - fault $n does not build"; status=1; }
            objects+=" $object.$n.o"
        else
            objects+=" $object.o"
        fi
    done
    # shellcheck disable=SC2086
    if ! ${CC:-gcc} $objects -o "$folder/golden$n"; then
        echo "not ok - fault $n does not link"
        status=1
        continue
    fi
    found=$("$folder/golden$n" -q "${folders[@]}" | grep -c '^not ok')
    if [ "$found" -gt 0 ]; then
        echo "ok - fault $n, ${what[$n]:-}: $found vectors fail"
    else
        echo "not ok - fault $n, ${what[$n]:-}: no vector fails"
        status=1
    fi
done
rm -rf "$folder"
exit $status
