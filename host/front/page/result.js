// result.js - what came of a call: its status, its phases, its JSON.
// SPDX-License-Identifier: MIT
import {errorBox} from "./api.js";
import {copyButton, el} from "./dom.js";
import {bytes, milliseconds, number, pretty} from "./format.js";

const SHOWN_MAX = 100_000; // characters of a JSON text

export function jsonBox(text, label = "JSON") {
  const more = Math.max(0, text.length - SHOWN_MAX);
  return el("div", {class: "json"},
    el("div", {class: "row"}, el("h4", {}, label), copyButton(() => text)),
    el("pre", {tabindex: "0", "aria-label": label}, pretty(text.slice(0, SHOWN_MAX))),
    more ? el("p", {class: "hint"},
      `${number(more)} characters more are not shown; Copy has them all.`) : null);
}

// -- Phases -------------------------------------------------------------------------------------

/// [["queue", ms], ...] and the memory, from Server-Timing.
function timing(headers) {
  const phases = [];
  let memory = null;
  for (const item of (headers.get("server-timing") ?? "").split(",")) {
    const [, name, key, value] = /^\s*(\w+);(dur|desc)="?([\d.]+)"?/.exec(item) ?? [];
    if (key === "dur") {
      phases.push([name, Number(value)]);
    } else if (name === "memory") {
      memory = Number(value);
    }
  }
  return {phases, memory};
}

export function phaseBar(headers) {
  const {phases, memory} = timing(headers);
  if (!phases.length) {
    return null;
  }
  const bar = el("div", {class: "bar", role: "img", "aria-label":
    `Phases: ${phases.map(([name, ms]) => `${name} ${milliseconds(ms)}`).join(", ")}`});
  const legend = el("p", {class: "legend"});
  for (const [name, ms] of phases) {
    const part = el("span", {class: `phase ${name}`, title: `${name} ${milliseconds(ms)}`});
    part.style.flexGrow = String(1000 * ms); // parts of 1 would leave room
    bar.append(part);
    legend.append(el("span", {}, el("i", {class: `mark ${name}`}), name, " ",
      el("b", {}, milliseconds(ms))));
  }
  if (memory !== null) {
    legend.append(el("span", {}, "memory ", el("b", {}, bytes(memory))));
  }
  return el("div", {class: "phases"}, bar, legend);
}

// -- Replies ------------------------------------------------------------------------------------

function badge(text, kind = "") {
  return el("span", {class: `badge ${kind}`}, text);
}

/// The line above: status, start, time, call id.
export function headLine(what, reply, fn = null) {
  const start = reply.headers.get("x-start");
  const id = reply.headers.get("x-call-id");
  return el("p", {class: "headline"},
    badge(reply.status || "no answer", reply.ok ? "good" : "bad"),
    el("b", {}, what),
    start ? badge(start, start) : null,
    reply.data?.latency_ms === undefined ? null
      : el("span", {}, `${milliseconds(reply.data.latency_ms)} in the server`),
    el("span", {class: "facts"}, `${milliseconds(reply.ms)} in all`),
    id && fn ? el("a", {class: "facts", href: `#/logs?${new URLSearchParams({fn, call: id})}`},
      `log of ${id}`) : null);
}

function burstLines(reply) {
  const {count, succeeded, failed, total_ms: ms, results} = reply.data;
  const errors = new Map();
  for (const one of results.filter((item) => item?.code && item.error)) {
    errors.set(one.code, {one, times: (errors.get(one.code)?.times ?? 0) + 1});
  }
  const warm = results.filter((one) => one?.warm).length;
  return [
    el("dl", {class: "numbers"}, [["calls", count], ["succeeded", succeeded], ["failed", failed],
      ["warm", warm], ["calls a second", Math.round(1000 * count / (ms || 1))]]
      .map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, number(value)))),
    el("div", {}, el("dt", {}, "time"), el("dd", {}, milliseconds(ms)))),
    [...errors.values()].map(({one, times}) => [
      el("p", {}, `${number(times)} of them:`), errorBox(reply, one)]),
  ];
}

/// Elements for any reply of a call, burst or pool.
export function replyParts(what, reply, fn) {
  return [
    headLine(what, reply, fn),
    reply.ok ? null : errorBox(reply),
    phaseBar(reply.headers),
    reply.ok && Array.isArray(reply.data?.results) && "succeeded" in reply.data
      ? burstLines(reply) : null,
    reply.text && reply.ok ? jsonBox(reply.text, "Result") : null,
    reply.text && !reply.ok ? el("details", {}, el("summary", {}, "The whole reply"),
      jsonBox(reply.text, "Reply")) : null,
  ].filter(Boolean);
}
