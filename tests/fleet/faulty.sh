#!/usr/bin/env bash
# A stopped (SIGSTOP) account is found and ended; one that dies again and again is quarantined while the rest trade; a missing
# executable is an error with a name; a second process never opens an account's folder.
. "$(dirname "$0")/lib.sh"

fleet_config "$work/config" 's/^  deaths_max:.*/  deaths_max: 4/' 's/^  death_window:.*/  death_window: 60s/' \
    's/^  ready_deadline:.*/  heartbeat_timeout: 1s\n  ready_deadline: 60s/'
fleet_start faulty "$work/config" --speed 3000
fleet_until 30 '[.processes[] | select(.state == "READY")] | length == 12'
check "the fleet comes up" test $? -eq 0

pid=$(fleet_pid_of account:alba)
kill -STOP "$pid"
check "a stopped account is found, ended and replaced" \
    fleet_until 20 ".processes[] | select(.name == \"account:alba\") | .state == \"READY\" and .pid != $pid"
check "nobody else restarted" test "$(fleet_status | jq '[.processes[] | select(.restarts > 0)] | length')" -eq 1

check "a second process for one account is refused" bash -c "exec 9>>'$work/faulty/state/alba/lock' && ! flock -n 9"

deaths=0
while [ $deaths -lt 12 ]; do
    state=$(fleet_status | jq -r '.processes[] | select(.name == "account:boreas") | .state')
    [ "$state" = FAILED ] && break
    pid=$(fleet_pid_of account:boreas)
    if [ -n "$pid" ] && kill -KILL "$pid" 2>/dev/null; then deaths=$((deaths + 1)); fi
    read -rt 0.05 <> <(:)
done
check "an account that dies again and again is quarantined (FAILED) after $deaths deaths" test "$state" = FAILED
before=$(fleet_status | jq '.ring.head')
check "the rest go on: the market moves without it" fleet_until 20 ".ring.head > $before + 2000"
check "nine accounts are READY" fleet_until 10 '[.processes[] | select(.kind == "account" and .state == "READY")] | length == 9'
check "an alert names it" bash -c "'$propfleet' alerts | grep -q boreas"
check "account start brings it back" "$propfleet" account start boreas
check "and it is READY" fleet_until 20 '.processes[] | select(.name == "account:boreas") | .state == "READY"'
check "propfleet stop" "$propfleet" stop
fleet_wait 20

mkdir -p "$work/parts/bin" "$work/parts/libexec/propfleet"
cp "$build"/bin/propfleet "$work/parts/bin/"
cp "$build"/libexec/propfleet/* "$work/parts/libexec/propfleet/"
rm "$work/parts/libexec/propfleet/propfleet-coordinator"
timeout 20 "$work/parts/bin/propfleet" run --config "$work/config" --state "$work/missing/state" --runtime "$work/missing/run" \
    --speed max --exit-at-end >"$work/missing.log" 2>&1
check "a missing executable is an error with a name" grep -q 'propfleet-coordinator: No such file' "$work/missing.log"
finish
