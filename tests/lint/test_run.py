# SPDX-License-Identifier: MIT
"""test_run.py - what `scripts/run.sh test` makes of parts that fail, in a tree of stand-ins."""

import os
import shutil
import subprocess

import pytest

from tree import ROOT, write

PASSES = "def test_it():\n    pass\n"
FAILS = "def test_it():\n    assert False\n"
# Builds what it is asked for, but for what FAILS_TO_BUILD names.
CMAKE = '#!/bin/sh\n[ "$1 $2" != "--preset $FAILS_TO_BUILD" ]\n'
CTEST = ('#!/bin/sh\nwhile [ "$1" != --output-junit ]; do shift; done\n'
         'echo "<t><testcase/><testcase>$FAILURE</testcase></t>" >"$2"\n[ -z "$FAILURE" ]\n')


@pytest.fixture
def run(tmp_path):
    """Runs parts with the tests of a tree, which it returns the exit status and the output of."""
    def execute(*parts, lint=PASSES, http=PASSES, failure="", fails_to_build=""):
        root = tmp_path / "a tree"
        shutil.copytree(ROOT / "scripts", root / "scripts", dirs_exist_ok=True)
        for file in ("tests/tally.py", "tests/uptime.py"):
            shutil.copy(ROOT / file, write(root, file, ""))
        for name, text in [("lint", lint), ("http", http), ("page", PASSES)]:
            write(root, f"tests/{name}/test_{name}.py", text)
        for name in ("bench", "hostile"):
            (root / "tests" / name).mkdir(exist_ok=True)
        for name, text in [("bin/cmake", CMAKE), ("bin/ctest", CTEST),
                           ("build/tools/promtool", ""), ("build/debian12/unpacked", "")]:
            write(root, name, text).chmod(0o755)
        done = subprocess.run(
            ["bash", root / "scripts/run.sh", "test", *parts], text=True, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=100,
            env={**os.environ, "PATH": f"{root}/bin:{os.environ['PATH']}", "FAILURE": failure,
                 "FAILS_TO_BUILD": fails_to_build})
        print(done.stdout)
        return done.returncode, done.stdout.splitlines()
    return execute


def test_the_last_line_counts_what_passed_and_failed(run):
    status, lines = run("lint", "http")
    assert (status, lines[-1]) == (0, "3 passed, 0 failed")


@pytest.mark.parametrize("broken, tally, parts", [
    ({"lint": FAILS}, "2 passed, 1 failed", "lint"),
    ({"http": FAILS}, "2 passed, 1 failed", "http"),
    ({"lint": FAILS, "http": FAILS}, "1 passed, 2 failed", "lint, http"),
    ({"lint": ""}, "2 passed, 1 failed", "lint"),
    ({"fails_to_build": "release"}, "1 passed, 1 failed", "http"),
    ({"lint": FAILS, "fails_to_build": "release"}, "0 passed, 2 failed", "lint, http"),
], ids=str)
def test_all_parts_run_and_those_that_fail_are_named(run, broken, tally, parts):
    status, lines = run("lint", "http", **broken)
    assert (status, lines[-2:]) == (1, [tally, f"failed parts: {parts}"])


def test_the_unit_tests_run_on_three_clocks(run):
    status, lines = run("unit")
    if not any(line.startswith("skipped: the unit tests on other clocks") for line in lines):
        assert (status, lines[-1]) == (0, "6 passed, 0 failed")
    status, lines = run("unit", failure="<failure/>")
    assert (status, lines[-2:]) == (1, ["1 passed, 1 failed", "failed parts: unit"])
