#!/usr/bin/env bash
# Memory of the account workers over ten simulated years of M1 bars of six instruments: Pss_Anon + Pss_Shmem at most
# 12 MiB each and no growth; Pss_File beside it. YEARS=n for less.
. "$(dirname "$0")/lib.sh"

years=${YEARS:-10}
fleet_config "$work/config" "s/days: 28/days: $((years * 3652 / 10))/" 's/^  journal_months:.*/  journal_months: 3/'
fleet_start memory "$work/config" --speed max --exit-at-end
fleet_until 30 '[.processes[] | select(.state == "READY")] | length == 12'
check "the fleet comes up" test $? -eq 0
pss() { # pid: anonymous and shared, file; KiB
    awk '/^Pss_Anon|^Pss_Shmem/ {a += $2} /^Pss_File/ {f = $2} END {if (NR) print a, f}' "/proc/$1/smaps_rollup" 2>/dev/null
}
pid=$(fleet_pid_of account:juno)
echo "# market date, Pss_Anon + Pss_Shmem KiB, Pss_File KiB of account:juno"
: >"$work/curve"
next=0
while kill -0 "$fleet_pid" 2>/dev/null; do
    ns=$(fleet_status | jq '.ring.market_time // 0')
    month=$((${ns:-0} / 2629746000000000))
    if [ "$month" -ge "$next" ] && [ "$month" -gt 0 ]; then
        figures=$(pss "$pid")
        [ -n "$figures" ] && echo "$(date -u -d "@$((ns / 1000000000))" +%F) $figures" | tee -a "$work/curve" | sed 's/^/#   /'
        next=$((month + 3 * years / 5 + 1))
    fi
    read -rt 0.2 <> <(:)
done
fleet_wait 5
check "ten accounts read $years years to the end" test $? -eq 0
check "a curve of at least ten points" test "$(wc -l <"$work/curve")" -ge 10
check "at most 12 MiB at any time" test "$(awk '{print $2}' "$work/curve" | sort -n | tail -1)" -le 12288
check "no growth: the last third holds at most 256 KiB more than the second" \
    awk '{v[NR] = $2} END {for (i = 1; i <= NR; i++) {if (i > NR / 3 && i <= 2 * NR / 3 && v[i] > b) b = v[i]; if (i > 2 * NR / 3 && v[i] > c) c = v[i]}; exit !(c <= b + 256)}' "$work/curve"
finish
