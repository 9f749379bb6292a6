# SPDX-License-Identifier: MIT
"""All at once, for as long as --minutes says: healthy and hostile calls, a function file that is
rewritten, warm pools that grow and go, clients that leave in the middle, and now and then a killed
worker. Memory and descriptors are compared between the second quarter and the last."""

import os
import random
import signal
import socket
import statistics
import time

import hostile
import watch
from catalogue import all_hostile
from load import Load, invoke
from server import Server, wait_until

NAME = "soak"
MINUTES, MINUTES_QUICK = 2, 0.5
HEALTHY_RATE, HOSTILE_RATE = 300, 10  # a second
PERIODS_LEAST, PERIOD_MOST_S = 8, 60
STEP_S = 0.25
KILL_SHARE = 1 / 20  # of the steps
GROWTH_MOST_KIB, DESCRIPTORS_MOST = 8 << 10, 8


# -- What is done to it ----------------------------------------------------------------------------

def rewrite(server, dice):
    server.write("changing", f"return function() return {{n = {dice.randrange(1000)}}} end")


def resize(server, dice):
    name = dice.choice(["healthy", "changing", "loop_while", "left_global"])
    if dice.random() < 0.6:
        server.post(f"/fn/warmpool/{name}?size={dice.randint(1, 20)}")
    else:
        server.request("DELETE", f"/fn/warmpool/{name}")


def leave(server, dice):
    """A client that is gone before it has all of its reply, or has sent all of its request."""
    data = invoke(dice.choice(["sleep", "hash", "loop_while"]), b"{}", 500)
    with socket.create_connection(("127.0.0.1", server.port)) as raw:
        raw.sendall(data[:dice.randint(1, len(data))])


def kill(server, dice):
    workers = server.workers()
    if workers:
        os.kill(dice.choice(sorted(workers.values())), signal.SIGKILL)


def disturb(server, dice, seconds):
    """Steps of all that until the time is over; how many workers it killed."""
    end, kills = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        dice.choice([rewrite, resize, leave])(server, dice)
        if dice.random() < KILL_SHARE:
            kill(server, dice)
            kills += 1
        time.sleep(STEP_S)
    return kills


# -- What is seen of it ----------------------------------------------------------------------------

def judge(tag, status, body):
    """A healthy call that was inside a killed worker is told so."""
    if status == 502 and b'"worker_crashed"' in body:
        return "worker_crashed"
    return hostile.judge_healthy(tag, status, body)


def sample(server):
    """(KiB of all, KiB of the front, descriptors), without warm pools."""
    for name in server.get("/fn/warmpool").json():
        server.request("DELETE", f"/fn/warmpool/{name}")
    wait_until(lambda: len(server.workers()) == server.workers_wanted, "all workers")
    return watch.pss_kib(server), watch.rss_kib(server.front()), watch.descriptors(server)


def period(server, dice, seconds, number):
    """One line, and its figures."""
    died = len(watch.deaths(server))
    with Load(server.port, hostile.pick_healthy, judge, HEALTHY_RATE) as load:
        kills = disturb(server, dice, seconds)
        seen = load.stop()
    counts = seen.counts()
    crashed, ok = counts.pop("worker_crashed", 0), counts.pop("ok", 0)
    memory, front, files = sample(server)
    died = len(watch.deaths(server)) - died
    row = {"what": f"{number * seconds / 60:.1f} min: {ok} healthy calls", "goal": "", "met": None,
           "seen": f"errors {sum(counts.values())}, in killed workers {crashed}, p99"
                   f" {seen.p99_ms():.1f} ms, front {front / 1024:.1f} MiB, all"
                   f" {memory / 1024:.1f} MiB, descriptors {files}, deaths {died} ({kills} killed)"}
    return row, counts, (memory, files)


def growth(values):
    """From the second quarter to the last, and so not what warming up took."""
    quarter = max(1, len(values) // 4)
    return statistics.median(values[-quarter:]) - statistics.median(values[quarter:2 * quarter])


def rows_of_growth(figures):
    memory, files = (growth(values) for values in zip(*figures))
    yield {"what": "memory growth of all processes (Pss)", "met": memory < GROWTH_MOST_KIB,
           "goal": f"under {GROWTH_MOST_KIB >> 10} MiB", "seen": f"{memory / 1024:.2f} MiB"}
    yield {"what": "descriptors more", "goal": f"under {DESCRIPTORS_MOST}", "seen": f"{files:.0f}",
           "met": files < DESCRIPTORS_MOST}


def run(options):
    seconds = 60 * (options.minutes or (MINUTES_QUICK if options.quick else MINUTES))
    length = min(seconds / PERIODS_LEAST, PERIOD_MOST_S)
    dice, failed, figures = random.Random(3), {}, []
    functions = all_hostile()
    texts = hostile.FUNCTION | {one.name: one.text for one in functions}
    texts["changing"] = "return function() return {n = 0} end"
    with Server(texts, ["--memory-mb", "16"]) as server:
        server.expected_faults = "died"
        server.workers_wanted = len(server.workers())
        plan = hostile.Attack(functions)
        with Load(server.port, plan.pick, lambda *_: "ok", HOSTILE_RATE, connections=8) as attack:
            for number in range(1, round(seconds / length) + 1):
                row, counts, figure = period(server, dice, length, number)
                failed |= counts
                figures.append(figure)
                yield row
            attack.stop()
        others = [f"{who} {how}" for who, how in watch.deaths(server)
                  if who == "front" or how != "signal 9"]
    yield {"what": "healthy errors", "goal": "0", "seen": "; ".join(failed)[:500] or "0",
           "met": not failed}
    yield {"what": "deaths but by SIGKILL", "goal": "0", "seen": ", ".join(others) or "0",
           "met": not others}
    yield from rows_of_growth(figures)
