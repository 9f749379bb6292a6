# SPDX-License-Identifier: MIT
"""run.py - starts a server, walks ten steps with it, and ends it: what profiles see of calls."""

import argparse
import contextlib
import signal
import sys

import look
import words
from client import Client, Failure, need
from local import Local
from stack import NoStack, Stack, find_compose
from steps import Steps

CALLS = 200000
MOST = 10_000_000
# Those that nohup, say, has had ignored stay so.
SIGNALS = [number for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
           if signal.getsignal(number) != signal.SIG_IGN]


class Ended(BaseException):
    """A signal, by its number."""

    outcome = "what it started has ended"


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/run.sh demo", description=(
        "Starts a server, makes traffic in ten steps, and shows what its profiles see of it."))
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--docker", action="store_true",
                       help="the containers of docker/compose.yaml, or nothing")
    where.add_argument("--local", action="store_true", help="the built server alone"
                       " (default: containers where there is Docker, else this)")
    parser.add_argument("--calls", type=int, default=CALLS, metavar="N",
                        help=f"how many calls of each kind are compared ({CALLS})")
    parser.add_argument("--stay", action=argparse.BooleanOptionalAction,
                        default=sys.stdin.isatty() and sys.stdout.isatty(),
                        help="before the end, wait for Enter or Ctrl-C (default: on a terminal)")
    chosen = parser.parse_args()
    if not 1 <= chosen.calls <= MOST:
        parser.error(f"--calls must be from 1 to {MOST}")
    return chosen


def on_signals(handler):
    for number in SIGNALS:
        signal.signal(number, handler)


def end_by(number, _):
    raise Ended(number)


# -- Where -----------------------------------------------------------------------------------------

def begin(chosen, begun):
    """A server that runs: containers, or the built one; says which, and why. What has to be ended
    is in `begun`, also when this is left by a signal."""
    if chosen.local:
        return start(Local(), begun, "The built server, with its own page and its own profiles.")
    try:
        return start(Stack(find_compose(), shown=sys.stdout.isatty()), begun,
                     "With Docker: the containers of docker/compose.yaml. The first time, images"
                     " are built and fetched, which takes minutes.")
    except NoStack as why:
        if chosen.docker:
            raise Failure(f"no demo with Docker: {why}") from why
        end_all(begun)
        on_signals(end_by)
        return start(Local(), begun, f"Without Docker, for {why}: the built server, with its own"
                                     " page and its own profiles.")


def start(server, begun, text):
    words.say(text, "")
    begun.append(server)
    server.begin()
    if server.note:
        words.say(server.note, "")
    return server


def end_all(begun, steps=None):
    """After something went wrong, which is told when it is raised again; whether all has ended.
    Signals are ignored from now on."""
    on_signals(signal.SIG_IGN)
    ended = True
    if steps:
        with contextlib.suppress(Failure, NoStack):  # what goes wrong may be that server
            steps.tidy()
    while begun:
        try:
            begun.pop().end()
        except (Failure, NoStack) as why:
            print(f"demo: {why}", file=sys.stderr)
            ended = False
    return ended


# -- The walk --------------------------------------------------------------------------------------

def introduce():
    words.line(words.painted("faas-server: what profiles see of calls that are over in no time", 1))
    words.line()
    words.say("A call here takes microseconds to milliseconds: too short for a profiler that has to"
              " be attached. So the server samples itself all the time, and each sample knows its"
              " function, its phase, its line, and whether the call started cold or warm. Ten"
              " steps make calls and show what is seen of them. All figures are of this run.", "")
    words.line()


def walk(chosen):
    introduce()
    begun, steps = [], None
    try:
        server = begin(chosen, begun)
        steps = Steps(server, Client(server.url, server.trouble, server.token), chosen.calls)
        steps.run()
        look.back(server, steps, chosen.stay)
        if chosen.stay:
            wait_for_reader()
            need(not (trouble := server.trouble()), trouble)
        on_signals(signal.SIG_IGN)
    except BaseException as error:
        if not end_all(begun, steps):
            error.outcome = "something it started may still run: see above"
        raise
    words.say(server.end())


def wait_for_reader():
    words.say("Now look; Enter ends it." if sys.stdin.isatty() else "Ctrl-C, or SIGTERM, ends it.")
    if sys.stdin.isatty():
        sys.stdin.readline()
    else:
        signal.pause()


def main():
    chosen = arguments()
    on_signals(end_by)
    try:
        walk(chosen)
        return 0
    except Ended as end:
        name = signal.Signals(end.args[0]).name
        print(f"\ndemo: stopped by {name}; {end.outcome}", file=sys.stderr)
        return 128 + end.args[0]
    except BrokenPipeError:
        return 1  # nobody reads; words.py has seen to the rest
    except (Failure, NoStack) as why:
        print(f"\ndemo: {why}", file=sys.stderr)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        print(f"\ndemo: a reply was not what was expected: {error!r}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
