#!/usr/bin/env bash
# The same run twice, and propfleet backtest, give the same journals, byte for byte; another seed of the paper venue gives others.
# On the simulator always; on data sets A, B and C where PROPFLEET_DATA is given.
. "$(dirname "$0")/lib.sh"

twice() { # label config seconds arguments...
    local label=$1 config=$2 seconds=$3 round
    shift 3
    for round in 1 2; do
        fleet_run "$seconds" "$label$round" "$config" --speed max --exit-at-end "$@"
        check "$label: run $round ends by itself with status 0" test $? -eq 0
        fleet_hashes "$label$round" >"$work/$label$round.hashes"
    done
    check "$label: ten journals, none empty" test "$(awk '$2 > 10' "$work/${label}1.hashes" | wc -l)" -eq 10
    check "$label: two runs give byte-identical journals" cmp "$work/${label}1.hashes" "$work/${label}2.hashes"
    timeout "$seconds" "$propfleet" backtest --fleet --config "$config" --json "$@" >"$work/$label.backtest"
    check "$label: a backtest in one process ends with status 0" test $? -eq 0
    check "$label: its journals are the run's, byte for byte" diff "$work/${label}1.hashes" \
        <(jq -r '.accounts[] | "\(.journal_sha256)  \(.journal_records)  \(.name)"' "$work/$label.backtest")
    fleet_entries "${label}1" >"$work/$label.entries"
    echo "# $label: hash, records, account, filled entries"
    paste -d' ' "$work/${label}1.hashes" <(cut -d' ' -f2 "$work/$label.entries") | sed 's/^/#   /'
    rm -rf "$work/${label}2"
}

fleet_config "$work/config"
twice simulator "$work/config" 300

cp -r "$work/config" "$work/reseeded"
sed -i 's/seed: \([0-9]*\)/seed: 9\1/' "$work"/reseeded/accounts/*.yaml
fleet_run 300 reseeded "$work/reseeded" --speed max --exit-at-end
fleet_hashes reseeded >"$work/reseeded.hashes"
check "another seed of the paper venue gives ten other hashes" \
    test "$(cat "$work/simulator1.hashes" "$work/reseeded.hashes" | awk '{print $1}' | sort -u | wc -l)" -eq 20

if [ -n "${PROPFLEET_DATA:-}" ]; then
    for set in A B C; do
        twice "$set" "$work/config" 600 --data "$PROPFLEET_DATA" --dataset "$set"
        [ "$set" = C ] && continue
        check "$set: every account has at least 20 filled entries" \
            test "$(awk '$2 >= 20' "$work/$set.entries" | wc -l)" -eq 10
    done
else
    echo "skip - data sets A, B, C: PROPFLEET_DATA is not set"
fi
finish
