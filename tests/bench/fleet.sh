#!/usr/bin/env bash
# Whole fleets, measured: killed to READY, memory, ten accounts against one, and what the death of one account costs
# the other nine, live. Prints one JSON object a line; nothing here passes or fails. Takes about six minutes in all.
# Parts by name: fleet.sh ready memory ten live order. All lies on the disk of build/, not in a tmpfs.
mkdir -p "$(dirname "$0")/../../build"
TMPDIR=$(cd "$(dirname "$0")/../../build" && pwd)
export TMPDIR
. "$(dirname "$0")/../fleet/lib.sh"

print() { # metric value unit
    [ -n "$2" ] && echo "{\"metric\":\"$1\",\"value\":$2,\"unit\":\"$3\"}"
}
quantile() { # q file: of one number a line
    sort -n "$2" | awk -v q="$1" '{v[NR] = $1} END {if (NR) print v[int(q * (NR - 1) + 0.5) + 1]}'
}
doze() { read -rt "$1" <> <(:) || true; }
say() { echo "$*" >&2; }
all_ready() { # count
    fleet_until 60 "[.processes[] | select(.state == \"READY\")] | length == $1" || { say "the fleet did not come up"; return 1; }
}
fleet_end() {
    "$propfleet" stop >/dev/null 2>&1
    fleet_wait 30 >&2
    rm -rf "${work:?}/$fleet_name"
}

# --- killed to READY -------------------------------------------------------------------------------
# Nobody asks anything of the fleet while an account restarts: the times come from the supervisor's log (to the
# millisecond) and, afterwards, from its status.

log_ms() { # time of day as the log writes it -> ms
    awk -F'[T:.Z]' '{printf "%d\n", (($2 * 60 + $3) * 60 + $4) * 1000 + $5}' <<<"$1"
}

# One account at a time, in turn, each a quarter of a second after the last.
single_deaths() { # file-prefix count
    local prefix=$1 count=$2 i name pid killed ready_ms log="$work/$fleet_name/log" line
    local names=(alba boreas corvus dorado electra fornax gaia hydra indus juno)
    for ((i = 0; i < count; i++)); do
        name=account:${names[i % 10]}
        pid=$(fleet_pid_of "$name")
        [ -n "$pid" ] || continue
        doze 0.1
        killed=$(date -u +%H%M%S%N)
        kill -KILL "$pid" 2>/dev/null || continue
        doze 0.25
        ready_ms=$(fleet_status | jq -r --arg n "$name" --argjson p "$pid" \
            '.processes[] | select(.name == $n and .state == "READY" and .pid != $p) | .ready_ms // empty')
        line=$(grep "supervisor.* $name: STARTING -> READY" "$log" | tail -1)
        [ -n "$ready_ms" ] || { say "$name was not READY in 250 ms"; continue; }
        echo "$ready_ms" >>"$prefix.noticed"
        echo "$(($(log_ms "${line%% *}") - (10#${killed:0:2} * 3600 + 10#${killed:2:2} * 60 + 10#${killed:4:2}) * 1000 - 10#${killed:6:3}))" >>"$prefix.outside"
    done
}

# One account, killed whenever it is READY: what each new process took from its start to READY.
crash_loop() { # file count
    local i pid log="$work/$fleet_name/log"
    for ((i = 0; i < $2; i++)); do
        pid=$(fleet_pid_of account:alba)
        [ -n "$pid" ] && kill -KILL "$pid" 2>/dev/null
        fleet_until 20 ".processes[] | select(.name == \"account:alba\") | .state == \"READY\" and .pid != ${pid:-0}" || return
    done
    grep -E "account:alba: (BACKOFF -> SPAWNING|STARTING -> READY)" "$log" | tail -n $((2 * $2)) | while read -r time rest; do
        case $rest in
        *SPAWNING*) from=$(log_ms "$time") ;;
        *) [ -n "${from:-}" ] && echo $(($(log_ms "$time") - from)) ;;
        esac
    done >"$1"
}

