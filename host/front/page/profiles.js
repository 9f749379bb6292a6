// profiles.js - the view of profiles: a flame graph, and the difference of two.
// SPDX-License-Identifier: MIT
import {errorBox, get} from "./api.js";
import {el, field, fill, say, segments, select} from "./dom.js";
import {Flame, kindOf, sums, treeOf, treeOfBoth} from "./flame.js";
import {amount, clock, milliseconds, number, percent} from "./format.js";

const shapes = [["flame", "Flame graph"], ["difference", "Difference"]];
const types = [["cpu", "CPU"], ["wall", "Wall"], ["alloc", "Allocations"], ["mutex", "Locks"]];
const ranges = [["30", "last 30 s"], ["60", "last minute"], ["300", "last 5 minutes"],
  ["900", "last 15 minutes"], ["", "all there is"]];
const starts = [["", "cold and warm"], ["cold", "cold"], ["warm", "warm"]];
const TOP = 20; // rows of the table below

const says = {
  cpu: "Processor time of all processes, a hundred samples a second of it.",
  wall: "What calls did all the time, asleep too.",
  alloc: "Bytes allocated by functions, natives and the states themselves.",
  mutex: "Time that calls waited for locks; the lock is at the end.",
};

const kinds = [["lua", "Lua"], ["native", "natives, in C"], ["library", "libraries, LuaJIT"],
  ["phase", "phases of a call"], ["server", "the server itself"]];

// What is looked at; kept while the page is there.
const state = {view: "flame", type: "cpu", search: "",
  one: {fn: "", start: "", seconds: ""},
  left: {fn: "", start: "cold", seconds: ""},
  right: {fn: "", start: "warm", seconds: ""}};

function flamePath({fn, start, seconds}) {
  const query = new URLSearchParams({type: state.type});
  for (const [key, value] of Object.entries({seconds, function: fn, start})) {
    if (value) {
      query.set(key, value);
    }
  }
  return `debug/flame?${query}`;
}

function named({fn, start, seconds}) {
  const range = ranges.find(([key]) => key === seconds)[1];
  return `${fn || "all functions"}, ${starts.find(([key]) => key === start)[1]}, ${range}`;
}

/// The address tells what is looked at, so that it can be kept and sent.
function remember() {
  const query = new URLSearchParams({view: state.view, type: state.type});
  const sides = state.view === "flame" ? {one: state.one} : {left: state.left, right: state.right};
  for (const [side, what] of Object.entries(sides)) {
    query.set(side, [what.fn, what.start, what.seconds].join(","));
  }
  history.replaceState(null, "", `#/profiles?${query}`);
}

function recall(query) {
  if (query.has("view") || query.has("fn")) {
    state.view = query.get("view") === "difference" ? "difference" : "flame";
  }
  if (types.some(([key]) => key === query.get("type"))) {
    state.type = query.get("type");
  }
  for (const side of ["one", "left", "right"]) {
    const [fn = "", start = "", seconds = ""] = (query.get(side) ?? "").split(",");
    if (query.has(side) && starts.some(([key]) => key === start)
      && ranges.some(([key]) => key === seconds)) {
      state[side] = {fn, start, seconds};
    }
  }
  if (query.has("fn")) {
    ["one", "left", "right"].forEach((side) => { state[side].fn = query.get("fn"); });
    Object.assign(state.left, {start: "cold"});
    Object.assign(state.right, {start: "warm"});
  }
}

// -- Colours ------------------------------------------------------------------------------------

function change(node) {
  const most = Math.max(node.left, node.right);
  return most ? (node.right - node.left) / most : 0;
}

/// In steps, so that few colours are asked for: growth is warm, shrinkage cool.
function changePaint(node) {
  const step = Math.round(Math.abs(change(node)) * 4);
  return step === 0 ? "--same" : `--${change(node) > 0 ? "more" : "less"}-${step}`;
}

