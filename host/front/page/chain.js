// chain.js - the view of chains: functions in order, each result the next one's parameters.
// SPDX-License-Identifier: MIT
import {errorBox, get, request} from "./api.js";
import {el, field, fill, say, select} from "./dom.js";
import {milliseconds} from "./format.js";
import {curl, curlLine, starts} from "./functions.js";
import {headLine, jsonBox, phaseBar} from "./result.js";

const STEPS_MAX = 64;
const state = {steps: ["hash", "sort", "fibonacci"], params: "{}", start: ""};

function chainPath() {
  return `fn/chain${state.start && `?start=${state.start}`}`;
}

function chainBody() {
  const names = state.steps.map((name) => JSON.stringify(name)).join(",");
  return `{"chain":[${names}],"params":${state.params.trim() || "{}"}}`;
}

function stepsDone(reply) {
  const steps = reply.data?.steps ?? [];
  const longest = Math.max(...steps.map((step) => step.latency_ms), 0.001);
  return el("ol", {class: "steps"}, steps.map((step) => {
    const bar = el("span", {class: "bar-line"});
    bar.style.width = `${100 * step.latency_ms / longest}%`;
    return el("li", {}, el("div", {class: "row"}, el("b", {}, step.function),
      el("span", {class: "facts"}, milliseconds(step.latency_ms))), bar,
    el("details", {}, el("summary", {}, "Result"),
      jsonBox(JSON.stringify(step.result), step.function)));
  }));
}

export function chain(root) {
  const picked = el("ol", {class: "picked", id: "picked"});
  const all = el("div", {class: "row", id: "pick", role: "group", "aria-label": "Add a function"});
  const output = el("div", {class: "output", id: "output"});
  const line = curlLine(() => curl("POST", chainPath(), chainBody()));
  const params = el("textarea", {rows: 2, class: "code", id: "chain-params", spellcheck: "false",
    value: state.params, on: {input: () => { state.params = params.value; line.show(); }}});
  const go = el("button", {type: "submit", class: "primary"}, "Run the chain");

  function move(from, to) {
    const [name] = state.steps.splice(from, 1);
    if (to !== null) {
      state.steps.splice(to, 0, name);
    }
    showPicked();
    const items = picked.querySelectorAll("li");
    (items[Math.min(to ?? from, items.length - 1)]?.querySelector("button:not([disabled])")
      ?? all.querySelector("button"))?.focus();
    say(to === null ? `${name} removed` : `${name} is step ${to + 1}`);
  }

  function button(text, label, disabled, click) {
    return el("button", {type: "button", class: "quiet", "aria-label": label, disabled,
      on: {click}}, text);
  }

  function showPicked() {
    fill(picked, state.steps.map((name, i) => el("li", {}, el("b", {}, name),
      button("↑", `${name} earlier`, i === 0, () => move(i, i - 1)),
      button("↓", `${name} later`, i === state.steps.length - 1, () => move(i, i + 1)),
      button("×", `remove ${name}`, false, () => move(i, null)))),
    state.steps.length ? null : el("li", {class: "hint"}, "Add a function below."));
    line.show();
  }

  async function load() {
    const reply = await get("fn/list");
    fill(all, reply.ok ? reply.data.functions.map((name) => el("button", {
      type: "button", "data-add": name, on: {click: () => {
        if (state.steps.length < STEPS_MAX) {
          state.steps.push(name);
        }
        showPicked();
        say(`${name} added as step ${state.steps.length}`);
      }}}, `+ ${name}`)) : errorBox(reply));
  }

  async function run(event) {
    event.preventDefault();
    go.disabled = true;
    const reply = await request("POST", chainPath(), {body: chainBody()});
    go.disabled = false;
    const ms = reply.data?.total_ms;
    fill(output, headLine(`Chain of ${state.steps.length}`, reply),
      reply.ok ? null : errorBox(reply),
      ms === undefined ? null : el("p", {class: "facts"}, `${milliseconds(ms)} for all steps`),
      phaseBar(reply.headers), stepsDone(reply));
    say(reply.ok ? "The chain is done" : reply.data?.error ?? "The chain failed");
  }

  root.append(el("h1", {tabindex: "-1"}, "Chain"),
    el("p", {class: "lead"},
      "Functions one after the other: what one returns are the next one's parameters."),
    el("form", {class: "panel", novalidate: true, on: {submit: run}},
      el("h2", {}, "Steps"), picked, all,
      el("div", {class: "options"},
        field("Parameters of the first, JSON", params),
        field("Start", select(starts, state.start, (value) => {
          state.start = value;
          line.show();
        }))),
      el("div", {class: "row"}, go, button("Empty it", "Remove all steps", false, () => {
        state.steps = [];
        showPicked();
      })),
      el("h3", {}, "The same with curl"), line.box, output));
  showPicked();
  load();
  return () => {};
}
