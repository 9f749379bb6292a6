# SPDX-License-Identifier: MIT
"""browser.py - a headless Chromium that looks at the page of a server under test."""

import json

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from server import ROOT, wait_until

SCREENSHOTS = ROOT / "build/test-results/screenshots"
FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
         "--no-first-run", "--disable-background-networking", "--no-proxy-server"]
WIDE, NARROW = (1280, 900), (360, 740)


class Browser:
    def __init__(self):
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for flag in FLAGS:
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
        self.driver.execute_cdp_cmd("Browser.grantPermissions", {
            "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]})
        self.url = None

    def close(self):
        self.driver.quit()

    def reset(self):
        """Wide and light, with nothing kept of other tests."""
        self.look(WIDE, "light")
        if self.url:
            self.run("localStorage.clear(); sessionStorage.clear()")
        self.driver.get("about:blank")
        self.driver.get_log("browser")
        self.url = None

    def look(self, size, scheme):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": False})
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme", "value": scheme}]})

    def complaints(self):
        """What the browser logged; that a reply was an error is the server's affair."""
        return [entry for entry in self.driver.get_log("browser") if entry["source"] != "network"]

    def screenshot(self, name):
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.driver.save_screenshot(str(SCREENSHOTS / f"{name}.png"))

    # -- Going somewhere -----------------------------------------------------------------------

    def open(self, server, view=""):
        """Loads the page anew."""
        if self.url:
            self.driver.get("about:blank")
        self.url = getattr(server, "url", server)
        self.driver.get(f"{self.url}/#/{view}" if view else self.url)
        self.wait(lambda: self.run("return !!document.querySelector('main').dataset.view"),
                  "a view")

    def view(self):
        return self.run("return document.querySelector('main').dataset.view")

    def address(self):
        return self.run("return location.hash")

    # -- Looking -------------------------------------------------------------------------------

    def wait(self, condition, what):
        def holds():
            try:
                return condition()
            except (StaleElementReferenceException, WebDriverException):
                return False  # it was drawn anew
        return wait_until(holds, what)

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def all(self, css):
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def one(self, css):
        """The first that is shown; waits for it."""
        return self.wait(lambda: next((e for e in self.all(css) if e.is_displayed()), None), css)

    def text(self, css):
        return self.wait(lambda: [self.one(css).text], css)[0]

    def texts(self, css):
        return self.run("return [...document.querySelectorAll(arguments[0])]"
                        ".map((e) => e.textContent)", css)

    def wait_text(self, css, part):
        self.wait(lambda: part in self.one(css).text, f"{css} to say {part}")
        return self.text(css)

    def is_gone(self, css):
        return not any(e.is_displayed() for e in self.all(css))

    def focused(self):
        """Id, or text, of what has the focus."""
        return self.run("const e = document.activeElement; return e.id || e.textContent")

    # -- Doing ---------------------------------------------------------------------------------

    def invoke(self, server, name, **fields):
        """Calls a function by its form."""
        self.open(server, f"functions/{name}")
        for param, text in fields.items():
            self.put(f"[data-param='{param}']", text)
        self.click("[data-action='invoke']")

    def click(self, css):
        self.wait(lambda: self.one(css).click() is None, f"{css} to be clicked")

    def put(self, css, text):
        """Types it in place of what is there."""
        field = self.one(css)
        field.clear()
        field.send_keys(text)

    def put_long(self, css, text):
        self.run("const e = document.querySelector(arguments[0]); e.value = arguments[1];"
                 "e.dispatchEvent(new Event('input', {bubbles: true}))", css, text)

    def choose(self, css, value):
        Select(self.one(css)).select_by_value(value)

    def choices(self, css):
        return [option.get_attribute("value") for option in Select(self.one(css)).options]

    def press(self, *keys):
        ActionChains(self.driver).send_keys(*keys).perform()

    def tab(self):
        self.press(Keys.TAB)

    def point(self, css, x, y, click=False):
        """The mouse at that place of an element, from its upper left corner."""
        element = self.one(css)
        self.run("arguments[0].scrollIntoView({block: 'center'})", element)
        size = element.size
        move = ActionChains(self.driver).move_to_element_with_offset(
            element, round(x - size["width"] / 2), round(y - size["height"] / 2))
        (move.click() if click else move).perform()

    def clipboard(self):
        return self.driver.execute_async_script(
            "navigator.clipboard.readText().then(arguments[0], (e) => arguments[0](String(e)))")

    # -- What the page shows -------------------------------------------------------------------

    def error(self, code, scope=""):
        """Waits for an error of that code; returns its words."""
        return self.wait_text(f"{scope} .error[data-code='{code}']", code)

    def result(self):
        """The JSON of the last call."""
        return json.loads(self.text("#output pre"))
