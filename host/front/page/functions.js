// functions.js - the view of functions: a list, and for each one a form to call it.
// SPDX-License-Identifier: MIT
import {get, request, showTrouble} from "./api.js";
import {copyButton, el, field, fill, say, segments, select} from "./dom.js";
import {figures, onFigures} from "./figures.js";
import {body, paramForm} from "./form.js";
import {milliseconds, number, quoted} from "./format.js";
import {replyParts} from "./result.js";

const EVERY_MS = 3000; // files may come and go
const states = new Map(); // what was typed, by function; kept while the page is there
let wanted = ""; // in the search

function stateOf(name) {
  if (!states.has(name)) {
    states.set(name, {mode: "form", values: {}, json: "", start: "", timeout: "", count: "10",
      size: "5", line: "invoke", parts: null});
  }
  return states.get(name);
}

export const starts = [["", "as the server is set"], ["cold", "cold"], ["warm", "warm"]];

export function curl(method, path, text = "", headers = {}) {
  const here = new URL(path, location.href).href.replace(/#.*/, "");
  const flags = Object.entries(headers)
    .map(([name, value]) => ` -H ${quoted(`${name}: ${value}`)}`);
  return `curl -X ${method} ${quoted(here)}${flags.join("")}${text ? ` -d ${quoted(text)}` : ""}`;
}

export function curlLine(text) {
  const code = el("code", {class: "curl", tabindex: "0", "aria-label": "curl line"}, text());
  const box = el("div", {class: "row curl-row"}, code, copyButton(text));
  return {box, show() { code.textContent = text(); }};
}

// -- One function -------------------------------------------------------------------------------

/// What can be done with it: method, path, body and headers of each.
function actions(name, params, state) {
  const query = (pairs) => {
    const text = new URLSearchParams(pairs.filter(([, value]) => value !== "")).toString();
    return text && `?${text}`;
  };
  const headers = state.timeout.trim() ? {"X-Timeout-Ms": state.timeout.trim()} : {};
  const call = {method: "POST", body: () => body(params, state), headers};
  return {
    invoke: {...call, title: "Invoke", path: `fn/invoke/${name}${query([["start", state.start]])}`},
    burst: {...call, title: "Burst",
      path: `fn/burst/${name}${query([["count", state.count.trim()], ["start", state.start]])}`},
    pool: {method: "POST", title: "Warm pool", body: () => "", headers: {},
      path: `fn/warmpool/${name}${query([["size", state.size.trim()]])}`},
    close: {method: "DELETE", title: "Close pool", body: () => "", headers: {},
      path: `fn/warmpool/${name}`},
  };
}

function facts(detail) {
  const {timeout_ms: timeout, memory_mb: memory, max_concurrency: most} = detail.limits;
  return [
    detail.status !== "ok" ? detail.status : null,
    timeout && `ends after ${milliseconds(timeout)}`, memory && `${number(memory)} MiB`,
    most ? `${number(most)} at once` : null, `version ${detail.version}`, detail.source,
  ].filter(Boolean).join(" · ");
}

function numbers(name) {
  const s = figures.stats[name];
  if (!s?.invocations) {
    return "Not called yet.";
  }
  return `${number(s.invocations)} calls, ${number(s.cold)} cold, ${number(s.warm)} warm, `
    + `${number(s.errors)} errors; p50 ${milliseconds(s.p50_ms)}, p99 ${milliseconds(s.p99_ms)}`;
}

function small(label, state, key, changed) {
  return field(label, el("input", {type: "text", inputmode: "numeric", autocomplete: "off",
    size: 6, value: state[key], "data-key": key,
    on: {input: (event) => { state[key] = event.target.value; changed(); }}}));
}

function detailView(detail) {
  const {name, params} = detail;
  const state = stateOf(name);
  const all = () => actions(name, params, state);
  const line = curlLine(() => {
    const one = all()[state.line];
    return curl(one.method, one.path, one.body(), one.headers);
  });
  const output = el("div", {class: "output", id: "output"}, state.parts ?? []);
  const count = el("p", {class: "facts", id: "numbers"}, numbers(name));
  const buttons = Object.keys(all()).map((key) => el("button", {
    type: key === "invoke" ? "submit" : "button", class: key === "invoke" ? "primary" : null,
    "data-action": key, on: key === "invoke" ? {} : {click: () => run(key)},
  }, all()[key].title));

  async function run(key) {
    const one = all()[key];
    state.line = key;
    pick.querySelectorAll("button").forEach((b) =>
      b.setAttribute("aria-pressed", String(b.dataset.value === key)));
    line.show();
    buttons.forEach((b) => { b.disabled = true; });
    output.setAttribute("aria-busy", "true");
    const reply = await request(one.method, one.path,
      {body: one.body() || undefined, headers: one.headers});
    buttons.forEach((b) => { b.disabled = false; });
    output.removeAttribute("aria-busy");
    state.parts = replyParts(`${one.title} ${name}`, reply, name);
    fill(output, state.parts);
    say(`${one.title} ${name}: ${reply.ok ? "done" : reply.data?.error ?? reply.status}`);
  }

  const titles = Object.entries(all()).map(([key, one]) => [key, one.title]);
  const pick = segments("curl line for", titles, state.line, (key) => {
    state.line = key;
    line.show();
  });
  const form = el("form", {class: "call", novalidate: true, on: {submit: (event) => {
    event.preventDefault();
    run("invoke");
  }}},
  paramForm(params, state, () => line.show()),
  el("div", {class: "options"},
    field("Start", select(starts, state.start, (value) => { state.start = value; line.show(); },
      {"data-key": "start"})),
    small("Deadline, ms", state, "timeout", () => line.show()),
    small("Calls in a burst", state, "count", () => line.show()),
    small("Instances in a pool", state, "size", () => line.show())),
  el("div", {class: "row"}, buttons));
  return {count, box: [
    el("h2", {tabindex: "-1", id: "function-name"}, name),
    el("p", {class: "lead"}, detail.description || "It says nothing about itself."),
    el("p", {class: "facts"}, facts(detail)), count,
    detail.error ? el("div", {class: "error"},
      el("p", {class: "sentence"}, "Its newest file does not load"),
      el("pre", {}, detail.error)) : null,
    form,
    el("section", {class: "as-curl"},
      el("div", {class: "row"}, el("h3", {}, "The same with curl"), pick), line.box),
    output,
    el("p", {class: "row links"},
      el("a", {href: `#/logs?fn=${name}`}, "Its log"),
      el("a", {href: `#/profiles?fn=${name}`}, "Its flame graph"),
      el("a", {href: `#/profiles?view=difference&fn=${name}`}, "Warm against cold")),
  ]};
}

// -- The list -----------------------------------------------------------------------------------

function matching(details) {
  const words = wanted.toLowerCase().split(/\s+/).filter(Boolean);
  return details.filter((one) => words.every((word) =>
    `${one.name} ${one.description}`.toLowerCase().includes(word)));
}

function item(detail, chosen) {
  const calls = figures.stats[detail.name]?.invocations ?? 0;
  return el("li", {}, el("a", {href: `#/functions/${detail.name}`,
    "aria-current": detail.name === chosen ? "true" : null, "data-name": detail.name},
  el("b", {}, detail.name),
  detail.status === "ok" ? null : el("span", {class: "badge bad"}, detail.status),
  el("span", {class: "calls"}, calls ? number(calls) : ""),
  el("span", {class: "what"}, detail.description)));
}

export function functions(root, {path}) {
  let details = [], listed = null, shown = null, chosen = path, count = null;
  const trouble = el("div");
  const list = el("ul", {id: "function-list", class: "list"});
  const panel = el("div", {class: "panel detail", id: "detail"});
  const search = el("input", {type: "search", id: "function-search", value: wanted,
    "aria-label": "Search functions", placeholder: "Search", on: {
      input: () => { wanted = search.value; showList(); },
      keydown: (event) => {
        if (event.key === "Enter" && matching(details).length) {
          location.hash = `#/functions/${matching(details)[0].name}`;
        } else if (event.key === "ArrowDown") {
          event.preventDefault();
          list.querySelector("a")?.focus();
        }
      }}});

  list.addEventListener("keydown", (event) => {
    const links = [...list.querySelectorAll("a")];
    const at = links.indexOf(document.activeElement);
    const step = {ArrowDown: 1, ArrowUp: -1}[event.key];
    if (step && at >= 0) {
      event.preventDefault();
      (links[at + step] ?? (step < 0 ? search : links[at])).focus();
    }
  });

  /// Drawn anew only when it is another one, so that a click does not miss it.
  function showList() {
    const found = matching(details);
    const key = JSON.stringify([chosen,
      found.map((one) => [one.name, one.description, one.status])]);
    if (key === listed) {
      return;
    }
    listed = key;
    const focused = document.activeElement?.dataset?.name;
    fill(list, found.map((one) => item(one, chosen)),
      found.length ? null : el("li", {class: "hint"}, "None fits."));
    if (focused) {
      list.querySelector(`[data-name="${CSS.escape(focused)}"]`)?.focus();
    }
  }

  /// Drawn anew only when it is another one, or another version of it.
  function showDetail() {
    const detail = details.find((one) => one.name === chosen);
    const key = detail ? JSON.stringify(detail) : `none ${chosen}`;
    if (key === shown) {
      return;
    }
    shown = key;
    if (!detail) {
      count = null;
      fill(panel, el("p", {class: "lead"},
        chosen ? `There is no function ${chosen}.` : "Pick a function."));
      return;
    }
    const view = detailView(detail);
    count = view.count;
    fill(panel, view.box);
  }

  async function load() {
    const reply = await get("fn/list", {quiet: true});
    showTrouble(trouble, reply);
    if (!reply.ok) {
      return;
    }
    details = reply.data.details;
    chosen ||= matching(details)[0]?.name ?? "";
    showList();
    showDetail();
  }

  root.append(el("h1", {tabindex: "-1"}, "Functions"), trouble,
    el("div", {class: "split"},
      el("section", {class: "side", "aria-label": "All functions"}, search, list), panel));
  load().then(() => {
    const link = list.querySelector("[aria-current]");
    list.scrollTop = link ? link.offsetTop - list.clientHeight / 2 : 0;
  });
  const timer = setInterval(() => { if (!document.hidden) { load(); } }, EVERY_MS);
  const stop = onFigures(() => {
    if (count) {
      count.textContent = numbers(chosen);
    }
    for (const link of list.querySelectorAll("a")) {
      const calls = figures.stats[link.dataset.name]?.invocations;
      link.querySelector(".calls").textContent = calls ? number(calls) : "";
    }
  });
  const leave = () => { clearInterval(timer); stop(); };
  leave.update = (next) => {
    chosen = next.path || chosen;
    showList();
    showDetail();
    panel.querySelector("h2")?.focus();
    return true;
  };
  return leave;
}
