# SPDX-License-Identifier: MIT
"""test_page_files.py - how the page's files are sent."""

import gzip
import pathlib

import pytest

from server import ROOT, expect_error

FOLDER = ROOT / "host/front/page"
NAMES = sorted(file.name for file in FOLDER.iterdir())
TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
         ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
BYTES_MAX = 150 << 10  # of all files together


def fetch(server, path, coding="", **headers):
    """As it is sent: requests would uncompress it."""
    reply = server.get(path, headers={"Accept-Encoding": coding, **headers}, stream=True)
    return reply, reply.raw.read(decode_content=False)


@pytest.mark.parametrize("name", NAMES)
def test_files_are_sent_as_they_are_or_compressed(server, name):
    text = (FOLDER / name).read_bytes()
    plain, body = fetch(server, f"/page/{name}")
    assert (plain.status_code, body) == (200, text)
    assert "content-encoding" not in plain.headers
    packed, body = fetch(server, f"/page/{name}", "gzip")
    assert packed.headers["content-encoding"] == "gzip" and len(body) < len(text)
    assert gzip.decompress(body) == text
    for reply in plain, packed:
        assert reply.headers["content-type"] == TYPES[pathlib.Path(name).suffix]
        assert reply.headers["vary"] == "accept-encoding"
        assert reply.headers["cache-control"] == "no-cache"
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["referrer-policy"] == "no-referrer"


def test_the_page_lets_only_its_own_files_run(server):
    reply, body = fetch(server, "/")
    assert body == (FOLDER / "index.html").read_bytes()
    policy = dict(item.strip().split(" ", 1)
                  for item in reply.headers["content-security-policy"].split(";"))
    assert policy == {
        "default-src": "'none'", "script-src": "'self'", "style-src": "'self'",
        "connect-src": "'self'", "img-src": "'self' data:", "base-uri": "'none'",
        "form-action": "'none'", "frame-ancestors": "'none'"}


@pytest.mark.parametrize("coding, packed", [
    ("gzip", True), ("GZIP", True), ("deflate, gzip;q=0.5 , br", True), ("gzip;q=1.0", True),
    ("gzip; q=0.001", True), ("gzip;q=0", False), ("gzip; q=0.000", False), ("", False),
    ("br", False), ("xgzip", False), ("gzipx, br", False), ("*", False), (",;,", False),
    ("gzip;q", False)])
def test_compressed_only_to_clients_that_take_it(server, coding, packed):
    reply, _ = fetch(server, "/", coding)
    assert reply.status_code == 200
    assert ("content-encoding" in reply.headers) == packed


@pytest.mark.parametrize("known, status", [
    ("{}", 304), ('"a", {}', 304), ("*", 304), ('W/"a"', 200), ("", 200), ("{}x", 304)])
def test_what_the_client_has_is_not_sent_again(server, known, status):
    etag = server.get("/").headers["etag"]
    reply, body = fetch(server, "/", **{"If-None-Match": known.format(etag)})
    assert reply.status_code == status and (body == b"") == (status == 304)
    assert reply.headers["etag"] == etag
    assert server.get("/health").text == "OK"  # on the same connection


def test_etags_differ_by_file(server):
    etags = [server.get(f"/page/{name}").headers["etag"] for name in NAMES]
    assert len(set(etags)) == len(NAMES)


def test_head_sends_no_body(server):
    head = server.request("HEAD", "/", headers={"Accept-Encoding": ""})
    assert head.status_code == 200 and head.content == b""
    assert head.headers["content-length"] == str((FOLDER / "index.html").stat().st_size)


@pytest.mark.parametrize("path", ["/", "/page/index.html"])
def test_other_methods_are_refused(server, path):
    reply = server.post(path)
    expect_error(reply, 405, "method_not_allowed", "POST")
    assert reply.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize("path", [
    "/page/nope.js", "/page/", "/page", "/page/a/b", "/page/INDEX.HTML",
    "/page/index.htm", "/page/index.html/"])
def test_other_files_are_not_found(server, path):
    expect_error(server.get(path), 404, "not_found")


def test_all_files_together_are_small():
    assert sum((FOLDER / name).stat().st_size for name in NAMES) < BYTES_MAX
