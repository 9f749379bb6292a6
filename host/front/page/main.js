// main.js - which view is shown: the part of the address behind #.
// SPDX-License-Identifier: MIT
import {initToken} from "./api.js";
import {chain} from "./chain.js";
import {el} from "./dom.js";
import {figures, nothingHasRun, onFigures, startFigures} from "./figures.js";
import {functions} from "./functions.js";
import {live} from "./live.js";
import {logs} from "./logs.js";
import {number} from "./format.js";
import {profiles} from "./profiles.js";
import {start} from "./start.js";

const views = {start, functions, chain, live, logs, profiles};
const main = document.getElementById("main");
let name = null, leave = null;

/// "#/functions/hash?x=1" is {name: "functions", path: "hash", query}.
function where() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [first, ...rest] = path.split("/");
  return {name: first, path: rest.join("/"), query: new URLSearchParams(query)};
}

function show(byUser) {
  const to = where();
  if (!views[to.name]) {
    to.name = nothingHasRun() ? "start" : "functions";
  }
  for (const link of document.querySelectorAll("#nav a")) {
    if (link.hash === `#/${to.name}`) {
      link.setAttribute("aria-current", "page");
    } else {
      link.removeAttribute("aria-current");
    }
  }
  document.title = `${to.name[0].toUpperCase()}${to.name.slice(1)} - faas-server`;
  if (to.name === name && leave?.update?.(to)) {
    return;
  }
  leave?.();
  name = to.name;
  main.dataset.view = name;
  main.replaceChildren();
  leave = views[name](main, to);
  if (byUser) {
    scrollTo(0, 0);
    main.querySelector("h1")?.focus({preventScroll: true});
  }
}

function pulse() {
  const at = figures.points.at(-1);
  const text = figures.failed ? "no answer" : at
    ? `${number(Math.round(at.rate))}/s · ${number(at.running)} running` : "";
  const box = document.getElementById("pulse");
  box.replaceChildren(el("i", {class: `dot ${figures.failed ? "bad" : "good"}`}), text);
}

document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
initToken();
onFigures(pulse);
await startFigures();
show(false);
addEventListener("hashchange", () => show(true));
