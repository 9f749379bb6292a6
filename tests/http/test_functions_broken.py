# SPDX-License-Identifier: MIT
"""test_functions_broken.py - files that do not load, modules, and several folders."""

import os
import shutil

import pytest

from server import Server, expect_error, wait_until
from test_functions_folder import SOON_S, in_place, text_of, value_of, wait_gone, wait_value

BROKEN = [  # the file, what is said of it
    ("return function()\n  return {\nend\n", "drop.lua:3: unexpected symbol near 'end'"),
    ("local x = 1\nerror('at load')\nreturn print\n", "drop.lua:2: at load"),
    ("error({error = 'mine'})", "mine"),
    ("", "drop.lua returned no handler"),
    ("return 1", "drop.lua returned no handler"),
    ("return {}", "drop.lua returned no handler"),
    ("return {handler = 1}", "drop.lua returned no handler"),
    ("return {handler = print, timeout = 1}", "unknown field `timeout`"),
    ("return {handler = print, timeout_ms = 0}", "`timeout_ms` must be a whole number from 1"),
    ("return {handler = print, timeout_ms = 600001}", "from 1 to 600000"),
    ("return {handler = print, memory_mb = 0.5}", "`memory_mb` must be a whole number"),
    ("return {handler = print, max_concurrency = -1}", "`max_concurrency`"),
    ("return {handler = print, params = {n = 1}}", "parameter `n` must be a table"),
    ("return {handler = print, params = {n = {type = 'int'}}}", "`type` must be one of"),
    ("return {handler = print, params = {n = {min = 2, default = 1}}}", "outside `min` and `max`"),
    ("return {handler = print, params = {n = {type = 'integer', default = 0.5}}}",
     "`default` is no whole number"),
    ("return {handler = print, params = {{type = 'any'}}}", "needs a name"),
    ("return {handler = print, description = {}}", "`description` must be a string"),
    ("while true do end", "more than 250 ms to load"),
    ("while true do pcall(function() while true do end end) end", "more than 250 ms to load"),
    ("local s = ('x'):rep(1e9)\nreturn print", "memory limit"),
    ("local function f() return 1 + f() end\nreturn f()", "stack overflow"),
    ("coroutine.yield()\nreturn print", "yield"),
    ("require('nope')", "lib/nope.lua"),
    ("require('bad')", "lib/bad.lua:2:"),
    ("return ffi.new('int')", "drop.lua:1: attempt to index global 'ffi'"),
    ("\x1bLJ\2\n", "drop.lua"),  # bytecode
    (b"\xff\xfe", "drop.lua"),
    ("-- " + "x" * 2048 + "\nreturn print", "more than 2048 bytes"),
]


@pytest.fixture(scope="module", name="own")
def own_server():
    with Server({"lib/bad": "local M = {}\nM = = 1\nreturn M"},
                ["--workers", "2", "--file-max", "2048"]) as running:
        yield running


def error_of(server, name):
    detail = server.detail(name)
    return detail and detail["error"]


@pytest.fixture
def path(own):
    """Of a function that is gone again after the test."""
    yield own.folder / "drop.lua"
    (own.folder / "drop.lua").unlink()
    wait_gone(own, "drop")


@pytest.mark.parametrize("text, why", BROKEN, ids=range(len(BROKEN)))
def test_broken_file_is_told_and_its_last_good_version_goes_on(own, path, text, why):
    raw = text if isinstance(text, bytes) else text.encode()
    path.write_bytes(raw)  # with no good version before
    wait_until(lambda: error_of(own, "drop"), "the error", 3 * SOON_S)
    assert own.detail("drop")["status"] == "broken" and why in error_of(own, "drop")
    assert "drop" not in own.get("/fn/list").json()["functions"]
    expect_error(own.invoke("drop"), 503, "function_broken", why, "drop")
    expect_error(own.post("/fn/chain", {"chain": ["hash", "drop"]}), 503, "function_broken", why)
    in_place(path, text_of(1))
    wait_value(own, "drop", 1)
    assert (own.detail("drop")["status"], error_of(own, "drop")) == ("ok", None)
    logged = own.log().count("its last good version goes on function=drop")
    path.write_bytes(raw)  # over a good one
    wait_until(lambda: error_of(own, "drop"), "the error", 3 * SOON_S)
    assert own.detail("drop")["status"] == "stale" and why in error_of(own, "drop")
    assert value_of(own, "drop") == 1
    assert own.log().count("its last good version goes on function=drop") == logged + 1


def test_error_of_a_file_is_in_the_log_with_its_line(own):
    own.write("lost", "\n\nreturn ]")
    line = own.wait_log(r"error +front function does not load function=lost .*")[0]
    assert "lost.lua:3:" in line and f'file="{own.folder}/lost.lua"' in line


@pytest.mark.parametrize("make", [lambda path: path.mkdir(), os.mkfifo], ids=["folder", "pipe"])
def test_what_is_no_regular_file_is_told(own, make):
    path = own.folder / "strange.lua"
    make(path)
    wait_until(lambda: error_of(own, "strange"), "the error", SOON_S)
    assert "no regular file" in error_of(own, "strange")
    path.rmdir() if path.is_dir() else path.unlink()
    wait_gone(own, "strange")


