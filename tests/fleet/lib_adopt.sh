# Shared by the tests in which an older copy of an account's store is put back. Sourced, instead of lib.sh; needs $work/config.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

state="$work/adopt/state"
# A smaller fleet: these accounts alone.
adopt_accounts() {
    local file
    accounts=$*
    for file in "$work"/config/accounts/*.yaml; do
        case " $accounts " in *" $(basename "$file" .yaml) "*) ;; *) rm "$file" ;; esac
    done
}
say() { "$propfleet" account "$@" 2>&1; }
contains() { grep -qE -- "$2" <<<"$1"; }
start() { fleet_start adopt "$work/config" --speed 20000 && fleet_until 30 '[.processes[] | select(.kind == "account" and (.state == "READY" or .state == "FAILED"))] | length == '"$(wc -w <<<"$accounts")"; }
stop() { "$propfleet" stop >/dev/null && fleet_wait 30; }
is() { fleet_until 30 ".processes[] | select(.name == \"account:$1\") | .state == \"$2\""; } # account state
alerted() { # expression: an alert says so, now or soon
    local end=$((SECONDS + 10))
    until "$propfleet" alerts 2>/dev/null | grep -qE -- "$1"; do
        [ $SECONDS -lt $end ] || return 1
        read -rt 0.05 <> <(:) || true
    done
}
# The positions of a stopped account: number instrument side lots entry stop, one a line.
held() { "$propfleet" account show "$1" --state "$2" | sed -n '/^positions:/,/^orders:/p' | awk '$1 ~ /^[0-9]+$/ && $0 !~ /not filled/ {print $1, $2, $3, $4, $5, $6}'; }

# Copies the stores, lets the fleet trade on, and picks an account that holds a position of which its copy knows nothing.
older_copy() {
    local name try position
    for try in 1 2 3 4 5 6; do
        rm -rf "$work/copies"
        mkdir "$work/copies"
        for name in $accounts; do cp -r "$state/$name" "$work/copies/$name"; done
        start || return 1
        before=$(fleet_status | jq '[.accounts[].trades] | add')
        fleet_until 30 "([.accounts[].trades] | add) > $((before + 5)) and ([.accounts[].positions] | add) > 1"
        stop || return 1
        for account in $accounts; do
            known=" $(held "$account" "$work/copies" | cut -d' ' -f1 | tr '\n' ' ')"
            while read -r position symbol side lots entry stop_price; do
                case $known in *" $position "*) continue ;; esac
                foreign=$position
                return 0
            done < <(held "$account" "$state")
        done
    done
    return 1
}
put_back() { # the store alone: the venue's book, as ever, is not ours to put back
    rm -rf "${state:?}/$account/store"
    cp -r "$work/copies/$account/store" "$state/$account/store"
}
# A word on everything else that differs: positions of the copy's are ended, other ones of the venue's closed. Says how many were ended.
answer_the_rest() {
    local kind position
    while read -r kind position; do
        [ "$position" = "$foreign" ] || say close "$account" "$position" --reason "part of the same" >/dev/null
        [ "$kind" != its ] || echo "$position"
    done < <(say show "$account" | sed -n 's/^\(the\|its\) .* \(position\|order\) \([0-9]*\), which .*/\1 \3/p; s/^position \([0-9]*\): the venue has .*/both \1/p') | wc -l
}
journal() { "$propfleet" journal "$account" "$@" --state "$state"; }
