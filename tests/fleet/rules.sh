#!/usr/bin/env bash
# The firm's rules with real processes: an account that only observes, what a person may do to an account's rules, marks that are
# lost, and the words of rules explain.
. "$(dirname "$0")/lib.sh"

fleet_config "$work/config" 's/days: 28/days: 3650/'
cp docs/example/accounts/*.yaml "$work/config/accounts/"
check "a configuration with observe-only accounts of manual-only programmes" "$propfleet" check --config "$work/config"
sed 's/^observe_only:.*/observe_only: false/' docs/example/accounts/"$(cd docs/example/accounts && grep -l '^programme: apex' *.yaml | head -1)" \
    >"$work/config/accounts/wrong.yaml"
sed -i 's/^name:.*/name: wrong/' "$work/config/accounts/wrong.yaml"
check "a manual-only programme that would trade is refused" bash -c "'$propfleet' check --config '$work/config' 2>&1 | grep -q 'wrong.yaml.*observe_only'"
rm "$work/config/accounts/wrong.yaml"

fleet_start rules "$work/config" --speed 20000
fleet_until 60 '[.processes[] | select(.kind == "account" and .state == "READY")] | length == 12'
check "twelve accounts, two of them observe" test $? -eq 0
fleet_until 60 '[.accounts[] | select(.name == "alba") | .trades][0] > 3'
observed=$(sed -n "s/^name: *//p" docs/example/accounts/*.yaml)
for name in $observed; do
    check "$name watches and has traded nothing" \
        bash -c "'$propfleet' status --json | jq -e '.accounts[] | select(.name == \"$name\") | (.trades // 0) == 0 and (.positions // 0) == 0 and .proposals == 0' >/dev/null"
done
say() { "$propfleet" account "$@" 2>&1; }
contains() { grep -qE "$2" <<<"$1"; }
check "payout: a preview shows the floors and books nothing" contains "$(say deposit alba 1000 --preview)" 'floor overall: 90000.00'
before=$("$propfleet" status --json | jq -r '.accounts[] | select(.name == "corvus") | .balance')
check "a deposit is booked" contains "$(say deposit corvus 1000)" 'balance after it'
check "and journalled with the user" bash -c "'$propfleet' journal corvus --kind command | grep -q '\"command\":\"deposit\".*\"amount\":\"1000\"'"
check "the firm's own floor, when higher, rules and alarms" contains "$(say floor corvus overall 95000)" 'floor overall: 95000.00'
check "an alert tells of the difference" bash -c "sleep 0.3; '$propfleet' alerts | grep -q 'the firm shows 95000.00'"
check "a floor that is none is refused" contains "$(say floor corvus nonsense 95000)" 'not as the command wants'
check "unlock without a lock is refused" contains "$(say unlock corvus --reason test)" 'not locked'
check "marks typed differently change nothing" contains "$(say marks corvus --set high_equity=110000 --again high_equity=11000 </dev/null)" 'nothing is changed'
check "marks typed twice are taken" contains "$(say marks corvus --set high_equity=110000 --again high_equity=110000 </dev/null)" 'floor'
explained=$("$propfleet" rules explain corvus --config "$work/config")
check "rules explain: floors with numbers" contains "$explained" 'LOSS_FLOOR +daily +ARMED'
check "rules explain: the day's end" contains "$explained" 'ends in'
check "why names the guard" contains "$("$propfleet" why corvus)" 'guard: '
say flatten juno >/dev/null
check "a phase that the programme does not have changes nothing" contains "$(say phase juno nonsense)" 'is as it was'
check "account phase: marks and balance begin anew" contains "$(say phase juno phase-2)" 'phase-2: its marks and its balance begin anew'
fleet_until 20 '.accounts[] | select(.name == "juno") | .balance == "100000" or .balance == "100000.00"'
check "with the balance of its size" test $? -eq 0
check "and journalled" bash -c "'$propfleet' journal juno --kind command | grep -q '\"command\":\"phase\".*phase-1.*phase-2'"
check "propfleet stop" "$propfleet" stop
fleet_wait 30
check "the chain is whole after all of it" "$propfleet" audit corvus --verify --state "$work/rules/state"

# A store that is gone while the venue has a history: 78, and the remedy.
rm -rf "$work/rules/state/alba/store"
fleet_start rules "$work/config" --speed 20000
fleet_until 60 '.processes[] | select(.name == "account:alba") | .state == "FAILED"'
check "an account whose marks are lost does not trade (FAILED)" test $? -eq 0
check "and is told how to give them" grep -q 'account marks alba --initialise' "$work/rules/log"
"$propfleet" stop >/dev/null
fleet_wait 30
finish
