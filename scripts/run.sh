#!/usr/bin/env bash
# run.sh - the one entry: installs what is missing, builds, serves, shows, tests, measures.
# SPDX-License-Identifier: MIT
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
results=$root/build/test-results # a folder for each part
server=$root/build/release/faas-server
tools=$root/build/tools
python=/usr/bin/python3 # Debian's, for it has Debian's modules; another may come first in PATH

test_parts=(lint unit http asan tsan)
more_parts=(early late docker debian13 arm64) # when asked for: they take minutes, some take root

usage() {
    cat <<'END'
scripts/run.sh [--option ...]      install what is missing, build, serve on 127.0.0.1:8088;
                                   options go to the server (--help lists them)
scripts/run.sh demo [--docker | --local] [--calls N] [--stay]
                                   a walk in ten steps: start a server, make calls, show what its
                                   profiles see of them, end it; in containers where there is
                                   Docker
scripts/run.sh build               build only: build/release/faas-server
scripts/run.sh test [part ...]     run all tests, or only: lint unit http asan tsan; or those that
                                   are not among all: early and late (unit and http on a clock
                                   that says the machine has run for 2 s, and for 400 days),
                                   docker, debian13 (both commands on a fresh Debian 13, in a
                                   folder), arm64 (compiled for it, run under qemu)
scripts/run.sh benchmark [--quick] [--json FILE] [section ...]
                                   measure, beside nginx and others; prints tables, and writes
                                   build/benchmark.json (sections: lifecycle requests natives
                                   json footprint startup profiles overhead)
scripts/run.sh reliability [--quick] [--minutes N] [--json FILE] [section ...]
                                   kill, starve and attack the server; prints what came of it,
                                   and writes build/reliability.json; fails when a goal is missed
scripts/run.sh help                this text

Packages come from Debian 12 or 13, through apt-get as root or by sudo, and only when one is missing.
On Debian 13, libh2o comes from Debian 12, unpacked into build/debian12.
END
}

say() { printf '%s\n' "$*" >&2; }

die() {
    say "run.sh: $*"
    exit 1
}

# What a command prints is only worth reading when it failed.
quietly() {
    local printed status=0
    printed=$("$@" 2>&1) || status=$?
    ((status == 0)) || say "$printed"
    return "$status"
}

# -- Parts -----------------------------------------------------------------------------------------

# shellcheck source-path=SCRIPTDIR source=lib/packages.sh
source "$root/scripts/lib/packages.sh"
# shellcheck source-path=SCRIPTDIR source=lib/roots.sh
source "$root/scripts/lib/roots.sh"

# Sets `status`. (A function behind `if` or before `||` would go on after what fails in it.)
attempt() {
    set +e
    (
        set -e
        "$@"
    )
    status=$?
    set -e
}

# Goes on without what cannot be had.
try() {
    local status
    attempt "$@"
    ((status == 0)) || say "going on without: $*"
}

# -- Building and running --------------------------------------------------------------------------

build() {
    say "building $1"
    (cd "$root" && quietly cmake --preset "$@" && cmake --build "build/$1" -- --quiet)
}

serve() {
    need_build
    build release
    exec "$server" "$@"
}

# The containers need no build here.
demo() {
    if [[ " $* " =~ " "(-h|--help)" " ]]; then
        usage
        return
    fi
    need python3 python3-requests
    if [[ " $* " != *" --docker "* ]]; then
        need_build
        build release
    fi
    FAAS_SERVER=$server exec "$python" "$root/scripts/demo/run.py" "$@"
}

benchmark() {
    need_build python3 python3-requests python3-protobuf protobuf-compiler
    try need "${peer_packages[@]}"
    try need_nginx
    build release -DFAAS_BENCHMARKS=ON
    quietly cmake --build "$root/build/release" --target benchmarks
    FAAS_SERVER=$server exec "$python" "$root/tests/bench/run.py" "$@"
}

reliability() {
    need_build python3 python3-requests
    try need wrk
    build release
    FAAS_SERVER=$server exec "$python" "$root/tests/reliability/run.py" "$@"
}

# -- Tests -----------------------------------------------------------------------------------------

# Goes before a command that runs instrumented programs.
prefix=()

# run_unit PRESET [NAME [option ...]]
run_unit() {
    "${prefix[@]}" ctest --preset "$1" --output-junit "$results/$part/${2-unit}.xml" "${@:3}"
}

run_pytest() {
    "${prefix[@]}" "$python" -m pytest -q -rfEs -p no:cacheprovider --timeout 120 \
        --junit-xml "$results/$part/${suite-pytest}.xml" "$@"
}

