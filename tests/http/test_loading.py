# SPDX-License-Identifier: MIT
"""test_loading.py - files that are loaded while workers die, are held up, or are flooded."""

import os
import signal
import threading
import time

from server import Background, expect_error, wait_until
from test_functions_folder import SOON_S, text_of, wait_value

SLOW = "local stop = os.clock() + {seconds} while os.clock() < stop do end\n"
TAKES_OVER = """
local real = {error = error, pairs = pairs}
pcall = function() return true, {params = 5, description = 7, timeout_ms = "never"} end
pairs = function() return real.error end
error = function() end
type, tostring = print, print
table.sort, table.concat, string.format = print, print, print
return {timeout_ms = 100, params = {n = {type = "integer", max = 5}},
        handler = function(p) return {n = p.n} end}
"""


def test_file_that_replaces_the_library_is_described_all_the_same(start):
    server = start({"own": TAKES_OVER, "long": TAKES_OVER.replace("100", "600001")},
                   ["--workers", "1"])
    assert server.detail("own")["limits"]["timeout_ms"] == 100
    assert server.result("own", {"n": 5})["n"] == 5
    expect_error(server.invoke("own", {"n": 6}), 400, "bad_params", "parameter n", "own")
    assert "from 1 to 600000" in server.detail("long")["error"]


def test_file_that_logs_without_end_while_it_loads_holds_nobody_up(start):
    server = start({}, ["--workers", "2"])
    for number in range(4):
        server.write(f"flood{number}", "while true do print(('x'):rep(8000)) end")
    wait_until(lambda: all(server.detail(f"flood{n}") and server.detail(f"flood{n}")["error"]
                           for n in range(4)), "the floods to be ended")
    assert server.result("hash", {"rounds": 1})
    assert server.log().count("64 KiB; the rest is left out") == 4


def test_file_whose_worker_is_killed_is_loaded_by_the_next(start):
    server = start({}, ["--workers", "1", "--load-timeout-ms", "20000"])
    server.write("slow", SLOW.format(seconds=1) + text_of(1))
    for _ in range(2):
        worker = server.worker()
        wait_until(lambda: server.detail("slow"), "the function to be known")
        time.sleep(0.2)  # so that it loads when the worker dies, most times
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda: server.workers() and server.worker() != worker, "the next worker")
    wait_value(server, "slow", 1, 60)


def test_file_that_crashes_its_worker_each_time_is_broken(start):
    """A worker is killed ever again: at some point the server gives in."""
    server = start({}, ["--workers", "1", "--load-timeout-ms", "20000"])
    server.write("slow", SLOW.format(seconds=10) + text_of(1))
    wait_until(lambda: server.detail("slow"), "the function to be known")
    end = time.monotonic() + 60
    while server.detail("slow")["status"] == "loading":
        assert time.monotonic() < end, "it is tried for ever"
        for pid in server.workers().values():
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.1)
    assert "crashed its worker while it loaded" in server.detail("slow")["error"]


def test_file_is_loaded_where_a_call_goes_on_after_its_child(start):
    """The only worker is held by a parent that its child's result has woken."""
    server = start({"parent": "return function(_, ctx)\n  ctx.invoke('hash', {rounds = 1})\n"
                              + SLOW.format(seconds=1.5) + "  return {v = 1}\nend"},
                   ["--workers", "1", "--load-timeout-ms", "250"])
    call = Background(server, "parent")
    wait_until(lambda: server.stats("hash")["invocations"] == 1, "the child to end")
    server.write("new", text_of(3))
    assert call.reply().json()["v"] == 1
    wait_value(server, "new", 3)


def test_other_writes_do_not_put_off_a_reload(start):
    server = start({"f": text_of(1)}, ["--workers", "1"])
    stop = threading.Event()

    def scribble():
        with (server.folder / "notes.txt").open("w") as notes:
            while not stop.wait(0.002):
                notes.write("x")
                notes.flush()

    writer = threading.Thread(target=scribble)
    writer.start()
    try:
        for value in range(2, 6):
            server.write("f", text_of(value))
            wait_value(server, "f", value)
    finally:
        stop.set()
        writer.join()


def test_file_has_its_whole_time_once_its_worker_takes_it(start):
    server = start({"first": text_of(1)}, ["--workers", "1", "--load-timeout-ms", "3000"])
    worker = server.worker()
    os.kill(worker, signal.SIGSTOP)  # as if another call held it
    server.write("slow", SLOW.format(seconds=0.4) + text_of(2))
    wait_until(lambda: server.detail("slow"), "the function to be known")
    time.sleep(2.7)
    os.kill(worker, signal.SIGCONT)
    wait_value(server, "slow", 2, 10)
    assert server.worker() == worker


