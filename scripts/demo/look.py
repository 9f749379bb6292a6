# SPDX-License-Identifier: MIT
"""look.py - the last step: what was measured, and where to look at it."""

from words import command, line, pairs, say, title

PAGE = [
    ("#/profiles?view=difference&fn=hash", "cold left, warm right"),
    ("#/profiles?view=flame&type=cpu&one=transform", "a function by its lines"),
    ("#/profiles?view=flame&type=wall&one=sleep", "the sleepers"),
    ("#/profiles?view=flame&type=mutex&one=contention", "who waited for a lock"),
    ("#/live", "what goes on now"),
    ("#/functions/hash", "call it yourself"),
]
OTHERS = {
    "grafana": [
        ("http://localhost:3000/d/faas-server", "Grafana: calls, and profiles"),
        ("http://localhost:3000/d/before-after?var-function=hash", "Grafana: cold beside warm"),
    ],
    "pyroscope": [("http://localhost:4040/", "Pyroscope: the same profiles, kept")],
    "prometheus": [("http://localhost:9090/", "Prometheus: the figures of /metrics")],
}


def back(server, steps, stay):
    title(10, "Clean up, and where to look")
    steps.tidy(shown=True)
    url = steps.client.shown_url
    line()
    ends = "" if stay or not server.began else (
        "; the server ends now, but goes on until Ctrl-C with --stay")
    say(f"Open these in a browser{ends}:")
    line()
    pairs([(f"{url}/{path}", text) for path, text in PAGE])
    line()
    others = [row for name, rows in OTHERS.items() if name in server.services for row in rows]
    if others:
        pairs(others)
        line()
    if not server.token:  # which Go's tools cannot send
        say("Or, with Go's tools:")
        line()
        pairs([
            (f"go tool pprof -http :9000 {url}/debug/pprof/allocs", ""),
            (f"go tool pprof -top '{url}/debug/pprof/profile?seconds=10'", "with calls"),
        ])
        line()
    say("Or have a tree, as JSON:")
    line()
    command(steps.client.curl("GET", "/debug/flame?type=cpu&function=hash&start=cold"))
    line()
    steps.show_end()
