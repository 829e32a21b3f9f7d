#!/usr/bin/env bash
# SIGKILL while an account takes in positions of its venue's by the operator's word: an older copy of its store was put back, each
# difference is answered, then it is started again and again from the same state, with a death in between. What is done is
# done once, as in an undisturbed twin, the chain is whole and no request is left. Needs a build with FAULTS=1 (BUILD=build/faults).
. "$(dirname "$0")/../fleet/lib_adopt.sh"

fleet_config "$work/config" 's/days: 28/days: 12/'
adopt_accounts alba boreas corvus
start && fleet_until 30 '([.accounts[].trades] | add) > 2' && stop && older_copy
check "an account holds a position that its older copy does not know" test $? -eq 0
[ "$checks_failed" -eq 0 ] || { tail -n 20 "$work/adopt/log"; finish; }
put_back
start
check "it does not trade (FAILED)" is "$account" FAILED
echo "# $account: position $foreign, $symbol $side $lots, $(answer_the_rest) of its own are gone"
digits=$(awk -v e="$stop_price" 'BEGIN {n = index(e, "."); print n ? length(e) - n : 0}')
wanted=$(awk -v p="$stop_price" -v d="$digits" -v s="$side" 'BEGIN {t = 10 ^ -d; f = p * 0.001 > t ? p * 0.001 : t; k = int(f / t / 25 + 1) * 25; printf "%.*f", d, s == "buy" ? p - k * t : p + k * t}')
say adopt "$account" "$foreign" --stop "$wanted" --reason "the test's" >/dev/null
stop

run() { # name: from the prepared state to the end of the data
    mkdir -p "$work/$1"
    cp -r "$state" "$work/$1/state"
    fleet_run 120 "$1" "$work/config" --speed max --exit-at-end
}
run reference
check "undisturbed run" test $? -eq 0
[ "$checks_failed" -eq 0 ] || { tail -n 20 "$work/reference/log"; finish; }
check "the position was adopted" grep -q "\"command\":\"adopt\".*\"position\":$foreign" \
    <("$propfleet" journal "$account" --kind command --state "$work/reference/state")

# What was done by a person's word, and what came of it at the venue, without times and prices: the market part comes from the bar
# history, which is equivalent in another run, not identical.
words() {
    local journal="$propfleet journal $account --state $work/$1/state"
    $journal --kind command | jq -c 'del(.t)'
    $journal --kind replace | jq -c '[.n, .order, .intent, .price]'
    $journal --kind trade | jq -c --argjson ids "$ids" 'select(.position as $p | $ids | index($p)) | [.position, .qty, .why]'
}
ids=$("$propfleet" journal "$account" --kind command --state "$work/reference/state" | jq -s -c '[.[] | select(.command == "close") | .position]')
words reference >"$work/reference.words"
check "$(wc -l <"$work/reference.words") words and what came of them" test "$(wc -l <"$work/reference.words")" -ge 2

crash() { # point
    local point=$1 name="crash_$1" status
    export PROPFLEET_CRASH="$point:1" PROPFLEET_CRASH_FILE="$work/$name.fired"
    run "$name"
    status=$?
    unset PROPFLEET_CRASH PROPFLEET_CRASH_FILE
    if [ ! -e "$work/$name.fired" ]; then not_ok "$point was never passed"; return; fi
    words "$name" >"$work/$name.words"
    check "$point: recovered, done once" test "$status" -eq 0 -a -z "$(diff "$work/reference.words" "$work/$name.words" | tee /dev/stderr)"
    check "$point: chain whole" "$propfleet" audit "$account" --verify --state "$work/$name/state"
    check "$point: no request is left" test -z "$(find "$work/$name/state/$account" -name 'request-*' -o -name differences)"
    rm -rf "${work:?}/$name"
}
for point in reconcile_positions behind.before command.before replace.before adopt_before_commit \
    command.after behind.after replace.after adopt_after_commit adopt_after_remove; do crash "account.$point"; done
# These are every account's: the one that is killed need not be this one.
for point in before_commit after_commit before_send after_send; do crash "account.$point"; done
finish