# Two files at once: tests wait more than they work.
run_http() {
    FAAS_SERVER=$root/build/$1/faas-server run_pytest -n 2 --dist loadfile tests/http tests/hostile
}

# A server outlives its workers, so a sanitizer's report counts whichever process wrote it. (Beside
# libasan only a static libubsan, which the preset asks for, obeys log_path.)
# Their options allow no space in a path, which the folder of this tree may have. Newer compilers'
# AddressSanitizer keeps variables elsewhere than on the stack, whose addresses the server looks at.
# Sanitizers do not know every kernel's address layout; a container may forbid to choose one.
run_sanitized() {
    local folder report status=0
    folder=$(mktemp -d)
    report=$folder/report
    setarch -R true 2>/dev/null && prefix=(setarch -R)
    export ASAN_OPTIONS=log_path=$report:detect_stack_use_after_return=0
    export TSAN_OPTIONS=log_path=$report
    export UBSAN_OPTIONS=log_path=$report:print_stacktrace=1
    { run_unit "$1" && run_http "$1"; } || status=1
    if compgen -G "$report.*" >/dev/null; then
        cat "$report".*
        status=1
    fi
    rm -r "$folder"
    prefix=()
    return "$status"
}

# The monotonic clock begins when the machine does: code that subtracts from it may be right on one
# machine and wrong on another.
set_uptime() { prefix=("$python" "$root/tests/uptime.py" "$1"); }

early_s=2
late_s=$((400 * 24 * 3600))

may_set_uptime() {
    set_uptime "$early_s"
    quietly "${prefix[@]}" true
}

run_at() {
    build debug
    build release
    set_uptime "$1"
    run_unit debug
    run_http release
}

# On three clocks; what is mutated has none.
test_unit() {
    local uptime
    build debug
    run_unit debug
    if ! may_set_uptime; then
        say "skipped: the unit tests on other clocks, for want of time namespaces (time_namespaces(7))"
        return 0
    fi
    for uptime in "$early_s" "$late_s"; do
        printf -- '-- on a machine that has run for %d s --\n' "$uptime"
        set_uptime "$uptime"
        run_unit debug "unit-$uptime" --exclude-regex ^fuzz/
    done
}

test_lint() { run_pytest tests/lint tests/bench; } # and what the benchmark computes
test_early() { run_at "$early_s"; }
test_late() { run_at "$late_s"; }

# A browser is enough once. It shows figures of the last seconds, so it has the machine to itself.
test_http() {
    local status=0
    build release
    run_http release || status=1
    FAAS_SERVER=$server suite=page run_pytest tests/page || status=1
    return "$status"
}

test_asan() { build asan && run_sanitized asan; }
test_tsan() { build tsan && run_sanitized tsan; }

# What it says of sizes and failed requests is shown.
test_docker() {
    need "${docker_test_packages[@]}"
    need_prometheus prometheus
    try need_docker
    build release && FAAS_SERVER=$server run_pytest --timeout 600 -rP tests/docker
}

# Runs all parts, whether or not one fails; the last line names those that did.
run_tests() {
    local part started status word names failed=()
    trap 'exit 130' INT
    (($#)) || set -- "${test_parts[@]}"
    for part in "$@"; do
        [[ " ${test_parts[*]} ${more_parts[*]} " == *" $part "* ]] ||
            die "no such part: $part (${test_parts[*]} ${more_parts[*]})"
    done
    need_build "${test_packages[@]}"
    try need_prometheus promtool
    PATH=$tools:$PATH
    cd "$root"
    rm -rf "$results"
    for part in "$@"; do
        mkdir -p "$results/$part"
        started=$SECONDS
        printf '\n== %s ==\n' "$part"
        attempt "test_$part"
        word=passed
        if ((status)); then
            word=failed
            failed+=("$part")
        fi
        printf '== %s %s in %d s ==\n' "$part" "$word" $((SECONDS - started))
    done
    "$python" tests/tally.py "$results" "${failed[@]}"
    ((${#failed[@]})) || return 0
    printf -v names ', %s' "${failed[@]}"
    printf 'failed parts: %s\n' "${names:2}"
    return 1
}

# -- Commands --------------------------------------------------------------------------------------

case ${1-} in
"" | --*) serve "$@" ;;
demo) demo "${@:2}" ;;
build)
    need_build
    build release
    ;;
test) run_tests "${@:2}" ;;
benchmark) benchmark "${@:2}" ;;
reliability) reliability "${@:2}" ;;
help | -h) usage ;;
*)
    usage >&2
    exit 2
    ;;
esac
