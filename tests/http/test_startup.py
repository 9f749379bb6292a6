# SPDX-License-Identifier: MIT
"""test_startup.py - flags, environment, and what is said when they make no sense."""

import os
import re
import socket
import subprocess

import pytest

from server import BINARY, ROOT, Server


def run(*flags, env=None):
    """Runs the server to its own end; returns (exit status, standard output, standard error)."""
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith(("FAAS_", "PYROSCOPE_")) and name not in ("PORT", "OPTIMIZED")}
    done = subprocess.run([BINARY, *flags], env={**kept, **(env or {})}, timeout=60, check=False,
                          capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def numbers():
    """(flag, environment variable, least, most) of each setting that is a number."""
    text = (ROOT / "host/base/settings.h").read_text()
    found = re.findall(r'X\(\w+, "([\w-]+)", "(\w+)", [^,]+, ([^,]+), ([^,]+),', text)
    values = [(flag, env, *(eval_shift(item) for item in bounds)) for flag, env, *bounds in found]
    assert len(values) > 10
    return values


def eval_shift(text):
    base, _, shift = text.strip().partition("<<")
    return int(base) << int(shift or 0)


NUMBERS = numbers()


@pytest.mark.parametrize("flag, env, least, most", NUMBERS)
def test_bounds_of_a_number(flag, env, least, most):
    for value in (least, most):
        assert run(f"--{flag}", str(value), "--help")[0] == 0
        assert run("--help", env={env: str(value)})[0] == 0
    for value in (least - 1, most + 1, "", "x", "1.5", "1e3", "99999999999999999999"):
        for name, done in ((f"--{flag}", run(f"--{flag}={value}")),
                           (env, run(env={env: str(value)}))):
            status, said, complaint = done
            assert (status, said) == (2, "")
            assert f"{name} is \"{value}\"" in complaint
            assert f"{least} to {most}" in complaint
            assert complaint.count("\n") == 1


@pytest.mark.parametrize("flags, env, word", [
    (["--nope"], {}, "nope"),
    (["extra"], {}, "extra"),
    (["--workers"], {}, "workers"),
    (["--listen", "x:y"], {}, "port"),
    (["--listen", "127.0.0.1:65536"], {}, "65535"),
    (["--listen", "127.0.0.1:-1"], {}, "port"),
    (["--listen", "127.0.0.1:"], {}, "port"),
    (["--listen", "x" * 256 + ":1"], {}, "host"),
    ([], {"FAAS_LISTEN": "nonsense"}, "FAAS_LISTEN"),
    ([], {"PORT": "http"}, "PORT"),
    ([], {"PORT": "65536"}, "PORT"),
    ([], {"OPTIMIZED": "maybe"}, "OPTIMIZED"),
    (["--optimized=maybe"], {}, "--optimized"),
    (["--walls=maybe"], {}, "--walls"),
    ([], {"FAAS_WALLS": "maybe"}, "FAAS_WALLS"),
    (["--local-clients=maybe"], {}, "--local-clients"),
    ([], {"FAAS_LOCAL_CLIENTS": "maybe"}, "FAAS_LOCAL_CLIENTS"),
    (["--health", "--listen", "0"], {}, "port 0"),
    (["--health", "--listen", "127.0.0.1:1"], {}, "127.0.0.1:1: Connection refused"),
    (["--health", "--listen", "no.host.invalid:1"], {}, "no.host.invalid:1"),
    (["--http2=maybe"], {}, "--http2"),
    ([], {"FAAS_HTTP2": "maybe"}, "FAAS_HTTP2"),
    (["--log-level", "loud"], {}, "loud"),
    ([], {"FAAS_LOG_LEVEL": "loud"}, "FAAS_LOG_LEVEL"),
    (["--functions", "/does/not/exist"], {}, "/does/not/exist"),
    (["--functions", __file__], {}, "not a folder"),
    ([], {"FAAS_FUNCTIONS": "/does/not/exist"}, "/does/not/exist"),
    (["--settings", "/does/not/exist"], {}, "/does/not/exist"),
    ([], {"PYROSCOPE_PROFILER_ALLOC": "512 k"}, "PYROSCOPE_PROFILER_ALLOC"),
    ([], {"PYROSCOPE_PROFILER_LOCK": "10 ms"}, "PYROSCOPE_PROFILER_LOCK"),
    (["--pyroscope-server-address", "localhost:4040"], {}, "--pyroscope-server-address is"),
    ([], {"PYROSCOPE_SERVER_ADDRESS": "http://a:b@c"}, "PYROSCOPE_SERVER_ADDRESS has an @"),
    ([], {"PYROSCOPE_LABELS": "a-b=1"}, "PYROSCOPE_LABELS has the name \"a-b\""),
    (["--pyroscope-labels", "start=warm"], {}, "are the server's"),
    ([], {"PYROSCOPE_APPLICATION_NAME": "a\tb"}, "PYROSCOPE_APPLICATION_NAME takes"),
    ([], {"PYROSCOPE_TENANT_ID": "a b"}, "PYROSCOPE_TENANT_ID takes"),
    ([], {"PYROSCOPE_UPLOAD_INTERVAL": "10"}, "PYROSCOPE_UPLOAD_INTERVAL is \"10\""),
    ([], {"PYROSCOPE_AUTH_TOKEN": "a b"}, "PYROSCOPE_AUTH_TOKEN must have"),
    ([], {"PYROSCOPE_BASIC_AUTH_USER": "a"}, "come together"),
    ([], {"FAAS_SETTINGS": __file__}, "test_startup.py:2: a line is NAME = VALUE"),
])
def test_what_makes_no_sense_ends_it_with_2_and_a_sentence(flags, env, word):
    status, said, complaint = run(*flags, env=env)
    assert (status, said) == (2, "")
    assert word in complaint


def test_port_in_use_ends_it_with_1_and_a_sentence():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, _, complaint = run("--listen", f"127.0.0.1:{port}")
    assert status == 1
    assert str(port) in complaint and "in use" in complaint


def test_help_names_every_setting():
    status, said, complaint = run("--help")
    assert (status, complaint) == (0, "")
    for flag, env, *_ in NUMBERS:
        assert f"--{flag} " in said and f"({env})" in said
    for word in ("--settings", "FAAS_SETTINGS", "--listen", "--functions", "--optimized", "--walls",
                 "--log-level", "PORT", "--local-clients", "FAAS_LOCAL_CLIENTS", "--health",
                 "OPTIMIZED", "--http2", "FAAS_HTTP2", "--tls-cert",
                 "FAAS_TLS_CERT", "--tls-key", "FAAS_TLS_KEY", "FAAS_ADMIN_TOKEN",
                 "FAAS_INVOKE_TOKEN", "PYROSCOPE_PROFILER_ALLOC", "PYROSCOPE_PROFILER_LOCK",
                 "PYROSCOPE_AUTH_TOKEN", "PYROSCOPE_BASIC_AUTH_USER",
                 "PYROSCOPE_BASIC_AUTH_PASSWORD", "--pyroscope-server-address",
                 "PYROSCOPE_SERVER_ADDRESS", "--pyroscope-application-name",
                 "PYROSCOPE_APPLICATION_NAME", "--pyroscope-labels", "PYROSCOPE_LABELS",
                 "--pyroscope-tenant-id", "PYROSCOPE_TENANT_ID", "--pyroscope-upload-interval",
                 "PYROSCOPE_UPLOAD_INTERVAL"):
        assert word in said


def test_version():
    status, said, _ = run("--version")
    assert status == 0 and re.fullmatch(r"faas-server \d+\.\d+\.\d+\S*\n", said)


def test_environment_is_obeyed_and_flags_win(start):
    server = start(env={"FAAS_WORKERS": "3", "PORT": "1", "FAAS_BODY_MAX": "1024"})
    assert len(server.workers()) == 3
    assert server.port != 1  # --listen
    assert server.invoke("hash", "{}" + " " * 1023).status_code == 413
    assert len(start(flags=["--workers", "2"], env={"FAAS_WORKERS": "3"}).workers()) == 2


def test_settings_file_is_obeyed_and_the_environment_wins(start, tmp_path):
    file = tmp_path / "settings"
    file.write_text("workers = 2\nbody-max = 1024\nlisten = 127.0.0.1:1\n")
    server = start(flags=["--settings", str(file)], env={"FAAS_BODY_MAX": "2048"})
    assert len(server.workers()) == 2
    assert server.port != 1  # --listen
    assert server.invoke("hash", "{}" + " " * 2000).status_code == 200
    assert server.invoke("hash", "{}" + " " * 2047).status_code == 413


def test_functions_folder_of_the_environment_comes_before_those_of_flags(tmp_path):
    for name in ("mine", "hash"):
        (tmp_path / f"{name}.lua").write_text('return function() return {from = "env"} end')
    flagged = {"hash": 'return function() return {from = "flag"} end'}
    with Server(flagged, env={"FAAS_FUNCTIONS": str(tmp_path)}) as server:
        assert server.result("mine")["from"] == "env"
        assert server.result("hash")["from"] == "flag"


def test_built_in_functions_are_found_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with Server() as server:
        assert server.result("hash", {"rounds": 1})["rounds"] == 1


@pytest.mark.parametrize("level, words", [
    ("debug", ["debug", "info", "warn", "error"]), ("warn", ["warn", "error"]),
    ("error", ["error"])])
def test_log_level(level, words):
    talk = """
        return function(_, ctx)
          for _, level in ipairs({"debug", "info", "warn", "error"}) do
            ctx.log(level, "said at " .. level)
          end
          return {}
        end"""
    # Nothing tells where a quiet server listens: a port is chosen for it.
    with socket.create_server(("127.0.0.1", 0)) as chosen:
        port = chosen.getsockname()[1]
    flags = ["--log-level", level, "--listen", f"127.0.0.1:{port}"]
    with Server({"talk": talk}, flags, url=f"http://127.0.0.1:{port}") as server:
        server.invoke("talk")
        server.wait_log("said at error")
        said = re.findall(r'said at (\w+)"', server.log())
    assert said == words


# -- In a container ----------------------------------------------------------------------------

def test_workers_are_four_for_each_processor_it_may_run_on(start, monkeypatch):
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})  # inherited by what is started
    try:
        assert len(start().workers()) == 4
    finally:
        os.sched_setaffinity(0, before)


