// flame.js - a flame graph on a canvas, root at the top: zoom, search, mouse and keys.
// SPDX-License-Identifier: MIT
import {colour, el, fill, fitCanvas} from "./dom.js";

const ROW = 19, LEAST = 0.4; // pixels; what is narrower is not drawn

// -- Trees --------------------------------------------------------------------------------------

function depthBelow(parent) {
  return parent ? parent.depth + 1 : 0;
}

/// The tree of a reply of /debug/flame: {name, self, value, depth, parent, children}, the largest
/// child first. What there is of one kind is `value`; the graph is drawn by it.
export function treeOf({frames, root}) {
  const make = ([frame, self, children = []], parent) => {
    const node = {name: frames[frame], self, value: self, parent, depth: depthBelow(parent)};
    node.children = children.map((child) => make(child, node));
    node.value += node.children.reduce((sum, child) => sum + child.value, 0);
    node.children.sort((a, b) => b.value - a.value);
    return node;
  };
  return make(root, null);
}

/// Both trees in one, by what their calls cost on average: `left` and `right` are for a call, and
/// a node is as wide as both together.
export function treeOfBoth(left, right, leftCalls, rightCalls) {
  const scale = [1 / (leftCalls || 1), 1 / (rightCalls || 1)];
  const make = (a, b, parent) => {
    const node = {name: (a ?? b).name, parent, depth: depthBelow(parent),
      left: (a?.value ?? 0) * scale[0], right: (b?.value ?? 0) * scale[1],
      leftSelf: (a?.self ?? 0) * scale[0], rightSelf: (b?.self ?? 0) * scale[1]};
    const others = new Map((b?.children ?? []).map((child) => [child.name, child]));
    node.children = (a?.children ?? []).map((child) => {
      const other = others.get(child.name);
      others.delete(child.name);
      return make(child, other, node);
    });
    node.children.push(...[...others.values()].map((child) => make(null, child, node)));
    node.value = node.left + node.right;
    node.self = node.leftSelf + node.rightSelf;
    node.children.sort((x, y) => y.value - x.value);
    return node;
  };
  return make(left, right, null);
}

export function each(node, f) {
  f(node);
  node.children.forEach((child) => each(child, f));
}

/// By name: what it took itself, and with all below it; a name below itself counts once.
export function sums(root, parts) {
  const found = new Map();
  const open = new Set();
  const visit = (node) => {
    const sum = found.get(node.name)
      ?? Object.fromEntries(parts.flatMap((p) => [[p.self, 0], [p.value, 0]]));
    found.set(node.name, sum);
    const first = !open.has(node.name);
    open.add(node.name);
    for (const p of parts) {
      sum[p.self] += node[p.self];
      sum[p.value] += first ? node[p.value] : 0;
    }
    node.children.forEach(visit);
    if (first) {
      open.delete(node.name);
    }
  };
  visit(root);
  return [...found].map(([name, sum]) => ({name, ...sum}));
}

// -- What a frame is ----------------------------------------------------------------------------

const PHASES = new Set(["all", "worker", "run", "newstate", "libraries", "load", "close", "reset",
  "parameters", "result"]);

/// Below "invoke:NAME" is a phase; below the phase "run" is what the function called.
export function kindOf(node) {
  const name = node.name;
  if (/\.lua:\d+/.test(name)) {
    return "lua";
  }
  if (name[0] === "[") {
    return "library";
  }
  if (node.depth <= 3 && (PHASES.has(name) || name.startsWith("invoke:"))) {
    return "phase";
  }
  let at = node;
  while (at.depth > 3) {
    at = at.parent;
  }
  return at.name === "run" ? "native" : "server";
}

// -- Drawing ------------------------------------------------------------------------------------

/// `paint(node)` names the colour of its box, `words(node)` gives the lines of its tooltip;
/// `zoomed` is told of each zoom, `chosen` of each node that keys or a click choose.
export class Flame {
  constructor({label, paint, words, zoomed, chosen}) {
    Object.assign(this, {paint, words, zoomed, chosen});
    this.canvas = el("canvas", {tabindex: "0", role: "application", "aria-label": label,
      "aria-roledescription": "flame graph", "aria-describedby": "flame-keys"});
    this.tip = el("div", {class: "tip", hidden: true, "aria-hidden": "true"});
    this.box = el("div", {class: "flame"}, this.canvas, this.tip);
    this.root = this.zoom = this.at = this.hover = null;
    this.pattern = "";
    this.canvas.addEventListener("pointermove", (event) => this.onMove(event));
    this.canvas.addEventListener("pointerleave", () => this.onLeave());
    this.canvas.addEventListener("click", (event) => this.onClick(event));
    this.canvas.addEventListener("keydown", (event) => this.onKey(event));
    this.canvas.addEventListener("focus", () => this.draw());
    this.canvas.addEventListener("blur", () => this.draw());
  }

  /// Zoomed to the same path as before, as far as it is still there.
  show(root) {
    const path = this.zoom ? this.pathOf(this.zoom).map((node) => node.name) : [];
    this.root = root;
    this.depth = 0;
    each(root, (node) => { this.depth = Math.max(this.depth, node.depth); });
    let at = root;
    for (const name of path.slice(1)) {
      at = at.children.find((child) => child.name === name) ?? at;
    }
    this.zoomTo(at);
  }

