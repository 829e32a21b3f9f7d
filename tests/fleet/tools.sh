#!/usr/bin/env bash
# Every subcommand against a small fleet that runs, and without one: statuses, the essential words, and that a "no" changes nothing.
. "$(dirname "$0")/lib.sh"
unset PROPFLEET_RUNTIME PROPFLEET_CONFIG COLUMNS LINES

# Run propfleet; its status in $status, its words in $work/out and $work/err.
p() {
    timeout 60 "$propfleet" "$@" >"$work/out" 2>"$work/err" </dev/null
    status=$?
}
# One check: the status, and words (extended expressions) in either stream.
expect() { # status text pattern...
    local want=$1 text=$2 pattern
    shift 2
    if [ "$status" -ne "$want" ]; then
        not_ok "$text: status $status, not $want"
        head -n 5 "$work/out" "$work/err" | sed 's/^/# /'
        return
    fi
    for pattern in "$@"; do
        if ! grep -qE -- "$pattern" "$work/out" "$work/err"; then
            not_ok "$text: says nothing of '$pattern'"
            head -n 5 "$work/out" "$work/err" | sed 's/^/# /'
            return
        fi
    done
    ok "$text"
}

# --- without a fleet --------------------------------------------------------------------------------
config=$work/config
fleet_config "$config" 's/^  exit_at_end:.*/  exit_at_end: false/'
rm "$config"/accounts/{dorado,electra,fornax,gaia,hydra,indus,juno}.yaml
commands="run check status top account flatten reload stop alerts why journal trades summary"
wrong=
for command in $commands; do
    p "$command" --bogus
    [ $status -eq 2 ] && grep -q "usage: propfleet $command" "$work/err" || wrong+=" $command"
    p "$command" --help
    [ $status -eq 0 ] && grep -q "usage: propfleet $command" "$work/out" || wrong+=" $command--help"
done
for verb in add list show pause resume flatten restart start remove; do
    p account $verb --bogus
    [ $status -eq 2 ] && grep -q "usage: propfleet account $verb" "$work/err" || wrong+=" account-$verb"
    p help account $verb
    [ $status -eq 0 ] && grep -q "usage: propfleet account $verb" "$work/out" || wrong+=" help-$verb"
done
check "an unknown option is status 2 with the usage, --help is status 0, everywhere$wrong" test -z "$wrong"
p; expect 2 "no command" 'propfleet help COMMAND'
p statsu; expect 2 "a misspelt command" 'did you mean status'
p status --runtime "$work/nowhere"; expect 4 "status of no fleet" "no fleet runs at $work/nowhere"
p stop --runtime "$work/nowhere"; expect 4 "stop of no fleet" 'no fleet runs'
p summary --state "$work/nowhere"; expect 4 "summary of no state" 'has the fleet run' '--state DIR'
p journal alba --state "$work/nowhere"; expect 4 "journal of no state" 'has the fleet run'
p check --config "$work/nowhere"; expect 3 "check of no configuration" 'nowhere:1:1' '--config DIR'
p run --config "$work/nowhere"; expect 3 "run of no configuration" '--config DIR'
p check --config "$config"; expect 0 "check" 'accounts +3' 'SIMULATED'
p check --config "$config" --json; expect 0 "check --json"
check "it is JSON" json -e '.ok and (.summary.accounts | length) == 3' "$work/out"
mkdir "$work/data"
printf 'time,open,high,low,close,volume\n' | tee "$work/data/EURUSD_H1.csv" >"$work/data/EURUSD_M15.csv"
p check --config "$config" --data "$work/data"; expect 3 "two files for one instrument" 'EURUSD: two files' '--dataset NAME'
p run --config "$config" --state "$config/fleet.yaml" --runtime "$work/x"; expect 1 "a state folder that is none" 'state_dir|--state DIR'

# --- a fleet of three ---------------------------------------------------------------------------------
fleet_start tools "$config" --speed 20000
fleet_until 30 '[.processes[] | select(.state == "READY")] | length == 5'
check "the fleet comes up" test $? -eq 0
p run --config "$config" --state "$work/tools/state" --runtime "$work/other"; expect 1 "a second fleet on one state" 'already runs here' 'propfleet stop'
p run --config "$config" --state "$work/other" --runtime "$work/tools/run"; expect 1 "a second fleet on one runtime" 'already runs here'

p status; expect 0 "status" 'SIMULATED market and fills' '5/5 READY' 'account:corvus'
p status --line; expect 0 "status --line" 'SIMULATED'
check "status --json is JSON" json -e '.accounts | length == 3' < <("$propfleet" status --json)
COLUMNS=80 LINES=24 p top --once; expect 0 "top --once" 'SIMULATED' 'ACCOUNT +PROCESS' '^feed '
check "it fits 80 by 24" awk 'length > 80 {bad = 1} END {exit bad || NR > 24}' "$work/out"
p top; expect 2 "top needs a terminal" '--once'
p account list; expect 0 "account list" 'corvus .*READY' 'SIMULATED'
check "account list --json is JSON" json -e 'map(.name) == ["alba", "boreas", "corvus"]' < <("$propfleet" account list --json)

