# SPDX-License-Identifier: MIT
"""test_tools.py - clang-format, clang-tidy, luacheck and shellcheck have nothing to say."""

import concurrent.futures
import json
import os
import subprocess

import pytest

from tree import ROOT, expect_none, files, write


def complaints(*command):
    """What a tool printed, if it failed."""
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False)
    if done.returncode == 0:
        return []
    return done.stdout.splitlines() or [f"{command[0]}: exit {done.returncode}"]


def clang_format(root):
    sources = files(root, "*.[ch]")
    said = complaints("clang-format", f"--style=file:{ROOT}/.clang-format", "--dry-run", "--Werror",
                      *sources) if sources else []
    # It also shows each place, which its rewriting (clang-format -i) shows better.
    return [line for line in said if ": error: " in line] or said


def luacheck(root):
    sources = [file for folder in ("lua", "docker", "examples", "tests/lua")
               for file in files(root / folder, "*.lua")]
    return complaints("luacheck", "--config", f"{ROOT}/.luacheckrc", "--formatter", "plain",
                      *sources) if sources else []


def is_shell(file):
    with file.open("rb") as content:
        line = content.readline(80)
    return line.startswith(b"#!") and line.split()[-1].endswith(b"sh")


def shellcheck(root):
    scripts = [file for file in files(root, "*") if is_shell(file)]
    return complaints("shellcheck", "--external-sources", "--check-sourced",
                      *scripts) if scripts else []


def clang_tidy(file, *arguments):
    # One file each time: with several, version 14 finds va_lists uninitialized that are not.
    said = complaints("clang-tidy", f"--config-file={ROOT}/.clang-tidy", "--quiet", file,
                      *arguments)
    return [line for line in said if not line.endswith(" generated.")]


@pytest.mark.parametrize("tool", [clang_format, luacheck, shellcheck])
def test_nothing_to_say(tool):
    expect_none(tool(ROOT))


@pytest.mark.timeout(300)
def test_clang_tidy_has_nothing_to_say():
    subprocess.run(["cmake", "--preset", "debug"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    database = json.loads((ROOT / "build/debug/compile_commands.json").read_text())
    sources = [entry["file"] for entry in database
               if entry["file"].startswith((f"{ROOT}/host/", f"{ROOT}/natives/"))]
    assert sources
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        said = pool.map(lambda file: clang_tidy(file, "-p", ROOT / "build/debug"), sources)
    expect_none(line for lines in said for line in lines)


@pytest.mark.parametrize("tool, path, text, word", [
    (clang_format, "host/a.c", "int  a;\n", "clang-format-violations"),
    (luacheck, "lua/a.lua", "oops = 1\n", "oops"),
    (luacheck, "examples/a/a.lua", "local unused = 1\n", "unused"),
    (shellcheck, "scripts/a.sh", "#!/bin/sh\ncd $1\n", "SC2086"),
    (shellcheck, ".ci/run", "#!/usr/bin/env bash\ncd $1\n", "SC2086"),
])
def test_tool_catches(tmp_path, tool, path, text, word):
    write(tmp_path, path, text)
    assert word in "\n".join(tool(tmp_path))


@pytest.mark.parametrize("text, word", [
    ("int f(int *p);\nint f(int *p)\n{\n    return p ? 1 : *p;\n}\n", "core.NullDereference"),
    ("#define TWICE(x) x * 2\n", "bugprone-macro-parentheses"),
    ("int f(int i);\nint f(int i)\n{\n    int a[2] = {0, 1};\n    return i ? a[1] : b;\n}\n", "'b'"),
])
def test_clang_tidy_catches(tmp_path, text, word):
    said = clang_tidy(write(tmp_path, "a.c", text), "--", "-std=gnu17")
    assert word in "\n".join(said)
