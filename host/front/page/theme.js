// theme.js - light or dark, before anything is drawn; loaded in the head, so it is no module.
// SPDX-License-Identifier: MIT
"use strict";

(() => {
  const names = ["auto", "light", "dark"];
  let chosen = "auto";
  try {
    chosen = localStorage.getItem("theme") || "auto";
  } catch {
    // Storage is switched off: the choice then lasts as long as the page.
  }

  function show() {
    if (chosen === "auto") {
      delete document.documentElement.dataset.theme;
    } else {
      document.documentElement.dataset.theme = chosen;
    }
    const button = document.getElementById("theme");
    if (button) {
      button.textContent = `Theme: ${chosen}`;
    }
    document.dispatchEvent(new Event("themechange"));
  }

  function next() {
    chosen = names[(names.indexOf(chosen) + 1) % names.length];
    try {
      localStorage.setItem("theme", chosen);
    } catch {
      // As above.
    }
    show();
  }

  show();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
  document.addEventListener("DOMContentLoaded", () => {
    show();
    document.getElementById("theme").addEventListener("click", next);
  });
})();