# --- adding one ------------------------------------------------------------------------------------------
others() { fleet_status | jq -c '[.processes[] | select(.name != "account:kappa") | {(.name): .pid}] | add'; }
before=$(others)
file=$config/accounts/kappa.yaml
add=(account add kappa --programme ftmo/2-step --personality heron --confirm)
p account add; expect 2 "account add without a name" 'NAME is missing'
p account add kappa; expect 2 "without a programme" '--programme is missing; there are .*ftmo/2-step'
p account add kappa --programme ftmo/2-step; expect 2 "without a personality" '--personality is missing; there are .*heron'
p account add Kappa; expect 2 "a name that is none" 'no account.s name'
p "${add[@]}" --balance "1e5 USD"; expect 2 "a balance that is none" '100000 USD'
p account add kappa --programme ftmo/2-step --personality heron; expect 2 "lines that nobody confirmed" "not the firm.s own word" "messages-day .unverified" "--confirm"
p account add kappa --programme ftmo/2-stepp --personality heron; expect 3 "a programme that is none" 'kappa.yaml:4:12' 'did you mean ftmo/2-step' 'removed again'
p account add alba --programme ftmo/2-step --personality heron --confirm; expect 1 "an account that is there" 'accounts/alba.yaml'
check "nothing of it is left" test ! -e "$file"
p "${add[@]}" --balance "100000 USD" --seed 111; expect 0 "account add" 'kappa.yaml is written' 'kappa is READY'
check "its file is the README's" test "$(grep -v '^#' "$file")" = "$(printf '%s\n' 'config_version: 1' 'name: kappa' \
    'programme: ftmo/2-step' 'phase: challenge' 'personality: heron' 'balance: 100000 USD' 'after_crash: resume' 'paper: {seed: 111}')"
p "${add[@]}"; expect 1 "the same again" 'there already'
fleet_until 20 '.accounts[] | select(.name == "kappa") | .journal_seq > 0'
p account show kappa; expect 0 "account show" 'SIMULATED' 'ftmo/2-step' 'heron' 'paper seed 111' 'READY'
check "nobody else noticed" test "$(others)" = "$before"

# --- one account ---------------------------------------------------------------------------------------------
for command in "why" "account show" "account pause" "account flatten" "account restart" "account remove" "journal" "trades"; do
    p $command nobody; expect 1 "$command nobody" 'nobody'
done
p why; expect 2 "why without a name" 'NAME is missing'
p why ../alba; expect 2 "a name that is none" 'no account.s name'
p account pause alba; expect 0 "account pause"
p why alba; expect 0 "why says so" 'paused by the operator' 'propfleet account resume alba' 'SIMULATED'
p account resume alba; expect 0 "account resume"
p why alba; expect 0 "why says that too" 'would take the next signal|time window .* is shut for'
pid=$(fleet_pid_of account:boreas)
p account restart boreas; expect 0 "account restart" 'boreas is READY'
check "it is another process" test "$(fleet_pid_of account:boreas)" != "$pid"
p account start boreas; expect 0 "account start of one that runs" 'READY'

# --- alerts ----------------------------------------------------------------------------------------------------
p alerts; expect 0 "alerts: none" 'no alerts'
"$propfleet" alerts --follow >"$work/follow" 2>/dev/null &
follower=$!
pid=$(fleet_pid_of account:corvus)
kill -KILL "$pid"
fleet_until 20 '.fleet.unacknowledged == 1'
check "a killed account is an alert" test $? -eq 0
p alerts; expect 0 "alerts" '^1 .*account:corvus: signal 9' 'do: '
check "alerts --json is JSON" json -es '.[0] | .id == 1 and .account == "corvus"' < <("$propfleet" alerts --json)
end=$((SECONDS + 10))
until grep -q 'account:corvus' "$work/follow" || [ $SECONDS -ge $end ]; do read -rt 0.1 <> <(:) || true; done
check "alerts --follow shows it, once" test "$(grep -c 'account:corvus: signal 9' "$work/follow")" -eq 1
kill "$follower" 2>/dev/null
wait "$follower" 2>/dev/null
p alerts --ack 9; expect 1 "--ack of none" 'alert 9'
p alerts --ack 0; expect 2 "--ack 0" 'count from 1'
p alerts --ack 1; expect 0 "alerts --ack" 'alert 1 is acknowledged'
p alerts; expect 0 "then it is gone" 'no alerts'
p alerts --ack 1; expect 1 "--ack again" 'acknowledged'

