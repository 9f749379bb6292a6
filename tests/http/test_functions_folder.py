# SPDX-License-Identifier: MIT
"""test_functions_folder.py - files come, change and go while the server runs."""

import os
import shutil
import threading
import time

import pytest

from server import BINARY, Background, Server, expect_error, wait_until

# What a person notices; instrumented builds get more.
SOON_S = 2 if "release" in BINARY else 30


def text_of(value):
    return f"return function()\n  return {{v = {value}}}\nend\n"


def value_of(server, name):
    """What the function says now; None while there is none."""
    reply = server.invoke(name)
    assert reply.status_code in (200, 404, 503), reply.text
    return reply.json()["v"] if reply.status_code == 200 else None


def wait_value(server, name, value, seconds=SOON_S):
    began = time.monotonic()
    wait_until(lambda: value_of(server, name) == value, f"{name} to say {value}", seconds)
    print(f"{name} says {value} after {(time.monotonic() - began) * 1000:.1f} ms")


def wait_gone(server, *names):
    wait_until(lambda: not set(names) & {item["name"] for item in details(server)},
               f"{names} to be gone", SOON_S)
    for name in names:
        expect_error(server.invoke(name), 404, "unknown_function", f"unknown function: {name}")


def details(server):
    return server.get("/fn/list").json()["details"]


@pytest.fixture(scope="module", name="own")
def own_server():
    with Server(flags=["--workers", "2"]) as running:
        yield running


@pytest.fixture(autouse=True)
def empty_folder(request):
    """Each test finds the folder empty."""
    yield
    if "own" in request.fixturenames:
        server = request.getfixturevalue("own")
        shutil.rmtree(server.folder, ignore_errors=True)
        server.folder.mkdir(exist_ok=True)
        built_in = len(os.listdir(os.path.dirname(server.detail("hash")["source"])))
        wait_until(lambda: len(details(server)) == built_in, "the folder's functions to be gone")


# -- One file --------------------------------------------------------------------------------------

def in_place(path, text):
    path.write_text(text)


def in_pieces(path, text):
    with path.open("w") as file:
        for piece in (text[:9], text[9:18], text[18:]):
            file.write(piece)
            file.flush()


def by_rename(path, text):
    part = path.with_name("new.part")
    part.write_text(text)
    part.rename(path)


def from_elsewhere(path, text):
    part = path.parent.parent / "elsewhere.lua"
    part.write_text(text)
    part.rename(path)


def as_vim(path, text):
    """The old file becomes the backup, which goes once the new one is written."""
    swap, backup = path.with_name(f".{path.name}.swp"), path.with_name(f"{path.name}~")
    swap.write_text("b0VIM")
    path.with_name("4913").write_text("")
    path.with_name("4913").unlink()
    if path.exists():
        path.rename(backup)
    path.write_text(text)
    backup.unlink(missing_ok=True)
    swap.unlink()


def as_emacs(path, text):
    lock = path.with_name(f".#{path.name}")
    lock.symlink_to("user@host.1:2")
    path.with_name(f"#{path.name}#").write_text(text)
    if path.exists():
        shutil.copy(path, f"{path}~")
    path.write_text(text)
    path.with_name(f"#{path.name}#").unlink()
    lock.unlink()


def by_symlink(path, text):
    target = path.parent.parent / f"target{time.monotonic_ns()}.lua"
    target.write_text(text)
    link = path.with_name("new.link")
    link.symlink_to(target)
    link.rename(path)


def by_hard_link(path, text):
    target = path.parent.parent / f"target{time.monotonic_ns()}.lua"
    target.write_text(text)
    path.unlink(missing_ok=True)
    os.link(target, path)


def with_its_old_time(path, text):
    """As `cp -p` does: nothing but the content tells that it is another one."""
    path.write_text(text)
    os.utime(path, ns=(10**18, 10**18))


WAYS = [in_place, in_pieces, by_rename, from_elsewhere, as_vim, as_emacs, by_symlink, by_hard_link,
        with_its_old_time]


@pytest.mark.parametrize("write", WAYS)
def test_file_is_callable_replaced_and_gone(own, write):
    path = own.folder / "drop.lua"
    for value in (1, 2, 3):
        write(path, text_of(value))
        wait_value(own, "drop", value)
        assert own.detail("drop")["version"] == value
        assert "drop" in own.get("/fn/list").json()["functions"]
    path.unlink()
    wait_gone(own, "drop")


def test_last_of_many_changes_is_what_stays(own):
    path = own.folder / "drop.lua"
    for value in range(300):
        WAYS[value % 3](path, text_of(value))
    wait_value(own, "drop", 299)


def test_calls_during_changes_get_one_version_or_another(own):
    path, stop, wrong = own.folder / "drop.lua", threading.Event(), []
    long = "-- " + "x" * 100000 + "\n"
    path.write_text(long + text_of(0))
    wait_value(own, "drop", 0)

    def change():
        value = 0
        while not stop.is_set():
            value += 1
            in_place(path, long + text_of(value))

    changer = threading.Thread(target=change)
    changer.start()
    last = 0
    for _ in range(500):
        value = value_of(own, "drop")
        if value is None or value < last:
            wrong.append((last, value))
        last = value if value is not None else last
    stop.set()
    changer.join()
    assert not wrong


