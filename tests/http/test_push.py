# SPDX-License-Identifier: MIT
"""test_push.py - profiles pushed to Pyroscope: what comes, and what happens when it is not there."""

import base64
import os
import pathlib
import re
import signal
import ssl
import time

import pytest

import pprof
from receiver import Receiver
from server import SIGNALS_COME_AT_ONCE, Background, Server, wait_until
from test_metrics import Scrape, expect_no_complaints
from test_tls import make

FLAGS = ["--workers", "2", "--profile-alloc-bytes", "65536", "--profile-lock-ns", "1000"]
NOW, NEVER = "100ms", "600s"
QUEUE = 8
PATHS = {"memory": "allocs", "mutex": "mutex"}


@pytest.fixture(name="receiver")
def a_receiver():
    with Receiver() as running:
        yield running


def settings(address, interval=NOW, **more):
    return {"PYROSCOPE_SERVER_ADDRESS": address, "PYROSCOPE_UPLOAD_INTERVAL": interval,
            "NO_PROXY": "*", **more}


@pytest.fixture(name="pushing")
def start_pushing(start, receiver):
    """pushing(...) starts a server that pushes to the receiver."""
    def start_one(interval=NOW, flags=(), **more):
        return start(None, [*FLAGS, *flags], env=settings(receiver.url, interval, **more))
    return start_one


def pusher(server):
    return wait_until(lambda: server.children().get("faas-pusher"), "a pusher")


def work(server, start="cold"):
    """Some ten samples of allocations, and locks that are waited for."""
    server.result("sort", {"size": 20000}, start)


def figure(server, name, **labels):
    return Scrape(server).value(f"faas_profile_push_{name}", **labels)


def dropped(server, reason=None):
    if reason:
        return figure(server, "dropped_total", reason=reason)
    return Scrape(server).sum("faas_profile_push_dropped_total")


def pulled(server, name, **labels):
    """Sums since the start."""
    return pprof.totals(pprof.decode(server.get(f"/debug/pprof/{PATHS[name]}").content), **labels)


def produce(server, condition, what):
    """Works until a condition holds."""
    wait_until(lambda: work(server) or condition(), what)


def end(server):
    server.session.close()
    os.kill(server.pid, signal.SIGTERM)
    server.wait_ended()


# -- What comes ------------------------------------------------------------------------------------

def test_what_comes_adds_up_to_what_is_pulled(pushing, receiver):
    server = pushing()
    server.post("/fn/warmpool/transform?size=1")
    for _ in range(4):
        work(server)
        server.result("transform", {"size": 5000}, "warm")
        server.result("contention", {"threads": 8, "iterations": 2000})
        count = len(receiver.uploads)
        wait_until(lambda count=count: len(receiver.uploads) > count, "the next upload")
    for name in PATHS:
        for labels in ({}, {"function": "sort", "start": "cold"}, {"start": "warm"}):
            wait_until(lambda name=name, labels=labels: receiver.totals(name, **labels)
                       == pulled(server, name, **labels), f"all of {name} {labels}")
    assert min(receiver.totals("memory", function="transform", start="warm")) > 0
    assert min(receiver.totals("mutex", function="contention")) > 0
    assert len(receiver.uploads) >= 4


def test_windows_do_not_overlap(pushing, receiver):
    server = pushing()
    produce(server, lambda: len(receiver.series("memory")) >= 5, "five windows")
    profiles = [series.profile for series in receiver.series("memory")]
    for before, after in zip(profiles, profiles[1:]):
        assert after.time_nanos >= before.time_nanos + before.duration_nanos - 2 * 10**6
    assert len({series.id for series in receiver.series()}) == len(receiver.series())


@pytest.mark.skipif(not SIGNALS_COME_AT_ONCE, reason="ticks are signals")
def test_one_upload_has_every_type(pushing, receiver):
    server = pushing("1s")
    while not {series.name for upload in receiver.uploads for series in upload.series} >= {
            "process_cpu", "wall", "memory", "mutex"}:
        server.result("hash")
        server.result("contention", {"threads": 4, "iterations": 200})
    receiver.wait_function("hash", "process_cpu")
    largest = max(receiver.uploads, key=lambda upload: len(upload.series))
    assert len(largest.series) > 1
    names = [series.name for series in largest.series]
    assert len(set(names)) == len(names)