# 500 MB in a process beside the fleet: tail keeps them until its input ends.
hold_memory() {
    exec {held}> >(exec tail -c 524288000 >/dev/null)
    holder=$!
    head -c 524288000 /dev/zero >&"$held"
    say "beside: $(awk '/^VmRSS/ {print $2}' "/proc/$holder/status") KiB"
}
drop_memory() {
    exec {held}>&-
    wait "$holder" 2>/dev/null
}

part_ready() {
    fleet_config "$work/config" 's/level: info/level: debug/' 's/^  exit_at_end:.*/  exit_at_end: false/'
    fleet_start ready "$work/config" --speed 2000
    all_ready 12 || return
    doze 3
    single_deaths "$work/single" 60
    print killed_to_ready_p50_ms "$(quantile 0.5 "$work/single.noticed")" ms
    print killed_to_ready_p95_ms "$(quantile 0.95 "$work/single.noticed")" ms
    print killed_to_ready_outside_p50_ms "$(quantile 0.5 "$work/single.outside")" ms
    print killed_to_ready_outside_p95_ms "$(quantile 0.95 "$work/single.outside")" ms
    crash_loop "$work/loop" 40
    print crash_loop_spawn_to_ready_p50_ms "$(quantile 0.5 "$work/loop")" ms
    print crash_loop_spawn_to_ready_p95_ms "$(quantile 0.95 "$work/loop")" ms
    hold_memory
    single_deaths "$work/beside" 40
    drop_memory
    print killed_to_ready_beside_500mb_p50_ms "$(quantile 0.5 "$work/beside.noticed")" ms
    print killed_to_ready_beside_500mb_p95_ms "$(quantile 0.95 "$work/beside.noticed")" ms
    fleet_end
    rm -rf "$work/config"

    # The same live, where what an account says before READY is synced to the disk.
    fleet_config "$work/config" 's/level: info/level: debug/' 's/^  live:.*/  live: true/' 's/^  exit_at_end:.*/  exit_at_end: false/'
    fleet_start ready "$work/config" --speed 2000
    all_ready 12 || return
    doze 3
    single_deaths "$work/live" 40
    print killed_to_ready_live_p50_ms "$(quantile 0.5 "$work/live.noticed")" ms
    print killed_to_ready_live_p95_ms "$(quantile 0.95 "$work/live.noticed")" ms
    fleet_end
}

# --- memory ----------------------------------------------------------------------------------------
# At the end of a year of M1 bars of six instruments: the account that holds most.
part_memory() {
    rm -rf "$work/config"
    fleet_config "$work/config" "s/days: 28/days: 365/" 's/^  exit_at_end:.*/  exit_at_end: false/' 's/^  journal_months:.*/  journal_months: 3/'
    fleet_start memory "$work/config" --speed max
    all_ready 12 || return
    fleet_until 240 '[.processes[] | select(.kind == "account" and .done)] | length == 10' || { say "the year did not end"; return; }
    local pid
    for pid in $(fleet_status | jq -r '.processes[] | select(.kind == "account") | .pid'); do
        awk '/^Pss_Anon|^Pss_Shmem/ {a += $2} /^Pss_File/ {f = $2} END {print a, f}' "/proc/$pid/smaps_rollup"
    done >"$work/pss"
    print account_memory_kib "$(awk '{print $1}' "$work/pss" | sort -n | tail -1)" KiB
    print account_memory_file_kib "$(awk '{print $2}' "$work/pss" | sort -n | tail -1)" KiB
    fleet_end
}

