#!/usr/bin/env bash
# Runs every test with every feature, over every store: memory, SQLite, PostgreSQL, Redis and Redis Cluster.
#
#   bash scripts/test.sh              all of it
#   bash scripts/test.sh all          every test with every feature, once: the store under test is the one in memory
#   bash scripts/test.sh STORE..      the tests that run over any store, over these: sqlite postgres redis redis-cluster
#
# Needs Rust, a C compiler, PostgreSQL and Redis; the latter two are installed on Debian and Ubuntu, if they are missing.
# Two lanes run side by side, as much of the work is waiting for servers; what a step prints is shown when it has ended.
# The servers are private ones on free loopback ports, a set for each lane. They, and whatever else is made, are gone at
# the end, at an interrupted one too.
set -euo pipefail
cd "$(dirname "$0")/.."
# What would make the tests other ones, or write what they are held against.
unset HEIRLOOM_BLESS HEIRLOOM_SCENARIOS HEIRLOOM_STORE HEIRLOOM_SEED HEIRLOOM_CASE PROPTEST_CASES
readonly STORES=(sqlite postgres redis redis-cluster)
# The modules of `claims` whose store under test is chosen by HEIRLOOM_STORE.
readonly OVER_ANY_STORE=(scenario_runner:: state_machine:: races:: faults:: engine:: regressions:: systems::)
# Families that only a store can hold which checks nothing, said of the one in memory; and what is about no store: that the runner
# of the scenarios can fail.
readonly ONLY_IN_MEMORY=(--skip a_version_past_the_last_that_every_store_holds
    --skip a_version_that_cannot_be_counted_up --skip scenario_runner::every_expectation)
# What takes minutes, mostly of one server's one core: it goes beside all else.
readonly LONG=millions::
# Many tests wait for servers: more of them at once than there are cores; but not so many that each waits for a core at every turn.
export RUST_TEST_THREADS="${RUST_TEST_THREADS:-4}"
FOLDER=
JOBS=()
POLICY=

main() {
    local part parts=("$@") stores=() all= failed=
    (($# > 0)) || parts=(all "${STORES[@]}")
    for part in "${parts[@]}"; do
        if [[ "$part" == all ]]; then
            all=yes
        else
            [[ " ${STORES[*]} " == *" $part "* ]] || usage
            stores+=("$part")
        fi
    done
    trap clean_up EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    type -P cargo > /dev/null || fail "Rust is not installed: https://rustup.rs"
    install_servers
    # Within reach of the user that PostgreSQL runs as; temporary files of the tests are in it, too.
    FOLDER="$(mktemp -d -p "$(quick_place)")"
    chmod 711 "$FOLDER"
    mkdir -m 1777 "$FOLDER/tmp"
    export TMPDIR="$FOLDER/tmp" HEIRLOOM_TALLY="$FOLDER/tally"
    touch "$HEIRLOOM_TALLY"
    printf '\n== build\n'
    cargo test --locked --all-features --no-run || fail "it does not build"
    printf -- '-- build: %d s\n' "$SECONDS"
    [[ -z "$all" ]] || in_background lane all
    in_background lane ${all:+long} "${stores[@]}"
    # In the background, so that a signal is not kept waiting until they have ended.
    for part in "${JOBS[@]}"; do wait "$part" || failed=yes; done
    JOBS=()
    printf '\n%-20s %8s %8s %8s %8s\n' "" passed failed ignored seconds
    cat "$FOLDER"/summary.*
    random_cases "${parts[@]}" || failed=yes
    [[ -z "$failed" ]] || fail "there are failures"
}

usage() {
    sed -n '2,12s/^# \{0,1\}//p' scripts/test.sh >&2
    exit 2
}

# In memory, if there is enough of it: a flush is asked for and waited for, as ever, and costs nothing. That a disk keeps what
# it is told to flush is not for tests to show.
quick_place() {
    local free
    free="$(df --output=avail -k /dev/shm 2> /dev/null | tail -n 1)"
    if [[ -z "${TMPDIR:-}" && -w /dev/shm ]] && ((${free:-0} > 8000000)); then
        echo /dev/shm
    else
        echo "${TMPDIR:-/tmp}"
    fi
}

# In a process group of its own, to be ended with all that it has started.
in_background() {
    set -m
    "$@" < /dev/null &
    set +m
    JOBS+=("$!")
}

# Has servers of its own, and does one part after the other.
lane() {
    local part failed=
    trap - EXIT INT TERM HUP
    start_servers "$1"
    for part in "$@"; do
        case "$part" in
            long) step "millions" cargo test --locked --all-features --test claims -- --include-ignored "$LONG" ;;
            all)
                step "all tests" cargo test --locked --all-features --no-fail-fast -- --include-ignored --skip "$LONG"
                ;;
            *) HEIRLOOM_STORE="$part" step "over $part" over_any_store ;;
        esac || failed=yes
    done
    [[ -z "$failed" ]]
}

over_any_store() {
    local failed=
    cargo test --locked --all-features --test scenarios || failed=yes
    cargo test --locked --all-features --test claims -- "${OVER_ANY_STORE[@]}" "${ONLY_IN_MEMORY[@]}" || failed=yes
    [[ -z "$failed" ]]
}

