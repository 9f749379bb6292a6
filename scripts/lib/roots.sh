# roots.sh - for run.sh: tests inside a Debian of their own, unpacked into a folder below build/.
# shellcheck shell=bash disable=SC2154 # run.sh and packages.sh set variables of this file
# SPDX-License-Identifier: MIT

# make_root RELEASE FOLDER: a minimal Debian, from a copy that is kept in build/tools.
make_root() {
    local kept=$root/build/tools/$1.tar part=$root/build/tools/$1.part
    if [[ ! -f $kept ]]; then
        say "fetching: a minimal Debian ($1)"
        rm -rf "$part"
        mkdir -p "$part"
        quietly debootstrap --variant=minbase "$1" "$part"
        tar -C "$part" --one-file-system -cf "$kept.part" .
        rm -rf --one-file-system "$part"
        mv "$kept.part" "$kept"
    fi
    mkdir -p "$2"
    tar -C "$2" -xpf "$kept"
    cp -L /etc/resolv.conf "$2/etc/"
    printf '%s localhost\n' 127.0.0.1 ::1 >"$2/etc/hosts"
}

# Makes the folder the root of this process, which has mounts of its own.
enter_root() {
    local name
    mount --bind "$1" "$1"
    cd "$1"
    mount -t proc proc proc
    mount --rbind /sys sys
    mount -t tmpfs -o mode=755 dev dev
    mkdir dev/pts dev/shm .outside
    for name in null zero full random urandom tty; do
        touch "dev/$name"
        mount --bind "/dev/$name" "dev/$name"
    done
    mount -t devpts -o newinstance,ptmxmode=666 devpts dev/pts
    mount -t tmpfs -o mode=1777 shm dev/shm
    ln -s pts/ptmx dev/ptmx
    ln -s /proc/self/fd dev/fd
    ln -s fd/0 dev/stdin
    ln -s fd/1 dev/stdout
    ln -s fd/2 dev/stderr
    pivot_root . .outside
    cd /
    umount -l .outside
    rmdir .outside
}

# in_root FOLDER COMMAND ...: the folder becomes / for the command, which has mounts and processes
# of its own: all of them end with it. (In a mere chroot it could not make user namespaces.)
in_root() {
    # shellcheck disable=SC2016 # the inner shell expands these
    unshare --mount --propagation private --pid --fork --kill-child \
        bash -euc "$(declare -f enter_root)"'; enter_root "$1"; shift; exec "$@"' in_root "$1" \
        env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        TERM="${TERM-dumb}" DEBIAN_FRONTEND=noninteractive "${@:2}"
}

# with_root RELEASE COMMAND ...: runs it in a fresh root that has a clone of this repository in
# /faas, keeps the results of its tests, and removes the root when the part's subshell ends.
with_root() {
    local file name status=0
    ((EUID == 0)) || die "this part mounts file systems: run it as root"
    need debootstrap git
    mkdir -p "$root/build/tools"
    place=$(mktemp -d "$root/build/$1.XXXXXX")
    trap 'rm -rf --one-file-system "$place"' EXIT
    make_root "$1" "$place"
    git clone --quiet --no-hardlinks "$root" "$place/faas"
    [[ -z $(git -C "$root" status --porcelain) ]] || say "changes without a commit are not tested"
    in_root "$place" "${@:2}" || status=$?
    for file in "$place"/faas/build/test-results/*/*.xml; do
        [[ -f $file ]] || continue
        name=${file#*/test-results/}
        cp "$file" "$results/$part/${name//\//-}"
    done
    return "$status"
}

# The two commands of README.md, on a machine that has nothing yet.
test_debian13() {
    with_root trixie bash /faas/tests/first_commands.sh "$(free_port)"
}

test_arm64() {
    with_root bookworm bash /faas/tests/arm64/run.sh "$(free_port)"
}

free_port() {
    "$python" -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
