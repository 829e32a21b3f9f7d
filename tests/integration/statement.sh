#!/usr/bin/env bash
# propfleet statement: the binary on small statements: exit statuses, what is said where.
set -u
cd "$(dirname "$0")/../.."
propfleet=$PWD/${BUILD:-build}/bin/propfleet
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PROPFLEET_TODAY=2026-11-25
failed=0
check() { # text, status wanted, status, file, pattern
    if [ "$2" -eq "$3" ] && grep -qE -- "$5" "$4"; then echo "ok - $1"; return; fi
    echo "not ok - $1: status $3, wanted $2 and /$5/"
    sed 's/^/# /' "$4"
    failed=1
}
audit() { "$propfleet" statement "$@" --config config >"$work/out" 2>"$work/err"; }

topstepx='entry_epoch_s,exit_epoch_s,side,contracts,contract,entry_price,exit_price,fees,pnl,trade_day'
mt4='open_epoch_s,close_epoch_s,side,lots,symbol,open_price,sl,tp,close_price,commission,swap,profit'
printf '%s\n' "$topstepx" 1741010400,1741010460,buy,1,MNQH5,20000,20010,0.74,20,2025-03-03 >"$work/good.csv"
audit "$work/good.csv" --programme topstep/combine-50k --phase combine --size 50000
status=$?
check "rows that agree" 0 $status "$work/out" '^P/L +1 of 1 rows equal'
check "an entry without a stop is not judged" 0 $status "$work/out" '^ +1 NOT JUDGED$'
check "what is not known is said" 0 $status "$work/out" '^not known equity between the rows'

sed 's/,20,2025/,20.01,2025/' "$work/good.csv" >"$work/off.csv"
audit "$work/off.csv" --programme topstep/combine-50k --size 50000
check "a cent off is an answer of no" 1 $? "$work/out" 'off.csv:2 MNQ: reckoned \+20.00, the statement has \+20.01'

printf '%s\n' "$topstepx" 1741010400,1741010460,sell,5,ESH5,6000,6010,0,-2500,2025-03-03 >"$work/broken.csv"
audit "$work/broken.csv" --programme topstep/combine-50k --phase combine --size 50000
check "a broken floor is an answer of no" 1 $? "$work/out" 'mll: .*BREACHED 2025-03-03 14:01:00: balance 47,500.00, level 48,000.00'

printf '%s\n' "$mt4" 1700040000,1700043600,buy,10,EURUSD,1.1,1.09,1.2,1.101,-50,0,1000 1700050000,1700053600,buy,1,EURUSD,1.1,1.099,1.2,1.101,-5,0,100 >"$work/mt4.csv"
audit "$work/mt4.csv" --programme ftmo/2-step --phase challenge --size 100000 --days
status=$?
check "an entry that risks too much is refused" 0 $status "$work/out" 'mt4.csv:2 EURUSD 10 lots: P1 LOSS_FLOOR daily R1'
check "a smaller one is admitted" 0 $status "$work/out" '^gate +2 entries .* 1 admitted, 1 refused'
check "days" 0 $status "$work/out" '^  2023-11-15 +2 +\+1,045.00  balance 101,045.00'

printf '%s\n' "$mt4" 1700040000,1700043600,buy,1,GBPJPY,185,184,0,185.5,0,0,334.45 >"$work/cross.csv"
audit "$work/cross.csv" --programme ftmo/2-step --phase challenge --size 100000
check "a cross without its rate is not reckoned" 0 $? "$work/out" '^ +1 NOT RECKONED'
printf '%s\n' epoch_s,open,high,low,close,volume 1700042400,149,150,149,150,1 1700043300,149.4,149.6,149.3,149.5,1 >"$work/rates.csv"
audit "$work/cross.csv" --programme ftmo/2-step --phase challenge --size 100000 --rates "USDJPY=$work/rates.csv"
check "and is at one" 0 $? "$work/out" '^ +1 need a rate that no row shows; the cent is right'

printf '%s\n' "$mt4" 1700040000,x,buy,10,WHEAT,1.1,1.09,1.2,1.101,-50,0,1000 >"$work/bad.csv"
audit "$work/bad.csv" --programme ftmo/2-step --size 100000
status=$?
check "a bad row: file, line, remedy" 1 $status "$work/err" "bad.csv:2: close_epoch_s 'x' is no time; write epoch seconds"
check "every one of them" 1 $status "$work/err" "bad.csv:2: what a lot of 'WHEAT' is is not known; say it with --contracts WHEAT=UNITS"
audit "$work/none.csv" --programme ftmo/2-step --size 100000
check "no such file" 1 $? "$work/err" 'open .*none.csv: No such file'
audit "$work/good.csv" --programme ftmo/9-step --size 100000
check "no such programme" 2 $? "$work/err" 'no programme ftmo/9-step'
audit "$work/good.csv" --programme ftmo/2-step --size much
check "no such size" 2 $? "$work/err" '--size much'
exit $failed
