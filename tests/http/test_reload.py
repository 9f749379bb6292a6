# SPDX-License-Identifier: MIT
"""test_reload.py - SIGHUP: new processes from the binary and settings there are, no failed call."""

import http.client
import os
import pathlib
import shutil
import signal
import socket
import subprocess

import pytest

from pressure import Pressure, request_of
from server import BINARY, Background, Server, wait_until

FUNCTIONS = {
    "hold": "return function(p, ctx) ctx.sleep(p.ms) return {} end",
    "spin": "return {timeout_ms = 60000, handler = function() while true do end end}",
    "mine": "return function() return {} end",
}


@pytest.fixture(name="file")
def settings_file(tmp_path):
    """Of settings."""
    path = tmp_path / "settings"
    path.write_text("workers = 1\n")
    return path


def read_reply(raw):
    """(status, whether the connection ends with it)"""
    reply = http.client.HTTPResponse(raw)
    reply.begin()
    reply.read()
    return reply.status, reply.will_close


def hang_up(server):
    server.process.send_signal(signal.SIGHUP)


def expect_calls(server):
    # Not of the session: that may have a connection to the processes before.
    reply = Background(server, "mine").reply()
    assert reply.status_code == 200, reply.text


# -- What it is for --------------------------------------------------------------------------------

def test_no_request_fails_under_load(start):
    server = start(flags=["--workers", "2"])
    before = server.family()
    with Pressure(server.port) as load:
        for _ in range(5):
            seen = load.answered()
            server.reload()
            wait_until(lambda more=seen + 200: load.answered() > more, "some load")
    assert set(load.seen) == {"200"}, load.seen
    server.session.close()
    wait_until(lambda: len(server.family()) == 5, "the processes before to end")
    assert set(server.family()) & set(before) == {server.pid}


def test_signals_that_come_at_once_are_one_more_reload(start):
    server = start(FUNCTIONS, ["--workers", "1"])
    with Pressure(server.port, name="mine", body=b"") as load:
        for _ in range(30):
            hang_up(server)
        server.wait_reloads(1)
        server.reload()
    assert set(load.seen) == {"200"}, load.seen
    expect_calls(server)
    assert server.log().count(" reloaded pid=") <= 32


def test_settings_are_read_anew(start, file, tmp_path):
    server = start(FUNCTIONS, ["--settings", str(file)])
    assert len(server.workers()) == 1
    more = tmp_path / "more"
    more.mkdir()
    (more / "other.lua").write_text("return function() return {other = true} end")
    file.write_text(f"workers = 3\nfunctions = {more}\nbody-max = 1024\n")
    server.reload()
    wait_until(lambda: len(server.workers()) == 3, "three workers")
    server.session.close()
    assert server.result("other")["other"] is True
    assert server.invoke("mine", "{}" + " " * 1023).status_code == 413


def test_binary_is_taken_anew(start, tmp_path):
    binary, newer = tmp_path / "faas-server", tmp_path / "newer"
    shutil.copy(BINARY, binary)
    server = start(FUNCTIONS, ["--workers", "1"], binary=binary)
    shutil.copy(BINARY, newer)
    with newer.open("ab") as end:
        end.write(b"another one")  # behind what an ELF file's headers tell of
    newer.rename(binary)
    server.reload()
    for pid in (server.supervisor, server.front(), server.worker()):
        assert os.path.samefile(f"/proc/{pid}/exe", binary)
    assert not os.path.samefile(f"/proc/{server.pid}/exe", binary)
    expect_calls(server)


# -- The processes before --------------------------------------------------------------------------

def test_running_calls_and_kept_connections_end_well(start):
    server = start(FUNCTIONS, ["--workers", "2"])
    calls = [Background(server, "hold", {"ms": 1000}) for _ in range(8)]
    server.wait_in_flight("hold", 8)
    with server.connect() as raw:
        raw.sendall(request_of("mine"))
        assert read_reply(raw) == (200, False)
        server.reload()
        assert server.get("/ready").status_code == 200
        raw.sendall(request_of("mine"))
        assert read_reply(raw) == (200, True)
    assert [call.reply().status_code for call in calls] == [200] * 8


