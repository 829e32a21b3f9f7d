# Shared by the tests that run whole fleets. Sourced. Needs bash, jq.
# Every process that is ended here was started here; everything lies in one temporary folder.
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
build=${BUILD:-build}
propfleet="$build/bin/propfleet"
work=$(mktemp -d "${TMPDIR:-/tmp}/propfleet.XXXXXX")
fleet_pid=
checks_failed=0

cleanup() {
    [ -n "$fleet_pid" ] && kill -KILL "$fleet_pid" 2>/dev/null # its children die with it
    [ -n "${KEEP:-}" ] && echo "# kept: $work" || rm -rf "$work"
}
trap cleanup EXIT

ok() { echo "ok - $*"; }
not_ok() {
    echo "not ok - $*"
    checks_failed=$((checks_failed + 1))
}
check() { # text command...
    local text=$1
    shift
    if "$@"; then ok "$text"; else not_ok "$text"; fi
}
json() { jq "$@" >/dev/null; } # a condition of jq's, for check: its own output is nobody's
finish() { [ "$checks_failed" -eq 0 ]; exit; }

# A copy of the shipped configuration in which restarts are not limited; further sed expressions change it.
fleet_config() { # folder sed-expression...
    local folder=$1 expression
    shift
    mkdir -p "$folder"
    cp -r config/*.yaml config/accounts config/firms config/personalities config/datasets "$folder/"
    sed -i -e '/^  deaths_max:/d' -e 's/^  death_window:.*/  death_window: 1s\n  deaths_max: 1000\n  storm_deaths_max: 1000\n  backoff_first: 1ms\n  backoff_max: 1ms/' "$folder/fleet.yaml"
    for expression in "$@"; do sed -i -e "$expression" "$folder/fleet.yaml"; done
}

# Start a fleet in the background: state, runtime and log below $work/NAME. Sets fleet_pid.
fleet_start() { # name config arguments...
    local name=$1 config=$2
    shift 2
    mkdir -p "$work/$name"
    "$propfleet" run --config "$config" --state "$work/$name/state" --runtime "$work/$name/run" "$@" \
        >"$work/$name/out" 2>"$work/$name/log" </dev/null &
    fleet_pid=$!
    fleet_name=$name
    export PROPFLEET_RUNTIME="$work/$name/run"
}

# Wait until the fleet has ended by itself; its exit status.
fleet_wait() { # seconds
    local end=$((SECONDS + $1)) status
    while kill -0 "$fleet_pid" 2>/dev/null; do
        if [ $SECONDS -ge $end ]; then
            echo "# fleet $fleet_name did not end in $1 s; last lines of its log:"
            tail -n 20 "$work/$fleet_name/log" | sed 's/^/# /'
            kill -KILL "$fleet_pid"
            fleet_pid=
            return 124
        fi
        read -rt 0.02 <> <(:) || true
    done
    wait "$fleet_pid"
    status=$?
    fleet_pid=
    return $status
}

# A whole run, from nothing to its end.
fleet_run() { # seconds name config arguments...
    local seconds=$1
    shift
    fleet_start "$@"
    fleet_wait "$seconds"
}

fleet_status() { "$propfleet" status --json 2>/dev/null; }

fleet_pid_of() { # process name
    fleet_status | jq -r --arg n "$1" '.processes[] | select(.name == $n) | .pid // empty'
}

# Wait until a jq expression over the status is true.
fleet_until() { # seconds expression
    local end=$((SECONDS + $1)) status
    # No answer is no status: jq 1.6 takes an empty input for success.
    until status=$(fleet_status) && [ -n "$status" ] && jq -e "$2" >/dev/null 2>&1 <<<"$status"; do
        if [ $SECONDS -ge $end ] || ! kill -0 "$fleet_pid" 2>/dev/null; then return 1; fi
        read -rt 0.02 <> <(:) || true
    done
}

# hash, records, account: one line each.
fleet_hashes() { # name
    "$propfleet" journal --all --hash --state "$work/$1/state"
}
fleet_entries() { # name: account and filled entries
    "$propfleet" summary --json --state "$work/$1/state" | jq -r '.accounts[] | "\(.account) \(.entries_filled)"'
}
