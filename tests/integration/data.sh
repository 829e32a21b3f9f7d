#!/usr/bin/env bash
# propfleet data: the binary on small files: what import writes and refuses, what check finds, exit statuses, nothing left behind.
set -u
cd "$(dirname "$0")/../.."
propfleet=$PWD/${BUILD:-build}/bin/propfleet
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
check() { # text, status wanted, status, file, pattern
    if [ "$2" -eq "$3" ] && grep -qE -- "$5" "$4"; then echo "ok - $1"; return; fi
    echo "not ok - $1: status $3, wanted $2 and /$5/"
    sed 's/^/# /' "$4"
    failed=1
}
holds() { # text, command...
    local text=$1
    shift
    if "$@" >/dev/null 2>&1; then echo "ok - $text"; else echo "not ok - $text"; failed=1; fi
}
json() { jq "$@"; }
data() { "$propfleet" data "$@" >"$work/out" 2>"$work/err"; }

# Monday 2024-01-08: 300 M15 bars, prices that move a little.
awk 'BEGIN {print "epoch_s,open,high,low,close,volume"; for (i = 0; i < 300; i++) {p = 107000 + i % 37;
    printf "%d,%.5f,%.5f,%.5f,%.5f,%d\n", 1704672000 + 900 * i, p / 1e5, (p + 9) / 1e5, (p - 9) / 1e5, (p + 3) / 1e5, 100 + i}}' >"$work/EURUSD_M15.csv"

data; check "no verb" 2 $? "$work/err" 'import, check or info'
data imprt x; check "a misspelt verb" 2 $? "$work/err" 'none of import, check, info'
data import; check "no file" 2 $? "$work/err" 'usage: propfleet data'
data import "$work/EURUSD_M15.csv"; check "bars need to say what their volume is" 1 $? "$work/err" '--volume exchange'
data import "$work/EURUSD_M15.csv" --volume much; check "no such volume" 1 $? "$work/err" 'exchange, tick or none'
data import "$work/EURUSD_M15.csv" --volume tick; check "import" 0 $? "$work/out" 'EURUSD_M15.pfd: EURUSD bars M15, 300 rows, 0 bad'
data import "$work/EURUSD_M15.csv" --volume tick; check "nothing is replaced unasked" 1 $? "$work/err" 'is there; --force'
data import "$work/EURUSD_M15.csv" --volume tick --price mid --force --json
check "but with --force" 0 $? "$work/out" '"rows": 300'
holds "import --json is JSON" json -e '.instrument == "EURUSD" and .left_out == 0' "$work/out"
data info "$work/EURUSD_M15.pfd"; check "info" 0 $? "$work/out" '^of +mid prices, tick volume'
data info "$work/EURUSD_M15.pfd" --json
holds "info --json is JSON" json -e '.timeframe == "M15" and .price_digits == 5 and .rows == 300 and .first_ns == 1704672000000000000' "$work/out"
data check "$work/EURUSD_M15.pfd" --config config; check "check of an imported file" 0 $? "$work/out" '^gaps +0, 0 bars missing'
check "by the sessions of the configuration" 0 0 "$work/out" 'sessions of America/New_York'
data import "$work/EURUSD_M15.csv" "$work/EURUSD_M15.csv" --volume tick --force
check "never over its source" 1 $? "$work/err" 'the source itself'
gzip -k "$work/EURUSD_M15.csv"
data import "$work/EURUSD_M15.csv.gz" "$work/gz.pfd" --volume tick --price mid
check "a packed one" 0 $? "$work/out" '300 rows'
dd if="$work/gz.pfd" of="$work/gz.body" bs=512 skip=1 2>/dev/null
dd if="$work/EURUSD_M15.pfd" of="$work/plain.body" bs=512 skip=1 2>/dev/null
holds "the rows are the same bytes" cmp "$work/gz.body" "$work/plain.body"
umask 027
data import "$work/EURUSD_M15.csv" "$work/mode.pfd" --volume tick
holds "with the modes of any new file" test "$(stat -c %a "$work/mode.pfd")" = 640
umask 022

