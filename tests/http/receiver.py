# SPDX-License-Identifier: MIT
"""receiver.py - a Pyroscope server for tests: keeps what it takes, refuses what that would refuse.

It can also answer with any status, be slow, close connections, go away and come back."""

import collections
import gzip
import http.server
import json
import re
import socket
import threading
import time
import uuid
import zlib

from google.protobuf.message import DecodeError

import pprof
from server import PATIENCE_S, wait_until

PATH = "/push.v1.PusherService/Push"
PROFILE_BYTES_MAX, SAMPLES_MAX, LABELS_MAX = 4 << 20, 16000, 30
LABEL_NAME_MAX, LABEL_VALUE_MAX = 1024, 2048
NEWEST_S, OLDEST_S = 600, 3600
# By __name__: sample types, period type
TYPES = {
    "process_cpu": ([("samples", "count"), ("cpu", "nanoseconds")], ("cpu", "nanoseconds")),
    "wall": ([("wall", "nanoseconds")], ("wall", "nanoseconds")),
    "memory": ([("alloc_objects", "count"), ("alloc_space", "bytes")], ("space", "bytes")),
    "mutex": ([("contentions", "count"), ("delay", "nanoseconds")], ("contentions", "count")),
}


class Refused(Exception):
    """With the sentence that tells why."""


def need(condition, sentence):
    if not condition:
        raise Refused(sentence)


# -- What is refused -------------------------------------------------------------------------------

def unzip(body, what):
    try:
        return gzip.decompress(body)
    except (OSError, EOFError, zlib.error) as error:
        raise Refused(f"{what} is no gzip: {error}") from error


def parse(message, plain, what):
    try:
        message.ParseFromString(plain)
    except DecodeError as error:
        raise Refused(f"{what} cannot be decoded: {error}") from error
    return message


def check_labels(pairs):
    """{name: value}"""
    need(len(pairs) <= LABELS_MAX, "too many label names")
    found = {}
    for pair in pairs:
        need(len(pair.name) <= LABEL_NAME_MAX, "label name too long")
        need(len(pair.value) <= LABEL_VALUE_MAX, "label value too long")
        need(re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", pair.name), "invalid label name")
        need(pair.name not in found, "duplicate label name")
        found[pair.name] = pair.value
    need(found.get("__name__") in TYPES, "invalid metric name")
    need(found.get("service_name"), "service name is not provided")
    need(found.get("__delta__") == "false", "not said to be a delta")
    return found


def check_id(text):
    try:
        number = uuid.UUID(text)
    except ValueError as error:
        raise Refused("invalid profile id") from error
    need(number.int and str(number) == text, "invalid profile id")


def texts_of(profile):
    """Every number in it that is the place of a text."""
    for kind in [*profile.sample_type, profile.period_type]:
        yield from (kind.type, kind.unit)
    yield profile.default_sample_type
    for sample in profile.sample:
        for label in sample.label:
            yield from (label.key, label.str)
    for function in profile.function:
        yield from (function.name, function.filename)
    for mapping in profile.mapping:
        yield mapping.filename


def check_ids(profile):
    tables = {}
    for name in ("mapping", "location", "function"):
        ids = [item.id for item in getattr(profile, name)]
        need(0 not in ids, f"{name} id is 0")
        need(len(set(ids)) == len(ids), f"{name} id is there twice")
        tables[name] = set(ids)
    for sample in profile.sample:
        need(sample.location_id and set(sample.location_id) <= tables["location"],
             "sample of a location that is not there")
    for location in profile.location:
        need(location.mapping_id in tables["mapping"], "location in a mapping that is not there")
        need(location.line and {line.function_id for line in location.line} <= tables["function"],
             "location of a function that is not there")


def check_profile(name, raw):
    plain = unzip(raw, "a profile")
    need(len(plain) <= PROFILE_BYTES_MAX, "profile exceeds the size limit")
    profile = parse(pprof.messages("profile").Profile(), plain, "a profile")
    need(len(profile.sample) <= SAMPLES_MAX, "profile exceeds the samples count limit")
    need(profile.sample, "profile without samples")
    need(profile.string_table and profile.string_table[0] == "", "string table without \"\"")
    need(all(0 <= text < len(profile.string_table) for text in texts_of(profile)),
         "string index out of range")
    need((pprof.value_types(profile), pprof.period_type(profile)) == TYPES[name],
         "sample types of another name")
    need(all(len(sample.value) == len(profile.sample_type) for sample in profile.sample),
         "values of other number than types")
    check_ids(profile)
    age_s = time.time() - profile.time_nanos / 1e9
    need(-NEWEST_S <= age_s <= OLDEST_S, "profile timestamp is outside of the ingestion window")
    return profile


class Series:
    """Labels, and a profile that was decoded."""

    def __init__(self, message):
        self.labels = check_labels(message.labels)
        need(len(message.samples) == 1, "not one profile in a series")
        check_id(message.samples[0].ID)
        self.name, self.id = self.labels["__name__"], message.samples[0].ID
        self.profile = check_profile(self.name, message.samples[0].raw_profile)


def check_request(path, headers, body):
    """A list of Series."""
    need(path == PATH, f"there is nothing at {path}")
    need(headers.get("content-type") == "application/proto", "wrong content type")
    need(headers.get("content-encoding") == "gzip", "wrong content encoding")
    message = parse(pprof.messages("push").PushRequest(), unzip(body, "the request"), "the request")
    need(message.series, "no series")
    return [Series(series) for series in message.series]


# -- The server ------------------------------------------------------------------------------------

Upload = collections.namedtuple("Upload", "headers series time")


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.receiver.on_request(self, body)

    def answer(self, status, code="ok", message="", headers=()):
        text = json.dumps({"code": code, "message": message}).encode() if status != 200 else b""
        self.send_response(status)
        for header in headers:
            self.send_header(*header)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, receiver, listener):
        self.receiver, self.connections, self.tls = receiver, [], None
        super().__init__(("127.0.0.1", 0), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.server_address = listener.getsockname()
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]
        self.server_activate()

    def get_request(self):
        connection, address = super().get_request()
        self.connections.append(connection)
        if self.tls:
            connection = self.tls.wrap_socket(connection, server_side=True,
                                              do_handshake_on_connect=False)
        return connection, address

    def handle_error(self, *_):
        pass  # a connection that was cut off


