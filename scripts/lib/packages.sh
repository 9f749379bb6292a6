# packages.sh - for run.sh: packages that Debian installs, and those that are unpacked below build/.
# shellcheck shell=bash disable=SC2034,SC2154 # run.sh uses and sets variables of this file
# SPDX-License-Identifier: MIT

build_packages=(build-essential cmake ninja-build pkg-config libluajit-5.1-dev libssl-dev
    zlib1g-dev libpcre2-dev libjansson-dev lua-cjson-dev libseccomp-dev protobuf-c-compiler
    libprotobuf-c-dev libcurl4-openssl-dev)
h2o_packages=(libh2o-evloop-dev libh2o-dev-common libh2o-evloop0.13 libwslay1)
# What the benchmark compares with, and what measures.
peer_packages=(wrk libprimesieve-dev libopenblas-serial-dev)
nginx_packages=(nginx libnginx-mod-http-lua libnginx-mod-http-ndk lua-resty-core lua-resty-lrucache)
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

# Debian's release, or nothing on another system.
release=$(
    # shellcheck source=/dev/null
    source /etc/os-release 2>/dev/null || true
    [[ ${ID-} != debian ]] || printf '%s' "${VERSION_ID-}"
)
# The LuaJIT that apt gives to nginx, and what it matches with; what reads a schema in the tests.
case $release in
12) nginx_packages+=(libluajit2-5.1-2) peer_packages+=(libpcre3) ;;
13) nginx_packages+=(libluajit-5.1-2 libluajit-5.1-common) test_packages+=(python3-yaml) ;;
esac

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
    local missing=("$@")
    if command -v dpkg-query >/dev/null; then
        mapfile -t missing < <(not_installed "$@")
    fi
    ((${#missing[@]})) || return 0
    [[ $release == 1[23] ]] || die "missing: ${missing[*]}. run.sh installs packages on Debian 12" \
        "and 13 only. Install these here, or run the server in a container:" \
        "docker compose up -d faas-server pyroscope (README.md, In containers)"
    say "installing: ${missing[*]}"
    quietly apt update
    quietly apt install --no-install-recommends "${missing[@]}"
}

# need_build [PACKAGE ...]: these packages too.
need_build() {
    if [[ $release == 13 ]]; then
        need "${build_packages[@]}" "$@"
        need_libh2o
    else
        need "${build_packages[@]}" libh2o-evloop-dev "$@"
    fi
}

# apt_apart FOLDER ARGUMENT ...: apt-get with sources, lists and a cache of its own in the folder. It
# reads the machine's settings (a proxy, say) and changes nothing outside the folder.
apt_apart() {
    apt-get -qq -o Dir::Etc::SourceList="$1/sources.list" -o Dir::Etc::SourceParts=/dev/null \
        -o Dir::State="$1/state" -o Dir::State::status="$1/status" -o Dir::Cache="$1/cache" \
        -o Acquire::Languages=none -o APT::Sandbox::User=root "${@:2}"
}

# The machine's own sources of Debian 13, as lines for Debian 12.
sources_of_debian12() {
    local keys=/usr/share/keyrings/debian-archive-keyring.gpg
    # shellcheck disable=SC2016 # apt-get fills these in
    apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT) $(ORIGIN) $(CODENAME)' \
        'Created-By: Packages' |
        sed -nE "s#^(\\S+) \\S+ main Debian trixie(\\S*)\$#deb [signed-by=$keys] \\1 bookworm\\2 main#p" |
        sort -u
}

# Debian 13 has no libh2o. That of Debian 12 is unpacked: CMakeLists.txt looks for it there.
need_libh2o() {
    local place=$root/build/debian12 part=$root/build/debian12.part sources package
    [[ ! -d $place ]] || return 0
    say "fetching: ${h2o_packages[*]} of Debian 12"
    sources=$(sources_of_debian12)
    if [[ -z $sources ]]; then # the lists were never fetched, or were removed
        quietly apt update
        sources=$(sources_of_debian12)
    fi
    [[ -n $sources ]] || die "apt has no sources of Debian 13 (trixie main): libh2o is taken from" \
        "Debian 12 (bookworm) at the same mirror"
    rm -rf "$part"
    mkdir -p "$part/apt/state/lists/partial" "$part/apt/cache/archives/partial"
    touch "$part/apt/status"
    printf '%s\n' "$sources" >"$part/apt/sources.list"
    quietly apt_apart "$part/apt" update
    (
        cd "$part"
        quietly apt_apart "$part/apt" download "${h2o_packages[@]}"
        for package in *.deb; do
            dpkg-deb -x "$package" .
            rm "$package"
        done
        # shellcheck disable=SC2016 # pkg-config fills it in
        sed -i -e 's|^prefix=.*|prefix=${pcfiledir}/../../..|' -e 's|^libdir=.*|libdir=${pcfiledir}/..|' \
            usr/lib/*/pkgconfig/libh2o-evloop.pc
        rm -r apt
    )
    mv "$part" "$place"
}

# Before a download, which anybody may do: with the lists of packages as they are, if need be.
update() {
    if ((EUID == 0)) || command -v sudo >/dev/null; then
        apt update
    fi
}

# Only files of the packages: installing all of one would start a Prometheus on the machine.
need_prometheus() {
    local missing=(prometheus) file package
    for file in "$@"; do
        [[ -x $tools/$file ]] && continue
        say "fetching: $file"
        package=prometheus
        [[ $release != 13 || $file != promtool ]] || package=promtool
        mkdir -p "$tools"
        quietly update
        (
            cd "$tools"
            quietly apt-get -qq -o APT::Sandbox::User=root download "$package"
            dpkg-deb --fsys-tarfile "${package}"_*.deb | tar -xO "./usr/bin/$file" >"$file.part"
            rm "${package}"_*.deb
            chmod +x "$file.part"
            mv "$file.part" "$file"
        )
    done
}

# unpack FOLDER PACKAGE ... below build/tools, all or nothing.
unpack() {
    local place=$root/build/tools/$1 part=$root/build/tools/$1.part package missing=("${@:2}")
    rm -rf "$part"
    mkdir -p "$part"
    quietly update
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

