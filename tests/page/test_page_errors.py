# SPDX-License-Identifier: MIT
"""test_page_errors.py - what the page shows of errors, tokens and hostile texts."""

import json
import os
import re
import signal

import pytest
from selenium.webdriver.common.keys import Keys

from shown import FUNCTIONS, HOSTILE
from server import ROOT, Background, busy_worker


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
        browser.invoke(server, "held")
        assert "try again in" in browser.error("function_busy")
        browser.screenshot("error")
        browser.put("[data-key='count']", "2")
        browser.click("[data-action='burst']")
        browser.wait_text("#output", "2 of them")
        browser.error("function_busy", "#output")


def test_a_crashed_worker_a_full_queue_and_a_bad_count(browser, start):
    server = start({"spins": FUNCTIONS["spins"]}, ["--workers", "1", "--queue-max", "1"])
    browser.invoke(server, "spins")
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
    browser.invoke(server, "hash", rounds="1")
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


def test_no_token_is_asked_for_when_a_function_chooses_401(browser, server):
    browser.invoke(server, "refuses")
    assert "not you" in browser.error("no_entry")
    assert browser.is_gone("#token-dialog[open]")


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
