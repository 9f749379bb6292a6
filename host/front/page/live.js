// live.js - the view of what goes on now: charts of five minutes, and figures by function.
// SPDX-License-Identifier: MIT
import {showTrouble} from "./api.js";
import {chart} from "./chart.js";
import {el, fill} from "./dom.js";
import {figures, onFigures} from "./figures.js";
import {bytes, milliseconds, number} from "./format.js";

const perSecond = (value) => `${number(Math.round(value * 10) / 10)}/s`;
const cores = (value) => `${value.toFixed(value < 10 ? 2 : 0)}`;
const count = (value) => number(Math.round(value * 10) / 10);

const charts = [
  {title: "Calls", format: perSecond, lines: [
    {key: "rate", name: "ended", colour: "--line-1"}]},
  {title: "Latency, last 10 s", format: milliseconds, log: true, lines: [
    {key: "p50", name: "p50", colour: "--line-1"}, {key: "p95", name: "p95", colour: "--line-2"},
    {key: "p99", name: "p99", colour: "--line-3"}]},
  {title: "Cold and warm starts", format: perSecond, lines: [
    {key: "cold", name: "cold", colour: "--line-1"},
    {key: "warm", name: "warm", colour: "--line-2"}]},
  {title: "Start and end of a call", format: milliseconds, log: true, least: 0.1, lines: [
    {key: "coldStart", name: "cold", colour: "--line-1"},
    {key: "warmStart", name: "warm", colour: "--line-2"}]},
  {title: "Errors", format: perSecond, lines: [
    {key: "errors", name: "not ok", colour: "--line-3"}]},
  {title: "Queue", format: count, lines: [
    {key: "running", name: "admitted", colour: "--line-1"},
    {key: "queue", name: "waiting", colour: "--line-3"}]},
  {title: "Warm pools", format: count, lines: [
    {key: "poolSize", name: "instances", colour: "--line-1"},
    {key: "poolIdle", name: "idle", colour: "--line-2"},
    {key: "misses", name: "misses/s", colour: "--line-3"}]},
  {title: "Workers", format: count, lines: [
    {key: "workers", name: "running", colour: "--line-1"},
    {key: "restarts", name: "died so far", colour: "--line-3"}]},
  {title: "Processors", format: cores, least: 1, lines: [
    {key: "cpu", name: "all processes", colour: "--line-1"}]},
  {title: "Memory", format: bytes, unit: 2 ** 20, lines: [
    {key: "memory", name: "all processes", colour: "--line-1"}]},
];

const columns = [
  ["calls", (s) => number(s.invocations)],
  ["now", (s, name) => perSecond(figures.rates[name] ?? 0)],
  ["running", (s) => number(s.in_flight)],
  ["cold", (s) => number(s.cold)],
  ["warm", (s) => number(s.warm)],
  ["errors", (s) => number(s.errors)],
  ["mean", (s) => milliseconds(s.avg_latency_ms)],
  ["p50", (s) => milliseconds(s.p50_ms)],
  ["p95", (s) => milliseconds(s.p95_ms)],
  ["p99", (s) => milliseconds(s.p99_ms)],
  ["longest", (s) => milliseconds(s.max_ms)],
  ["memory", (s) => bytes(s.peak_bytes)],
];

function table() {
  const body = el("tbody");
  const box = el("div", {class: "scroll", tabindex: "0", role: "region",
    "aria-label": "By function"},
    el("table", {id: "by-function"},
      el("thead", {}, el("tr", {}, el("th", {scope: "col"}, "function"),
        columns.map(([name]) => el("th", {scope: "col", class: "number"}, name)))),
      body));
  let cells = {}; // by function

  /// Made anew only for other functions, so that a click does not miss its row.
  function show() {
    const names = Object.keys(figures.stats);
    if (names.join() !== Object.keys(cells).join()) {
      cells = Object.fromEntries(names.map((name) =>
        [name, columns.map(() => el("td", {class: "number"}))]));
      fill(body, names.map((name) => el("tr", {},
        el("th", {scope: "row"}, el("a", {href: `#/functions/${name}`}, name)), cells[name])));
    }
    for (const [name, stats] of Object.entries(figures.stats)) {
      columns.forEach(([, text], i) => { cells[name][i].textContent = text(stats, name); });
    }
  }

  return {box, show};
}

export function live(root) {
  const shown = charts.map(chart);
  const rows = table();
  const trouble = el("div");
  const outcomes = el("p", {class: "facts", id: "outcomes"});

  function show() {
    showTrouble(trouble, figures.failed);
    shown.forEach((one) => one.show(figures.points));
    rows.show();
    const bad = Object.entries(figures.now?.outcomes ?? {}).filter(([key]) => key !== "ok");
    const told = bad.map(([key, n]) => `${key} ${number(n)}`).join(", ");
    outcomes.textContent = told ? `Ended otherwise than well, since the start: ${told}`
      : "No call has failed since the start.";
  }

  root.append(el("h1", {tabindex: "-1"}, "Live"),
    el("p", {class: "lead"},
      "Looked at each second while this page is seen; five minutes are kept."),
    trouble, el("div", {class: "charts"}, shown.map((one) => one.box)),
    el("section", {class: "panel"}, el("h2", {}, "By function, since the start"),
      outcomes, rows.box));
  show();
  const stop = onFigures(show);
  addEventListener("resize", show);
  document.addEventListener("themechange", show);
  return () => {
    stop();
    removeEventListener("resize", show);
    document.removeEventListener("themechange", show);
  };
}
