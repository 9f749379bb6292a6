# SPDX-License-Identifier: MIT
"""test_page.py - the page in a browser: its controls."""

import json
import re
import subprocess
import threading

import requests
from selenium.webdriver.common.keys import Keys

from server import wait_until
from shown import FUNCTIONS


# -- Start -----------------------------------------------------------------------------------------

def test_nothing_has_run_so_the_walkthrough_is_offered_and_leads_to_profiles(browser, start):
    server = start()
    browser.open(server)
    assert browser.view() == "start"
    assert "Nothing has run yet" in browser.wait_text("#calls-so-far", "Nothing")
    browser.screenshot("start")
    browser.click("#walk")
    browser.wait_text("#walk", "Stop")
    browser.wait_text("#walk-words", "Done: 21 of 21 steps")
    assert browser.all("#walk-steps .failed") == []
    browser.screenshot("start-done")
    stats = server.get("/fn/stats").json()
    assert all(one["invocations"] and not one["errors"] for one in stats.values())
    assert stats["hash"]["cold"] > 20000 and stats["hash"]["warm"] > 15000
    assert server.get("/fn/warmpool").json() == {}
    browser.click("#to-profiles")
    browser.wait(lambda: browser.view() == "profiles", "the profiles")
    browser.click("#nav a[href='#/live']")
    browser.wait(lambda: browser.view() == "live", "the live figures")
    browser.screenshot("live")


def test_walkthrough_stops_where_it_is_told_to(browser, start):
    server = start({"sleep": "return function(_, ctx) ctx.sleep(60000) return {} end"})
    browser.open(server)
    browser.click("#walk")
    server.wait_in_flight("sleep")
    browser.click("#walk")
    browser.wait_text("#walk-words", "Stopped: ")
    browser.wait_text("#walk", "Run it again")
    assert len(browser.all("#walk-steps .ok")) == 4
    assert len(browser.all("#walk-steps .skipped")) == 17
    server.wait_in_flight("sleep", 0)  # its call is ended too


def test_once_something_has_run_functions_come_first(browser, busy):
    browser.open(busy)
    assert browser.view() == "functions"


# -- Functions -------------------------------------------------------------------------------------

def test_functions_are_listed_found_and_chosen(browser, server):
    browser.open(server, "functions")
    count = len(server.get("/fn/list").json()["details"])
    assert count > len(FUNCTIONS)
    wait_until(lambda: len(browser.all("#function-list a")) == count, "all functions")
    assert "SHA-256" in browser.text("[data-name='hash']")
    browser.put("#function-search", "sha digest")
    assert [e.text.split()[0] for e in browser.all("#function-list a")] == ["hash"]
    browser.press(Keys.ENTER)
    browser.wait_text("#function-name", "hash")
    assert browser.address() == "#/functions/hash"
    browser.put("#function-search", "no such")
    browser.wait_text("#function-list", "None fits")


def test_a_form_is_made_from_what_is_declared(browser, server):
    browser.open(server, "functions/typed")
    browser.one("[data-param]")
    fields = {e.get_attribute("data-param"): e for e in browser.all("[data-param]")}
    assert set(fields) == {"whole", "real", "word", "yes", "map", "list", "some"}
    labels = " ".join(browser.texts(".params label"))
    assert "whole integer, required" in labels and "map object" in labels
    hints = " ".join(browser.texts(".params .hint"))
    assert "1 to 9" in hints and "at most 5 bytes" in hints and "default 0.5" in hints
    browser.put("[data-param='whole']", "7")
    browser.put("[data-param='word']", 'a"b')
    browser.choose("[data-param='yes']", "false")
    browser.put("[data-param='map']", '{"a":{}}')
    browser.put("[data-param='list']", "[1,2]")
    browser.put("[data-param='some']", "null")
    browser.press(Keys.TAB)
    browser.click("[data-action='invoke']")
    browser.wait_text("#output", "Result")
    assert browser.result()["got"] == {"whole": 7, "real": 0.5, "word": 'a"b', "yes": False,
                                       "map": {"a": {}}, "list": [1, 2]}


