#!/usr/bin/env bash
# The audit chain: whole after a run and after a run with kills; a record that was changed, exchanged, removed or cut off is
# found and named.
. "$(dirname "$0")/lib.sh"

fleet_config "$work/config"
fleet_run 120 plain "$work/config" --speed max --exit-at-end
check "a run to its end" test $? -eq 0
state="$work/plain/state"
verify() { "$propfleet" audit alba --verify --state "$1"; }
text=$(verify "$state")
check "its chain is whole: $text" test $? -eq 0
check "the audit is JSON with a hash for each record" \
    bash -c "'$propfleet' audit alba --state '$state' | jq -es 'length > 100 and all(.chain | length == 64)' >/dev/null"

damage() { # what n expected
    rm -rf "$work/copy"
    mkdir "$work/copy"
    cp -r "$state/alba" "$work/copy/"
    "$build/tests/tamper" "$work/copy/alba/store" "$1" "$2" || { not_ok "$1 $2 could not be done"; return; }
    local status
    text=$(verify "$work/copy" 2>&1)
    status=$?
    check "$1 of record $2 is found: $(head -1 <<<"$text")" bash -c "[ $status -eq 1 ] && grep -q '$3' <<<'${text//\'/}'"
}
damage change 100 'record 100: changed'
damage change 1 'record 1: changed'
damage swap 200 'record 200: reordered: it is number 201'
damage cut 500 'records 500 to .*: missing'
damage unchain 300 'record 300: its row of the chain is missing'
damage drop 150 'record 150: missing'
finish
