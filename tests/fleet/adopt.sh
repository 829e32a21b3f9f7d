#!/usr/bin/env bash
# An older copy of an account's store is put back while its venue holds a position that the copy does not know: the account does
# not trade (FAILED), says what differs and what may be typed; after account adopt, and after account close, it is READY.
. "$(dirname "$0")/lib_adopt.sh"

fleet_config "$work/config" 's/days: 28/days: 3650/'
adopt_accounts alba boreas corvus dorado electra
start
check "the fleet is READY" test $? -eq 0
fleet_until 30 '([.accounts[].trades] | add) > 4'
stop

# --- adopt ---------------------------------------------------------------------------------------------------------
older_copy
check "an account holds a position that its older copy does not know" test $? -eq 0
[ "$checks_failed" -eq 0 ] || { tail -n 30 "$work/adopt/log"; finish; }
echo "# $account: position $foreign, $symbol $side $lots at $entry, stop $stop_price"
put_back
start
check "with the older copy it does not trade (FAILED)" is "$account" FAILED
check "the reason names the commands" contains "$(fleet_status | jq -r ".processes[] | select(.name == \"account:$account\") | .why")" 'account adopt and account close'
check "an alert tells of the position and what may be typed" alerted "holds position $foreign, .*account adopt $account $foreign --stop PRICE"
shown=$(say show "$account")
check "account show lists it, with instrument, side, lots and price" contains "$shown" "position $foreign, which its book does not have: $symbol $side $lots at "
check "a stop is needed" contains "$(say adopt "$account" "$foreign" --reason test)" '--stop PRICE is missing'
check "a reason too" contains "$(say adopt "$account" "$foreign" --stop "$stop_price")" '--reason TEXT is missing'
# a stop on the wrong side of the market, then a position that there is not
far=$(awk -v e="$entry" -v s="$side" 'BEGIN {printf "%d", s == "buy" ? e * 2 + 1 : 0}')
say adopt "$account" "$foreign" --stop "${far/#0/0.25}" --reason "wrong side" >/dev/null
say close "$account" 987654321 --reason "no such" >/dev/null
check "request files are their owner's alone" test "$(stat -c %a "$state/$account/request-$foreign")" = 600
"$propfleet" account start "$account" >/dev/null 2>&1
# (where its book has a position in that instrument still, that is said first)
check "what cannot be done is told" alerted "request-$foreign\): the (stop is on the wrong side of the market|book holds another position in that instrument)"
check "so is a position that neither has" alerted 'neither the venue nor the book'
check "it still does not trade" is "$account" FAILED
check "refused requests are gone" test ! -e "$state/$account/request-$foreign" -a ! -e "$state/$account/request-987654321"
# A new stop a little further away, on the instrument's grid (whole units of the last digit but one).
digits=$(awk -v e="$stop_price" 'BEGIN {n = index(e, "."); print n ? length(e) - n : 0}')
wanted=$(awk -v p="$stop_price" -v d="$digits" -v s="$side" 'BEGIN {t = 10 ^ -d; f = p * 0.001 > t ? p * 0.001 : t; k = int(f / t / 25 + 1) * 25; printf "%.*f", d, s == "buy" ? p - k * t : p + k * t}')
rest=$(answer_the_rest)
check "adopt leaves a request and says how it is taken" \
    contains "$(say adopt "$account" "$foreign" --stop "$wanted" --reason 'the copy of Tuesday was put back')" "account start $account"
check "account show lists the request" contains "$(say show "$account")" "adopt $foreign: .*the copy of Tuesday"
check "account start: READY" contains "$(say start "$account")" "account $account is READY"
check "no request is left, and no difference" test -z "$(find "$state/$account" -name 'request-*' -o -name differences)"
fleet_until 20 ".accounts[] | select(.name == \"$account\") | .positions >= 1"
check "the position is in its book" test $? -eq 0
stop
record=$(journal --kind command | grep '"command":"adopt"' | grep -v refused | tail -n 1)
echo "# $record"
check "the journal says who, why, what, and both balances" \
    contains "$record" "\"user\":\"[a-z0-9._-]+\",\"reason\":\"the copy of Tuesday was put back\",.*\"position\":$foreign,\"instrument\":\"$symbol\".*\"stop\":.*\"balance_ours\":.*\"balance_venue\":"
price=$(awk -v p="$wanted" 'BEGIN {if (p ~ /\./) {sub(/0+$/, "", p); sub(/\.$/, "", p)} print p}')
check "its stop is at the venue: the new price is acknowledged" contains "$(journal --kind order | grep "\"position\":$foreign,")" "\"state\":\"ACCEPTED\",.*\"price\":\"$price\""
check "so does the record of what was missed" contains "$(journal --kind behind)" '"venue_report":'
check "$rest of the copy's positions were ended as the venue's" test "$(journal --kind trade | grep -c '"why":"venue"')" -ge "$rest"
check "the coordinator was told" contains "$(journal --kind report --from "$(jq -r .n <<<"$record")")" "\"instrument\":\"$symbol\""
check "the chain is whole" "$propfleet" audit "$account" --verify --state "$state"
start
check "after a restart the books agree without a word" is "$account" READY
stop

# --- close ---------------------------------------------------------------------------------------------------------
older_copy
found=$?
check "again an account with a position that its copy does not know" test $found -eq 0
[ $found -eq 0 ] || { tail -n 30 "$work/adopt/log"; finish; }
echo "# $account: position $foreign, $symbol $side $lots at $entry, stop $stop_price"
put_back
start
check "FAILED" is "$account" FAILED
answer_the_rest >/dev/null
say close "$account" "$foreign" --reason 'not ours to keep' >/dev/null
check "account start: READY" contains "$(say start "$account")" "account $account is READY"
check "it is closed at the market, and the venue confirms that it is flat" alerted "position $foreign is closed: the venue confirms"
check "the position is not in its book any more" bash -c "! '$propfleet' account show '$account' | sed -n '/^positions:/,/^orders:/p' | grep -qE '^ *$foreign '"
stop
check "the journal says who" contains "$(journal --kind command | grep '"command":"close"' | grep "\"position\":$foreign" | tail -n 1)" '"user":"[a-z0-9._-]+","reason":"not ours to keep"'
check "and the trade" contains "$(journal --kind trade | grep "\"position\":$foreign")" '"why":"operator"'
check "the chain is whole" "$propfleet" audit "$account" --verify --state "$state"

# --- no store at all --------------------------------------------------------------------------------------------------
# The marks are typed; the positions are the venue's alone.
for account in $accounts; do
    read -r foreign symbol side lots entry stop_price <<<"$(held "$account" "$state" | head -n 1)"
    [ -z "$foreign" ] || break
done
if [ -n "$foreign" ]; then
    rm -rf "${state:?}/$account/store"
    marks=high_balance=110000,high_equity=110000
    say marks "$account" --initialise --set "$marks" --again "$marks" --state "$state" >/dev/null
    start
    check "a new store with typed marks: the venue's position is told (FAILED)" is "$account" FAILED
    answer_the_rest >/dev/null
    say adopt "$account" "$foreign" --stop "$stop_price" --reason 'a new store' >/dev/null
    check "and taken in" contains "$(say start "$account")" "account $account is READY"
    stop
    check "with the marks that were typed" contains "$(journal --kind command)" '"command":"marks".*"high_balance":"110000"'
    check "the chain is whole" "$propfleet" audit "$account" --verify --state "$state"
else
    echo "# no account holds a position: skipped"
fi
finish