# --- ten accounts against one ------------------------------------------------------------------------
# The same data, as fast as it goes; the processor time of the whole fleet (the time per core used), and the wall's.
timed_run() { # name config file: appends "wall cpu"
    local TIMEFORMAT='%R %U %S' times
    times=$({ time fleet_run 300 "$1" "$2" --speed max --exit-at-end >&2; } 2>&1 | tail -1)
    awk '{print $1, $2 + $3}' <<<"$times" >>"$3"
    rm -rf "${work:?}/$1"
}
part_ten() {
    rm -rf "$work/config"
    fleet_config "$work/config" "s/days: 28/days: 90/"
    rm -rf "$work/config-one"
    cp -r "$work/config" "$work/config-one"
    find "$work/config-one/accounts" -name '*.yaml' ! -name alba.yaml -delete
    local i
    for i in 1 2 3; do
        timed_run one "$work/config-one" "$work/one.times"
        timed_run ten "$work/config" "$work/ten.times"
    done
    for i in one ten; do
        awk '{print $1}' "$work/$i.times" >"$work/$i.wall"
        awk '{print $2}' "$work/$i.times" >"$work/$i.cpu"
    done
    print one_account_wall_s "$(quantile 0.5 "$work/one.wall")" s
    print ten_accounts_wall_s "$(quantile 0.5 "$work/ten.wall")" s
    print one_account_cpu_s "$(quantile 0.5 "$work/one.cpu")" s
    print ten_accounts_cpu_s "$(quantile 0.5 "$work/ten.cpu")" s
    print ten_accounts_to_one_wall "$(paste "$work/ten.wall" "$work/one.wall" | awk '{print $1 / $2}' | sort -n | sed -n 2p)" ratio
    print ten_accounts_to_one "$(paste "$work/ten.cpu" "$work/one.cpu" | awk '{print $1 / $2}' | sort -n | sed -n 2p)" ratio
}

# --- live: one dies, nine go on ------------------------------------------------------------------------
# A hundred instants a second. Every phase lasts longer than the window of the accounts' peaks (base/peak.h), so that what is
# read at its end is its own. Between kills nothing is asked of the supervisor: the newest child is the one that was restarted.

phase=21
alba() { # sets victim; false while alba is between two lives
    local children=() name=
    read -ra children <"/proc/$fleet_pid/task/$fleet_pid/children"
    victim=${children[-1]}
    read -r name 2>/dev/null <"/proc/$victim/comm"
    [ "$name" = account:alba ]
}
worst_of_nine() { # name
    local status
    status=$(fleet_status)
    print "live_$1_record_late_us" "$(jq '[.accounts[] | select(.name != "alba") | .record_late_us] | max' <<<"$status")" us
    print "live_$1_permit_wait_us" "$(jq '[.accounts[] | select(.name != "alba") | .permit_wait_us] | max' <<<"$status")" us
}
keep_killing() { # signal pause
    local end=$((SECONDS + phase))
    kills=0
    while [ $SECONDS -lt $end ]; do
        alba && kill "-$1" "$victim" 2>/dev/null && kills=$((kills + 1))
        doze "$2"
    done
}
part_live() {
    rm -rf "$work/config"
    fleet_config "$work/config" 's/^  live:.*/  live: true/' 's/^  exit_at_end:.*/  exit_at_end: false/' 's/days: 28/days: 90/' \
        's/^  ready_deadline:.*/  heartbeat_timeout: 1s\n  ready_deadline: 60s/'
    fleet_start live "$work/config" --speed 6000
    all_ready 12 || return
    doze 2
    kill -KILL "$(fleet_pid_of account:alba)" # from now on it is the newest child
    doze $phase
    worst_of_nine control
    keep_killing KILL 1
    worst_of_nine killed
    print live_killed_count $kills kills
    keep_killing STOP 3
    worst_of_nine stopped
    print live_stopped_count $kills stops
    keep_killing KILL 0.01
    worst_of_nine crash_looped
    print live_crash_looped_count $kills kills
    doze $phase
    worst_of_nine control_after
    print live_fleet_survivors_lost "$(fleet_status | jq '[.accounts[] | select(.name != "alba") | .lapped] | add')" records
    print live_fleet_survivors_restarts "$(fleet_status | jq '[.processes[] | select(.name != "account:alba") | .restarts] | add')" restarts
    print live_fleet_survivors_refused "$(fleet_status | jq '[.accounts[] | select(.name != "alba") | .refusals.NO_PERMIT // 0] | add')" proposals
    fleet_end
}

