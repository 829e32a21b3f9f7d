#!/usr/bin/env bash
# propfleet calendar show and what check says of a calendar; nothing is started. Today is pinned.
. "$(dirname "$0")/lib.sh"

fleet_config "$work/config"
export PROPFLEET_TODAY=2026-11-25
show() { "$propfleet" calendar show --config "$work/config" "$@"; }

check "the derived calendar says that it is" bash -c "'$propfleet' calendar show --config '$work/config' | grep -q 'DERIVED (by rule, published by nobody)'"
show --from 2024-03-01 --to 2024-03-08 --instrument EURUSD >"$work/show.log"
check "payrolls of March 2024, in local time" grep -q '2024-03-08 13:30 *Fri 2024-03-08 08:30 America/New_York *USD *high *Non-farm payrolls (DERIVED)' "$work/show.log"
check "nothing on the first Friday of it" bash -c "! grep -q '2024-03-01.*payrolls' '$work/show.log'"
check "JSON" test "$(show --json --from 2026-06-05 --to 2026-06-05 | jq -r '[.derived, .rows[0].time_ns, .rows[0].name] | join(" ")')" = "true 1780662600000000000 Non-farm payrolls"
show --instrument NONE >/dev/null 2>&1
check "an unknown instrument: status 1" test $? -eq 1
show --from yesterday >/dev/null 2>&1
check "no date: status 2" test $? -eq 2

sed -i 's/^calendar: .*/calendar: {file: news.csv}/' "$work/config/fleet.yaml"
printf '%s\n' '# valid_from: 2023-12-01' '# valid_to: 2026-12-05' '# version: week 48' 'time,currency,importance,name' \
    '2026-12-04T13:30Z,USD,3,Payrolls' '2024-01-05 08:30 America/New_York,USD,3,Payrolls' >"$work/config/news.csv"
"$propfleet" check --config "$work/config" >"$work/check.log" 2>&1
check "check is content" test $? -eq 0
check "and warns that it ends in 11 days" grep -q "^warning: $work/config/news.csv:1:1: valid_to: 2026-12-06, in 11 days" "$work/check.log"
show >"$work/show.log" 2>/dev/null
check "version, days left, the event" test "$(grep -cE '^version +week 48|ends in 11 days|2026-12-04 13:30.*Payrolls' "$work/show.log")" -eq 3
sed -i 's/^2026-12-04T13:30Z/2026-12-04 13:30/' "$work/config/news.csv"
show >"$work/show.log" 2>&1
check "a bad row: status 3" test $? -eq 3
check "with its place" grep -q 'news.csv:5:1: time: "2026-12-04 13:30" is a local time without a zone; write' "$work/show.log"
sed -i '/^calendar: /d' "$work/config/fleet.yaml"
show >"$work/show.log" 2>&1
check "none: status 1" test $? -eq 1
check "and why it matters" grep -q 'every news window is closed for entries' "$work/show.log"
finish
