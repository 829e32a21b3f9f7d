#!/usr/bin/env bash
# SIGKILL at every crash point between two durable steps (orders.md 4), early and late in a replay: after the restart the
# journals are those of an undisturbed run. Needs a build with FAULTS=1 (BUILD=build/faults).
. "$(dirname "$0")/../fleet/lib.sh"

fleet_config "$work/config"
fleet_run 300 reference "$work/config" --speed max --exit-at-end
check "undisturbed run" test $? -eq 0
fleet_hashes reference >"$work/reference.hashes"

# A crash at the count-th passage in whichever process passes it first; the file disarms it.
crash() { # point count [more points]
    local point=$1 count=$2 name="crash_$1_$2"
    export PROPFLEET_CRASH="$point:$count${3:+,$3}" PROPFLEET_CRASH_FILE="$work/$name.fired"
    fleet_run 120 "$name" "$work/config" --speed max --exit-at-end
    local status=$?
    unset PROPFLEET_CRASH PROPFLEET_CRASH_FILE
    if [ ! -e "$work/$name.fired" ]; then not_ok "$point:$count was never passed"; return; fi
    fleet_hashes "$name" >"$work/$name.hashes"
    check "$point:$count: recovered, same journals" test "$status" -eq 0 -a -z "$(diff "$work/reference.hashes" "$work/$name.hashes")"
    rm -rf "${work:?}/$name"
}

for point in account.before_commit account.after_commit account.before_send account.after_send \
    account.report_before_commit account.report_after_commit account.before_snapshot account.after_snapshot \
    account.before_propose account.after_propose account.before_answer \
    coordinator.before_commit coordinator.after_commit coordinator.after_send; do
    crash $point 1
    crash $point 9
done
# Between what the feed stores, what it publishes and what it says.
crash feed_mapped 1
crash feed_remembered 20000
crash feed_published 20000
crash feed.before_commit 1
crash feed.before_commit 2
crash feed.after_commit 1
crash feed.after_commit 2
crash account.reconcile_orders 1
crash account.reconcile_positions 1
finish