def test_nothing_is_pushed_where_nothing_happens(pushing, receiver):
    server = pushing()
    work(server)
    receiver.wait_function("sort")
    for profile in (series.profile for series in receiver.series()):
        assert profile.sample


def test_labels_names_and_tenant(pushing, receiver):
    server = pushing(PYROSCOPE_APPLICATION_NAME="shop", PYROSCOPE_TENANT_ID="team-1",
                     PYROSCOPE_LABELS="env=prod, zone=eu-1", PYROSCOPE_AUTH_TOKEN="t" * 300)
    work(server)
    upload = receiver.wait_uploads(1)[0]
    assert upload.headers["X-Scope-OrgID"] == "team-1"
    assert upload.headers["Authorization"] == "Bearer " + "t" * 300
    for series in upload.series:
        assert series.labels == {"__name__": series.name, "service_name": "shop",
                                 "__delta__": "false", "env": "prod", "zone": "eu-1"}


def test_address_may_have_a_path_and_a_name(start, receiver):
    """The name is looked up in a thread of libcurl."""
    server = start(None, FLAGS, env=settings(f"http://localhost:{receiver.port}/"))
    work(server)
    upload = receiver.wait_uploads(1)[0]
    assert "Authorization" not in upload.headers and "X-Scope-OrgID" not in upload.headers


def texts_of(pid):
    for name in ("environ", "cmdline"):
        yield pathlib.Path(f"/proc/{pid}/{name}").read_bytes()


def test_secrets_are_shown_to_the_server_alone(pushing, receiver):
    server = pushing(PYROSCOPE_BASIC_AUTH_USER="somebody",
                     PYROSCOPE_BASIC_AUTH_PASSWORD="xyzzy:5f0c")
    receiver.plan.extend([500, 401])
    produce(server, lambda: receiver.uploads, "an upload")
    shown = receiver.uploads[0].headers["Authorization"]
    assert base64.b64decode(shown.removeprefix("Basic ")) == b"somebody:xyzzy:5f0c"
    assert "xyzzy" not in server.log() and "xyzzy" not in server.get("/metrics").text
    for name, pid in server.children().items():
        wait_until(lambda pid=pid: not any(b"xyzzy" in text for text in texts_of(pid)),
                   f"{name} to forget")
    assert b"xyzzy" not in list(texts_of(server.pid))[1]


def test_without_an_address_there_is_no_pusher(start):
    server = start(None, ["--workers", "1"])
    assert set(server.children()) == {"faas-front", "faas-worker-0"}
    assert "faas_profile_push" not in server.get("/metrics").text


def test_pusher_has_no_rights(pushing):
    server = pushing()
    server.wait_log("pushing profiles")
    text = pathlib.Path(f"/proc/{pusher(server)}/status").read_text()
    assert re.search(r"NoNewPrivs:\s+1\n", text) and re.search(r"Seccomp:\s+2\n", text)
    assert re.search(r"CapPrm:\s+0+\n", text) and re.search(r"CapEff:\s+0+\n", text)


def test_figures_tell_what_was_pushed(pushing, receiver):
    server = pushing()
    produce(server, lambda: len(receiver.uploads) >= 2, "two uploads")
    wait_until(lambda: figure(server, "uploads_total") == len(receiver.uploads), "the figures")
    assert figure(server, "bytes_total") == sum(
        int(upload.headers["Content-Length"]) for upload in receiver.uploads)
    assert dropped(server) == figure(server, "retries_total") == 0
    expect_no_complaints(Scrape(server).text)


# -- Failures --------------------------------------------------------------------------------------

@pytest.mark.parametrize("failure", [500, 503, 429, "close"])
def test_upload_that_fails_is_tried_again(pushing, receiver, failure):
    receiver.plan.append(failure)
    server = pushing()
    work(server)
    receiver.wait_function("sort")
    wait_until(lambda: receiver.totals("memory") == pulled(server, "memory"), "all of it")
    assert figure(server, "retries_total") == 1 and dropped(server) == 0
    server.wait_log("profiles are pushed again")
    assert server.log().count("profiles are not pushed, trying again") == 1


def test_pause_that_is_asked_for_is_made(pushing, receiver):
    receiver.plan.append((429, [("Retry-After", "2")], "slow down"))
    server = pushing()
    work(server)
    receiver.wait_uploads(1)
    assert receiver.times[1] - receiver.times[0] >= 2
    assert 'status=429 reason="{' in server.log() and "slow down" in server.log()


