# SPDX-License-Identifier: MIT
"""test_layers.py - who may include whom; CMakeLists.txt says the same by what it links."""

import re

import pytest

from tree import ROOT, expect_none, files, lines, write

FLOORS = {
    "host/base": {"base"},
    "host/wire": {"wire", "base"},
    "host/observe": {"observe", "base"},
    "host/engine": {"engine"},
    "host/worker": {"worker", "wire", "observe", "base", "engine", "native.h", "embedded_lua.h"},
    "host/profile": {"profile", "wire", "observe", "base", "profile.pb-c.h", "push.pb-c.h"},
    "host/front": {"front", "profile", "wire", "observe", "base", "embedded_contract.h",
                   "embedded_page.h"},
    "host/push": {"push", "wire", "base"},
    "host/supervise": {"supervise", "wire", "base"},
    "host": {"base", "wire", "observe", "profile", "worker", "front", "push", "supervise",
             "native.h"},
    "natives": set(),  # and its own headers
}

LIBRARIES = {
    r"h2o(\.h|/.*)": {"host/front"},
    r"(luajit-2\.1/.*|lua\w*\.h|lauxlib\.h)": {"host/worker", "natives"},
    r"jansson.*": {"host/front"},
    r"openssl/.*": {"host/front", "natives"},
    r"seccomp\.h": {"host/base"},
    r"curl/.*": {"host/push"},
    r"pcre2.*\.h": {"natives"},
    r"zlib\.h": {"natives", "host/profile"},
}

INCLUDE = re.compile(r'\s*#\s*include\s*([<"])([^>"]+)')


def layers(root):
    own = {file.name for file in (root / "natives").glob("*.h")}
    for file in files(root / "host", "*.[ch]") + files(root / "natives", "*.[ch]"):
        floor = "/".join(file.relative_to(root).parts[:-1][:2])
        if floor not in FLOORS:
            yield f"{file}: {floor} is not a floor"
            continue
        for number, line in lines(file):
            match = INCLUDE.match(line)
            if match and not may_include(floor, *match.groups(), own):
                yield f"{file}:{number}: {floor} may not include {match[2]}"


def may_include(floor, quote, name, own):
    if quote == '"':
        return name.split("/")[0] in FLOORS[floor] | (own if floor == "natives" else set())
    return all(floor in allowed for library, allowed in LIBRARIES.items()
               if re.fullmatch(library, name))


def test_floors_include_only_what_lies_below_them():
    expect_none(layers(ROOT))


@pytest.mark.parametrize("path, include", [
    ("host/base/a.c", '"wire/ring.h"'),
    ("host/base/a.h", "<jansson.h>"),
    ("host/worker/a.c", "<seccomp.h>"),
    ("host/wire/a.c", '"observe/metrics.h"'),
    ("host/observe/a.c", '"wire/ring.h"'),
    ("host/worker/a.c", '"front/server.h"'),
    ("host/worker/a.c", "<h2o.h>"),
    ("host/worker/a.c", '"args.h"'),
    ("host/front/a.c", '"worker/vm.h"'),
    ("host/front/a.c", "<luajit-2.1/lua.h>"),
    ("host/front/a.c", '"native.h"'),
    ("host/front/a.c", '"profile.pb-c.h"'),
    ("host/profile/a.c", '"front/server.h"'),
    ("host/profile/a.c", '"worker/vm.h"'),
    ("host/worker/a.c", '"profile/table.h"'),
    ("host/supervise/a.c", '"front/server.h"'),
    ("host/supervise/a.c", '"push/pusher.h"'),
    ("host/push/a.c", '"profile/table.h"'),
    ("host/front/a.c", "<curl/curl.h>"),
    ("host/supervise/a.c", "<h2o/socket.h>"),
    ("host/engine/a.c", '"worker/vm.h"'),
    ("host/front/a.c", '"engine/mcode.h"'),
    ("host/cellar/a.c", '"base/err.h"'),
    ("natives/a.c", '"base/err.h"'),
    ("natives/a.c", '"../host/base/err.h"'),
])
def test_rule_catches(tmp_path, path, include):
    write(tmp_path, "natives/args.h", "")
    write(tmp_path, path, f"#include {include}\n")
    assert len(list(layers(tmp_path))) == 1


@pytest.mark.parametrize("path, include", [
    ("host/base/a.c", "<stdio.h>"),
    ("host/worker/a.c", '"native.h"'),
    ("host/front/a.c", "<h2o.h>"),
    ("host/main.c", '"front/server.h"'),
    ("natives/a.c", '"args.h"'),
])
def test_rule_allows(tmp_path, path, include):
    write(tmp_path, "natives/args.h", "")
    write(tmp_path, path, f"#include {include}\n")
    assert not list(layers(tmp_path))
