# SPDX-License-Identifier: MIT
"""test_page.py - the page in a browser: its controls, errors in words, keys, screens."""

import json
import os
import re
import signal
import subprocess
import threading

import pytest
import requests
from selenium.webdriver.common.keys import Keys

from browser import NARROW, WIDE
from shown import FUNCTIONS, HOSTILE
from server import ROOT, Background, busy_worker, wait_until

VIEWS = ["start", "functions/hash", "chain", "live", "logs?fn=chatty", "profiles",
         "profiles?view=difference&fn=hash"]

def invoke(browser, server, name, **fields):
    browser.open(server, f"functions/{name}")
    for param, text in fields.items():
        browser.put(f"[data-param='{param}']", text)
    browser.click("[data-action='invoke']")


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
    wait_until(lambda: len(browser.all("#function-list a")) == 20, "all functions")
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
                                       "map": {"a": {}}, "list": [1, 2], "some": None}


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
    invoke(browser, server, "hash", rounds="3")
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
    assert re.search("No call has failed|Ended otherwise", browser.text("#outcomes"))


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


# -- Errors ----------------------------------------------------------------------------------------

def codes():
    listed = (ROOT / "host/base/err.h").read_text()
    return re.findall(r'X\(\w+, \d+, "(\w+)"\)', listed) + ["no_answer"]


@pytest.mark.parametrize("name, fields, code, text", [
    ("nothing", {}, None, None),
    ("hostile", {"json": '{"fail":true}'}, "function_error", "hostile.lua:"),
    ("eats", {}, "memory_limit", "memory"),
    ("unfit", {}, "bad_result", "function"),
    ("broken", {}, "function_broken", "broken"),
    ("sleep", {"timeout": "30"}, "deadline", "30 ms"),
    ("sleep", {"timeout": "soon"}, "bad_request", "X-Timeout-Ms"),
    ("nothing", {"json": "[1]"}, "bad_json", "object"),
    ("nothing", {"long": 5000}, "too_large", "4096"),
])
def test_errors_of_calls_are_shown_in_words(browser, server, name, fields, code, text):
    browser.open(server, f"functions/{name}")
    if "json" in fields or "long" in fields:
        browser.click(".params [data-value='json']")
        browser.put_long("[data-param='']", fields.get("json") or '{"a":"%s"}' % ("x" * 5000))
    if "timeout" in fields:
        browser.put("[data-key='timeout']", fields["timeout"])
    browser.click("[data-action='invoke']")
    if code:
        assert text in browser.error(code, "#output")
    else:
        browser.wait_text("#output", "Result")
        assert browser.is_gone("#output .error")


def test_a_busy_function_says_when_to_try_again(browser, server):
    with server.connect() as raw:  # which ends its call by leaving
        raw.sendall(b"POST /fn/invoke/held HTTP/1.1\r\nHost: localhost\r\n"
                    b"Content-Length: 0\r\n\r\n")
        server.wait_in_flight("held")
        invoke(browser, server, "held")
        assert "try again in" in browser.error("function_busy")
        browser.screenshot("error")
        browser.put("[data-key='count']", "2")
        browser.click("[data-action='burst']")
        browser.wait_text("#output", "2 of them")
        browser.error("function_busy", "#output")


def test_a_crashed_worker_a_full_queue_and_a_bad_count(browser, start):
    server = start({"spins": FUNCTIONS["spins"]}, ["--workers", "1", "--queue-max", "1"])
    invoke(browser, server, "spins")
    server.wait_in_flight("spins")
    os.kill(busy_worker(server), signal.SIGKILL)
    assert "signal 9" in browser.error("worker_crashed")
    browser.put("[data-key='count']", "4")
    browser.put("[data-key='timeout']", "300")
    browser.click("[data-action='burst']")
    browser.error("queue_full", "#output")
    browser.put("[data-key='count']", "0")
    browser.click("[data-action='burst']")
    assert "from 1 to 1000" in browser.error("bad_request")


