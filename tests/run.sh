#!/usr/bin/env bash
# Runs the tests and ends with "N passed, M failed".
#   tests/run.sh [stage ...]   stages: unit golden integration fleet faults address thread valgrind static; none: all of them
# PROPFLEET_DATA=folder with real market data (the format of docs/feed.md), PROPFLEET_SHARED=folder whose golden/ holds
# further vectors of the firms' rules: tests more. Logs: build/test-logs.
set -u
cd "$(dirname "$0")/.."
stages=("$@")
[ ${#stages[@]} -gt 0 ] || stages=(unit golden integration fleet faults address thread valgrind static)
logs=build/test-logs
mkdir -p "$logs"
passed=0
failed=0
broken=()

# Add what a finished test printed: cmocka's totals, or lines "ok - ..." and "not ok - ..." of a script.
count() { # name status log
    local good bad
    if grep -q '^\[=*\] .*Running' "$3"; then
        good=$(sed -n 's/^\[  PASSED  \] \([0-9]*\) test.*/\1/p' "$3" | awk '{s += $1} END {print s + 0}')
        bad=$(sed -n 's/^\[  FAILED  \] [^:]*: \([0-9]*\) test.*/\1/p; s/^\[  FAILED  \] \([0-9]*\) test.*/\1/p' "$3" | awk '{s += $1} END {print s + 0}')
    else
        good=$(grep -c '^ok - ' "$3")
        bad=$(grep -c '^not ok - ' "$3")
    fi
    [ "$2" -ne 0 ] && [ "$bad" -eq 0 ] && bad=1
    [ "$2" -eq 0 ] && [ "$good" -eq 0 ] && ! grep -q '^skip' "$3" && bad=1 # a test that checked nothing
    passed=$((passed + good))
    failed=$((failed + bad))
    printf '%-52s %4d passed %3d failed\n' "$1" "$good" "$bad"
    grep -E '^(skip|#)' "$3" | sed 's/^/    /' | head -40
    if [ "$bad" -ne 0 ]; then
        broken+=("$1")
        grep -aE '^\[  FAILED|^not ok|ERROR|error:|runtime error|Sanitizer|Assertion|== .* at 0x' "$3" | head -15 | sed 's/^/    /'
        tail -n 15 "$3" | sed 's/^/    | /'
    fi
}

run() { # name seconds command...
    local name=$1 seconds=$2 log status
    shift 2
    log="$logs/${name//\//_}.log"
    timeout -k 10 "$seconds" "$@" >"$log" 2>&1 </dev/null
    status=$?
    [ $status -eq 124 ] && echo "not ok - $name: not finished after $seconds s" >>"$log"
    count "$name" $status "$log"
}

# The same beside others, as many as there are processors: for tests of pure parts and of files, which no clock
# disturbs. begin ... begin, then counted; it prints in the order in which they began.
begun=()
begin() { # name seconds command...
    local name=$1 seconds=$2 log
    shift 2
    log="$logs/${name//\//_}.log"
    begun+=("$name")
    while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do wait -n; done
    {
        timeout -k 10 "$seconds" "$@" >"$log" 2>&1 </dev/null
        result=$?
        [ $result -eq 124 ] && echo "not ok - $name: not finished after $seconds s" >>"$log"
        echo $result >"$log.status"
    } &
}
counted() {
    local name log
    wait
    for name in "${begun[@]}"; do
        log="$logs/${name//\//_}.log"
        count "$name" "$(cat "$log.status")" "$log"
        rm -f "$log.status"
    done
    begun=()
}

build() { # log-name make-arguments...
    local name=$1
    shift
    if ! make -j"$(nproc)" "$@" >"$logs/build-$name.log" 2>&1; then
        echo "not ok - build $name"
        grep -E 'error|warning' "$logs/build-$name.log" | head -20
        failed=$((failed + 1))
        broken+=("build $name")
        return 1
    fi
}

binaries() { # folder: the cmocka binaries and the fuzz loops of a build, in order
    find "$1" -maxdepth 1 -type f -executable \( -name 'test_*' -o -name '*_stress' -o -name 'fuzz_*' \) | sort
}

# All binaries of a folder: the unit tests and the fuzz loops beside each other, then those with processes one by one.
all_binaries() { # folder name-prefix seconds
    local t
    for t in $(binaries "$1"); do is_unit "$t" && begin "$2$(basename "$t")" "$3" "$t"; done
    counted
    for t in $(binaries "$1"); do is_unit "$t" || run "$2$(basename "$t")" "$3" "$t"; done
}
is_unit() { [ -f "tests/unit/$(basename "$1").c" ] || [ -f "tests/fuzz/$(basename "$1").c" ]; }

stage_unit() {
    build plain programs tests || return
    all_binaries build/tests "" 300
}
stage_golden() { # golden files; the rules' planted faults and a short adversarial search
    build plain programs tests || return
    run golden 300 tests/golden/run.sh tests/golden
    [ -z "${PROPFLEET_SHARED:-}" ] || run golden/shared 300 tests/golden/run.sh "$PROPFLEET_SHARED/golden"
    run golden/wyckoff_pairs 600 tests/golden/wyckoff_pairs.sh
    run golden/planted 600 tests/golden/planted.sh
    run golden/search 600 tests/search/planted.sh
}
stage_integration() {
    build plain programs tests || return
    local t
    for t in tests/integration/*.sh; do [ -e "$t" ] || continue; run "$(basename "$t" .sh)" 600 "$t"; done
}
stage_fleet() {
    build plain programs tests || return
    local t
    for t in tests/fleet/[!l]*.sh tests/fleet/live.sh; do run "fleet/$(basename "$t" .sh)" 1500 "$t"; done
}
stage_faults() {
    build faults FAULTS=1 programs tests || return
    local t
    for t in tests/faults/*.sh; do [ -e "$t" ] || continue; run "faults/$(basename "$t" .sh)" 1200 env BUILD=build/faults "$t"; done
}
stage_address() {
    build address SANITIZE=address programs tests || return
    all_binaries build/address/tests address/ 600
}
stage_thread() {
    build thread SANITIZE=thread programs tests || return
    export TSAN_OPTIONS="suppressions=$PWD/tests/tsan.supp"
    all_binaries build/thread/tests thread/ 600
    unset TSAN_OPTIONS
}
stage_valgrind() {
    build plain programs tests || return
    local t
    for t in $(binaries build/tests); do
        [ -f "tests/unit/$(basename "$t").c" ] || continue
        begin "valgrind/$(basename "$t")" 900 env PROPFLEET_QUICK=1 PROPFLEET_VALGRIND=1 valgrind -q --error-exitcode=9 --leak-check=full \
            --errors-for-leak-kinds=definite "$t"
    done
    counted
}
stage_static() { run static 900 tests/check.sh; }

for stage in "${stages[@]}"; do
    echo "--- $stage"
    started=$SECONDS
    "stage_$stage"
    echo "    ($stage: $((SECONDS - started)) s)"
done
[ ${#broken[@]} -eq 0 ] || printf 'failed: %s\n' "${broken[*]}"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