def test_idle_connection_ends_in_its_time(start):
    server = start(FUNCTIONS, ["--workers", "1", "--read-timeout-ms", "1000"])
    with server.connect() as raw:
        raw.sendall(request_of("mine"))
        assert read_reply(raw) == (200, False)
        server.reload()
        assert raw.recv(1) == b""
    wait_until(lambda: len(server.family()) == 4, "the processes before to end")


def test_call_that_outlasts_the_drain_is_cut_off(start):
    server = start(FUNCTIONS, ["--workers", "1", "--drain-ms", "200"])
    call = Background(server, "spin")
    server.wait_in_flight("spin")
    server.reload()
    with pytest.raises(Exception, match="Connection|closed|reset"):
        call.reply()
    expect_calls(server)


def test_worker_that_dies_while_its_front_retires_is_replaced(start):
    server = start(FUNCTIONS, ["--workers", "1"])
    with server.connect() as raw:
        raw.sendall(request_of("mine"))
        assert read_reply(raw) == (200, False)
        worker = server.worker()
        server.reload()
        os.kill(worker, signal.SIGKILL)
        server.wait_log("worker died")
        raw.sendall(request_of("mine"))
        assert read_reply(raw) == (200, True)


def test_reload_waits_while_too_many_before_have_not_ended(start):
    server = start(FUNCTIONS, ["--workers", "1"])
    raws = []
    for _ in range(8):
        raws.append(server.connect())
        raws[-1].sendall(request_of("hold", b'{"ms":60000}'))
        server.session.close()
        server.wait_in_flight("hold")
        server.reload()
    hang_up(server)
    server.wait_log("reload waits")
    raws[0].close()  # of the first process's own front
    expect_calls(server)
    assert server.log().count(" reloading pid=") == 8
    raws[1].close()
    server.wait_reloads(9)
    expect_calls(server)
    for raw in raws:
        raw.close()


# -- What does not start ---------------------------------------------------------------------------

@pytest.mark.parametrize("wrong, word", [
    ("workers = 99\n", "settings:1: workers is"), ("functions = /does/not/exist\n", "not a folder")])
def test_settings_that_make_no_sense_change_nothing(start, file, wrong, word):
    server = start(FUNCTIONS, ["--settings", str(file)])
    before = server.children()
    with Pressure(server.port, name="mine", body=b"") as load:
        file.write_text(wrong)
        hang_up(server)
        server.wait_log("reload failed")
        assert word in server.log()
        assert server.children() == before
        file.write_text("workers = 2\n")
        server.reload()
    assert set(load.seen) == {"200"}, load.seen
    assert len(server.workers()) == 2


SCRIPTS = {"hangs": "#!/bin/sh\nexec sleep 600\n", "ends": "#!/bin/sh\nexit 3\n",
           "is no program": "\0\0\0\0"}


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_binary_that_does_not_become_ready_changes_nothing(start, tmp_path, script):
    binary, other = tmp_path / "faas-server", tmp_path / "other"
    shutil.copy(BINARY, binary)
    server = start(FUNCTIONS, ["--workers", "1", "--reload-ms", "300"], binary=binary)
    before = server.family()
    other.write_text(script)
    other.chmod(0o755)
    binary.rename(tmp_path / "good")
    other.rename(binary)
    hang_up(server)
    server.wait_log("reload failed")
    assert server.family() == before
    expect_calls(server)
    (tmp_path / "good").rename(binary)
    expect_calls(server)


def test_listening_address_is_kept(start, file):
    file.write_text("workers = 1\nlisten = 127.0.0.1:0\n")
    server = start(FUNCTIONS, ["--settings", str(file)], listen=None)
    file.write_text("workers = 1\nlisten = 127.0.0.1:1\n")
    server.reload()
    server.wait_log("the listening address is kept")
    file.write_text(f"workers = 1\nlisten = 127.0.0.1:{server.port}\n")
    server.reload()
    assert server.log().count("the listening address is kept") == 1
    expect_calls(server)


# -- Ends ------------------------------------------------------------------------------------------

def test_successor_that_dies_is_replaced(start):
    server = start(FUNCTIONS, ["--workers", "1"])
    for reloads in (1, 2):
        server.reload()
        os.kill(server.supervisor, signal.SIGKILL)
        server.wait_reloads(2 * reloads)
        expect_calls(server)
    server.reload()