HINTS = [
    ("whole", "10", "outside 1 to 9", "whole must be between 1 and 9"),
    ("whole", "x", "a whole number is wanted", "whole must be"),
    ("real", "1..2", "a number is wanted", "real must be"),
    ("word", "sixsix", "outside at most 5 bytes", "word must"),
    ("list", "[1,2,3]", "outside at most 2 items", "list must"),
    ("list", "{}", "a list is wanted", "list must"),
    ("map", "[]", "an object is wanted", "map must"),
    ("map", "{", "this is not JSON yet", "bad_json"),
]


def test_the_form_hints_and_the_server_decides(browser, server):
    browser.open(server, "functions/typed")
    for param, text, hint, error in HINTS:
        browser.put("[data-param='whole']", "1")
        field = f"[data-param='{param}']"
        browser.put(field, text)
        assert hint in browser.text(f".field:has({field}) .problem")
        assert browser.one(field).get_attribute("aria-invalid") == "true"
        browser.click("[data-action='invoke']")
        browser.wait_text("#output .error", error)
        browser.put_long(field, "")


def test_a_call_shows_its_start_its_phases_and_its_result(browser, server):
    browser.invoke(server, "hash", rounds="3")
    browser.wait_text("#output .headline", "Invoke hash")
    assert browser.text("#output .headline").split()[:4] == ["200", "Invoke", "hash", "cold"]
    assert browser.result()["rounds"] == 3
    assert [e.get_attribute("class") for e in browser.all("#output .phase")] == [
        "phase queue", "phase deploy", "phase exec", "phase undeploy"]
    assert "memory" in browser.text("#output .phases .legend")
    browser.click("#output .json .copy")
    wait_until(lambda: '"rounds":3' in browser.clipboard(), "the result in the clipboard")
    link = browser.one("#output .headline a").get_attribute("href")
    assert re.search(r"#/logs\?fn=hash&call=\w{32}$", link)


def test_json_takes_what_is_not_declared(browser, server):
    browser.open(server, "functions/hash")
    browser.put("[data-param='rounds']", "5")
    browser.click(".params [data-value='json']")
    assert browser.one("[data-param='']").get_attribute("value") == '{"rounds":5}'
    browser.put("[data-param='']", '{"rounds":6,"more":[1]}')
    browser.click("[data-action='invoke']")
    browser.wait_text("#output", "Result")
    assert browser.result()["rounds"] == 6
    browser.click(".params [data-value='form']")
    assert browser.one("[data-param='rounds']").get_attribute("value") == "5"


def test_bursts_and_pools(browser, server):
    browser.open(server, "functions/primes")
    browser.put("[data-key='size']", "3")
    browser.click("[data-action='pool']")
    browser.wait_text("#output .headline", "Warm pool primes")
    assert browser.result() == {"function": "primes", "pool_size": 3, "deployed": 3}
    browser.choose("[data-key='start']", "warm")
    browser.click("[data-action='invoke']")
    browser.wait_text("#output .headline", "Invoke primes")
    assert browser.result()["warm"] is True
    browser.put("[data-key='count']", "7")
    browser.click("[data-action='burst']")
    browser.wait_text("#output .headline", "Burst primes")
    assert browser.result()["succeeded"] == 7
    assert "calls a second" in browser.text("#output .numbers")
    browser.click("[data-action='close']")
    browser.wait_text("#output .headline", "Close pool primes")
    assert browser.result() == {"function": "primes", "undeployed": 3}


def run_line(line):
    """What curl prints."""
    said = subprocess.run(["bash", "-c", line.replace("curl ", "curl -s ", 1)], check=True,
                          capture_output=True, text=True).stdout
    return json.loads(said)


def test_the_curl_line_does_the_same(browser, server):
    text = "it's \"quoted\" $HOME `ls`"
    browser.open(server, "functions/hash")
    browser.put("[data-param='rounds']", "2")
    browser.put("[data-param='input']", text)
    browser.put("[data-key='timeout']", "5000")
    for action, keys in [
            ("invoke", {"hash", "rounds", "latency_ms"}),
            ("burst", {"function", "count", "total_ms", "succeeded", "failed", "results"}),
            ("pool", {"function", "pool_size", "deployed"}),
            ("close", {"function", "undeployed"})]:
        browser.click(f".as-curl [data-value='{action}']")
        line = browser.text(".curl")
        browser.click(".as-curl .copy")
        browser.wait(lambda text=line: browser.clipboard() == text, "the line to be copied")
        result = run_line(line)
        assert set(result) == keys
        assert action != "invoke" or result["hash"] == server.result(
            "hash", {"rounds": 2, "input": text})["hash"]