@pytest.mark.parametrize("status", [400, 401, 404, 413, 422, 302])
def test_upload_that_is_refused_is_dropped_and_told_once(pushing, receiver, status):
    receiver.usual = (status, [("Location", receiver.url)], "no such\ntenant")
    server = pushing()
    produce(server, lambda: dropped(server, "refused") >= 3, "three refusals")
    assert server.log().count("profiles are refused") == 1
    assert f"status={status} reason=" in server.log() and "no such\\\\ntenant" in server.log()
    assert figure(server, "retries_total") == 0
    receiver.usual = 200
    produce(server, lambda: receiver.uploads, "an upload")
    server.wait_log("profiles are pushed again")


def test_answer_of_any_length_is_cut_in_the_log(pushing, receiver):
    receiver.plan.append((400, [], "x" * 1000000))
    server = pushing()
    work(server)
    line = server.wait_log("profiles are refused.*")[0]
    assert 200 < line.count("x") < 300


def test_receiver_that_is_away_holds_up_nobody(pushing, receiver):
    receiver.go_away()
    server = pushing()
    produce(server, lambda: dropped(server, "queue_full") >= 2, "too many uploads")
    assert QUEUE <= figure(server, "queue") <= QUEUE + 1
    assert server.result("hash", {"rounds": 1})["rounds"] == 1
    receiver.come_back()
    wait_until(lambda: len(receiver.uploads) >= QUEUE, "what was kept")
    produce(server, lambda: figure(server, "queue") == 0, "an empty queue")
    assert server.log().count("profiles are not pushed, trying again") == 1
    assert server.log().count("profiles are pushed again") == 1
    assert "Connection refused" in server.log() or "connect" in server.log()


def test_receiver_that_is_slow_holds_up_nobody(pushing, receiver):
    receiver.plan.append("hold")
    server = pushing()
    produce(server, lambda: receiver.held, "a request that is held")
    produce(server, lambda: dropped(server, "queue_full") >= 2, "too many uploads")
    assert figure(server, "queue") == QUEUE + 1
    receiver.release()
    wait_until(lambda: len(receiver.uploads) >= QUEUE, "what was kept")


def test_receiver_that_restarts_loses_nothing(pushing, receiver):
    server = pushing()
    produce(server, lambda: receiver.uploads, "an upload")
    receiver.go_away()
    work(server)
    wait_until(lambda: figure(server, "retries_total") >= 1, "a try that fails")
    receiver.come_back()
    wait_until(lambda: receiver.totals("memory") == pulled(server, "memory"), "all of it")
    assert dropped(server) == 0


def test_certificate_that_nobody_knows_is_not_trusted(start, receiver, tmp_path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*make(tmp_path))
    receiver.speak_tls(context)
    server = start(None, FLAGS, env=settings(f"https://127.0.0.1:{receiver.port}"))
    produce(server, lambda: figure(server, "retries_total") >= 1, "a try that fails")
    assert "certificate" in server.log() and not receiver.times
    assert "pusher died" not in server.log()


# -- Processes -------------------------------------------------------------------------------------

def test_pusher_that_is_killed_is_replaced(pushing, receiver):
    server = pushing()
    receiver.go_away()
    produce(server, lambda: figure(server, "queue") >= 2, "uploads that wait")
    before = pusher(server)
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: pusher(server) != before, "another pusher")
    server.wait_log("pusher died .*signal=9")
    wait_until(lambda: dropped(server, "pusher_ended") >= 2, "the loss to be counted")
    receiver.come_back()
    produce(server, lambda: receiver.uploads, "an upload")
    wait_until(lambda: figure(server, "queue") == 0, "an empty queue")


def test_pusher_that_stands_still_holds_up_nobody(pushing, receiver):
    server = pushing()
    os.kill(pusher(server), signal.SIGSTOP)
    produce(server, lambda: dropped(server, "pusher_behind") >= 2, "uploads without room")
    os.kill(pusher(server), signal.SIGCONT)
    produce(server, lambda: receiver.uploads, "an upload")


def test_front_that_is_killed_leaves_the_pusher(pushing, receiver):
    server = pushing()
    server.expected_faults = "front died"
    before = pusher(server)
    os.kill(server.front(), signal.SIGKILL)
    server.wait_log("front died")
    server.session.close()
    wait_until(server._ready, "the next front")
    work(server)
    receiver.wait_function("sort")
    assert pusher(server) == before


