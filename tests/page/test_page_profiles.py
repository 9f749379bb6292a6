# SPDX-License-Identifier: MIT
"""test_page_profiles.py - flame graphs, their difference, and logs, in a browser."""

import re

import pytest
from selenium.webdriver.common.keys import Keys

from shown import HOSTILE
from server import wait_until

ROW = 19  # pixels of a frame's height


def open_profiles(browser, server, query):
    browser.open(server, f"profiles?{query}")
    browser.one(".flame canvas")
    browser.wait_text("#frame-detail", "all:")


def crumbs(browser):
    return browser.texts("#crumbs li")


def click_row(browser, row, x=10):
    browser.point(".flame canvas", x, row * ROW + ROW / 2, click=True)


def matched(browser, text):
    """Per cent of all that the search finds."""
    browser.put("#frame-search", text)
    return float(browser.wait_text("#matched", "matched").split()[0])


# -- Flame graphs ----------------------------------------------------------------------------------

@pytest.mark.parametrize("kind, unit", [
    ("cpu", "s"), ("wall", "s"), ("alloc", "iB"), ("mutex", "s")])
def test_each_type_has_its_flame_graph(browser, busy, kind, unit):
    browser.open(busy, "profiles")
    browser.click(f"#profile-controls [data-value='{kind}']")
    browser.wait(lambda: f"type={kind}" in browser.address(), "the type in the address")
    browser.one(".flame canvas")
    total = browser.wait_text("#profile-totals b", unit)
    assert re.match(r"[\d.,]+ \w+$", total)
    assert browser.wait_text("#frame-detail", f"all: total {total}, 100 % of all")
    assert len(browser.texts("#top-frames tbody tr")) >= 1
    assert "calls, " in browser.text("#profile-totals")
    browser.screenshot(f"profiles-{kind}")


def test_a_click_zooms_and_there_are_ways_back(browser, busy):
    open_profiles(browser, busy, "view=flame&type=alloc")
    click_row(browser, 1)
    first = browser.wait(lambda: len(crumbs(browser)) == 2 and crumbs(browser)[1], "a zoom")
    assert browser.wait_text("#frame-detail", f"{first}: total")
    click_row(browser, 2)
    browser.wait(lambda: len(crumbs(browser)) == 3, "a further zoom")
    assert "of what is zoomed" in browser.text("#frame-detail")
    click_row(browser, 1)  # one above, still shown
    browser.wait(lambda: crumbs(browser) == ["all", first], "the way back")
    browser.click("#crumbs li:first-child button")
    browser.wait(lambda: crumbs(browser) == ["all"], "all")
    click_row(browser, 2)
    browser.put("#frame-search", "hash")
    browser.click("#flame-reset")
    assert crumbs(browser) == ["all"]
    assert browser.one("#frame-search").get_attribute("value") == ""


def test_the_mouse_is_told_what_it_is_over(browser, busy):
    open_profiles(browser, busy, "view=flame&type=alloc")
    browser.point(".flame canvas", 10, ROW * 2 + 5)
    tip = browser.wait_text(".tip", "total")
    assert re.search(r"total [\d.,]+ \w+, [\d.]+ % of all", tip)
    assert "self " in tip and "a call" in tip
    browser.point("#frame-search", 5, 5)
    browser.wait(lambda: browser.is_gone(".tip"), "the tooltip to go")


def test_arrows_move_enter_zooms_escape_goes_back(browser, busy):
    open_profiles(browser, busy, "view=flame&type=alloc")
    browser.run("document.querySelector('.flame canvas').focus()")
    seen = [browser.text("#frame-detail")]
    for key in (Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ARROW_RIGHT, Keys.ARROW_LEFT,
                Keys.ARROW_UP, Keys.HOME):
        browser.press(key)
        seen.append(browser.text("#frame-detail"))
    assert len({text.split(":")[0] for text in seen[:3]}) == 3
    assert seen[3] != seen[2] and seen[4] == seen[2] and seen[5] == seen[1] and seen[6] == seen[0]
    browser.press(Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ENTER)
    browser.wait(lambda: len(crumbs(browser)) == 3, "the zoom")
    browser.press(Keys.ESCAPE)
    browser.wait(lambda: len(crumbs(browser)) == 2, "one back")
    browser.press(Keys.ESCAPE)
    browser.wait(lambda: crumbs(browser) == ["all"], "all")


def test_search_tells_how_much_it_found(browser, busy):
    open_profiles(browser, busy, "view=flame&type=alloc")
    assert matched(browser, "no such frame") == 0
    assert 0 < matched(browser, "invoke:HASH") < 100
    assert matched(browser, "all") == 100
    browser.press(Keys.ESCAPE)
    browser.wait(lambda: browser.is_gone("#matched") or not browser.text("#matched"), "no search")
    name = browser.texts("#top-frames tbody button")[0]
    browser.click("#top-frames tbody button")
    assert browser.one("#frame-search").get_attribute("value") == name
    browser.screenshot("profiles-search")


