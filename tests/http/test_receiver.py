# SPDX-License-Identifier: MIT
"""test_receiver.py - the receiver takes what is sound and refuses what Pyroscope would refuse."""

import gzip
import http.client
import time
import uuid

import pytest

import pprof
import receiver
from receiver import PATH, TYPES, Receiver, Refused

HEADERS = {"content-type": "application/proto", "content-encoding": "gzip"}


def sound_profile(name):
    """One sample of two frames."""
    profile = pprof.messages("profile").Profile()
    profile.string_table.append("")

    def text(word):
        if word not in profile.string_table:
            profile.string_table.append(word)
        return list(profile.string_table).index(word)

    types, period = TYPES[name]
    for kind, unit in types:
        profile.sample_type.add(type=text(kind), unit=text(unit))
    profile.period_type.type, profile.period_type.unit = text(period[0]), text(period[1])
    profile.time_nanos = time.time_ns()
    profile.mapping.add(id=1, filename=text("program"))
    for number in (1, 2):
        profile.function.add(id=number, name=text(f"f{number}"), filename=text("file"))
        profile.location.add(id=number, mapping_id=1).line.add(function_id=number, line=7)
    sample = profile.sample.add(location_id=[1, 2], value=[5] * len(types))
    sample.label.add(key=text("function"), str=text("hash"))
    return profile


class Message:
    """A request that is sound until something is changed in it."""

    def __init__(self, name="process_cpu"):
        self.path, self.headers = PATH, dict(HEADERS)
        self.request = pprof.messages("push").PushRequest()
        self.series = self.request.series.add()
        self.labels = {"__name__": name, "service_name": "test", "__delta__": "false"}
        self.pairs = []  # more of them
        self.profile = sound_profile(name)
        self.series.samples.add(ID=str(uuid.uuid4()))
        self.plain = self.raw = self.body = None

    def take(self):
        for pair in [*self.labels.items(), *self.pairs]:
            self.series.labels.add(name=pair[0], value=pair[1])
        if self.series.samples:
            plain = self.profile.SerializeToString() if self.plain is None else self.plain
            self.series.samples[0].raw_profile = self.raw or gzip.compress(plain)
        body = self.body or gzip.compress(self.request.SerializeToString())
        return receiver.check_request(self.path, self.headers, body)


@pytest.mark.parametrize("name", TYPES)
def test_sound_request_is_taken(name):
    (series,) = Message(name).take()
    assert series.name == name and series.labels["service_name"] == "test"
    assert pprof.totals(series.profile, function="hash") == [5] * len(TYPES[name][0])


# -- What is refused: a change, and the sentence that tells of it ----------------------------------

def put(path, value):
    """Sets what lies at a path such as profile.location[0].id."""
    def change(message):
        where, _, last = path.rpartition(".")
        setattr(eval(f"message.{where}" if where else "message"), last, value)
    return change


def more_samples(count):
    def change(message):
        one = message.profile.sample[0]
        message.profile.sample.extend([one] * (count - 1))
    return change


def padded(size):
    """The profile with so many bytes, in a text that is not used."""
    def change(message):
        message.profile.string_table.append("")
        message.profile.string_table[-1] = "x" * (size - message.profile.ByteSize() - 3)
        assert message.profile.ByteSize() == size
    return change


def labels(count):
    def change(message):
        message.pairs = [(f"l{number}", "v") for number in range(count - 3)]
    return change


def run(code):
    def change(message):
        exec(code, {"m": message, "p": message.profile})
    return change


