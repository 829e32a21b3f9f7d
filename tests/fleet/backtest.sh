#!/usr/bin/env bash
# propfleet backtest as a person uses it: one account and the fleet, a span, JSON, the page, a state folder that the other tools
# read, and what is wrong. That its journals are those of a run: identity.sh.
. "$(dirname "$0")/lib.sh"

fleet_config "$work/config" 's/days: 28/days: 12/' 's/^  warmup_bars:.*/  warmup_bars: 3000/'
backtest() { # arguments...; status in $status, words in $work/out and $work/err
    timeout 120 "$propfleet" backtest "$@" --config "${config:-$work/config}" >"$work/out" 2>"$work/err" </dev/null
    status=$?
}
expect() { # status text pattern...
    local want=$1 text=$2 pattern good=1
    shift 2
    [ "$status" -eq "$want" ] || good=0
    for pattern in "$@"; do grep -qE -- "$pattern" "$work/out" "$work/err" || good=0; done
    check "$text (status $status)" test $good -eq 1
}
hashes() { grep -E '^[0-9a-f]{64}  ' "$1"; }

backtest --fleet; expect 0 "the fleet" '^SIMULATED' 'alba .*avocet' 'juno' 'is no forecast'
expect 0 "which news rules it could exercise" '^News rules' '^  the5ers/high-stakes, phase phase-1: news: exercised with DERIVED dates alone' \
    '^  ftmo/2-step, phase challenge: no news rule'
check "ten journals" test "$(hashes "$work/out" | wc -l)" -eq 10
hashes "$work/out" >"$work/first"
backtest --fleet --state "$work/state"; expect 0 "with a state folder"
check "the same journals in memory and in a folder" cmp "$work/first" <(hashes "$work/out")
check "journal --hash reads them" cmp "$work/first" <("$propfleet" journal --all --hash --state "$work/state")
check "summary reads them" bash -c "'$propfleet' summary --state '$work/state' | grep -q '10 accounts'"
"$propfleet" summary --state "$work/state" --config "$work/config" >"$work/out"
status=$?; : >"$work/err"; expect 0 "summary: news rules" '^news rules of the5ers/high-stakes, phase phase-1: news: exercised with DERIVED dates alone'
check "summary --json: news rules" json -e '.news_rules_unknown == 0 and
    any(.news_rules[]; .programme == "the5ers/high-stakes" and .rules[0].exercised == false)' \
    < <("$propfleet" summary --state "$work/state" --config "$work/config" --json)
"$propfleet" summary --state "$work/state" --config "$work/none" >"$work/out"
status=$?; expect 0 "summary without a configuration says so" '^news rules of 10 accounts are not known: .*--config DIR'
check "audit finds its chain whole: $("$propfleet" audit juno --verify --state "$work/state")" test $? -eq 0
backtest --fleet --state "$work/state"; expect 1 "a folder that has a state is refused" 'alba has a state already' 'empty folder'
check "and left as it was" cmp "$work/first" <("$propfleet" journal --all --hash --state "$work/state")

backtest --account gaia; expect 0 "one account" 'gaia'
check "alone" test "$(hashes "$work/out" | wc -l)" -eq 1
hashes "$work/out" >"$work/gaia"
backtest --account "$work/config/accounts/gaia.yaml"; expect 0 "by its file"
check "the same" cmp "$work/gaia" <(hashes "$work/out")
backtest --account gaia --from 2024-01-08 --to 2024-01-11; expect 0 "a span"
check "is another run" bash -c "! cmp -s '$work/gaia' <(grep -E '^[0-9a-f]{64}' '$work/out')"
backtest --account gaia --json
check "JSON says SIMULATED, with n and interval of each figure" json -e '.simulated and .kind == "backtest" and
    (.accounts | length == 1) and (.accounts[0].performance | .simulated and .complete and has("sharpe_low95") and .days > 0 and
    .trades.n == (.trades.wins + .trades.losses + .trades.flats))' "$work/out"
check "JSON: news rules of gaia's programme, one that the phase has not" json -e '(.news_rules | length == 1) and
    .news_rules[0].programme == "fundingpips/2-step" and (.news_rules[0].rules | length == 0)' "$work/out"
cp -r "$work/config" "$work/bare"
sed -i '/^calendar: /d' "$work/bare/fleet.yaml"
config=$work/bare backtest --account dorado --json
check "JSON: without a calendar no news rule was exercised" json -e '.news_rules[0].rules[0] |
    .id == "news" and .exercised == false and .events == 0 and (.text | test("no valid calendar"))' "$work/out"
backtest --fleet --html "$work/page.html"; expect 0 "a page" 'page.html is written'
check "it says SIMULATED for each account" test "$(grep -c SIMULATED "$work/page.html")" -ge 11
check "it says which news rules it could exercise" grep -q '<li>the5ers/high-stakes, phase phase-1: news: exercised with DERIVED dates' "$work/page.html"
check "it fetches nothing" bash -c "! grep -qiE '(src|href)=.?(http|//)|@import|<script' '$work/page.html'"
check "every tag is closed" python3 - "$work/page.html" <<'PY'
import sys
from html.parser import HTMLParser
class Checked(HTMLParser):
    def __init__(self): super().__init__(); self.stack = []
    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "br"): self.stack.append(tag)
    def handle_startendtag(self, tag, attrs): pass
    def handle_endtag(self, tag): assert self.stack and self.stack.pop() == tag, (tag, self.getpos())
page = Checked(); page.feed(open(sys.argv[1]).read()); assert not page.stack, page.stack
PY

backtest; expect 2 "neither" '--account NAME or --fleet is missing'
backtest --fleet --account gaia; expect 2 "both" 'either --account or --fleet'
backtest --account nobody; expect 1 "nobody" 'no such account'
backtest --fleet --from yesterday; expect 2 "no date" '--from yesterday' '2024-05-13'
backtest --fleet --from 2024-02-01 --to 2024-01-01; expect 2 "to before from" '--to is not after --from'
backtest --fleet --data "$work/none"; expect 3 "no data" 'none'
backtest --account gaia --html "$work/none/page.html"; expect 1 "no folder for the page" 'none/page.html'
mkfifo "$work/pipe"
backtest --account gaia --html "$work/pipe"; expect 1 "a page in the place of a pipe" 'is there and no file'
check "the pipe is still one" test -p "$work/pipe"
finish
