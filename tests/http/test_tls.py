# SPDX-License-Identifier: MIT
"""test_tls.py - certificates, what is spoken over TLS, and clients that stall or leave under it."""

import json
import re
import socket
import ssl
import subprocess
import threading

import pytest
import requests

from server import PATIENCE_S, Server, wait_until
from test_startup import run

FUNCTIONS = {"echo": "return function(params) return params end"}


def make(folder, *options):
    """(certificate, key), new, for 127.0.0.1."""
    folder.mkdir(exist_ok=True)
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", cert,
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", *options],
                   check=True, capture_output=True)
    return str(cert), str(key)


@pytest.fixture(scope="module", name="files")
def certificate_and_key(tmp_path_factory):
    return make(tmp_path_factory.mktemp("tls") / "good")


def flags(files, *more):
    return ["--tls-cert", files[0], "--tls-key", files[1], "--workers", "2", *more]


@pytest.fixture(scope="module", name="tls")
def tls_server(files):
    with Server(FUNCTIONS, flags(files, "--http2"), verify=files[0]) as running:
        yield running


@pytest.fixture(scope="module", name="impatient")
def impatient_server(files):
    with Server(FUNCTIONS, flags(files, "--read-timeout-ms", "300"), verify=files[0]) as running:
        yield running


def wrap(server, alpn=(), **options):
    context = ssl.create_default_context(cafile=server.session.verify)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    for name, value in options.items():
        setattr(context, name, value)
    return context.wrap_socket(server.connect(), server_hostname="127.0.0.1")


def request(body=b"{}", name=b"echo"):
    return (b"POST /fn/invoke/%s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s"
            % (name, len(body), body))


def read_until(raw, text):
    found = b""
    while text not in found:
        piece = raw.recv(65536)
        assert piece, found
        found += piece
    return found


# -- Serving ---------------------------------------------------------------------------------------

def test_calls_over_tls(tls):
    assert tls.url.startswith("https://127.0.0.1:")
    assert tls.get("/health").text == "OK"
    body = {"a": "x" * 900000}
    assert tls.result("echo", body)["a"] == body["a"]


def test_certificate_is_verified(tls):
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(tls.url + "/health", timeout=PATIENCE_S)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_versions(tls, version):
    with wrap(tls, minimum_version=version, maximum_version=version) as raw:
        assert raw.version() == version.name.replace("_", ".")
        raw.sendall(request())
        assert read_until(raw, b"latency_ms").startswith(b"HTTP/1.1 200")


def test_old_versions_are_refused(tls):
    done = subprocess.run(["openssl", "s_client", "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0",
                           "-connect", f"127.0.0.1:{tls.port}"], input=b"", capture_output=True,
                          check=False, timeout=PATIENCE_S)
    assert done.returncode != 0


@pytest.mark.parametrize("offered, chosen", [
    (["h2", "http/1.1"], "h2"), (["http/1.1"], "http/1.1"), (["spdy/3"], None), ([], None)])
def test_protocol_is_chosen(tls, offered, chosen):
    with wrap(tls, offered) as raw:
        assert raw.selected_alpn_protocol() == chosen


def test_http2_is_not_offered_unless_wanted(impatient):
    with wrap(impatient, ["h2", "http/1.1"]) as raw:
        assert raw.selected_alpn_protocol() == "http/1.1"


def test_http2_over_tls(tls):
    done = subprocess.run(["curl", "-s", "--http2", "--cacert", tls.session.verify, "-w",
                           " %{http_version}", "-d", '{"a":7}', tls.url + "/fn/invoke/echo"],
                          capture_output=True, text=True, check=True, timeout=PATIENCE_S)
    body, _, version = done.stdout.rpartition(" ")
    assert (json.loads(body)["a"], version) == (7, "2")


def test_pipelined_requests_are_answered_in_order(tls):
    with wrap(tls) as raw:
        raw.sendall(b"".join(request(b'{"i":%d}' % i) for i in range(100)))
        found = b""
        while found.count(b"latency_ms") < 100:
            piece = raw.recv(65536)
            assert piece
            found += piece
    assert [int(i) for i in re.findall(rb'"i":(\d+)', found)] == list(range(100))


def test_next_request_may_come_while_a_call_runs(tls):
    with wrap(tls) as raw:
        raw.sendall(request(b'{"ms":300}', b"sleep"))
        tls.wait_in_flight("sleep", 1)
        raw.sendall(request(b'{"i":1}'))
        assert b'"i":1' in read_until(raw, b'"i":1')


# -- Leaving and stalling --------------------------------------------------------------------------

def close_with_a_word(raw):
    raw.settimeout(0.1)
    try:
        raw.unwrap()  # sends close_notify, and waits for the server's
    except (OSError, ValueError):
        pass
    raw.close()


LEAVINGS = pytest.mark.parametrize("leave", [socket.socket.close, close_with_a_word])


@LEAVINGS
def test_client_that_leaves_ends_its_call(tls, leave):
    raw = wrap(tls)
    raw.sendall(request(b'{"ms":60000}', b"sleep"))
    tls.wait_in_flight("sleep", 1)
    leave(raw)
    tls.wait_in_flight("sleep", 0)


@LEAVINGS
def test_client_that_sent_another_request_and_leaves_ends_its_call(tls, leave):
    raw = wrap(tls)
    raw.sendall(request(b'{"ms":60000}', b"sleep"))
    tls.wait_in_flight("sleep", 1)
    raw.sendall(request(b'{"ms":60000}', b"sleep"))
    leave(raw)
    tls.wait_in_flight("sleep", 0)