def test_a_server_that_stops_and_one_that_is_gone(browser, start):
    server = start()
    browser.open(server, "functions/hash")
    browser.one("[data-action='invoke']")
    call = Background(server, "sleep", {"ms": 60000}, headers={"X-Timeout-Ms": "2000"})
    server.wait_in_flight("sleep")
    server.process.send_signal(signal.SIGTERM)
    server.wait_log("draining")
    browser.click("[data-action='invoke']")
    browser.error("draining", "#output")
    assert call.reply().status_code == 504
    server.wait_ended()
    browser.wait_text("#pulse", "no answer")
    browser.click("[data-action='invoke']")
    browser.error("no_answer", "#output")


def test_a_page_by_another_name_may_not_change_the_server(browser, server):
    browser.open(f"http://other.localhost:{server.port}", "functions/hash")
    browser.click("[data-action='pool']")
    assert "localhost" in browser.error("forbidden")


def test_every_code_has_advice(browser, server):
    browser.open(server, "start")
    words = browser.driver.execute_async_script("""
        const [codes, done] = arguments;
        import("./page/api.js").then(({errorBox}) => done(codes.map((code) => {
          const reply = {status: 500, headers: new Headers(), data: {code, error: "why"}};
          return [code, [...errorBox(reply).querySelectorAll("p")].length];
        })))""", codes())
    assert len(words) > 20
    assert [code for code, paragraphs in words if paragraphs != 3] == []


# -- Tokens ----------------------------------------------------------------------------------------

def give_token(browser, token):
    browser.put("#token", token)
    browser.press(Keys.ENTER)


def test_a_token_is_asked_for_sent_kept_in_the_tab_and_forgotten(browser, start):
    admin, calls = "a" * 40, "c" * 40
    server = start(env={"FAAS_ADMIN_TOKEN": admin, "FAAS_INVOKE_TOKEN": calls})
    invoke(browser, server, "hash", rounds="1")
    assert "FAAS_INVOKE_TOKEN" in browser.wait_text("#token-why", "The server says")
    browser.screenshot("token")
    browser.press(Keys.ESCAPE)
    assert "Authorization: Bearer" in browser.error("unauthorized")
    browser.click("[data-action='invoke']")
    give_token(browser, "wrong")
    browser.wait_text("#token-why", "does not fit")
    give_token(browser, calls)
    browser.wait_text("#output .headline", "200")
    browser.click("[data-action='pool']")
    assert "FAAS_ADMIN_TOKEN" in browser.wait_text("#token-why", "does not fit")
    browser.click("#token-cancel")
    browser.error("unauthorized")
    browser.click("[data-action='pool']")
    give_token(browser, admin)
    browser.wait_text("#output .headline", "Warm pool hash")
    browser.wait_text("#output .headline", "200")
    assert browser.run("return localStorage.length + document.cookie.length") == 0
    browser.open(server, "functions/hash")  # the tab keeps it
    browser.click("[data-action='close']")
    browser.wait_text("#output .headline", "200")
    browser.click("#forget")
    browser.click("[data-action='invoke']")
    browser.one("#token")


# -- Hostile texts ---------------------------------------------------------------------------------

def test_what_functions_say_is_text(browser, server):
    browser.open(server, "functions/hostile")
    assert HOSTILE in browser.texts(".detail .lead")
    assert any(HOSTILE in text for text in browser.texts(".params .hint"))
    browser.click("[data-action='invoke']")
    browser.wait_text("#output", "Result")
    assert browser.result()[HOSTILE] == HOSTILE
    browser.click(".params [data-value='json']")
    browser.put("[data-param='']", '{"fail":true}')
    browser.click("[data-action='invoke']")
    assert HOSTILE in browser.error("function_error")
    assert browser.all("main img, main script") == []
    assert "taken" not in browser.driver.title