def test_reload_changes_to_another_pusher(pushing, receiver):
    server = pushing(NEVER)
    work(server)
    before, supervisor = pusher(server), server.supervisor
    total = pulled(server, "memory")
    server.reload()
    assert server.supervisor != supervisor and pusher(server) != before
    server.session.close()
    wait_until(lambda: receiver.totals("memory") == total, "the last of those before")
    wait_until(lambda: before not in server.family(), "the pusher before to end")
    work(server)
    end(server)
    assert receiver.totals("memory")[0] > total[0]


def test_reload_reads_the_address_anew(start, receiver, tmp_path):
    file = tmp_path / "settings"
    with Receiver() as other:
        for one in (receiver, other):
            file.write_text(f"pyroscope-server-address = {one.url}\n"
                            "pyroscope-upload-interval = 100ms\n"
                            "pyroscope-labels = zone=eu,env=prod\n")
            if one is receiver:
                server = start(None, ["--settings", str(file), *FLAGS], env={"NO_PROXY": "*"})
            else:
                server.reload()
            produce(server, lambda one=one: one.uploads, "an upload")
            assert one.series()[0].labels["env"] == "prod"
        end(server)


# -- The end ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("flags", [(), ("--walls=false",)])
def test_last_of_all_comes_at_the_end(pushing, receiver, flags):
    server = pushing(NEVER, flags)
    work(server)
    total = pulled(server, "memory")
    assert not receiver.uploads and total[0] > 0
    end(server)
    assert receiver.totals("memory") == total
    assert len(receiver.uploads) == 1


def test_end_does_not_wait_for_a_receiver_that_is_away(pushing, receiver):
    receiver.go_away()
    server = pushing()
    produce(server, lambda: figure(server, "queue") >= 3, "uploads that wait")
    began = time.monotonic()
    end(server)
    assert time.monotonic() - began < 20  # --drain-ms is 30000


def test_upload_that_waits_is_tried_at_once_at_the_end(pushing, receiver):
    receiver.plan.append((503, [("Retry-After", "30")], "later"))
    server = pushing(NEVER.replace("600", "1"))
    work(server)
    total = pulled(server, "memory")
    server.wait_log("trying again")
    end(server)
    assert receiver.totals("memory") == total


def test_upload_that_fails_at_the_end_is_dropped(pushing, receiver):
    receiver.usual = 500
    server = pushing(NEVER)
    work(server)
    end(server)
    assert len(receiver.times) in (1, 2)  # once before the pusher was told of the end
    assert not receiver.uploads


def test_end_is_not_held_up_longer_than_it_may(pushing, receiver):
    receiver.usual = "hold"
    server = pushing(NEVER, ["--drain-ms", "0"])
    work(server)
    end(server)
    assert receiver.held
    assert re.search(r"pusher died pid=\d+ signal=9", server.log())


def test_second_signal_ends_the_pusher_too(pushing, receiver):
    receiver.usual = "hold"
    server = pushing(NEVER)
    work(server)
    server.session.close()
    os.kill(server.pid, signal.SIGTERM)
    wait_until(lambda: receiver.held, "the last upload")
    os.kill(server.pid, signal.SIGTERM)
    server.wait_ended()
    assert "stopping at once" in server.log()
    assert re.search(r"pusher died pid=\d+ signal=9", server.log())


def test_upload_that_is_being_sent_at_the_end_is_waited_for(pushing, receiver):
    receiver.usual = "late"
    server = pushing(NEVER)
    work(server)
    server.session.close()
    os.kill(server.pid, signal.SIGTERM)
    wait_until(lambda: receiver.held, "the last upload")
    wait_until(lambda: not {"faas-front", *server.workers()} & set(server.children()),
               "the others to end")
    assert set(server.children()) == {"faas-pusher"}
    receiver.release()
    server.wait_ended()
    assert receiver.uploads and "pusher died" not in server.log()


def test_call_that_runs_at_the_end_is_in_the_last(pushing, receiver):
    server = pushing(NEVER)
    call = Background(server, "sleep", {"ms": 300})
    server.wait_in_flight("sleep")
    os.kill(server.pid, signal.SIGTERM)
    assert call.reply().status_code == 200
    server.wait_ended()
    receiver.wait_function("sleep", "wall")