def hello():
    """What a client says first."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        ssl.create_default_context().wrap_bio(incoming, outgoing,
                                              server_hostname="a").do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


STALLS = {"nothing": (b"", False), "half a hello": (hello()[:50], False),
          "a hello alone": (hello(), False), "a hello byte by byte": (b"", True)}


def wait_closed(raw):
    try:
        while raw.recv(65536):
            pass
    except ConnectionError:
        pass


@pytest.mark.parametrize("first, drips", STALLS.values(), ids=STALLS)
def test_stalled_handshake_is_cut_off(impatient, first, drips):
    with impatient.connect() as raw:
        raw.sendall(first)
        ended = threading.Event()
        if drips:
            def drip():
                for byte in hello():
                    try:
                        raw.send(bytes([byte]))
                    except OSError:
                        return
                    if ended.wait(0.02):
                        return
            threading.Thread(target=drip, daemon=True).start()
        wait_closed(raw)
        ended.set()
    assert impatient.get("/health").text == "OK"


def test_stalled_request_is_cut_off(impatient):
    with wrap(impatient) as raw:
        raw.sendall(request()[:-1])
        wait_closed(raw)


@pytest.mark.parametrize("data", [b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n", b"\0" * 5000,
                                  b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"])
def test_what_is_no_tls_is_closed(tls, data):
    with tls.connect() as raw:
        raw.sendall(data)
        found = b""
        try:
            while piece := raw.recv(65536):
                found += piece
        except ConnectionError:
            pass
    assert b"HTTP" not in found
    assert tls.get("/health").text == "OK"


def test_renegotiation_is_refused(tls):
    with subprocess.Popen(["openssl", "s_client", "-tls1_2", "-connect", f"127.0.0.1:{tls.port}"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT) as client:
        client.stdin.write(b"R\n")
        client.stdin.flush()
        said = client.stdout.read()  # it ends when the connection does
    assert b"RENEGOTIATING" in said and b"error" in said
    assert tls.get("/health").text == "OK"


# -- Files -----------------------------------------------------------------------------------------

def test_files_that_are_no_use_end_it_with_2_and_a_sentence(files, tmp_path):
    other = make(tmp_path / "other")
    words = tmp_path / "words"
    words.write_text("no certificate")
    locked = tmp_path / "locked"
    subprocess.run(["openssl", "ec", "-in", files[1], "-out", locked, "-aes128", "-passout",
                    "pass:x"], check=True, capture_output=True)
    for given, word in [
        (["--tls-cert", files[0]], "--tls-key is missing"),
        (["--tls-key", files[1]], "--tls-cert is missing"),
        (["--tls-cert", "/nowhere", "--tls-key", files[1]], "/nowhere"),
        (["--tls-cert", files[0], "--tls-key", "/nowhere"], "/nowhere"),
        (["--tls-cert", str(words), "--tls-key", files[1]], "words"),
        (["--tls-cert", files[0], "--tls-key", str(words)], "words"),
        (["--tls-cert", files[0], "--tls-key", other[1]], "other"),
        (["--tls-cert", files[0], "--tls-key", str(locked)], "locked"),
    ]:
        status, said, complaint = run("--listen", "127.0.0.1:0", *given)
        assert (status, said) == (2, ""), given
        assert word in complaint and complaint.count("\n") == 1, complaint


def test_environment_names_the_files(files, start):
    server = start(env={"FAAS_TLS_CERT": files[0], "FAAS_TLS_KEY": files[1], "FAAS_HTTP2": "1"},
                   verify=files[0])
    with wrap(server, ["h2"]) as raw:
        assert raw.selected_alpn_protocol() == "h2"


@pytest.mark.filterwarnings("ignore:Unverified HTTPS")
def test_certificate_past_its_time_is_told(files, tmp_path, start):
    (tmp_path / "index").touch()
    (tmp_path / "config").write_text("[ca]\ndefault_ca=d\n[d]\ndatabase=index\nnew_certs_dir=.\n"
                                     "rand_serial=yes\ndefault_md=sha256\npolicy=p\n"
                                     "[p]\ncommonName=optional\n")
    for command in (["req", "-new", "-subj", "/CN=localhost", "-key", files[1], "-out", "asked"],
                    ["ca", "-batch", "-config", "config", "-selfsign", "-keyfile", files[1], "-in",
                     "asked", "-out", "cert", "-notext", "-startdate", "20200101000000Z",
                     "-enddate", "20200102000000Z"]):
        subprocess.run(["openssl", *command], check=True, capture_output=True, cwd=tmp_path)
    server = start(flags=flags((str(tmp_path / "cert"), files[1])), verify=False)
    server.wait_log("the certificate has expired")
    wait_until(lambda: server.get("/health").text == "OK", "it to be served all the same")


def test_health_is_asked_for_over_tls(tls, files):
    where = ["--health", "--listen", f"127.0.0.1:{tls.port}"]
    assert run(*where, "--tls-cert", files[0], "--tls-key", files[1]) == (0, "", "")
    status, _, complaint = run(*where)  # in clear
    assert status == 2 and f":{tls.port}" in complaint


def test_health_over_tls_of_what_does_not_speak_it(files):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        status, _, complaint = run("--health", "--listen", f"127.0.0.1:{port}",
                                   "--tls-cert", files[0], "--tls-key", files[1])
    assert status == 2 and f"127.0.0.1:{port} does not answer" in complaint
