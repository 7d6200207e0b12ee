#!/usr/bin/env bash
# Runs every test with every feature, over every store: memory, SQLite, PostgreSQL, Redis and Redis Cluster.
#
#   bash scripts/test.sh              all of it
#   bash scripts/test.sh all          every test with every feature, once: the store under test is the one in memory
#   bash scripts/test.sh STORE..      the tests that run over any store, over these: sqlite postgres redis redis-cluster
#
# Needs Rust, a C compiler, PostgreSQL and Redis; the latter two are installed on Debian and Ubuntu, if they are missing.
# The servers are private ones on free loopback ports. They, and whatever else is made, are gone at the end, at an
# interrupted one too.
set -euo pipefail
cd "$(dirname "$0")/.."
readonly STORES=(sqlite postgres redis redis-cluster)
# Those whose store under test is chosen by HEIRLOOM_STORE.
readonly OVER_ANY_STORE=(--test scenarios --test scenario_runner --test state_machine --test races --test faults
    --test engine --test regressions --test systems)
# Families that only a store can hold which checks nothing: said of the one in memory.
readonly ONLY_IN_MEMORY=(--skip a_version_past_the_last_that_every_store_holds
    --skip a_version_that_cannot_be_counted_up)
FOLDER=
JOB=
POLICY=
SUMMARY=()
FAILED=

main() {
    local part parts=("$@")
    (($# > 0)) || parts=(all "${STORES[@]}")
    for part in "${parts[@]}"; do
        [[ " all ${STORES[*]} " == *" $part "* ]] || usage
    done
    trap clean_up EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    type -P cargo > /dev/null || fail "Rust is not installed: https://rustup.rs"
    install_servers
    # Within reach of the user that PostgreSQL runs as; temporary files of the tests are in it, too.
    FOLDER="$(mktemp -d)"
    chmod 711 "$FOLDER"
    mkdir -m 1777 "$FOLDER/tmp"
    export TMPDIR="$FOLDER/tmp"
    step "build" cargo test --locked --all-features --no-run
    [[ -z "$FAILED" ]] || fail "it does not build"
    start_servers
    for part in "${parts[@]}"; do
        if [[ "$part" == all ]]; then
            step "all tests" cargo test --locked --all-features --no-fail-fast -- --include-ignored
        else
            HEIRLOOM_STORE="$part" step "over $part" cargo test --locked --all-features --no-fail-fast \
                "${OVER_ANY_STORE[@]}" -- "${ONLY_IN_MEMORY[@]}"
        fi
    done
    printf '\n%-20s %8s %8s %8s %8s\n' "" passed failed ignored seconds
    printf '%s\n' "${SUMMARY[@]}"
    [[ -z "$FAILED" ]] || fail "there are failures"
}

usage() {
    sed -n '2,11s/^# \{0,1\}//p' scripts/test.sh >&2
    exit 2
}

# Runs a command in the background, so that a signal is not kept waiting until it has ended.
step() {
    local name="$1" start=$SECONDS status=0 counts
    shift
    printf '\n== %s\n' "$name"
    set -m
    ("$@" 2>&1 | tee "$FOLDER/log") < /dev/null &
    JOB=$!
    set +m
    wait "$JOB" || status=$?
    JOB=
    counts="$(counted "$FOLDER/log")"
    SUMMARY+=("$(printf '%-20s %s %8d' "$name" "$counts" $((SECONDS - start)))")
    ((status == 0)) || FAILED=yes
    printf -- '-- %s: %s, %d s\n' "$name" "$( ((status == 0)) && echo "passed" || echo "FAILED")" $((SECONDS - start))
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

start_servers() {
    echo
    echo "== servers"
    HEIRLOOM_POSTGRES="$(scripts/servers start postgres "$FOLDER/postgres")"
    HEIRLOOM_REDIS="$(scripts/servers start redis "$FOLDER/redis")"
    HEIRLOOM_REDIS_CLUSTER="$(scripts/servers start redis-cluster "$FOLDER/redis-cluster")"
    export HEIRLOOM_POSTGRES HEIRLOOM_REDIS HEIRLOOM_REDIS_CLUSTER
    printf '%s\n' "$HEIRLOOM_POSTGRES" "$HEIRLOOM_REDIS" "$HEIRLOOM_REDIS_CLUSTER"
}

clean_up() {
    local kind
    trap - EXIT
    # A second signal does not stop this.
    trap '' INT TERM HUP
    [[ -z "$JOB" ]] || { kill -TERM -- "-$JOB" 2> /dev/null || true; wait "$JOB" 2> /dev/null || true; }
    [[ -z "$POLICY" ]] || as_root rm -f "$POLICY"
    [[ -n "$FOLDER" ]] || return 0
    # Those that tests have started for themselves as well.
    while IFS= read -r kind; do
        scripts/servers stop "$(dirname "$kind")" || true
    done < <(find "$FOLDER" -maxdepth 5 -name kind -type f)
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