# --- journal, trades, summary while it runs --------------------------------------------------------------------
fleet_until 30 '[.accounts[].trades] | add > 0'
check "it trades" test $? -eq 0
traded=$(fleet_status | jq -r '[.accounts[] | select(.trades > 0)][0].name')
p journal alba; expect 0 "journal" '"k":"account".*"simulated":1' 'SIMULATED'
check "each line is JSON" json -es 'all(.[]; has("k") and has("n"))' "$work/out"
p journal alba --kind command; expect 0 "journal --kind" '"command":"pause"'
check "only that kind" json -es 'all(.[]; .k == "command")' "$work/out"
p journal alba --kind nothing; expect 0 "an unknown kind" 'there are account'
p journal alba --from 3; expect 0 "journal --from"
check "from there on" json -es '.[0].n == 3' "$work/out"
p journal alba --hash; expect 0 "journal --hash" '^[0-9a-f]{64}  [0-9]+  alba$'
p journal --all --hash; expect 0 "journal --all --hash"
check "a line for each account" test "$(wc -l <"$work/out")" -eq 4
p journal --all; expect 2 "--all without --hash"
p journal alba --from x; expect 2 "--from x" 'not a whole number'
p trades "$traded"; expect 0 "trades" 'SIMULATED' 'RESULT'
p trades "$traded" --csv; expect 0 "trades --csv" '^number,instrument,' '^1,'
p summary; expect 0 "summary" 'SIMULATED' '4 accounts' '^news rules of ftmo/2-step, phase challenge: no news rule'
check "summary --json is JSON" json -e '.simulated and (.accounts | length == 4) and .news_rules_unknown == 0 and
    any(.news_rules[]; .programme == "ftmo/2-step")' < <("$propfleet" summary --json)

# --- readers that leave, and no room ------------------------------------------------------------------------------
timeout 20 "$propfleet" journal alba --follow 2>/dev/null | head -n 1 >"$work/out"
check "journal --follow ends with its reader" test "${PIPESTATUS[0]}" -ne 124
timeout 20 "$propfleet" alerts --follow 2>/dev/null | true
check "alerts --follow too" test "${PIPESTATUS[0]}" -ne 124
"$propfleet" status >/dev/full 2>"$work/err"
check "a full disk behind stdout is status 1" test $? -eq 1
check "no colours" test "$("$propfleet" status | grep -c $'\033')" -eq 0

# --- reload -------------------------------------------------------------------------------------------------------
before=$(others)
cp "$config/accounts/alba.yaml" "$work/alba.yaml"
printf 'config_version: 1\nname: [\n' >"$config/accounts/alba.yaml"
p reload; expect 3 "reload with a broken file" 'accounts/alba.yaml:[0-9]+:[0-9]+: yaml' 'nothing was changed'
p account add mu --programme ftmo/2-step --personality ibis; expect 3 "account add with a broken file" 'alba.yaml' 'nothing was changed'
p account list; expect 3 "account list with a broken file" 'alba.yaml'
check "changes nothing" test "$(others)" = "$before"
cp "$work/alba.yaml" "$config/accounts/alba.yaml"
p reload; expect 0 "reload with nothing new" '0 added, 0 restarted, 0 removed, 4 unchanged'
check "restarts nothing" test "$(others)" = "$before"

# --- flat ------------------------------------------------------------------------------------------------------------
p account flatten kappa; expect 0 "account flatten is confirmed by the venue" 'kappa: flat'
p account remove kappa; expect 0 "account remove of a flat one" 'removed-accounts/kappa.yaml'
check "its file has moved" test ! -e "$file" -a -e "$config/removed-accounts/kappa.yaml"
p account remove kappa; expect 1 "account remove again" 'no file in'
p flatten; expect 2 "flatten without --all" '--all is missing'
p flatten --all; expect 0 "flatten --all" 'alba +yes' 'boreas +yes' 'corvus +yes'
check "all flat" test "$(fleet_status | jq '[.accounts[].positions] | add')" -eq 0
p why corvus; expect 0 "no entries until it is resumed" 'propfleet account resume corvus'

p stop; expect 0 "stop" 'has stopped'
fleet_wait 20
check "the fleet's own status is 0" test $? -eq 0
p status --runtime "$work/tools/run"; expect 4 "then nobody answers" 'no fleet runs'
p account show alba --state "$work/tools/state"; expect 0 "account show of a stopped fleet" 'the fleet does not run' 'paused'
p summary --state "$work/tools/state"; expect 0 "summary of a stopped fleet" 'SIMULATED'
p journal alba --hash --state "$work/tools/state"; expect 0 "journal --hash of a stopped fleet" '  alba$'
finish