def test_file_written_slowly_is_taken_when_it_is_whole(own):
    path = own.folder / "drop.lua"
    path.write_text(text_of(1))
    wait_value(own, "drop", 1)
    with path.open("w") as file:
        file.write("return function() return {v = ")
        file.flush()
        for _ in range(200):
            assert value_of(own, "drop") == 1
        file.write("2} end\n")
    wait_value(own, "drop", 2)
    assert own.detail("drop")["error"] is None


def test_call_in_flight_ends_on_its_own_version(own):
    slow = "local v = {}\nreturn function(p, ctx) ctx.sleep(p.ms or 0) return {{v = v}} end"
    own.write("drop", slow.format(1))
    wait_value(own, "drop", 1)
    call = Background(own, "drop", {"ms": 1000})
    own.wait_in_flight("drop")
    own.write("drop", slow.format(2))
    wait_value(own, "drop", 2)
    (own.folder / "drop.lua").unlink()
    wait_gone(own, "drop")
    assert call.reply().json()["v"] == 1


def test_warm_pool_follows_the_file(own):
    own.write("drop", text_of(1))
    wait_value(own, "drop", 1)
    own.post("/fn/warmpool/drop?size=4")
    assert own.result("drop", start="warm")["warm"] is True
    own.write("drop", text_of(2))
    wait_value(own, "drop", 2)
    wait_until(lambda: own.get("/fn/warmpool").json()["drop"]["idle"] == 4, "the new pool")
    for _ in range(10):
        result = own.result("drop", start="warm")
        assert (result["v"], result["warm"]) == (2, True)
    (own.folder / "drop.lua").unlink()
    wait_gone(own, "drop")
    assert "drop" not in own.get("/fn/warmpool").json()


# -- Names -----------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", ["a", "0", "a-b_c", "x" * 64, "hash2"])
def test_good_names(own, name):
    (own.folder / f"{name}.lua").write_text(text_of(1))
    wait_value(own, name, 1)


def test_bad_names_are_told_once_and_are_no_functions(own):
    names = ["Upper", "has space", "-dash", "_under", "a.b", "x" * 65, "ü", "a+b"]
    for name in names:
        (own.folder / f"{name}.lua").write_text(text_of(1))
    own.write("good", text_of(1))
    wait_value(own, "good", 1)
    own.write("good", text_of(2))
    wait_value(own, "good", 2)
    lines = [line for line in own.log().splitlines() if "file is no function" in line]
    for name in names:
        assert len([line for line in lines if f"/{name}.lua\"" in line]) == 1, (name, lines)
    assert not set(names) & {item["name"] for item in details(own)}


def test_what_editors_and_tools_leave_is_no_function(own):
    before = own.log().count("file is no function")
    names = [".hidden.lua", ".drop.lua.swp", "drop.lua~", "#drop.lua#", "drop.lua.bak", "4913",
             "drop.txt", "drop", ".lua", "drop.lua.part", "drop.LUA"]
    for name in names:
        (own.folder / name).write_text(text_of(1))
    (own.folder / ".#drop.lua").symlink_to("nowhere")
    (own.folder / "dangling.lua").symlink_to("nowhere")
    own.write("good", text_of(1))
    wait_value(own, "good", 1)
    assert {"drop", "dangling"}.isdisjoint(item["name"] for item in details(own))
    assert own.log().count("file is no function") == before


# -- Folders ---------------------------------------------------------------------------------------

def fill(folder, count, value=1):
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        (folder / f"f{i}.lua").write_text(text_of(value))


def test_many_files_copied_at_once(own, tmp_path):
    fill(tmp_path / "many", 200)
    shutil.copytree(tmp_path / "many", own.folder, dirs_exist_ok=True)
    wait_until(lambda: len([item for item in details(own) if item["name"][1:].isdigit()
                            and item["status"] == "ok"]) == 200, "all to load", 3 * SOON_S)
    assert value_of(own, "f199") == 1


def test_folder_itself_goes_and_comes_back(own, tmp_path):
    for value in (1, 2):
        fill(tmp_path / f"set{value}", 3, value)
        shutil.rmtree(own.folder)
        if value == 2:
            wait_gone(own, "f0", "f1", "f2")
        shutil.copytree(tmp_path / f"set{value}", own.folder)
        for i in range(3):
            wait_value(own, f"f{i}", value)
    own.write("f1", text_of(7))
    wait_value(own, "f1", 7)


def test_folder_is_swapped_for_another(own, tmp_path):
    fill(own.folder, 3, 1)
    wait_value(own, "f2", 1)
    fill(own.folder.parent / "next", 2, 2)
    own.folder.rename(tmp_path / "previous")
    (own.folder.parent / "next").rename(own.folder)
    wait_value(own, "f1", 2)
    wait_gone(own, "f2")
    (tmp_path / "previous" / "f0.lua").write_text(text_of(9))  # watched no more
    own.write("f0", text_of(3))
    wait_value(own, "f0", 3)


def test_files_behind_a_swapped_symlink_are_read_again(own):
    """As Kubernetes mounts a config map: drop.lua -> ..data/drop.lua, ..data -> ..time."""
    for value in (1, 2):
        fill(own.folder / f"..time{value}", 1, value)
        (own.folder / "..new").symlink_to(f"..time{value}")
        (own.folder / "..new").rename(own.folder / "..data")
        if value == 1:
            (own.folder / "f0.lua").symlink_to("..data/f0.lua")
        wait_value(own, "f0", value)