function key() {
  const items = state.view === "flame" ? kinds.map(([kind, text]) => [`--kind-${kind}`, text])
    : [["--less-4", "only left"], ["--less-2", "less on the right"], ["--same", "alike"],
      ["--more-2", "more on the right"], ["--more-4", "only right"]];
  return el("p", {class: "legend"}, items.map(([name, text]) => {
    const mark = el("i", {class: "mark"});
    mark.style.background = `var(${name})`;
    return el("span", {}, mark, text);
  }));
}

// -- Words --------------------------------------------------------------------------------------

function signed(value, unit) {
  return `${value > 0 ? "+" : value < 0 ? "−" : ""}${amount(Math.abs(value), unit)}`;
}

function growthOf(left, right, unit) {
  const sign = right >= left ? "+" : "−";
  const by = left ? ` (${sign}${percent(Math.abs(right - left), left)})` : "";
  return `${signed(right - left, unit)}${by}`;
}

function oneWords(node, reply, flame) {
  const {unit, calls} = reply;
  return [
    `total ${amount(node.value, unit)}, ${percent(node.value, flame.root.value)} of all`,
    `self ${amount(node.self, unit)}, ${percent(node.self, flame.root.value)} of all`,
    calls ? `${amount(node.value / calls, unit)} a call` : "no calls ended in this time",
    flame.zoom !== flame.root ? `${percent(node.value, flame.zoom.value)} of what is zoomed` : null,
  ].filter(Boolean);
}

function bothWords(node, unit) {
  return [
    `left ${amount(node.left, unit)} a call, itself ${amount(node.leftSelf, unit)}`,
    `right ${amount(node.right, unit)} a call, itself ${amount(node.rightSelf, unit)}`,
    `right is ${growthOf(node.left, node.right, unit)}`,
  ];
}

// -- Tables -------------------------------------------------------------------------------------

function table(label, head, rows, pick) {
  return el("div", {class: "scroll", tabindex: "0", role: "region", "aria-label": label},
    el("table", {id: "top-frames"},
      el("thead", {}, el("tr", {}, head.map((text, i) =>
        el("th", {scope: "col", class: i ? "number" : null}, text)))),
      el("tbody", {}, rows.map(([name, ...cells]) => el("tr", {},
        el("th", {scope: "row"}, el("button", {type: "button", class: "link",
          on: {click: () => pick(name)}}, name)),
        cells.map((text) => el("td", {class: "number"}, text)))))));
}

function oneTable(reply, tree, pick) {
  const all = sums(tree, [{self: "self", value: "value"}]).sort((a, b) => b.self - a.self);
  const head = ["frame", "self", "of all", "total", "of all", "self, a call"];
  const row = (sum) => [sum.name,
    amount(sum.self, reply.unit), percent(sum.self, tree.value),
    amount(sum.value, reply.unit), percent(sum.value, tree.value),
    reply.calls ? amount(sum.self / reply.calls, reply.unit) : "–"];
  return table("Frames by their own share", head,
    all.slice(0, TOP).filter((sum) => sum.self).map(row), pick);
}

function bothTable(unit, tree, pick) {
  const all = sums(tree, [{self: "leftSelf", value: "left"}, {self: "rightSelf", value: "right"}])
    .sort((a, b) => Math.abs(b.rightSelf - b.leftSelf) - Math.abs(a.rightSelf - a.leftSelf));
  return table("Frames by what changed", ["frame", "left itself", "right itself", "change"],
    all.slice(0, TOP).filter((sum) => sum.leftSelf || sum.rightSelf).map((sum) => [sum.name,
      amount(sum.leftSelf, unit), amount(sum.rightSelf, unit),
      growthOf(sum.leftSelf, sum.rightSelf, unit)]), pick);
}

// -- The view -----------------------------------------------------------------------------------

