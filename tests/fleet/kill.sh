#!/usr/bin/env bash
# kill -9 of one process of a replaying fleet at full speed, again and again, at random moments:
# the journals stay byte-identical to those of an undisturbed run, nobody else restarts, and what was
# killed is READY again. Victims in turn: accounts, the feed, the coordinator. KILLS: how many of each (200, 40, 40).
. "$(dirname "$0")/lib.sh"

seed=${SEED:-$RANDOM}
RANDOM=$seed
echo "# seed $seed (repeat with SEED=$seed)"
kills_accounts=${KILLS:-200}
kills_others=${KILLS_OTHERS:-40}
source_args=()
[ -n "${PROPFLEET_DATA:-}" ] && source_args=(--data "$PROPFLEET_DATA" --dataset B)

fleet_config "$work/config"
fleet_run 300 reference "$work/config" --speed max --exit-at-end "${source_args[@]}"
check "undisturbed run ends with status 0" test $? -eq 0
fleet_hashes reference >"$work/reference.hashes"
"$propfleet" summary --json --state "$work/reference/state" | jq -c '.accounts | map(del(.starts))' >"$work/reference.summary"
mapfile -t accounts < <(awk '{print $3}' "$work/reference.hashes")

# One run in which one process is killed until the data end; adds to $killed.
storm() { # victim (process name) run-name limit
    local victim=$1 name=$2 limit=$3 done=0 pid deaths ready_ms
    fleet_start "$name" "$work/config" --speed max --exit-at-end "${source_args[@]}"
    fleet_until 30 '[.processes[] | select(.state == "READY")] | length == 12' || { not_ok "$name: the fleet came up"; return; }
    while [ $done -lt "$limit" ] && kill -0 "$fleet_pid" 2>/dev/null; do
        read -r pid deaths < <(fleet_status | jq -r --arg v "$victim" \
            '.processes[] | select(.name == $v and .state == "READY") | "\(.pid) \(.deaths)"') || continue
        [ -n "$pid" ] || continue
        read -rt "0.0$((RANDOM % 90 + 10))" <> <(:)
        kill -KILL "$pid" 2>/dev/null || continue
        fleet_until 20 ".processes[] | select(.name == \"$victim\") | .state == \"READY\" and .pid != $pid" || continue
        ready_ms=$(fleet_status | jq -r --arg v "$victim" '.processes[] | select(.name == $v) | .ready_ms // empty')
        [ -n "$ready_ms" ] && echo "$ready_ms" >>"$work/ready.${victim%%:*}"
        done=$((done + 1))
        fleet_status | jq -r --arg v "$victim" '.processes[] | select(.name != $v and .restarts > 0) | .name' >>"$work/others"
    done
    killed=$((killed + done))
    if ! fleet_wait 300; then not_ok "$name: ends with status 0 after $done kills of $victim"; return; fi
    fleet_hashes "$name" >"$work/$name.hashes"
    "$propfleet" summary --json --state "$work/$name/state" | jq -c '.accounts | map(del(.starts))' >"$work/$name.summary"
    if cmp -s "$work/reference.hashes" "$work/$name.hashes" && cmp -s "$work/reference.summary" "$work/$name.summary"; then
        rm -rf "${work:?}/$name"
    else
        not_ok "$name: $done kills of $victim changed a journal: $(diff "$work/reference.hashes" "$work/$name.hashes" | awk '/^>/ {print $4}' | tr '\n' ' ')"
    fi
}

campaign() { # label kills victim...
    local label=$1 wanted=$2 round=0 before=$checks_failed
    shift 2
    local victims=("$@")
    killed=0
    : >"$work/others"
    while [ $killed -lt "$wanted" ] && [ $round -lt 40 ] && [ $checks_failed -eq "$before" ]; do
        storm "${victims[RANDOM % ${#victims[@]}]}" "$label$round" $((wanted - killed))
        round=$((round + 1))
    done
    check "$label: $killed kills in $round runs, at least $wanted" test $killed -ge "$wanted"
    check "$label: every journal, fill, position and balance as in the undisturbed run" test $checks_failed -eq "$before"
    check "$label: nobody else restarted" test ! -s "$work/others"
    [ -s "$work/ready.${victims[0]%%:*}" ] && sort -n "$work/ready.${victims[0]%%:*}" | awk -v l="$label" '{v[NR] = $1}
        END {m = int((NR + 1) / 2); n = int(NR * 0.9); if (n < 1) n = 1
             printf "# %s: death noticed to READY at full load, ms: median %.1f, 90%% %.1f, worst %.1f of %d\n", l, v[m], v[n], v[NR], NR}'
    return 0
}

campaign accounts "$kills_accounts" "${accounts[@]/#/account:}"
campaign feed "$kills_others" feed
campaign coordinator "$kills_others" coordinator
finish
