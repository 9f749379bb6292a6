# SPDX-License-Identifier: MIT
"""test_packages.py - where scripts/lib/packages.sh gets packages, and what it says elsewhere."""

import subprocess

import pytest

from tree import ROOT

RUN_SH = f"""
set -euo pipefail
root={ROOT}
say() {{ printf '%s\\n' "$*" >&2; }}
die() {{ say "run.sh: $*"; exit 1; }}
source {ROOT}/scripts/lib/packages.sh
"""


def bash(script):
    """(exit status, standard output, lines of standard error)"""
    done = subprocess.run(["bash", "-c", RUN_SH + script], capture_output=True, text=True,
                          check=False)
    return done.returncode, done.stdout, done.stderr.splitlines()


@pytest.mark.parametrize("release", ["", "11", "14"])
def test_another_system_says_what_is_missing_and_names_the_container(release):
    status, _, said = bash(f"""
        release="{release}"
        not_installed() {{ printf '%s\\n' cmake libseccomp-dev; }}
        quietly() {{ die "installs on a system that it does not know"; }}
        need_build
    """)
    assert status == 1
    assert said[0].startswith("run.sh: missing: cmake libseccomp-dev. ")
    assert "docker compose up" in said[0]


def test_a_system_with_all_packages_may_be_any():
    assert bash("release= ; not_installed() { true; }; need_build") == (0, "", [])


TARGETS = """\
http://a.example/debian/ trixie main Debian trixie
http://a.example/debian/ trixie contrib Debian trixie
http://a.example/debian/ trixie-updates main Debian trixie-updates
mirror+file:/etc/apt/mirrors/debian-security.list stable-security main Debian trixie-security
http://b.example/packages/ trixie main Example trixie
http://c.example/debian/ sid main Debian sid
"""

SOURCES = """\
deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] \
http://a.example/debian/ bookworm main
deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] \
http://a.example/debian/ bookworm-updates main
deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] \
mirror+file:/etc/apt/mirrors/debian-security.list bookworm-security main
"""


def test_sources_of_debian_13_become_those_of_debian_12():
    status, printed, _ = bash(f"apt-get() {{ printf '%s' '{TARGETS}'; }}; sources_of_debian12")
    assert (status, printed) == (0, SOURCES)


def test_no_sources_of_debian_13_is_an_error():
    status, _, said = bash("""
        apt-get() { true; }
        quietly() { true; }
        root=$(mktemp -d)
        trap 'rm -r "$root"' EXIT
        need_libh2o
    """)
    assert status == 1
    assert "apt has no sources of Debian 13" in said[-1]