def test_filters_leave_what_they_say(browser, busy):
    open_profiles(browser, busy, "view=flame&type=alloc")
    browser.choose("#one-function", "hash")
    browser.choose("#one-start", "cold")
    browser.wait(lambda: "one=hash%2Ccold" in browser.address(), "the filters in the address")
    browser.wait(lambda: matched(browser, "invoke:hash") >= 99, "hash alone")
    assert matched(browser, "newstate") > 0
    browser.choose("#one-start", "warm")
    browser.wait(lambda: matched(browser, "newstate") == 0, "warm calls alone")
    assert browser.choices("#one-range") == ["30", "60", "300", "900", ""]
    for seconds in ("900", "30", ""):
        browser.choose("#one-range", seconds)
        browser.wait(lambda s=seconds: browser.address().endswith(f"%2C{s}"), "the range")
        browser.wait(lambda: not browser.all(".graph[aria-busy]")
                     and re.search("calls|No samples", browser.text("#profile-totals")),
                     "what was in it, if it was not longer ago")
    browser.click("#refresh")
    browser.wait_text("#profile-totals", "calls")


def test_without_samples_it_says_so(browser, start):
    server = start()
    browser.open(server, "profiles?view=flame&type=mutex")
    assert "Nothing of that kind" in browser.wait_text("#no-samples", "No samples")
    assert browser.is_gone(".flame canvas")
    browser.click("#no-samples a")
    browser.wait(lambda: browser.view() == "start", "the walkthrough")


def test_a_profile_that_cannot_be_had(browser, start):
    server = start({}, ["--profile-cpu-hz", "0"])
    browser.open(server, "profiles?view=flame&type=cpu&one=nope,,")
    browser.error("unknown_function", "#profile-trouble")
    browser.open(server, "profiles?view=flame&type=cpu&one=,,")
    assert "switched off" in browser.wait_text("#no-samples", "No samples")


# -- Difference ------------------------------------------------------------------------------------

def test_warm_against_cold(browser, busy):
    browser.open(busy, "functions/hash")
    browser.click(".detail .links a[href*='difference']")
    browser.wait_text("#frame-detail", "right is")
    browser.click("#profile-controls [data-value='alloc']")
    browser.wait(lambda: "type=alloc" in browser.address(), "the type")
    numbers = browser.wait_text("#profile-totals", "iB")
    assert "hash, cold" in numbers and "hash, warm" in numbers and "a call" in numbers
    assert "−" in browser.texts("#profile-totals dd")[-1]  # warm calls allocate less
    assert any("newstate" in row for row in browser.texts("#top-frames tbody tr"))
    browser.screenshot("profiles-difference")
    browser.choose("#right-start", "")
    browser.wait_text("#profile-totals", "hash, cold and warm")
    browser.choose("#left-function", "sort")
    browser.choose("#right-range", "900")
    browser.wait_text("#profile-totals", "sort, cold")
    browser.click("#preset")
    browser.wait_text("#profile-totals", "sort, warm")
    browser.point(".flame canvas", 10, ROW / 2)
    assert "left " in browser.wait_text(".tip", "right is")


def test_the_address_tells_what_is_shown(browser, busy):
    query = "view=difference&type=alloc&left=hash,cold,900&right=hash,warm,"
    open_profiles(browser, busy, query)
    assert "last 15 minutes" in browser.text("#profile-totals")
    assert browser.address().replace("%2C", ",") == f"#/profiles?{query}"
    browser.click("#profile-controls [data-value='flame']")
    browser.wait_text("#frame-detail", "all: total")


# -- Logs ------------------------------------------------------------------------------------------

def lines(browser):
    return [e.text for e in browser.all("#lines .text")]


def test_logs_are_followed_and_filtered(browser, busy):
    busy.invoke("chatty", {"lines": 4}, headers={"X-Call-Id": "call-one"})
    browser.open(busy, "logs?fn=chatty")
    browser.wait(lambda: lines(browser)[-4:] == ["line 1", "line 2", "line 3", "line 4"], "lines")
    busy.invoke("chatty", {"lines": 5}, headers={"X-Call-Id": "call-two"})
    browser.wait(lambda: lines(browser)[-1] == "line 5", "a new line")
    browser.screenshot("logs")
    browser.click("#lines tr:last-child button")
    browser.wait(lambda: len(lines(browser)) == 5, "one call's lines")
    assert browser.one("#log-call").get_attribute("value") == "call-two"
    browser.put("#log-text", "LINE 3")
    browser.wait(lambda: lines(browser) == ["line 3"], "one line")
    assert "1 of " in browser.text("#line-count")
    browser.click("#follow")
    browser.choose("#log-tail", "1000")
    browser.choose("#log-function", "matrix")
    browser.wait_text("#line-count", "Nothing has been logged")


def test_a_call_leads_to_its_log(browser, busy):
    browser.open(busy, "functions/hostile")
    browser.click("[data-action='invoke']")
    browser.click("#output .headline a")
    browser.wait(lambda: lines(browser) == [HOSTILE], "its one line, as text")
    assert browser.all("main img, main script") == []


def test_the_log_of_no_function(browser, busy):
    browser.open(busy, "logs?fn=nope")
    browser.error("unknown_function")
    wait_until(lambda: browser.is_gone("#lines tr"), "no lines")
