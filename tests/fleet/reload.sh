#!/usr/bin/env bash
# An eleventh account's file and `propfleet reload`: it trades, nobody else notices. A bad file changes nothing.
. "$(dirname "$0")/lib.sh"

fleet_config "$work/config"
fleet_start reload "$work/config" --speed 20000
fleet_until 30 '[.processes[] | select(.state == "READY")] | length == 12'
check "the fleet comes up" test $? -eq 0
pids() { fleet_status | jq -c '[.processes[] | select(.name != "account:kappa") | {(.name): .pid}] | add'; }
before=$(pids)

sed -e 's/^name: .*/name: kappa/' -e 's/^personality: .*/personality: gannet/' -e 's/seed: [0-9]*/seed: 777/' \
    "$work/config/accounts/alba.yaml" >"$work/config/accounts/kappa.yaml"
check "reload" "$propfleet" reload
check "the eleventh account is READY" fleet_until 20 '.processes[] | select(.name == "account:kappa") | .state == "READY"'
check "every other pid is the same as before" test "$(pids)" = "$before"
check "it trades" fleet_until 120 '.accounts[] | select(.name == "kappa") | .entries_filled > 0'

sed -i 's/^personality: .*/personality: nobody/' "$work/config/accounts/kappa.yaml"
"$propfleet" reload >"$work/bad.log" 2>&1
check "a bad file is refused with status 3" test $? -eq 3
check "the error names file and line" grep -qE 'accounts/kappa.yaml:[0-9]+:[0-9]+: personality' "$work/bad.log"
check "and changes nothing" test "$(pids)" = "$before"

sed -i 's/^personality: .*/personality: heron/' "$work/config/accounts/kappa.yaml"
kappa=$(fleet_pid_of account:kappa)
check "a change of one account is taken" "$propfleet" reload
check "and restarts that one" fleet_until 20 ".processes[] | select(.name == \"account:kappa\") | .state == \"READY\" and .pid != $kappa"
check "only that one" test "$(pids)" = "$before"

for account in kappa alba; do
    check "account flatten $account is confirmed by the venue" timeout 60 "$propfleet" account flatten "$account"
    check "$account is flat" test "$(fleet_status | jq --arg a $account '.accounts[] | select(.name == $a) | .positions')" -eq 0
done
check "why says that it is paused" bash -c "'$propfleet' why alba | grep -q paused"
check "account resume" "$propfleet" account resume alba
check "why says that it would trade, or which window is shut" bash -c "'$propfleet' why alba | grep -qE 'would take|^time window .* is shut'"
mv "$work/config/accounts/kappa.yaml" "$work/kappa.yaml"
check "a removed file ends its account" "$propfleet" reload
check "it is gone" fleet_until 20 '[.processes[] | select(.name == "account:kappa")] | length == 0'
check "only that one" test "$(pids)" = "$before"
check "propfleet stop" "$propfleet" stop
fleet_wait 20
finish