def test_worker_that_takes_no_call_is_replaced(start):
    server = start({"first": text_of(1)}, ["--workers", "1"])
    worker = server.worker()
    os.kill(worker, signal.SIGSTOP)
    server.write("new", text_of(2))
    wait_value(server, "new", 2, 10)
    assert server.worker() != worker
    assert "it takes no call" in server.log()


def test_call_does_not_wait_for_its_function_past_its_deadline(start):
    server = start({}, ["--workers", "1", "--load-timeout-ms", "20000", "--queue-wait-ms", "300"])
    server.write("slow", SLOW.format(seconds=1.5) + text_of(1))
    wait_until(lambda: server.detail("slow"), "the function to be known")
    expect_error(server.invoke("slow", headers={"X-Timeout-Ms": "100"}), 504, "deadline",
                 "before its function was loaded", "slow")
    expect_error(server.invoke("slow"), 503, "queue_timeout", "before its function was loaded",
                 "slow")
    wait_value(server, "slow", 1, 60)


# -- Links -----------------------------------------------------------------------------------------

LINKED_S = 1.5 + SOON_S  # links are looked at once a second


def test_file_behind_a_link_is_followed(start, tmp_path):
    server = start({}, ["--workers", "1"])
    target = tmp_path / "target.lua"
    (server.folder / "f.lua").symlink_to(target)  # leads nowhere yet
    target.write_text(text_of(1))
    wait_value(server, "f", 1, LINKED_S)
    target.write_text(text_of(2))
    wait_value(server, "f", 2, LINKED_S)
    (tmp_path / "new.lua").write_text(text_of(3))
    (tmp_path / "new.lua").rename(target)
    wait_value(server, "f", 3, LINKED_S)
    target.unlink()
    wait_until(lambda: server.invoke("f").status_code == 404, "the function to go", LINKED_S)
    target.write_text(text_of(4))
    wait_value(server, "f", 4, LINKED_S)


def test_module_behind_a_link_is_followed(start, tmp_path):
    target = tmp_path / "m.lua"
    server = start({"f": "local m = require('m')\nreturn function() return {v = m} end"},
                   ["--workers", "1"])
    (server.folder / "lib").mkdir()
    (server.folder / "lib" / "m.lua").symlink_to(target)
    for value in (1, 2):
        target.write_text(f"return {value}")
        wait_value(server, "f", value, LINKED_S)


def test_lib_folder_behind_a_link_is_followed(start, tmp_path):
    for value in (1, 2):
        (tmp_path / f"r{value}" / "lib").mkdir(parents=True)
        (tmp_path / f"r{value}" / "lib" / "m.lua").write_text(f"return {value}")
    (tmp_path / "current").symlink_to("r1")
    server = start({"f": "local m = require('m')\nreturn function() return {v = m} end"},
                   ["--workers", "1"])
    (server.folder / "lib").symlink_to(tmp_path / "current" / "lib")
    wait_value(server, "f", 1)
    (tmp_path / "next").symlink_to("r2")
    (tmp_path / "next").rename(tmp_path / "current")
    wait_value(server, "f", 2, LINKED_S)
    (tmp_path / "r2" / "lib" / "m.lua").write_text("return 3")
    wait_value(server, "f", 3)  # by its event


def test_functions_folder_that_is_a_link_is_followed(start, tmp_path):
    for value in (1, 2):
        (tmp_path / f"release{value}").mkdir()
        (tmp_path / f"release{value}" / "f.lua").write_text(text_of(value))
    current = tmp_path / "current"
    current.symlink_to(tmp_path / "release1")
    server = start({}, ["--workers", "1", "--functions", str(current)])
    wait_value(server, "f", 1)
    (tmp_path / "next").symlink_to(tmp_path / "release2")
    (tmp_path / "next").rename(current)
    wait_value(server, "f", 2, LINKED_S)
    (tmp_path / "release2" / "f.lua").write_text(text_of(3))
    wait_value(server, "f", 3)  # by its event again


def test_folder_of_links_that_are_swapped_at_once(start, tmp_path):
    """As Kubernetes mounts a ConfigMap: f.lua -> ..data/f.lua, ..data -> a folder with a date."""
    server = start({}, ["--workers", "1"])
    for value in (1, 2):
        folder = server.folder / f"..{value}"
        folder.mkdir()
        (folder / "f.lua").write_text(text_of(value))
        (server.folder / "..new").symlink_to(folder.name)
        (server.folder / "..new").rename(server.folder / "..data")
        if value == 1:
            (server.folder / "f.lua").symlink_to("..data/f.lua")
        wait_value(server, "f", value, LINKED_S)
