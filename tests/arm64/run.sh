#!/usr/bin/env bash
# run.sh PORT - on a fresh Debian 12: compiles for arm64; runs unit tests and walkthrough under qemu.
# SPDX-License-Identifier: MIT
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
port=$1
results=$PWD/build/test-results/arm64

# The libraries of run.sh for arm64, and its tools for this machine.
install() {
    local packages=(crossbuild-essential-arm64 qemu-user-static curl libh2o-evloop-dev:arm64
        libcmocka-dev:arm64) package
    # shellcheck source-path=SCRIPTDIR source=../../scripts/lib/packages.sh
    source scripts/lib/packages.sh
    for package in "${build_packages[@]}"; do
        [[ $package != *-dev ]] || package+=:arm64
        packages+=("$package")
    done
    dpkg --add-architecture arm64
    apt-get -qq update
    apt-get -qq -y install --no-install-recommends "${packages[@]}"
}

build() {
    cmake --preset "$1" --toolchain "$PWD/tests/arm64/toolchain.cmake"
    cmake --build "build/$1" -- --quiet
}

# These test what qemu does not have, each in one or more of its tests.
beyond_qemu=(
    base/pace                     # getpriority as the kernel has it
    base/wall front/front_wall push/push_wall push/pusher worker/worker_wall # seccomp
    wire/ring                     # MADV_REMOVE
    natives/numbers               # a limit of address space
    observe/process               # times in /proc/self/stat
    worker/profiler               # processor time of threads, exact to a sample
    worker/safepoint              # a share of the processor
    supervise/handover            # exec of its own binary
)

# The fuzz targets have run elsewhere; an emulator adds nothing to them but time.
unit_tests() {
    local left_out
    printf -v left_out '|^unit/%s_test$' "${beyond_qemu[@]}"
    ctest --preset debug --exclude-regex "^fuzz/$left_out" --output-junit "$results/unit.xml"
    printf 'left out: %s\n' "${beyond_qemu[*]}"
}

# Starts a server and waits until it has loaded all functions. qemu translates what runs for the
# first time, and a file has 250 ms to load: some may fail. Without seccomp there are no walls.
start() {
    qemu-aarch64-static build/release/faas-server --listen "127.0.0.1:$port" --walls=false \
        --workers 1 >build/arm64.log 2>&1 &
    server=$!
    until curl -sf -o /dev/null "localhost:$port/ready"; do
        kill -0 "$server" || return
        sleep 0.5
    done
    [[ $(curl -s "localhost:$port/fn/list") != *"took more than"* ]]
}

stop() {
    kill "$server"
    wait "$server"
}

# The lines of README.md's walk that begin with curl, one by one.
walk() {
    local server line status failed=0 count=0
    for _ in {1..10}; do
        start && break
        stop
    done
    while IFS= read -r line; do
        line=${line/localhost:8088/localhost:$port}
        status=$(bash -c "${line/curl/curl -s -o /dev/null -m 120 -w %\{http_code\}}")
        count=$((count + 1))
        [[ $status == 200 ]] || failed=$((failed + 1))
        printf '%s  %s\n' "$status" "$line"
    done < <(sed -n '/^## A walk through it/,/^## The page/s/^curl .*/&/p' README.md)
    stop || failed=$((failed + 1))
    printf 'walkthrough: %d of %d requests answered 200\n' $((count - failed)) "$count"
    ((failed == 0))
}

install
mkdir -p "$results"
build release
build debug
failed=()
unit_tests || failed+=("unit tests")
walk || failed+=(walkthrough)
((${#failed[@]} == 0)) || {
    printf 'failed on arm64: %s\n' "${failed[*]}"
    exit 1
}