  pathOf(node) {
    const path = [];
    for (let at = node; at; at = at.parent) {
      path.unshift(at);
    }
    return path;
  }

  zoomTo(node) {
    this.zoom = node;
    this.at = node;
    this.draw();
    this.zoomed(node);
    this.chosen(node);
  }

  search(pattern) {
    this.pattern = pattern.toLowerCase();
    this.draw();
  }

  matches(node) {
    return this.pattern !== "" && node.name.toLowerCase().includes(this.pattern);
  }

  /// What lies in or below a match, of `value`.
  matched() {
    const visit = (node) => this.matches(node) ? node.value
      : node.children.reduce((sum, child) => sum + visit(child), 0);
    return this.root ? visit(this.root) : 0;
  }

  place() {
    this.rows = [];
    const put = (node, x, width) => {
      (this.rows[node.depth] ??= []).push({node, x, width});
    };
    const below = (node, x, width) => {
      put(node, x, width);
      for (const child of node.children) {
        const part = width * child.value / (node.value || 1);
        if (part >= LEAST) {
          below(child, x, part);
        }
        x += part;
      }
    };
    this.pathOf(this.zoom).slice(0, -1).forEach((node) => put(node, 0, this.width));
    below(this.zoom, 0, this.width);
  }

  draw() {
    this.width = this.box.clientWidth;
    if (!this.root || !this.width) {
      return;
    }
    this.place();
    const g = fitCanvas(this.canvas, this.width, this.rows.length * ROW + 2);
    g.font = "12px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace";
    g.textBaseline = "middle";
    this.letter = g.measureText("mmmmmmmmmm").width / 10;
    this.rows.flat().forEach((place) => this.drawBox(g, place));
    const at = this.placeOf(this.at);
    if (at && document.activeElement === this.canvas) {
      g.strokeStyle = colour("--text");
      g.lineWidth = 2;
      g.strokeRect(at.x + 1, at.node.depth * ROW + 1, Math.max(at.width - 2, 2), ROW - 2);
    }
  }

  drawBox(g, {node, x, width}) {
    const y = node.depth * ROW;
    const gap = width > 3 ? 1 : 0;
    const match = this.matches(node);
    g.globalAlpha = node.depth < this.zoom.depth || (this.pattern && !match) ? 0.45 : 1;
    g.fillStyle = colour(match ? "--match" : this.paint(node));
    g.fillRect(x, y, Math.max(width - gap, LEAST), ROW - 1);
    if (node === this.hover) {
      g.strokeStyle = colour("--text");
      g.lineWidth = 1;
      g.strokeRect(x + 0.5, y + 0.5, Math.max(width - gap - 1, 1), ROW - 2);
    }
    const room = Math.floor((width - 8) / this.letter);
    if (room >= 3) {
      const name = node.name;
      g.globalAlpha = 1;
      g.fillStyle = colour(match ? "--match-text" : "--flame-text");
      g.fillText(name.length > room ? `${name.slice(0, room - 1)}…` : name, x + 4, y + ROW / 2);
    }
    g.globalAlpha = 1;
  }

  placeOf(node) {
    return this.rows?.[node.depth]?.find((place) => place.node === node);
  }

  // -- Mouse --------------------------------------------------------------------------------------

  nodeAt(event) {
    const row = this.rows?.[Math.floor(event.offsetY / ROW)] ?? [];
    return row.find(({x, width}) => event.offsetX >= x && event.offsetX < x + width)?.node ?? null;
  }

  onMove(event) {
    const node = this.nodeAt(event);
    if (node !== this.hover) {
      this.hover = node;
      this.draw();
      this.canvas.style.cursor = node ? "pointer" : "default";
      this.tip.hidden = !node;
      if (node) {
        fill(this.tip, el("b", {}, node.name),
          this.words(node).map((line) => el("span", {}, line)));
      }
    }
    if (node) {
      const left = Math.min(event.offsetX + 14, this.width - this.tip.offsetWidth - 4);
      this.tip.style.left = `${Math.max(0, left)}px`;
      this.tip.style.top = `${event.offsetY + 18}px`;
    }
  }

  onLeave() {
    this.hover = null;
    this.tip.hidden = true;
    this.draw();
  }

  onClick(event) {
    const node = this.nodeAt(event);
    if (node) {
      this.zoomTo(node);
    }
  }

  // -- Keys ---------------------------------------------------------------------------------------

  near(step) {
    const row = this.rows[this.at.depth] ?? [];
    const at = row.findIndex((place) => place.node === this.at);
    return row[at + step]?.node;
  }

  onKey(event) {
    if (!this.root || event.ctrlKey || event.altKey || event.metaKey) {
      return;
    }
    const to = {
      ArrowUp: () => this.at.parent,
      ArrowDown: () => this.rows[this.at.depth + 1]
        ?.find(({node}) => node.parent === this.at)?.node,
      ArrowLeft: () => this.near(-1),
      ArrowRight: () => this.near(1),
      Home: () => this.root,
    }[event.key];
    if (to) {
      event.preventDefault();
      this.at = to() ?? this.at;
      this.draw();
      this.chosen(this.at);
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      this.zoomTo(this.at);
    } else if (event.key === "Escape" && this.zoom !== this.root) {
      event.preventDefault();
      this.zoomTo(this.zoom.parent);
    }
  }
}
