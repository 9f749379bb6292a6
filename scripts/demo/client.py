# SPDX-License-Identifier: MIT
"""client.py - who asks the server: calls with their phases, profiles as sums, figures."""

import collections
import http.client
import json
import math
import os
import re
import time

import requests

import words

PATIENCE_S = 60  # no request here takes a tenth of that
PHASES = ("queue", "deploy", "exec", "undeploy")

Call = collections.namedtuple("Call", ["result", "start", "timing", "latency_ms", *PHASES])


class Failure(Exception):
    """What ends the demo, as a sentence."""


def wait_until(condition, seconds, pause_s):
    """Polls until `condition` holds and returns its value; what is false after `seconds`."""
    end = time.monotonic() + seconds
    while not (value := condition()) and time.monotonic() < end:
        time.sleep(pause_s)
    return value


def is_ready(url):
    """Quicker than requests would be, for it is timed."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=2)
    try:
        connection.request("GET", "/ready")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def need(condition, sentence):
    if not condition:
        raise Failure(sentence)


def percentile(values, share):
    """The smallest of `values` that is at least as large as `share` of them."""
    return sorted(values)[max(0, math.ceil(len(values) * share) - 1)]


def median(values):
    return percentile(values, 0.5)


class Profile:
    """Stacks of frames, outermost first, and the value of each; how many calls ended meanwhile."""

    def __init__(self, values, calls, unit):
        self.values, self.calls, self.unit = values, calls, unit
        self.total = sum(values.values())

    def __sub__(self, before):
        values = {stack: value - before.values.get(stack, 0)
                  for stack, value in self.values.items()}
        return Profile({stack: value for stack, value in values.items() if value > 0},
                       self.calls - before.calls, self.unit)

    def largest(self, name=lambda stack: stack):
        """(name, value) of what `name` makes of stacks, the largest first; None is left out."""
        sums = collections.Counter()
        for stack, value in self.values.items():
            sums[name(stack)] += value
        del sums[None]
        return sums.most_common()

    def per_call(self, value):
        return value / self.calls if self.calls else 0


def function_of(stack):
    """Which function a stack is of, or None."""
    return stack[1].removeprefix("invoke:") if stack[1:2] and ":" in stack[1] else None


def phase_of(stack):
    """What the server was at, of a function's stack."""
    return stack[2]


def profile_of(reply):
    """What /debug/flame answers, as sums."""
    values = {}

    def visit(frame, own, children=(), above=()):
        stack = (*above, reply["frames"][frame])
        if own:
            values[stack[1:]] = values.get(stack[1:], 0) + own
        for child in children:
            visit(*child, above=stack)

    visit(*reply["root"])
    return Profile(values, reply["calls"], reply["unit"])


class Client:
    """Asks the server at `url`. `trouble()` is a sentence when that has ended, else empty.
    `token` is the name of the environment variable that has one, or empty."""

    def __init__(self, url, trouble, token):
        self.url, self.trouble = url, trouble
        self.shown_url = url.replace("127.0.0.1", "localhost")
        self.session = requests.Session()
        self.session.trust_env = False  # no proxies: all that is asked here is on this machine
        self.shown_token = f'-H "Authorization: Bearer ${token}" ' if token else ""
        if token:
            self.session.headers["Authorization"] = f"Bearer {os.environ[token]}"

    # -- Requests ----------------------------------------------------------------------------------

    def ask(self, method, path, body=None, shown=False):
        """The reply, which has to be 200. `shown` prints the same request for curl."""
        text = None if body is None else json.dumps(body, separators=(",", ":"))
        if shown:
            words.command(self.curl(method, path, text))
        try:
            reply = self.session.request(method, self.url + path, data=text, timeout=PATIENCE_S)
        except requests.RequestException as error:
            raise Failure(self.trouble() or f"{method} {path}: {error}") from error
        if reply.status_code != 200:
            raise Failure(f"{method} {path}: got {reply.status_code}: {reply.text[:300]}")
        return reply

    def curl(self, method, path, text=None):
        where = self.shown_url.removeprefix("http://") + path
        quoted = f"'{where}'" if re.search(r"[?&]", where) else where
        verb = f"-X {method} " if method != "GET" else ""
        return f"curl {self.shown_token}{verb}{quoted}" + (f" -d '{text}'" if text else "")

    def get(self, path, shown=False):
        return self.ask("GET", path, shown=shown).json()

    def invoke(self, name, params=None, start="cold", shown=False):
        reply = self.ask("POST", f"/fn/invoke/{name}?start={start}", params, shown)
        result, timing = reply.json(), reply.headers.get("server-timing", "")
        found = dict(re.findall(r"(\w+);dur=([0-9.]+)", timing))
        if not found.keys() >= set(PHASES):
            raise Failure(f"{name}: the reply's Server-Timing lacks a phase: {timing!r}")
        return Call(result, reply.headers.get("x-start"), timing, result["latency_ms"],
                    *(float(found[phase]) for phase in PHASES))

    def burst(self, name, count, params=None, start="cold", shown=False):
        reply = self.ask("POST", f"/fn/burst/{name}?count={count}&start={start}", params,
                         shown).json()
        if reply["succeeded"] != count:
            raise Failure(f"burst of {count} calls of {name}: {reply['succeeded']} succeeded")
        return reply

    # -- What was seen -----------------------------------------------------------------------------

    def flame(self, kind, function=None, start=None, shown=False):
        """All that is kept: of the last hour, also of before the demo."""
        query = {"type": kind, "function": function, "start": start}
        text = "&".join(f"{name}={value}" for name, value in query.items() if value)
        return profile_of(self.get(f"/debug/flame?{text}", shown))

    def metrics(self):
        """{name with labels: value}."""
        pairs = (text.rsplit(" ", 1) for text in self.ask("GET", "/metrics").text.splitlines()
                 if not text.startswith("#"))
        return {name: float(value) for name, value in pairs}

    def calls(self):
        """(ended, failed), of all functions."""
        stats = self.get("/fn/stats").values()
        return [sum(one[key] for one in stats) for key in ("invocations", "errors")]
