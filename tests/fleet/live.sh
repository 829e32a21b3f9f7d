#!/usr/bin/env bash
# Live, nobody waits: one account is killed, stopped and crash-looped; the other nine miss no record, lose no permit and
# handle everything, as in the undisturbed first half of the same run.
. "$(dirname "$0")/lib.sh"

fleet_config "$work/config" 's/^  live:.*/  live: true/' 's/^  exit_at_end:.*/  exit_at_end: false/' \
    's/^  ready_deadline:.*/  heartbeat_timeout: 1s\n  ready_deadline: 60s/'
fleet_start live "$work/config" --speed 6000
fleet_until 30 '[.processes[] | select(.state == "READY")] | length == 12'
check "a live fleet comes up" test $? -eq 0
nine='[.accounts[] | select(.name != "alba")]'
fleet_until 60 "$nine | map(.granted) | add > 10"
check "permits are granted" test $? -eq 0
control=$(fleet_status | jq "$nine | map(.lapped) | add")
check "every account says how late it was" test "$(fleet_status | jq '[.accounts[] | select(.record_late_us > 0 and .permit_wait_us >= 0)] | length')" -eq 10
check "undisturbed: nothing missed" test "$control" -eq 0

kills=0
while [ $kills -lt 20 ]; do
    pid=$(fleet_pid_of account:alba)
    [ -n "$pid" ] && kill -KILL "$pid" 2>/dev/null && kills=$((kills + 1))
    fleet_until 20 ".processes[] | select(.name == \"account:alba\") | .state == \"READY\" and .pid != $pid" || break
done
check "killed 20 times, READY again each time" test $kills -eq 20
pid=$(fleet_pid_of account:alba)
kill -STOP "$pid"
check "stopped: found and replaced" fleet_until 20 ".processes[] | select(.name == \"account:alba\") | .state == \"READY\" and .pid != $pid"

check "the other nine missed no record" test "$(fleet_status | jq "$nine | map(.lapped) | add")" -eq 0
check "no proposal of theirs went without an answer" test "$(fleet_status | jq "$nine | map(.refusals.NO_PERMIT // 0) | add")" -eq 0
check "none of them restarted" test "$(fleet_status | jq '[.processes[] | select(.name != "account:alba" and .restarts > 0)] | length')" -eq 0
before=$(fleet_status | jq "$nine | map(.granted) | add")
check "they go on trading" fleet_until 60 "$nine | map(.granted) | add > $before"

pid=$(fleet_pid_of coordinator)
kill -KILL "$pid"
check "a killed coordinator is READY again" fleet_until 20 ".processes[] | select(.name == \"coordinator\") | .state == \"READY\" and .pid != $pid"
pid=$(fleet_pid_of feed)
kill -KILL "$pid"
check "a killed feed is READY again" fleet_until 20 ".processes[] | select(.name == \"feed\") | .state == \"READY\" and .pid != $pid"
head=$(fleet_status | jq '.ring.head')
check "and the market goes on" fleet_until 20 ".ring.head > $head + 1000"
check "all READY" fleet_until 20 '[.processes[] | select(.state == "READY")] | length == 12'
check "propfleet stop" "$propfleet" stop
fleet_wait 20
check "with exit status 0" test $? -eq 0
finish
