# SPDX-License-Identifier: MIT
"""tree.py - the files a rule looks at. A rule is given a root and returns its complaints."""

import fnmatch
import os
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
IGNORED = [".git", *(ROOT / ".gitignore").read_text().replace("/", "").split()]


def files(root, *patterns):
    """Files below `root` that git would not ignore and whose name fits one of `patterns`."""
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not fits(name, IGNORED)]
        found += [pathlib.Path(folder, name) for name in names
                  if fits(name, patterns) and not fits(name, IGNORED)]
    return sorted(found)


def fits(name, patterns):
    return any(fnmatch.fnmatch(name, pattern) for pattern in patterns)


def lines(file):
    """(number, text) of each line; files that are not text give what can be read of them."""
    return list(enumerate(file.read_text(errors="replace").splitlines(), 1))


def expect_none(complaints):
    """Fails with the complaints themselves; where in the test it happened tells nobody anything."""
    said = "\n".join(complaints)
    if said:
        pytest.fail(said.replace(f"{ROOT}/", ""), pytrace=False)


def write(root, path, text):
    """A file for a rule to complain about."""
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file