def test_nothing_outlives_the_first_process():
    with Server(FUNCTIONS, ["--workers", "1"]) as server:
        server.reload()
        call = Background(server, "spin")
        os.kill(server.pid, signal.SIGKILL)
        with pytest.raises(Exception, match="Connection|closed|reset|refused"):
            call.reply()
        server.wait_ended(-signal.SIGKILL)


def test_front_that_dies_meanwhile_is_no_hindrance(start):
    server = start(FUNCTIONS, ["--workers", "1"])
    server.expected_faults = "front died"
    hang_up(server)
    os.kill(server.front(), signal.SIGKILL)
    server.wait_reloads(1)
    expect_calls(server)
    os.kill(server.front(), signal.SIGKILL)
    expect_calls(server)


def test_stopping_after_a_reload_lets_calls_of_both_end(start):
    server = start(FUNCTIONS, ["--workers", "1"])
    calls = [Background(server, "hold", {"ms": 1500})]
    server.wait_in_flight("hold")
    server.reload()
    server.session.close()
    calls.append(Background(server, "hold", {"ms": 1000}))
    server.wait_in_flight("hold")
    os.killpg(server.pid, signal.SIGTERM)  # as a terminal or a service manager does
    assert [call.reply().status_code for call in calls] == [200, 200]
    server.wait_ended()


def test_second_signal_after_a_reload_ends_it_at_once(start):
    server = start(FUNCTIONS, ["--workers", "1", "--drain-ms", "600000"])
    server.reload()
    call = Background(server, "spin")
    server.session.close()
    server.wait_in_flight("spin")
    server.process.send_signal(signal.SIGTERM)
    server.wait_log("draining")
    server.process.send_signal(signal.SIGTERM)
    server.wait_ended()
    with pytest.raises(Exception, match="Connection|closed|reset"):
        call.reply()


def test_stopping_meanwhile_loses_nothing(start):
    server = start(FUNCTIONS, ["--workers", "1"])
    with Pressure(server.port, name="mine", body=b"") as load:
        wait_until(lambda: load.answered() > 50, "some load")
        os.killpg(server.pid, signal.SIGHUP)
        server.wait_log("reloading")
        os.killpg(server.pid, signal.SIGTERM)
        server.wait_ended()
    assert set(load.seen) <= {"200", "503", "crossed", "not taken"}, load.seen


# -- Sockets from elsewhere ------------------------------------------------------------------------

def activated(descriptors, count, *flags):
    """Runs the server as systemd does: `descriptors` become 3 and those that follow."""
    def place():
        for i, fd in enumerate(descriptors):
            os.dup2(fd, 3 + i)

    script = f'LISTEN_FDS={count} LISTEN_PID=$$ exec "$@"'
    return subprocess.Popen(["sh", "-c", script, "sh", BINARY, *flags], preexec_fn=place,
                            close_fds=False, stderr=subprocess.PIPE, text=True,
                            start_new_session=True)


def read_until(stream, word):
    said = ""
    while word not in said:
        line = stream.readline()
        assert line, said
        said += line
    return said


def test_socket_that_systemd_listens_on_is_taken():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with activated([listener.fileno()], 1, "--workers", "1") as process:
            with socket.create_connection(("127.0.0.1", port)) as raw:
                raw.sendall(request_of())
                assert read_reply(raw)[0] == 200
            process.send_signal(signal.SIGHUP)
            said = read_until(process.stderr, " reloaded ")
            process.terminate()
            said += process.stderr.read()
            assert process.wait() == 0
        # systemd goes on listening: what comes now is for the next start.
        with socket.create_connection(("127.0.0.1", port), 5), listener.accept()[0]:
            pass
    assert f"listening url=http://127.0.0.1:{port} " in said
    assert "is kept" not in said


@pytest.mark.parametrize("count, word", [(1, "descriptor 3"), (17, "1 to 16"), ("x", "1 to 16")])
def test_what_is_no_socket_that_listens_is_refused(count, word):
    with socket.socket() as raw, activated([raw.fileno()], count) as process:
        said = process.stderr.read()
        assert process.wait() == 1
    assert word in said


def test_sockets_for_another_process_are_left_alone(start):
    server = start(FUNCTIONS, ["--workers", "1"], env={"LISTEN_FDS": "1", "LISTEN_PID": "1"})
    expect_calls(server)
    assert b"LISTEN_FDS" in pathlib.Path(f"/proc/{server.pid}/environ").read_bytes()
