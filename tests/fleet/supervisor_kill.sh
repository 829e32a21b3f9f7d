#!/usr/bin/env bash
# kill -9 of the supervisor in the middle of a replay: no child survives it, and a new start recovers all and ends
# with the journals of an undisturbed run. Then the same by an ordered stop.
. "$(dirname "$0")/lib.sh"

fleet_config "$work/config"
fleet_run 300 reference "$work/config" --speed max --exit-at-end
fleet_hashes reference >"$work/reference.hashes"

children() { fleet_status | jq -r '.processes[].pid // empty'; }

# Start the fleet on the folder of the start before it.
again() { fleet_start disturbed "$work/config" --speed "$1" --exit-at-end; }

for round in 1 2 3; do
    again 400000
    fleet_until 30 '.ring.head > '$((round * 50000)) || not_ok "round $round: records flow"
    pids=$(children)
    check "round $round: twelve children" test "$(wc -w <<<"$pids")" -eq 12
    kill -KILL "$fleet_pid"
    wait "$fleet_pid" 2>/dev/null
    fleet_pid=
    end=$((SECONDS + 5))
    while alive=$(for p in $pids; do [ -d "/proc/$p" ] && ! grep -q '^State:.Z' "/proc/$p/status" 2>/dev/null && echo "$p"; done; true) &&
        [ -n "$alive" ] && [ $SECONDS -lt $end ]; do read -rt 0.02 <> <(:); done
    check "round $round: no child survives the supervisor" test -z "$alive"
done

again 400000
fleet_until 30 '.ring.head > 200000' || not_ok "records flow again"
check "a second supervisor on the same state is refused" bash -c "! '$propfleet' run --config '$work/config' \
    --state '$work/disturbed/state' --runtime '$work/second' --speed max 2>'$work/second.log'"
check "and says why" grep -qiE 'already|another|locked|holds' "$work/second.log"
check "propfleet stop ends it" "$propfleet" stop
fleet_wait 20
check "with exit status 0" test $? -eq 0

again max
fleet_wait 300
check "a last start runs to the end" test $? -eq 0
fleet_hashes disturbed >"$work/disturbed.hashes"
check "journals as in an undisturbed run" cmp "$work/reference.hashes" "$work/disturbed.hashes"
finish
