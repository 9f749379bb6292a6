// figures.js - /metrics and /fn/stats each second while the page is seen; 5 minutes are kept.
// SPDX-License-Identifier: MIT
import {get} from "./api.js";

const EVERY_MS = 1000;
const KEPT_MS = 5 * 60 * 1000;
const WINDOW_MS = 10_000; // of the quantiles

export const figures = {
  points: [], // [{time, rate, cold, warm, errors, p50, ...}, ...], oldest first
  stats: {}, // what /fn/stats said last
  rates: {}, // calls a second by function
  now: null, // the sums of the last look
  failed: null, // the last reply, when it was none
};

const listeners = new Set();
const looks = []; // sums of the last seconds

/// `f` is called after each look; the result ends that.
export function onFigures(f) {
  listeners.add(f);
  return () => listeners.delete(f);
}

// -- Reading ------------------------------------------------------------------------------------

const LINE = /^(\w+)(?:\{(.*)\})? (\S+)$/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

function* samples(text) {
  for (const line of text.split("\n")) {
    const found = line[0] === "#" ? null : LINE.exec(line);
    if (found) {
      const labels = {};
      for (const [, name, value] of (found[2] ?? "").matchAll(LABEL)) {
        labels[name] = value;
      }
      yield [found[1], labels, Number(found[3])];
    }
  }
}

function add(sums, key, value) {
  sums[key] = (sums[key] ?? 0) + value;
}

/// One look at everything, summed over functions.
function sum(text, time) {
  const s = {time, calls: {}, outcomes: {}, buckets: {}, phases: {}, started: {}, plain: {}};
  for (const [name, labels, value] of samples(text)) {
    if (name === "faas_calls_total") {
      add(s.calls, labels.start, value);
      add(s.outcomes, labels.outcome, value);
      add(s.started, labels.function, value);
    } else if (name === "faas_call_seconds_bucket") {
      add(s.buckets, labels.le, value);
    } else if (name === "faas_phase_seconds_total") {
      add(s.phases, `${labels.start} ${labels.phase}`, value);
    } else if (!name.startsWith("faas_call_seconds")) {
      add(s.plain, name, value);
    }
  }
  return s;
}

function total(sums, except) {
  return Object.entries(sums).reduce((all, [key, value]) => key === except ? all : all + value, 0);
}

/// Counters begin anew with a server that was restarted.
function growth(now, before) {
  return Math.max(0, (now ?? 0) - (before ?? 0));
}

/// In seconds: within a bucket it is taken to grow evenly.
export function quantile(now, before, share) {
  const edges = Object.keys(now).map((le) => [le === "+Inf" ? Infinity : Number(le), le])
    .sort((a, b) => a[0] - b[0]);
  const counts = edges.map(([, le]) => growth(now[le], before[le]));
  const all = counts.at(-1) ?? 0;
  if (!all) {
    return null;
  }
  const at = counts.findIndex((count) => count >= share * all);
  const low = at ? edges[at - 1][0] : 0;
  const high = edges[at][0] === Infinity ? low : edges[at][0];
  const below = at ? counts[at - 1] : 0;
  return low + (high - low) * (share * all - below) / (counts[at] - below || 1);
}

function point(now, last, past) {
  const seconds = (now.time - last.time) / 1000 || 1;
  const rate = (key) => growth(now.calls[key], last.calls[key]) / seconds;
  const phase = (start) => {
    const calls = growth(now.calls[start], past.calls[start]);
    const spent = ["deploy", "undeploy"].reduce((all, name) =>
      all + growth(now.phases[`${start} ${name}`], past.phases[`${start} ${name}`]), 0);
    return calls ? 1000 * spent / calls : null;
  };
  const plain = now.plain;
  const ms = (share) => {
    const value = quantile(now.buckets, past.buckets, share);
    return value === null ? null : 1000 * value;
  };
  return {
    time: now.time,
    rate: growth(total(now.calls), total(last.calls)) / seconds,
    cold: rate("cold"), warm: rate("warm"),
    errors: growth(total(now.outcomes, "ok"), total(last.outcomes, "ok")) / seconds,
    p50: ms(0.5), p95: ms(0.95), p99: ms(0.99),
    coldStart: phase("cold"), warmStart: phase("warm"),
    queue: plain.faas_queue_depth ?? 0, running: plain.faas_calls_in_flight ?? 0,
    poolSize: plain.faas_pool_size ?? 0, poolIdle: plain.faas_pool_idle ?? 0,
    hits: growth(plain.faas_pool_hits_total, last.plain.faas_pool_hits_total) / seconds,
    misses: growth(plain.faas_pool_misses_total, last.plain.faas_pool_misses_total) / seconds,
    workers: plain.faas_workers ?? 0, restarts: plain.faas_worker_restarts_total ?? 0,
    cpu: growth(plain.process_cpu_seconds_total, last.plain.process_cpu_seconds_total) / seconds,
    memory: plain.process_resident_memory_bytes ?? 0,
  };
}

// -- Looking ------------------------------------------------------------------------------------

function take(now) {
  const last = looks.at(-1);
  if (last) {
    const seconds = (now.time - last.time) / 1000 || 1;
    const past = looks.find((look) => now.time - look.time <= WINDOW_MS) ?? last;
    figures.points.push(point(now, last, past));
    figures.rates = {};
    for (const [name, count] of Object.entries(now.started)) {
      figures.rates[name] = growth(count, last.started[name]) / seconds;
    }
  }
  looks.push(now);
  while (looks.length > 1 && now.time - looks[0].time > WINDOW_MS) {
    looks.shift();
  }
  while (figures.points.length && now.time - figures.points[0].time > KEPT_MS) {
    figures.points.shift();
  }
  figures.now = now;
}

async function look() {
  const [metrics, stats] = await Promise.all(["metrics", "fn/stats"].map((path) =>
    get(path, {quiet: true})));
  figures.failed = [metrics, stats].find((reply) => !reply.ok) ?? null;
  if (!figures.failed) {
    take(sum(metrics.text, Date.now()));
    figures.stats = stats.data;
  }
  listeners.forEach((f) => f());
}

/// Goes on for as long as the page is there; resolves after the first look.
export async function startFigures() {
  const again = async () => {
    if (!document.hidden) {
      await look();
    }
    setTimeout(again, EVERY_MS);
  };
  await look();
  setTimeout(again, EVERY_MS);
}

export function nothingHasRun() {
  return !Object.values(figures.stats).some((one) => one.invocations > 0);
}