def test_the_policy_holds(browser, server):
    browser.open(server, "start")
    browser.run("""
        const script = document.createElement("script");
        script.textContent = "document.title = 'taken'";
        document.head.append(script);""")
    assert "taken" not in browser.driver.title
    assert any("Content Security Policy" in entry["message"] for entry in browser.complaints())


def test_sources_put_no_text_in_as_html():
    for file in (ROOT / "host/front/page").glob("*.js"):
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b"
                             r"|new Function|srcdoc|style\s*=\s*[\"']", file.read_text()), file


# -- Keys and screens ------------------------------------------------------------------------------

def test_keys_lead_through_the_page(browser, server):
    browser.open(server, "functions")
    browser.one("#function-name")
    browser.tab()
    assert browser.focused() == "skip"
    assert browser.one("#skip").location["x"] >= 0
    browser.press(Keys.ENTER)
    assert browser.focused() == "main"
    browser.tab()
    assert browser.focused() == "function-search"
    assert browser.run("return getComputedStyle(document.activeElement).outlineStyle") == "solid"
    browser.press("prim", Keys.ENTER)
    browser.wait(lambda: browser.focused() == "function-name", "the function to have the focus")
    browser.put("#function-search", "random")
    listed = browser.texts("#function-list a")
    assert len(listed) > 2
    for key, focused in [(Keys.ARROW_DOWN, listed[0]), (Keys.ARROW_DOWN, listed[1]),
                         (Keys.ARROW_UP, listed[0]), (Keys.ARROW_UP, "function-search")]:
        browser.press(key)
        assert browser.focused() == focused
    browser.run("document.querySelector('[data-param=limit]').focus()")
    browser.press("11", Keys.ENTER)
    browser.wait_text("#output", "Result")
    assert browser.result()["primes_found"] == 5
    browser.run("document.querySelector('#nav a[href=\"#/live\"]').focus()")
    browser.press(Keys.ENTER)
    browser.wait(lambda: browser.focused() == "Live", "the heading to have the focus")
    assert browser.text("#nav [aria-current='page']") == "Live"


def unnamed(browser):
    """Controls that a screen reader could say nothing of."""
    return browser.run("""
        return [...document.querySelectorAll("button, a, input, select, textarea, canvas")]
          .filter((e) => e.checkVisibility() && !e.textContent.trim() && !e.labels?.length
            && !e.getAttribute("aria-label")).map((e) => e.outerHTML)""")


def test_the_theme_is_the_systems_or_the_chosen_one(browser, server):
    back = "return getComputedStyle(document.body).backgroundColor"
    browser.open(server, "start")
    light = browser.run(back)
    browser.look(WIDE, "dark")
    dark = browser.run(back)
    assert dark != light
    shown = []
    for _ in range(3):
        browser.click("#theme")
        shown.append((browser.text("#theme"), browser.run(back)))
    assert shown == [("Theme: light", light), ("Theme: dark", dark), ("Theme: auto", dark)]
    browser.click("#theme")
    browser.open(server, "start")
    assert browser.run(back) == light


@pytest.mark.parametrize("view", VIEWS)
def test_screens_narrow_and_dark(browser, busy, view):
    """No view is wider than a telephone, and all that can be used has a name."""
    browser.look(NARROW, "dark")
    browser.open(busy, view)
    if view.startswith("functions"):
        browser.click("[data-action='invoke']")
        browser.wait_text("#output", "Result")
    browser.one(".chart canvas[aria-label*=':']" if view == "live" else "main .panel")
    assert browser.run("return document.documentElement.scrollWidth") <= NARROW[0]
    assert unnamed(browser) == []
    browser.screenshot(f"narrow-{re.split('[/?]', view)[0]}"
                       f"{'-difference' if 'difference' in view else ''}")


@pytest.mark.parametrize("view", ["functions/hash", "chain"])
def test_screens_of_calls(browser, busy, view):
    browser.open(busy, view)
    browser.click("button.primary[type='submit']")
    browser.one("#output .phases")
    browser.screenshot(view.split("/")[0])
