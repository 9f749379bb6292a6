#!/usr/bin/env bash
# run.sh - the one entry: installs what is missing, builds, serves, shows, tests, measures.
# SPDX-License-Identifier: MIT
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
results=$root/build/test-results # a folder for each part
server=$root/build/release/faas-server
python=/usr/bin/python3 # Debian's, for it has Debian's modules; another may come first in PATH

build_packages=(build-essential cmake ninja-build pkg-config libh2o-evloop-dev libluajit-5.1-dev
    libssl-dev zlib1g-dev libpcre2-dev libjansson-dev libseccomp-dev
    protobuf-c-compiler libprotobuf-c-dev libcurl4-openssl-dev)
# What the benchmark compares with, and what measures.
peer_packages=(wrk libprimesieve-dev libopenblas-serial-dev libpcre3)
nginx_packages=(nginx libnginx-mod-http-lua libnginx-mod-http-ndk lua-resty-core lua-resty-lrucache
    libluajit2-5.1-2) # the LuaJIT that apt gives to nginx
test_packages=(libcmocka-dev python3-pytest python3-pytest-timeout python3-pytest-xdist
    python3-requests lua-check clang-format clang-tidy shellcheck curl openssl procps
    protobuf-compiler python3-protobuf python3-jsonschema openapi-specification
    chromium chromium-driver python3-selenium)
# For tests of docker/: an engine and what it starts, unpacked where it is not installed.
docker_packages=(docker.io containerd runc libdevmapper1.02.1 iptables libip4tc2 libip6tc2
    libxtables12 libnftnl11 libnetfilter-conntrack3 libnfnetlink0 libmnl0
    docker-compose python3-docker python3-dockerpty python3-docopt python3-dotenv
    python3-texttable python3-websocket python3-jsonschema python3-pyrsistent python3-distro)
docker_test_packages=(debootstrap iproute2 python3-yaml python3-kubernetes python3-setuptools)
test_parts=(lint unit http asan tsan)
more_parts=(early late docker) # when asked for: they take minutes; docker takes root

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
                                   docker
scripts/run.sh benchmark [--quick] [--json FILE] [section ...]
                                   measure, beside nginx and others; prints tables, and writes
                                   build/benchmark.json (sections: lifecycle requests natives
                                   footprint startup profiles overhead)
scripts/run.sh reliability [--quick] [--minutes N] [--json FILE] [section ...]
                                   kill, starve and attack the server; prints what came of it,
                                   and writes build/reliability.json; fails when a goal is missed
scripts/run.sh help                this text

Packages come from Debian, through apt-get as root or by sudo, and only when one is missing.
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

# -- Packages --------------------------------------------------------------------------------------

as_root() {
    if ((EUID == 0)); then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "cannot install as $(id -un) without sudo; as root: apt-get install ${missing[*]}"
    fi
}

apt() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=120 "$@"
}

not_installed() {
    local installed package
    installed=" $(dpkg-query -W -f '${Package}:${db:Status-Status} ' "$@" 2>/dev/null || true)"
    for package in "$@"; do
        [[ $installed == *" $package:installed "* ]] || printf '%s\n' "$package"
    done
}

need() {
    local missing
    { command -v apt-get && command -v dpkg-query; } >/dev/null ||
        die "this is not Debian (no apt-get); these packages or their likes are needed: $*"
    mapfile -t missing < <(not_installed "$@")
    ((${#missing[@]})) || return 0
    say "installing: ${missing[*]}"
    quietly apt update
    quietly apt install --no-install-recommends "${missing[@]}"
}

# Only files of the package: installing all of it would start a Prometheus on the machine.
need_prometheus() {
    local tools=$root/build/tools missing=(prometheus) file
    for file in "$@"; do
        [[ -x $tools/$file ]] && continue
        say "fetching: $file"
        mkdir -p "$tools"
        quietly apt update
        (
            cd "$tools"
            quietly apt-get -qq -o APT::Sandbox::User=root download prometheus
            dpkg-deb --fsys-tarfile prometheus_*.deb | tar -xO "./usr/bin/$file" >"$file.part"
            rm prometheus_*.deb
            chmod +x "$file.part"
            mv "$file.part" "$file"
        )
    done
    PATH=$tools:$PATH
}

# unpack FOLDER PACKAGE ... below build/tools, all or nothing.
unpack() {
    local place=$root/build/tools/$1 part=$root/build/tools/$1.part package missing=("${@:2}")
    rm -rf "$part"
    mkdir -p "$part"
    quietly apt update
    cd "$part"
    quietly apt-get -qq -o APT::Sandbox::User=root download "${@:2}"
    for package in *.deb; do
        dpkg-deb -x "$package" .
        rm "$package"
    done
    mv "$part" "$place"
}

# Installing it would start an engine on the machine.
need_docker() {
    if [[ ! -d $root/build/tools/docker ]]; then
        say "fetching: docker"
        (unpack docker "${docker_packages[@]}")
    fi
    ln -sf xtables-nft-multi "$root/build/tools/docker/usr/sbin/iptables"
    ln -sf xtables-nft-multi "$root/build/tools/docker/usr/sbin/ip6tables"
}

# Installing it would start a web server on the machine.
need_nginx() {
    [[ -d $root/build/tools/nginx || -z $(not_installed "${nginx_packages[@]}") ]] && return
    say "fetching: nginx"
    unpack nginx "${nginx_packages[@]}"
}

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
    need "${build_packages[@]}"
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
        need "${build_packages[@]}"
        build release
    fi
    FAAS_SERVER=$server exec "$python" "$root/scripts/demo/run.py" "$@"
}

benchmark() {
    need "${build_packages[@]}" python3 python3-requests python3-protobuf protobuf-compiler
    try need "${peer_packages[@]}"
    try need_nginx
    build release -DFAAS_BENCHMARKS=ON
    quietly cmake --build "$root/build/release" --target benchmarks
    FAAS_SERVER=$server exec "$python" "$root/tests/bench/run.py" "$@"
}

reliability() {
    need "${build_packages[@]}" python3 python3-requests
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
        --junit-xml "$results/$part/pytest.xml" "$@"
}

run_http() {
    FAAS_SERVER=$root/build/$1/faas-server run_pytest "${@:2}" tests/http tests/hostile
}

# A server outlives its workers, so a sanitizer's report counts whichever process wrote it. (Beside
# libasan only a static libubsan, which the preset asks for, obeys log_path.)
# Sanitizers do not know every kernel's address layout; a container may forbid to choose one.
run_sanitized() {
    local report=$results/$part/report status=0
    setarch -R true 2>/dev/null && prefix=(setarch -R)
    export ASAN_OPTIONS=log_path=$report TSAN_OPTIONS=log_path=$report
    export UBSAN_OPTIONS=log_path=$report:print_stacktrace=1
    # Two files at once: tests wait more than they work. One after another they ran with `http`.
    { run_unit "$1" && run_http "$1" -n 2 --dist loadfile; } || status=1
    if compgen -G "$report.*" >/dev/null; then
        cat "$report".*
        status=1
    fi
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
test_http() { build release && run_http release tests/page; } # a browser is enough once
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
    need "${build_packages[@]}" "${test_packages[@]}"
    need_prometheus promtool
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
    need "${build_packages[@]}"
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
