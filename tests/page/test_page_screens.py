# SPDX-License-Identifier: MIT
"""test_page_screens.py - the page by keys alone, on narrow screens, in both themes."""

import re

import pytest
from selenium.webdriver.common.keys import Keys

from browser import NARROW, WIDE

VIEWS = ["start", "functions/hash", "chain", "live", "logs?fn=chatty", "profiles",
         "profiles?view=difference&fn=hash"]


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
