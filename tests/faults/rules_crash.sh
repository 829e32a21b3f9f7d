#!/usr/bin/env bash
# SIGKILL between mark, latch, flatten, cancel and close: floors so tight that the guard flattens again and again; after the
# restart journals, marks and latches are those of an undisturbed twin. Needs a build with FAULTS=1 (BUILD=build/faults).
. "$(dirname "$0")/../fleet/lib.sh"

fleet_config "$work/config"
# A firm of the tests' own: 0.4 % a day, paused until the boundary; 6 % below the highest equity, for ever.
cat >"$work/config/firms/tight.yaml" <<'Y'
config_version: 2
firm: tight
programme: test
verified: 2026-11-22
max_age_days: 90
how: made for this test
sizes: [100000]
day: {zone: UTC, at: "00:00"}
sources:
  A: {url: "none: made for this test", kind: official}
base:
  loss_floors:
    - {id: daily, anchor: snap_max, allowance: {frac_initial: 0.9%}, breach_if: le, on_breach: pause_until_boundary, src: [A]}
    - {id: overall, kind: total, anchor: run_equity, allowance: {frac_initial: 1.6%}, breach_if: le, src: [A]}
  conduct: {automation: allowed, src: [A]}
phases:
  only: {stage: eval}
Y
sed -i 's#^programme: .*#programme: tight/test#; s#^phase: .*#phase: only#' "$work"/config/accounts/*.yaml
fleet_run 300 reference "$work/config" --speed max --exit-at-end
check "undisturbed run" test $? -eq 0
[ "$checks_failed" -eq 0 ] || { tail -n 8 "$work/reference/log"; finish; }
fleet_hashes reference >"$work/reference.hashes"
for kind in guard breach day exit close trade; do
    echo "# $kind records over all accounts: $(for a in alba boreas corvus dorado electra fornax gaia hydra indus juno; do
        "$propfleet" journal $a --kind $kind --state "$work/reference/state"; done | wc -l)"
done

crash() { # point count
    local point=$1 count=$2 name="crash_$1_$2" status
    export PROPFLEET_CRASH="$point:$count" PROPFLEET_CRASH_FILE="$work/$name.fired"
    fleet_run 120 "$name" "$work/config" --speed max --exit-at-end
    status=$?
    unset PROPFLEET_CRASH PROPFLEET_CRASH_FILE
    if [ ! -e "$work/$name.fired" ]; then not_ok "$point:$count was never passed"; return; fi
    fleet_hashes "$name" >"$work/$name.hashes"
    check "$point:$count: recovered, same journals" test "$status" -eq 0 -a -z "$(diff "$work/reference.hashes" "$work/$name.hashes")"
    rm -rf "${work:?}/$name"
}
for when in before after; do
    for kind in guard exit close; do
        crash "account.$kind.$when" 1
        crash "account.$kind.$when" 4
    done
    for kind in day trade fill gate; do crash "account.$kind.$when" 2; done
done
finish