export function profiles(root, {query}) {
  let names = [], shown = null, asked = 0;
  const controls = el("section", {class: "panel", id: "profile-controls",
    "aria-label": "What to show"});
  const trouble = el("div", {id: "profile-trouble"});
  const totals = el("div", {id: "profile-totals"});
  const crumbs = el("nav", {class: "crumbs", id: "crumbs", "aria-label": "Zoomed to"});
  const detail = el("p", {class: "facts", id: "frame-detail", "aria-live": "polite"});
  const share = el("span", {class: "facts", id: "matched", role: "status"});
  const keyBox = el("div");
  const top = el("div");
  const search = el("input", {type: "search", id: "frame-search", "aria-label": "Search frames",
    placeholder: "Search frames", value: state.search, spellcheck: "false", on: {
      input: () => find(search.value),
      keydown: (event) => { if (event.key === "Escape") { find(""); } }}});
  const reset = el("button", {type: "button", id: "flame-reset", on: {click: () => {
    find("");
    flame.zoomTo(flame.root);
  }}}, "Reset");
  const flame = new Flame({
    label: "Flame graph",
    paint: (node) => state.view === "flame" ? `--kind-${kindOf(node)}` : changePaint(node),
    words: (node) => words(node),
    zoomed: showCrumbs,
    chosen: (node) => { detail.textContent = `${node.name}: ${words(node).join("; ")}`; },
  });
  const graph = el("section", {class: "panel graph", "aria-label": "Flame graph"},
    el("div", {class: "row"}, search, share, reset), crumbs, detail, flame.box,
    el("p", {class: "hint", id: "flame-keys"},
      "Click or Enter zooms, Escape goes back, arrows move."),
    keyBox, el("h3", {}, "Where it is spent"), top);

  function words(node) {
    return state.view === "flame" ? oneWords(node, shown[0], flame)
      : bothWords(node, shown[0].unit);
  }

  function find(text) {
    state.search = search.value = text;
    flame.search(text);
    share.textContent = text && flame.root
      ? `${percent(flame.matched(), flame.root.value)} matched` : "";
  }

  function showCrumbs(node) {
    const path = flame.pathOf(node);
    fill(crumbs, el("ol", {}, path.map((at) => el("li", {}, el("button", {
      type: "button", class: "link", "aria-current": at === node ? "true" : null,
      on: {click: () => {
        flame.zoomTo(at);
        crumbs.querySelector("[aria-current]").focus();
      }}}, at.name)))));
  }

  // -- Controls -----------------------------------------------------------------------------------

  function sideFields(side) {
    const what = state[side];
    const set = (part) => (value) => { what[part] = value; load(); };
    return [
      field("Function", select([["", "all functions"], ...names.map((name) => [name, name])],
        what.fn, set("fn"), {id: `${side}-function`})),
      field("Start", select(starts, what.start, set("start"), {id: `${side}-start`})),
      field("Time", select(ranges, what.seconds, set("seconds"), {id: `${side}-range`})),
    ];
  }

  function sideSet(side, title) {
    return el("fieldset", {class: "side-set"}, el("legend", {}, title), sideFields(side));
  }

  function preset() {
    const {fn, seconds} = state.left;
    state.left = {fn, start: "cold", seconds};
    state.right = {fn, start: "warm", seconds};
    showControls();
    load();
  }

  function showControls() {
    fill(controls, el("div", {class: "row"},
      segments("View", shapes, state.view, (view) => {
        state.view = view;
        flame.zoom = null;
        showControls();
        controls.querySelector(`[data-value="${view}"]`).focus();
        load();
      }),
      segments("Type", types, state.type, (type) => { state.type = type; load(); }),
      el("button", {type: "button", id: "refresh", on: {click: load}}, "Refresh"),
      state.view === "flame" ? null
        : el("button", {type: "button", id: "preset", on: {click: preset}}, "Warm against cold")),
    el("div", {class: "options"}, state.view === "flame" ? sideFields("one")
      : [sideSet("left", "Left"), sideSet("right", "Right")]));
  }

  // -- Data ---------------------------------------------------------------------------------------

  function nothing() {
    return el("div", {class: "empty", id: "no-samples"},
      el("p", {}, `No samples: ${says[state.type]}`),
      el("p", {}, "Nothing of that kind was seen in this time with these filters. ",
        el("a", {href: "#/start"}, "Run the walkthrough"), " or widen the time;",
        " it may also be switched off."));
  }

  function oneTotals(reply) {
    const seconds = milliseconds(1000 * reply.seconds);
    return el("p", {class: "lead"}, says[state.type], " ",
      el("b", {}, amount(reply.total, reply.unit)),
      ` in ${seconds}, ${clock(reply.from)} to ${clock(reply.to)}; ${number(reply.calls)} calls`,
      reply.calls ? `, ${amount(reply.total / reply.calls, reply.unit)} a call.` : ".");
  }

  function bothTotals([left, right]) {
    const perCall = (reply) => reply.calls ? reply.total / reply.calls : 0;
    const sides = [["left", left], ["right", right]].map(([side, reply]) => el("div", {},
      el("dt", {}, named(state[side])),
      el("dd", {}, `${amount(perCall(reply), reply.unit)} a call`),
      el("dd", {class: "facts"},
        `${amount(reply.total, reply.unit)}, ${number(reply.calls)} calls`)));
    return el("dl", {class: "numbers"}, sides, el("div", {}, el("dt", {}, "the right, to the left"),
      el("dd", {}, growthOf(perCall(left), perCall(right), left.unit))));
  }

  function showReplies() {
    const empty = state.view === "flame" ? !shown[0].total
      : !shown[0].total && !shown[1].total;
    graph.hidden = empty;
    if (empty) {
      fill(totals, nothing());
      return;
    }
    const trees = shown.map(treeOf);
    const tree = state.view === "flame" ? trees[0]
      : treeOfBoth(trees[0], trees[1], shown[0].calls, shown[1].calls);
    const pick = (name) => { find(name); search.focus(); };
    fill(totals, state.view === "flame" ? oneTotals(shown[0]) : bothTotals(shown));
    fill(keyBox, key());
    fill(top, state.view === "flame" ? oneTable(shown[0], tree, pick)
      : bothTable(shown[0].unit, tree, pick));
    flame.show(tree);
    find(state.search);
  }

  async function load() {
    const mine = ++asked;
    remember();
    graph.setAttribute("aria-busy", "true");
    const sides = state.view === "flame" ? [state.one] : [state.left, state.right];
    const replies = await Promise.all(sides.map((side) => get(flamePath(side))));
    if (mine !== asked) {
      return;
    }
    graph.removeAttribute("aria-busy");
    const failed = replies.find((reply) => !reply.ok);
    fill(trouble, failed ? errorBox(failed) : null);
    if (failed) {
      graph.hidden = true;
      fill(totals);
      return;
    }
    shown = replies.map((reply) => reply.data);
    showReplies();
    say("The profile is shown");
  }

  async function begin() {
    const mine = asked;
    const reply = await get("fn/list");
    if (mine !== asked) {
      return; // another view is shown
    }
    names = reply.ok ? reply.data.functions : [];
    for (const {fn} of [state.one, state.left, state.right]) {
      if (fn && !names.includes(fn)) {
        names = [fn, ...names];
      }
    }
    showControls();
    await load();
  }

  recall(query);
  graph.hidden = true;
  root.append(el("h1", {tabindex: "-1"}, "Profiles"), controls, trouble, totals, graph);
  begin();
  const again = () => { flame.draw(); };
  addEventListener("resize", again);
  document.addEventListener("themechange", again);
  return () => {
    asked++;
    removeEventListener("resize", again);
    document.removeEventListener("themechange", again);
  };
}