# Faults of a CSV.
sed -e '10s/,/,x/' -e '20d' -e '21d' -e '50p' "$work/EURUSD_M15.csv" >"$work/bad_M15.csv"
data check "$work/bad_M15.csv" --instrument EURUSD --config config
check "check: status 1 for bad rows" 1 $? "$work/out" '^rows +297 right, 2 bad'
check "each with its line" 0 0 "$work/out" 'bad_M15.csv:10: not a number'
check "a duplicate" 0 0 "$work/out" 'bad_M15.csv:49: duplicate time'
check "gaps" 0 0 "$work/out" '^gaps +2, 3 bars missing, 45m00s of open market'
data check "$work/bad_M15.csv" --json
check "without a known instrument every pause counts" 1 $? "$work/out" '"sessions": false'
holds "check --json is JSON" json -e '.ok == false and .bad == 2 and .duplicates == 1 and .bad_rows[0] == {"line": 10, "reason": "not a number"} and .missing == 3' "$work/out"
data check "$work/bad_M15.csv" --list 0; check "nothing is listed when nothing is asked for" 1 $? "$work/out" 'and 2 more bad rows'
data import "$work/bad_M15.csv" --instrument EURUSD --volume tick
check "import refuses bad rows" 1 $? "$work/err" '2 of 299 rows are bad; nothing was written'
holds "and writes nothing" test ! -e "$work/bad_M15.pfd"
data import "$work/bad_M15.csv" --instrument EURUSD --volume tick --skip-bad
check "or leaves them out" 0 $? "$work/out" '297 rows, 2 bad ones left out'
data info "$work/bad_M15.pfd"; check "and says so ever after" 0 $? "$work/out" 'bad_M15.csv, 2 bad rows left out'
printf 'epoch_s,open,high,low,close,volume\n' >"$work/EURUSD_H1.csv"
data import "$work/EURUSD_H1.csv" --volume tick; check "no rows" 1 $? "$work/err" 'no rows'
data check "$work/EURUSD_H1.csv" --config config; check "no rows to check" 0 $? "$work/out" '^rows +0 right'
printf 'time,price\n' >"$work/odd.csv"
data check "$work/odd.csv"; check "another header" 1 $? "$work/err" 'odd.csv:1: the header is "time,price"'
cp "$work/EURUSD_M15.csv" "$work/mine.csv"
data import "$work/mine.csv" --volume tick; check "a name that does not say" 1 $? "$work/err" 'which timeframe.*--timeframe TF'
data import "$work/mine.csv" --volume tick --timeframe M15; check "nor whose" 1 $? "$work/err" 'which instrument.*--instrument'
data import "$work/mine.csv" --volume tick --timeframe M15 --instrument X; check "said on the command line" 0 $? "$work/out" 'X bars M15'
data import "$work/none.csv"; check "no such file" 1 $? "$work/err" 'open .*none.csv: No such file'
data import "$work/EURUSD_M15.csv" "$work/none/x.pfd" --volume tick; check "no such folder" 1 $? "$work/err" 'create .*none/x.pfd.XXXXXX: No such file'
data check "$work/EURUSD_M15.csv" --config "$work/none"; check "no such configuration" 3 $? "$work/err" 'none'

# Quotes, trades, spreads.
printf '%s\n' epoch_ns,bid,ask,bid_size,ask_size 1704672000000000000,1.1,1.10001,0,0 1704672000000000000,1.1,1.10001,0,0 1704672600000000000,1.1,1.10002,0,0 >"$work/EURUSD_ticks.csv"
data check "$work/EURUSD_ticks.csv" --config config; check "quotes: pauses" 0 $? "$work/out" '^pauses +1 of 300 s or more, 10m00s'
check "the same quote twice" 0 0 "$work/out" '^duplicates +1'
data check "$work/EURUSD_ticks.csv" --config config --pause 601; check "from where they count" 0 $? "$work/out" '^pauses +0'
data import "$work/EURUSD_ticks.csv"; check "quotes" 0 $? "$work/out" 'EURUSD quotes, 3 rows'
data import "$work/EURUSD_ticks.csv" --force --volume tick; check "--volume is of bars" 1 $? "$work/err" 'these are quotes'
printf '%s\n' epoch_ns,price,size 1704672000000000001,61837.63,0.02 >"$work/BTCUSDT_trades.csv"
data import "$work/BTCUSDT_trades.csv"; check "a trade" 0 $? "$work/out" 'BTCUSDT trades, 1 rows'
printf '%s\n' epoch_s,spread 1704672000,0.00012 1704672900,0 >"$work/EURUSD_M15_spread.csv"
data import "$work/EURUSD_M15_spread.csv"; check "spreads" 0 $? "$work/out" 'EURUSD spreads M15, 2 rows'

# Damage.
cp "$work/EURUSD_M15.pfd" "$work/cut.pfd"; truncate -s -8 "$work/cut.pfd"
data info "$work/cut.pfd"; check "a file that was cut off" 1 $? "$work/err" 'cut off, or damaged'
cp "$work/EURUSD_M15.pfd" "$work/bit.pfd"; printf '\377' | dd of="$work/bit.pfd" bs=1 seek=1500 conv=notrunc 2>/dev/null
data check "$work/bit.pfd"; check "a byte that changed" 1 $? "$work/err" 'damaged: the checksum of column'
data info "$work/EURUSD_M15.csv"; check "info of a CSV" 1 $? "$work/err" 'not a data file; make one'
holds "no temporary file is left" test -z "$(find "$work" -name '*.pfd.*')"
data import "$work/EURUSD_ticks.csv" /dev/full --force; check "a device in its place" 1 $? "$work/err" '/dev/full'
"$propfleet" data info "$work/EURUSD_M15.pfd" >/dev/full 2>"$work/err"; check "a full stdout is not done" 1 $? "$work/err" 'stdout could not be written'

# An interrupt leaves nothing.
awk 'BEGIN {print "epoch_ns,price,size"; for (i = 0; i < 3000000; i++) printf "%d000000000,1.%05d,1\n", 1704672000 + i, i % 100000}' >"$work/BIG_trades.csv"
status=0
for ((try = 0; try < 10 && status == 0; try++)); do # on a busy machine it may be done before it is seen
    rm -f "$work/BIG_trades.pfd"
    "$propfleet" data import "$work/BIG_trades.csv" 2>"$work/err" >/dev/null &
    pid=$!
    while kill -0 $pid 2>/dev/null && [ -z "$(find "$work" -name 'BIG_trades.pfd.*')" ]; do :; done
    kill -TERM $pid 2>/dev/null
    wait $pid
    status=$?
done
check "interrupted while it writes" 1 $status "$work/err" 'interrupted'
holds "nothing is left of it" test -z "$(find "$work" -name 'BIG_trades.pfd*')"
exit $failed