def test_a_new_version_is_shown_and_what_was_typed_stays(browser, start):
    text = 'return {params = {%s = {type = "string"}}, handler = function(p) return p end}'
    server = start({"mine": text % "first"})
    browser.open(server, "functions/mine")
    browser.put("[data-param='first']", "kept")
    server.write("mine", text.replace("%s", "second = {type = \"string\"}, %s") % "first")
    browser.one("[data-param='second']")
    assert browser.one("[data-param='first']").get_attribute("value") == "kept"


# -- Chain -----------------------------------------------------------------------------------------

def picked(browser):
    return browser.texts("#picked b")


def test_a_chain_is_put_together_and_run(browser, server):
    browser.open(server, "chain")
    browser.click("[aria-label='Remove all steps']")
    for name in ("hash", "regex", "sort"):
        browser.click(f"[data-add='{name}']")
    browser.click("[aria-label='sort earlier']")
    assert picked(browser) == ["hash", "sort", "regex"]
    browser.click("[aria-label='hash later']")
    browser.click("[aria-label='remove regex']")
    assert picked(browser) == ["sort", "hash"]
    browser.put("#chain-params", '{"size":10,"rounds":4}')
    browser.click("[type='submit'].primary")
    browser.wait_text("#output .headline", "Chain of 2")
    assert [line.split()[0] for line in browser.texts(".steps b")] == ["sort", "hash"]
    browser.click(".steps summary")
    assert json.loads(browser.text(".steps pre"))["sorted"] == 10
    assert run_line(browser.text(".curl"))["chain_length"] == 2


def test_a_chain_that_fails_shows_the_steps_done(browser, start):
    server = start({"soon": "return function() return {} end"})
    browser.open(server, "chain")
    browser.click("[aria-label='Remove all steps']")
    for name in ("hash", "fibonacci", "soon"):
        browser.click(f"[data-add='{name}']")
    browser.put("#chain-params", "{")
    browser.click("[type='submit'].primary")
    browser.error("bad_json")
    browser.put("#chain-params", "{}")
    (server.folder / "soon.lua").unlink()
    wait_until(lambda: not server.detail("soon"), "the function to be gone")
    browser.click("[type='submit'].primary")
    assert "in chain: soon" in browser.error("unknown_function")
    browser.click("[aria-label='Remove all steps']")
    browser.click("[data-add='hash']")
    browser.click("[data-add='fanout']")
    browser.put("#chain-params", '{"rounds":1,"count":999}')
    browser.click("[type='submit'].primary")
    browser.wait_text("#output .headline", "Chain of 2")


# -- Live ------------------------------------------------------------------------------------------

def test_live_figures_move(browser, busy):
    browser.open(busy, "live")
    browser.wait(lambda: len(browser.all(".chart canvas[aria-label*=':']")) == 10, "ten charts")
    with Load(busy):
        for label, pattern in [("Calls", r"ended [1-9]"), ("Latency", r"p50 \d.* p99 \d"),
                               ("Cold and warm", r"cold [1-9]"), ("Start and end", r"cold \d"),
                               ("Workers", "running 4"), ("Memory", "MiB")]:
            css = f".chart canvas[aria-label^='{label}']"
            browser.wait(lambda c=css, p=pattern: re.search(
                p, browser.one(c).get_attribute("aria-label")), f"{label}: {pattern}")
        assert re.search(r"[1-9]\S*/s", browser.wait_text("#pulse", "/s"))
        browser.point(".chart canvas", 300, 40)
    assert re.match(r"\d\d:\d\d:\d\d", browser.text(".chart .at"))
    row = next(e for e in browser.texts("#by-function tbody tr") if e.startswith("hash"))
    assert "ms" in row or "µs" in row
    busy.invoke("unfit")
    assert "Ended otherwise" in browser.wait_text("#outcomes", "bad_result")


class Load:
    """Calls one after the other, until it is left."""

    def __init__(self, server):
        self.url, self.over = f"{server.url}/fn/invoke/hash", threading.Event()
        self.thread = threading.Thread(target=self._work)

    def _work(self):
        with requests.Session() as session:
            session.trust_env = False
            while not self.over.is_set():
                session.post(self.url, timeout=60)

    def __enter__(self):
        self.thread.start()

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
