// start.js - the first view: what this is, and traffic to look at.
// SPDX-License-Identifier: MIT
import {errorBox, request} from "./api.js";
import {el, fill, say} from "./dom.js";
import {figures, nothingHasRun, onFigures} from "./figures.js";
import {milliseconds, number} from "./format.js";

const COMPARED = 40, BURST = 500; // bursts of each kind, calls in one
const POOL = 64;

// -- The walkthrough ----------------------------------------------------------------------------

function invoke(name, params = null, start = "") {
  return {name: `Invoke ${name}${start && `, ${start}`}`, method: "POST",
    path: `fn/invoke/${name}${start && `?start=${start}`}`, body: params && JSON.stringify(params)};
}

function burst(name, count) {
  return {name: `Burst of ${count}: ${name}`, method: "POST",
    path: `fn/burst/${name}?count=${count}`};
}

function chain(names) {
  return {name: `Chain: ${names.join(", ")}`, method: "POST", path: "fn/chain",
    body: JSON.stringify({chain: names, params: {}})};
}

function compared(start) {
  return {name: `Compare: ${number(COMPARED * BURST)} ${start} calls of hash`, method: "POST",
    times: COMPARED, path: `fn/burst/hash?count=${BURST}&start=${start}`, body: "{\"rounds\":100}"};
}

/// What the README's walkthrough does, and as many calls as it takes to compare cold with warm.
const steps = [
  invoke("fibonacci"), invoke("transform"), invoke("hash", {rounds: 5000}),
  invoke("sort", {size: 100000}), invoke("sleep"), invoke("matrix", {dim: 150}),
  invoke("regex", {count: 10000}), invoke("compress", {size: 100000}),
  invoke("primes", {limit: 500000}), invoke("contention", {threads: 8, iterations: 300}),
  invoke("fanout", {count: 5, function: "hash"}),
  burst("hash", 10), burst("primes", 5), burst("matrix", 3),
  chain(["hash", "sort", "fibonacci"]), chain(["regex", "compress", "primes"]),
  {name: `Warm pool for hash: ${POOL} instances`, method: "POST",
    path: `fn/warmpool/hash?size=${POOL}`},
  invoke("hash", null, "warm"),
  compared("cold"), compared("warm"),
  {name: "Close the warm pool", method: "DELETE", path: "fn/warmpool/hash", always: true},
];

const run = {going: null, done: 0, results: [], stopped: false, listener: () => {}};

async function takeStep(step, signal) {
  let reply, ms = 0;
  for (let i = 0; i < (step.times ?? 1) && !signal.aborted; i++) {
    reply = await request(step.method, step.path, {body: step.body ?? undefined, signal});
    ms += reply.ms;
    if (!reply.ok) {
      break;
    }
  }
  return {...reply, ms};
}

/// Goes on when another view is looked at. What it opened, it closes when it is stopped, too.
async function walk() {
  run.going = new AbortController();
  Object.assign(run, {done: 0, results: [], stopped: false});
  const {signal} = run.going;
  for (const step of steps) {
    run.listener();
    if (signal.aborted && !(step.always && run.opened)) {
      run.results.push(null);
      continue;
    }
    const reply = await takeStep(step, step.always ? new AbortController().signal : signal);
    run.opened = step.path.startsWith("fn/warmpool") ? step.method === "POST" : run.opened;
    run.results.push(reply);
    run.done++;
  }
  run.stopped = signal.aborted;
  run.going = null;
  run.opened = false;
  run.listener();
  say(run.stopped ? "The walkthrough was stopped" : "The walkthrough is done");
}

// -- The view -----------------------------------------------------------------------------------

function stepRow(step, i) {
  const reply = run.results[i];
  const running = run.going && i === run.results.length;
  const [state, text] = running ? ["running", "runs"]
    : reply === undefined ? ["waiting", ""]
      : reply === null || reply.aborted ? ["skipped", "not run"]
        : reply.ok ? ["ok", milliseconds(reply.ms)] : ["failed", "failed"];
  return el("li", {class: state}, el("span", {}, step.name), el("span", {class: "facts"}, text),
    state === "failed" ? errorBox(reply) : null);
}

function intro() {
  return el("section", {class: "hero"},
    el("h1", {tabindex: "-1"}, "Functions, and what they cost"),
    el("p", {}, "This server runs small Lua functions, each call in a state of its own, which is"
      + " made, used and thrown away within microseconds. Warm pools keep states ready; cold calls"
      + " make theirs anew. A profiler that is always on tells where the time of both goes, down to"
      + " the line."));
}

export function start(root) {
  const list = el("ol", {id: "walk-steps", class: "walk"});
  const bar = el("progress", {id: "walk-progress", max: steps.length, "aria-label": "Walkthrough"});
  const words = el("p", {class: "facts", id: "walk-words"});
  const next = el("p", {class: "row links", id: "walk-next"});
  const go = el("button", {type: "button", id: "walk", class: "primary",
    on: {click: () => run.going ? run.going.abort() : walk()}});

  function show() {
    const failed = run.results.filter((reply) => reply && !reply.ok && !reply.aborted).length;
    const over = !run.going && run.results.length > 0;
    go.textContent = run.going ? "Stop" : over ? "Run it again" : "Run the walkthrough";
    bar.value = run.results.length;
    bar.hidden = words.hidden = !run.going && !over;
    const all = steps.length, at = Math.min(run.results.length + 1, all);
    words.textContent = run.going ? `Step ${at} of ${all}`
      : `${run.stopped ? "Stopped" : "Done"}: ${run.done} of ${all} steps`
        + (failed ? `, ${failed} failed` : "");
    fill(list, steps.map(stepRow));
    next.hidden = !over && nothingHasRun();
  }

  fill(next,
    el("a", {class: "button", href: "#/profiles", id: "to-profiles"}, "Where did the time go?"),
    el("a", {class: "button", href: "#/profiles?view=difference&fn=hash"}, "Warm against cold"),
    el("a", {class: "button", href: "#/live"}, "Live figures"));
  const calls = el("p", {class: "lead", id: "calls-so-far"});
  const count = () => {
    const all = Object.values(figures.stats).reduce((sum, one) => sum + one.invocations, 0);
    calls.textContent = figures.failed ? "The server does not answer."
      : all ? `${number(all)} calls have ended since the server started.`
        : "Nothing has run yet. The walkthrough calls every function, in bursts and chains too,"
          + " and then one of them cold and warm, to compare.";
    next.hidden = next.hidden && !all;
  };
  root.append(intro(), el("section", {class: "panel"}, calls,
    el("div", {class: "row"}, go,
      el("a", {class: "button", href: "#/functions"}, "Call one yourself")),
    bar, words, next,
    el("details", {open: true}, el("summary", {}, `The ${steps.length} steps`), list)));
  run.listener = show;
  show();
  count();
  const stop = onFigures(count);
  return () => {
    run.listener = () => {};
    stop();
  };
}