# Runs a command, shows what it has printed, and notes the counts.
step() {
    local name="$1" start=$SECONDS status=0 log
    shift
    log="$FOLDER/log.${name// /-}"
    printf -- '-- %s: begun\n' "$name"
    "$@" > "$log" 2>&1 || status=$?
    # A name that fits no test any more would pass for ever.
    [[ "$(counted "$log")" =~ ^\ *[1-9] ]] || status=1
    printf '%-20s %s %8d\n' "$name" "$(counted "$log")" $((SECONDS - start)) >> "$FOLDER/summary.${name// /-}"
    # In one piece, whatever the other lane prints.
    flock "$FOLDER" sh -c 'printf "\n== %s\n" "$1"; cat "$2"; printf -- "-- %s: %s, %d s\n" "$1" "$3" "$4"' \
        sh "$name" "$log" "$( ((status == 0)) && echo passed || echo FAILED)" $((SECONDS - start))
    return "$status"
}

# Sums up what was passed, failed and ignored, of the usual harness and of the scenarios.
counted() {
    awk '/^test result: / || /^scenarios: / {
        for (at = 1; at < NF; at++) {
            if ($(at + 1) ~ /^passed/) passed += $at
            if ($(at + 1) ~ /^failed/) failed += $at
            if ($(at + 1) ~ /^(ignored|skipped)/) ignored += $at
        }
    } END { printf "%8d %8d %8d", passed, failed, ignored }' "$1"
}

# How many cases each random test has run, beside how many it must: tests/cases.txt, which only grows.
random_cases() {
    local store test least cases failed=
    printf '\n%-14s %-64s %8s %8s\n' store "random test" "at least" cases
    while read -r store test least; do
        [[ " $* " == *" $store "* || ("$store" == memory && " $* " == *" all "*) ]] || continue
        cases="$(awk -v store="$store" -v test="$test" '$1 == store && $2 == test { cases += $3 } END { print cases + 0 }' \
            "$HEIRLOOM_TALLY")"
        printf '%-14s %-64s %8d %8d\n' "$store" "$test" "$least" "$cases"
        ((cases >= least)) || failed=yes
    done < tests/cases.txt
    [[ -z "$failed" ]] || echo "scripts/test.sh: a random test runs fewer cases than tests/cases.txt says" >&2
    [[ -z "$failed" ]]
}

start_servers() {
    local folder="$FOLDER/servers.$1"
    mkdir -m 711 "$folder"
    HEIRLOOM_POSTGRES="$(scripts/servers start postgres "$folder/postgres")"
    HEIRLOOM_REDIS="$(scripts/servers start redis "$folder/redis")"
    HEIRLOOM_REDIS_CLUSTER="$(scripts/servers start redis-cluster "$folder/redis-cluster")"
    export HEIRLOOM_POSTGRES HEIRLOOM_REDIS HEIRLOOM_REDIS_CLUSTER
    printf -- '-- %s lane: %s %s %s\n' "$1" "$HEIRLOOM_POSTGRES" "$HEIRLOOM_REDIS" "$HEIRLOOM_REDIS_CLUSTER"
}

clean_up() {
    local kind job
    trap - EXIT
    # A second signal does not stop this.
    trap '' INT TERM HUP
    for job in "${JOBS[@]}"; do kill -TERM -- "-$job" 2> /dev/null || true; done
    for job in "${JOBS[@]}"; do wait "$job" 2> /dev/null || true; done
    [[ -z "$POLICY" ]] || as_root rm -f "$POLICY"
    [[ -n "$FOLDER" ]] || return 0
    # Those that tests have started for themselves as well.
    while IFS= read -r kind; do
        scripts/servers stop "$(dirname "$kind")" || true
    done < <(find "$FOLDER" -maxdepth 6 -name kind -type f)
    rm -rf "$FOLDER"
}

# Missing servers

install_servers() {
    local missing=()
    scripts/servers has redis || missing+=(redis-server)
    scripts/servers has postgres || missing+=(postgresql)
    ((${#missing[@]} > 0)) || return 0
    is_debian || fail "install PostgreSQL and Redis (postgres, initdb, redis-server and redis-cli on the PATH), then try again"
    ((EUID == 0)) || sudo -n true 2> /dev/null \
        || fail "as root: apt-get install ${missing[*]}; then try again"
    echo "== apt-get install ${missing[*]}"
    # Only the programs are wanted: the distribution's own services are not started.
    if [[ ! -e /usr/sbin/policy-rc.d ]]; then
        POLICY=/usr/sbin/policy-rc.d
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$POLICY" > /dev/null
        as_root chmod 755 "$POLICY"
    fi
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y "${missing[@]}" < /dev/null
    [[ -z "$POLICY" ]] || as_root rm -f "$POLICY"
    POLICY=
    echo "not started, but enabled for the next boot: systemctl disable redis-server postgresql changes that"
}

is_debian() {
    grep -qsE '^ID(_LIKE)?=.*(debian|ubuntu)' /etc/os-release && type -P apt-get > /dev/null
}

as_root() {
    if ((EUID == 0)); then "$@"; else sudo -n "$@"; fi
}

fail() {
    echo "scripts/test.sh: $*" >&2
    exit 1
}

main "$@"