class Receiver:
    """`plan` has what to do with the next requests, `usual` with all after them: a status, a status
    with headers and the sentence to say, "close" (no answer), "hold" (that, but only after
    `release`) or "late" (taken then)."""

    def __init__(self):
        self.plan, self.usual = collections.deque(), 200
        self.uploads = []   # that were taken
        self.refusals = []  # sentences: of those that no server would have taken
        self.times = []     # of all requests
        self.held = 0
        self.lock, self.released = threading.Lock(), threading.Event()
        self.server = self.thread = None
        self.bound = self._bind(0)
        self.port = self.bound.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.come_back()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.go_away()
        self.bound.close()
        if not kind:
            assert not self.refusals, self.refusals

    @staticmethod
    def _bind(port):
        bound = socket.socket()
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(("127.0.0.1", port))
        return bound

    def go_away(self):
        """Closes all connections; new ones are refused, for the port is only bound."""
        if not self.server:
            return
        self.server.shutdown()
        self.server.server_close()
        for connection in self.server.connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it is closed
        self.thread.join()
        self.server = None
        self.release()
        self.bound = self._bind(self.port)

    def come_back(self):
        self.released.clear()
        self.server = _Server(self, self.bound)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    def speak_tls(self, context):
        """From the next connection on."""
        self.server.tls = context

    def release(self):
        """Ends what "hold" began."""
        self.released.set()

    # -- Requests ------------------------------------------------------------------------------

    def on_request(self, handler, body):
        with self.lock:
            self.times.append(time.monotonic())
            what = self.plan.popleft() if self.plan else self.usual
        if what in ("hold", "late"):
            self.held += 1
            self.released.wait(PATIENCE_S)
            what = "close" if what == "hold" else 200
        if what == "close":
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)
        elif what == 200:
            self._take(handler, body)
        else:
            status, headers, sentence = what if isinstance(what, tuple) else (what, (), "no")
            handler.answer(status, "unavailable", sentence, headers)

    def _take(self, handler, body):
        try:
            series = check_request(handler.path, handler.headers, body)
        except Refused as refused:
            self.refusals.append(str(refused))
            handler.answer(400, "invalid_argument", str(refused))
            return
        upload = Upload(dict(handler.headers.items()), series, time.time())
        with self.lock:
            self.uploads.append(upload)
        handler.answer(200)

    # -- What came -----------------------------------------------------------------------------

    def wait_uploads(self, count):
        wait_until(lambda: len(self.uploads) >= count, f"{count} uploads: {self.refusals}")
        return self.uploads

    def series(self, name=None):
        """Of all uploads, in order."""
        with self.lock:
            return [series for upload in self.uploads for series in upload.series
                    if name in (None, series.name)]

    def totals(self, name, **labels):
        """Sums of each value over all uploads."""
        sums = [0] * len(TYPES[name][0])
        for series in self.series(name):
            more = pprof.totals(series.profile, **labels)
            sums = [so_far + value for so_far, value in zip(sums, more)]
        return sums

    def wait_function(self, function, name=None):
        """Waits for a sample of a function."""
        return wait_until(lambda: any({"function": function}.items() <= labels.items()
                                      for series in self.series(name)
                                      for labels in pprof.labels(series.profile)),
                          f"samples of {function}")