CHANGES = [
    (put("path", "/ingest"), "there is nothing at"),
    (put("headers", {**HEADERS, "content-type": "application/json"}), "wrong content type"),
    (put("headers", {**HEADERS, "content-encoding": "identity"}), "wrong content encoding"),
    (put("body", b"no gzip"), "the request is no gzip"),
    (put("body", gzip.compress(b"x" * 100)[:-9]), "the request is no gzip"),
    (put("body", gzip.compress(b"\xff\xff")), "the request cannot be decoded"),
    (put("body", gzip.compress(b"")), "no series"),
    # an invalid byte in place of a label's name
    (put("body", gzip.compress(b"\x0a\x05\x0a\x03\x0a\x01\xff")), "the request cannot be decoded"),
    (run("del m.labels['__name__']"), "invalid metric name"),
    (run("m.labels['__name__'] = 'cpu'"), "invalid metric name"),
    (run("del m.labels['service_name']"), "service name is not provided"),
    (run("m.labels['service_name'] = ''"), "service name is not provided"),
    (run("m.labels['__delta__'] = 'true'"), "not said to be a delta"),
    (put("pairs", [("service_name", "again")]), "duplicate label name"),
    (put("pairs", [("", "x")]), "invalid label name"),
    (put("pairs", [("1a", "x")]), "invalid label name"),
    (put("pairs", [("a-b", "x")]), "invalid label name"),
    (put("pairs", [("a" * 1025, "x")]), "label name too long"),
    (put("pairs", [("a", "x" * 2049)]), "label value too long"),
    (labels(31), "too many label names"),
    (run("del m.series.samples[:]"), "not one profile"),
    (run("m.series.samples.add()"), "not one profile"),
    (put("series.samples[0].ID", ""), "invalid profile id"),
    (put("series.samples[0].ID", "00000000-0000-0000-0000-000000000000"), "invalid profile id"),
    (put("series.samples[0].ID", "c0ffee"), "invalid profile id"),
    (put("series.samples[0].ID", "{12345678-1234-4234-8234-123456789012}"), "invalid profile id"),
    (put("raw", b"no gzip"), "a profile is no gzip"),
    (put("plain", b"\xff\xff"), "a profile cannot be decoded"),
    (put("plain", b"\x32\x00\x32\x01\xff"), "a profile cannot be decoded"),
    (padded((4 << 20) + 1), "exceeds the size limit"),
    (more_samples(16001), "exceeds the samples count limit"),
    (run("del p.sample[:]"), "profile without samples"),
    (run("del p.string_table[:]"), "string table without"),
    (run("p.string_table[0] = 'x'"),
     "string table without"),
    (put("profile.sample_type[0].type", 99), "string index out of range"),
    (put("profile.sample_type[1].unit", -1), "string index out of range"),
    (put("profile.period_type.unit", 99), "string index out of range"),
    (put("profile.default_sample_type", 99), "string index out of range"),
    (put("profile.sample[0].label[0].key", 99), "string index out of range"),
    (put("profile.sample[0].label[0].str", 99), "string index out of range"),
    (put("profile.function[1].name", 99), "string index out of range"),
    (put("profile.function[1].filename", 99), "string index out of range"),
    (put("profile.mapping[0].filename", 99), "string index out of range"),
    (run("m.labels['__name__'] = 'wall'"), "sample types of another name"),
    (run("del p.sample_type[0]"), "sample types of another name"),
    (put("profile.period_type.type", 1), "sample types of another name"),
    (run("del p.sample[0].value[0]"), "values of other number"),
    (put("profile.mapping[0].id", 0), "mapping id is 0"),
    (put("profile.location[0].id", 0), "location id is 0"),
    (put("profile.function[1].id", 0), "function id is 0"),
    (put("profile.location[1].id", 1), "location id is there twice"),
    (put("profile.function[1].id", 1), "function id is there twice"),
    (run("p.sample[0].location_id[1] = 3"), "sample of a location that is not there"),
    (run("del p.sample[0].location_id[:]"), "sample of a location that is not there"),
    (put("profile.location[0].mapping_id", 2), "in a mapping that is not there"),
    (put("profile.location[0].mapping_id", 0), "in a mapping that is not there"),
    (put("profile.location[0].line[0].function_id", 3), "of a function that is not there"),
    (run("del p.location[0].line[:]"), "of a function that is not there"),
    (run("p.time_nanos -= 3601 * 10**9"), "outside of the ingestion window"),
    (run("p.time_nanos += 660 * 10**9"), "outside of the ingestion window"),
    (put("profile.time_nanos", 0), "outside of the ingestion window"),
]


@pytest.mark.parametrize("change, sentence", CHANGES)
def test_broken_request_is_refused(change, sentence):
    message = Message()
    change(message)
    with pytest.raises(Refused, match=sentence):
        message.take()


@pytest.mark.parametrize("change", [
    padded(4 << 20), more_samples(16000), labels(30), put("pairs", [("a" * 1024, "x" * 2048)]),
    run("p.time_nanos -= 3590 * 10**9"), run("p.time_nanos += 590 * 10**9")])
def test_what_is_just_within_bounds_is_taken(change):
    message = Message()
    change(message)
    assert message.take()


# -- Over HTTP -------------------------------------------------------------------------------------

def post(port, body=None):
    message = Message()
    message.take()
    body = body or gzip.compress(message.request.SerializeToString())
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", PATH, body, HEADERS)
    return connection.getresponse()


def test_receiver_keeps_what_it_takes_and_tells_what_it_does_not():
    with Receiver() as running:
        assert post(running.port).status == 200
        assert len(running.uploads) == 1 and running.totals("process_cpu") == [5, 5]
        reply = post(running.port, b"no gzip")
        assert reply.status == 400 and b"is no gzip" in reply.read()
        assert len(running.uploads) == len(running.refusals) == 1
        running.refusals.clear()


def test_receiver_does_as_it_is_told():
    with Receiver() as running:
        running.plan.extend([500, (429, [("Retry-After", "3")], "slow down"), "close"])
        assert post(running.port).status == 500
        reply = post(running.port)
        assert (reply.status, reply.headers["retry-after"]) == (429, "3")
        assert b"slow down" in reply.read()
        with pytest.raises(http.client.RemoteDisconnected):
            post(running.port)
        assert post(running.port).status == 200
        assert len(running.times) == 4 and len(running.uploads) == 1


def test_receiver_goes_away_and_comes_back():
    with Receiver() as running:
        running.go_away()
        with pytest.raises(ConnectionRefusedError):
            post(running.port)
        running.come_back()
        assert post(running.port).status == 200