def test_file_of_the_largest_size_is_taken(own):
    text = text_of(5)
    (own.folder / "large.lua").write_text(text + "-" * 2 + "x" * (2048 - len(text) - 2))
    wait_value(own, "large", 5)


# -- Modules ---------------------------------------------------------------------------------------

USES = "local m = require('{0}')\nreturn function() return {{v = m.value()}} end\n"


def module_of(value):
    return f"local M = {{}}\nfunction M.value()\n  return {value}\nend\nreturn M\n"


@pytest.mark.parametrize("name", ["words", "a.b", "deep.er.still", "with-dash_0"])
def test_module_is_found_and_its_changes_reload_the_function(start, name):
    server = start({f"lib/{name.replace('.', '/')}": module_of(1), "uses": USES.format(name)},
                   ["--workers", "2"])
    assert value_of(server, "uses") == 1
    path = server.folder / "lib" / f"{name.replace('.', '/')}.lua"
    for value, write in ((2, in_place), (3, lambda p, t: server.write(
            f"lib/{name.replace('.', '/')}", t))):
        write(path, module_of(value))
        wait_value(server, "uses", value)
    path.write_text("return = 1")
    wait_until(lambda: error_of(server, "uses"), "the error", SOON_S)
    assert f"lib/{name.replace('.', '/')}.lua:1:" in error_of(server, "uses")
    assert value_of(server, "uses") == 3
    path.write_text(module_of(4))
    wait_value(server, "uses", 4)
    path.unlink()
    wait_until(lambda: error_of(server, "uses"), "the error", SOON_S)
    assert value_of(server, "uses") == 4


def test_modules_that_come_after_their_function(start):
    server = start({"uses": USES.format("new.one")}, ["--workers", "1"])
    assert server.detail("uses")["status"] == "broken"
    (server.folder / "lib/new").mkdir(parents=True)
    (server.folder / "lib/new/one.lua").write_text(module_of(1))
    wait_value(server, "uses", 1)
    (server.folder / "lib/new/one.lua").write_text(module_of(2))
    wait_value(server, "uses", 2)


def test_lib_folder_is_swapped_and_goes(start, tmp_path):
    server = start({"lib/m": module_of(1), "uses": USES.format("m")}, ["--workers", "1"])
    lib = server.folder / "lib"
    for value in (2, 3):
        (tmp_path / f"new{value}").mkdir()
        (tmp_path / f"new{value}" / "m.lua").write_text(module_of(value))
        lib.rename(tmp_path / f"old{value}")
        shutil.copytree(tmp_path / f"new{value}", lib)
        wait_value(server, "uses", value)
    (lib / "m.lua").write_text(module_of(4))
    wait_value(server, "uses", 4)
    shutil.rmtree(lib)
    wait_until(lambda: error_of(server, "uses"), "the error", SOON_S)
    assert value_of(server, "uses") == 4


def test_modules_may_use_each_other_but_not_themselves(start):
    server = start({"lib/outer": "local i = require('inner')\nreturn {value = i.value}",
                    "lib/inner": module_of(8), "uses": USES.format("outer"),
                    "lib/ring": "return require('ring')", "rings": USES.format("ring")})
    assert value_of(server, "uses") == 8
    assert "requires itself" in error_of(server, "rings")


# -- Several folders -------------------------------------------------------------------------------

def test_later_folder_wins_and_the_earlier_one_comes_back(start, tmp_path):
    (tmp_path / "hash.lua").write_text(text_of(1))
    (tmp_path / "mine.lua").write_text(text_of(10))
    server = start({}, ["--functions", str(tmp_path), "--workers", "2"])
    first = server.folder  # of the fixture: before tmp_path, after the built-in ones
    assert (value_of(server, "hash"), value_of(server, "mine")) == (1, 10)
    assert server.detail("hash")["source"] == str(tmp_path / "hash.lua")
    (first / "hash.lua").write_text(text_of(2))
    (first / "mine.lua").write_text(text_of(20))
    (tmp_path / "mine.lua").unlink()
    wait_value(server, "mine", 20)
    assert value_of(server, "hash") == 1
    (tmp_path / "hash.lua").unlink()
    wait_value(server, "hash", 2)
    (first / "hash.lua").unlink()
    wait_until(lambda: server.invoke("hash").json().get("rounds"), "the built-in one", SOON_S)
    (tmp_path / "hash.lua").write_text("return ]")
    wait_until(lambda: error_of(server, "hash"), "the error", SOON_S)
    assert server.detail("hash")["status"] == "stale"
    assert server.result("hash", {"rounds": 1})["rounds"] == 1
    (tmp_path / "hash.lua").unlink()
    wait_until(lambda: server.detail("hash")["status"] == "ok", "the built-in one", SOON_S)


def test_modules_belong_to_their_folder(start, tmp_path):
    (tmp_path / "other.lua").write_text(USES.format("m"))
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "m.lua").write_text(module_of(2))
    server = start({"lib/m": module_of(1), "uses": USES.format("m")},
                   ["--functions", str(tmp_path)])
    assert (value_of(server, "uses"), value_of(server, "other")) == (1, 2)
    (tmp_path / "lib" / "m.lua").unlink()
    wait_until(lambda: error_of(server, "other"), "the error", SOON_S)
    assert "neither lib/m.lua nor lib/m/init.lua" in error_of(server, "other")
    assert error_of(server, "uses") is None