# --- record to order --------------------------------------------------------------------------------------
# One account that trades often, live, durability power: from the END of an instant in the ring to the order's hand-over to
# the venue, as the account's debug lines say it. Beside it, in the same seconds and on the same disk, what it cannot do
# without: a bare round trip and a bare synced commit.
part_order() {
    rm -rf "$work/config"
    fleet_config "$work/config" 's/level: info/level: debug/' 's/^  live:.*/  live: true/' 's/^  exit_at_end:.*/  exit_at_end: false/' \
        's/^  joint_risk:.*/  joint_risk: 50%/' 's/start: 2024-01-01/start: 2024-01-03/' 's/^  warmup_bars:.*/  warmup_bars: 1500/' # a trading day
    find "$work/config/accounts" -name '*.yaml' ! -name alba.yaml -delete
    sed -i -e 's/^instruments:.*/instruments: [EURUSD, USDJPY]/' -e 's/^risk:.*/risk: 0.05%/' \
        -e 's/^positions_max:.*/positions_max: 2/' -e 's/timeframe: H1/timeframe: M1/' -e 's/lookback:.*/lookback: 5/' \
        -e 's/cooldown_bars:.*/cooldown_bars: 3/' -e 's/time_stop:.*/time_stop: 10m/' -e '/^entries/d' "$work/config/personalities/avocet.yaml"
    fleet_start order "$work/config" --speed 400
    all_ready 3 || return
    doze 2
    local bare hot
    bare=$(build/bench/order_bare "$work/bare" 40 100)
    grep -o 'handed over.*' "$work/order/log" | tr -d , | awk '{print $3}' >"$work/order.way"
    grep -o 'handed over.*' "$work/order/log" | tr -d , | awk '{print $9}' >"$work/order.taken"
    grep -o 'handed over.*' "$work/order/log" | tr -d , | awk '{print $11 - $9}' >"$work/order.proposed"
    grep -o 'handed over.*' "$work/order/log" | tr -d , | awk '{print $13 - $11}' >"$work/order.permit"
    grep -o 'handed over.*' "$work/order/log" | tr -d , | awk '{print $3 - $13}' >"$work/order.commit"
    [ -n "${KEEP:-}" ] && cp "$work/order/log" "$work/order.log"
    fleet_end
    hot=$(build/bench/order_bare "$work/bare-hot" 5 0)
    print order_path_samples "$(wc -l <"$work/order.way")" orders
    [ -s "$work/order.way" ] || { echo "order: no order was sent: $(grep -c refused "$work/order.log" 2>/dev/null) refusals in its log" >&2; return; }
    print order_path_p50_us "$(quantile 0.5 "$work/order.way")" us
    print order_path_p95_us "$(quantile 0.95 "$work/order.way")" us
    print order_path_taken_p50_us "$(quantile 0.5 "$work/order.taken")" us
    print order_path_proposed_p50_us "$(quantile 0.5 "$work/order.proposed")" us
    print order_path_permit_p50_us "$(quantile 0.5 "$work/order.permit")" us
    print order_path_commit_p50_us "$(quantile 0.5 "$work/order.commit")" us
    print order_bare_permit_p50_us "$(awk '{print $1}' <<<"$bare")" us
    print order_bare_commit_p50_us "$(awk '{print $2}' <<<"$bare")" us
    print order_bare_p50_us "$(awk '{print $3}' <<<"$bare")" us
    print order_bare_warm_p50_us "$(awk '{print $3}' <<<"$hot")" us
    print order_path_to_bare "$(awk -v o="$(quantile 0.5 "$work/order.way")" '$3 > 0 {print o / $3}' <<<"$bare")" ratio
}

for part in "${@:-ready memory ten live order}"; do
    for name in $part; do "part_$name"; done
done
exit 0