def has_ipv6():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize("host, asked", [
    ("127.0.0.1", ""), ("0.0.0.0", ""), ("", ""), ("[::]", ""), ("0.0.0.0", "localhost:")])
def test_health_asks_where_the_settings_say(start, host, asked):
    if host == "[::]" and not has_ipv6():
        pytest.skip("this machine has no IPv6")
    server = start(listen=f"{host}:0", flags=["--local-clients"])
    assert run("--health", "--listen", f"{asked or host + ':'}{server.port}") == (0, "", "")
    assert run("--health", env={"PORT": str(server.port)}) == (0, "", "") or host == "[::]"


@pytest.mark.parametrize("said, complaint", [
    (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", 'answers "HTTP/1.1 503 Service Unavailable"'),
    (b"nonsense", 'answers "nonsense"'), (b"", "does not answer"), (None, "does not answer")])
def test_health_tells_what_else_it_got(said, complaint):
    """None: it waits for an answer that does not come."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        asking = subprocess.Popen([BINARY, "--health", "--listen", f"127.0.0.1:{port}"],
                                  stderr=subprocess.PIPE, text=True)
        client, _ = other.accept()
        with client:
            if said is not None:
                client.recv(4096)
                client.sendall(said)
                client.shutdown(socket.SHUT_WR)
            _, told = asking.communicate(timeout=60)
    assert asking.returncode == 2 and f"127.0.0.1:{port} {complaint}" in told
