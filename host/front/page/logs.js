// logs.js - the view of what functions logged, by function and call.
// SPDX-License-Identifier: MIT
import {get, showTrouble} from "./api.js";
import {el, field, fill, select} from "./dom.js";
import {clock, number} from "./format.js";

const EVERY_MS = 1000;
const tails = [["100", "100"], ["300", "300"], ["1000", "1,000"]];
const state = {fn: "", call: "", text: "", tail: "100", follow: true};

function time(text) {
  const ms = new Date(text).getMilliseconds();
  return Number.isNaN(ms) ? text : `${clock(text)}.${String(ms).padStart(3, "0")}`;
}

export function logs(root, {query}) {
  let lines = [], names = [], shown = null, gone = false;
  const pickers = el("div", {class: "options"});
  const trouble = el("div");
  const body = el("tbody", {id: "lines"});
  const count = el("p", {class: "facts", id: "line-count"});
  const box = el("div", {class: "scroll log", tabindex: "0", role: "log", "aria-live": "off",
    "aria-label": "Log lines"}, el("table", {},
    el("thead", {}, el("tr", {}, ["time", "level", "call", "text"].map((name) =>
      el("th", {scope: "col"}, name)))), body));
  const filter = (key) => {
    const input = el("input", {type: "search", id: `log-${key}`, autocomplete: "off",
      spellcheck: "false", value: state[key],
      on: {input: () => { state[key] = input.value.trim(); show(); }}});
    return input;
  };
  const call = filter("call"), text = filter("text");

  function row(line) {
    return el("tr", {class: `level-${line.level}`}, el("td", {title: line.time}, time(line.time)),
      el("td", {}, line.level),
      el("td", {}, line.call_id ? el("button", {type: "button", class: "link",
        title: line.traceparent ? `traceparent ${line.traceparent}` : "Only this call",
        on: {click: () => {
          state.call = call.value = state.call === line.call_id ? "" : line.call_id;
          show();
        }}}, line.call_id) : ""),
      el("td", {class: "text"}, line.text));
  }

  function show() {
    const wanted = state.text.toLowerCase();
    const found = lines.filter((line) => (line.call_id ?? "").includes(state.call)
      && line.text.toLowerCase().includes(wanted));
    const atEnd = box.scrollTop + box.clientHeight >= box.scrollHeight - 8;
    fill(body, found.map(row));
    count.textContent = lines.length ? `${number(found.length)} of ${number(lines.length)} lines`
      : "Nothing has been logged by it.";
    if (state.follow && atEnd) {
      box.scrollTop = box.scrollHeight;
    }
  }

  async function load(quiet = false) {
    const fn = state.fn;
    if (!fn) {
      return;
    }
    const reply = await get(`fn/logs/${encodeURIComponent(fn)}?tail=${state.tail}`, {quiet});
    if (gone || fn !== state.fn) {
      return;
    }
    showTrouble(trouble, reply);
    if (reply.text !== shown) {
      shown = reply.text;
      lines = reply.ok ? reply.data.lines : [];
      show();
    }
  }

  function pick() {
    const follow = el("input", {type: "checkbox", id: "follow", checked: state.follow,
      on: {change: () => { state.follow = follow.checked; }}});
    fill(pickers,
      field("Function", select(names.map((name) => [name, name]), state.fn, (name) => {
        state.fn = name;
        box.scrollTop = box.scrollHeight;
        load();
      }, {id: "log-function"})),
      field("Lines", select(tails, state.tail, (tail) => {
        state.tail = tail;
        load();
      }, {id: "log-tail"})),
      field("Call id", call), field("Text", text),
      el("label", {class: "check"}, follow, "Follow"));
  }

  async function start() {
    const reply = await get("fn/list");
    showTrouble(trouble, reply);
    if (!reply.ok) {
      return;
    }
    names = reply.data.functions;
    state.fn = query.get("fn") || state.fn || names[0] || "";
    if (!names.includes(state.fn)) {
      names = [state.fn, ...names];
    }
    pick();
    await load();
    box.scrollTop = box.scrollHeight;
  }

  if (query.has("call")) {
    state.call = call.value = query.get("call");
  } else if (query.has("fn")) {
    state.call = call.value = "";
  }
  root.append(el("h1", {tabindex: "-1"}, "Logs"), el("section", {class: "panel"},
    pickers, trouble, count, box));
  start();
  const timer = setInterval(() => {
    if (state.follow && !document.hidden) {
      load(true);
    }
  }, EVERY_MS);
  return () => { gone = true; clearInterval(timer); };
}
