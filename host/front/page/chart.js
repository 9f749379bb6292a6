// chart.js - lines over the last minutes, on a canvas.
// SPDX-License-Identifier: MIT
import {colour, el, fitCanvas} from "./dom.js";
import {clock} from "./format.js";

const SPANS_MIN = [1, 2, 5]; // the shortest one that has room for what there is
const GAP_MS = 3500; // a longer one means that nobody looked
const HEIGHT = 110;
const LEFT = 52, BOTTOM = 16, TOP = 6;

/// 1, 2 or 5 times a power of ten, at least `value`.
function round(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].find((n) => n * power >= value * 0.999) * power;
}

/// "10.0 ms" is "10 ms", "5,000/s" is "5k/s".
function short(text) {
  return text.replace(/\.0+(?=\D|$)/, "").replace(/,000(?=\D|$)/, "k");
}

/// `lines`: [{key, name, colour: "--line-1"}, ...] of the points' keys. `log`: the scale is
/// logarithmic. The scale ends at `least` or above, at a round number of `unit`.
export function chart({title, lines, format, log = false, least = 2, unit = 1}) {
  const canvas = el("canvas", {role: "img", "aria-label": title});
  const time = el("span", {class: "at"});
  const values = lines.map((line) => el("b", {}));
  const legend = el("p", {class: "legend"}, lines.map((line, i) => {
    const mark = el("i", {class: "mark"});
    mark.style.background = `var(${line.colour})`;
    return el("span", {}, mark, line.name, " ", values[i]);
  }));
  const box = el("section", {class: "chart panel"},
    el("h3", {}, title, time), legend, canvas);
  let points = [], hover = null;

  canvas.addEventListener("pointermove", (event) => { hover = event.offsetX; draw(); });
  canvas.addEventListener("pointerleave", () => { hover = null; draw(); });

  function scale(height) {
    const most = Math.max(least, ...points.flatMap((p) => lines.map((line) => p[line.key] ?? 0)));
    const top = log ? 10 ** Math.ceil(Math.log10(most)) : unit * round(most / unit);
    const bottom = log ? top / 1e5 : 0;
    const share = log
      ? (v) => Math.max(0, Math.log10(Math.max(v, bottom) / bottom) / Math.log10(top / bottom))
      : (v) => v / top;
    const marks = log ? [top, top / 1e2, top / 1e4] : [top, top / 2, 0];
    return {marks, y: (v) => TOP + (1 - share(v)) * (height - TOP - BOTTOM)};
  }

  function drawGrid(g, width, {marks, y}, minutes) {
    g.font = "11px system-ui, sans-serif";
    g.fillStyle = colour("--muted");
    g.strokeStyle = colour("--line");
    g.textAlign = "right";
    g.textBaseline = "middle";
    for (const mark of marks) {
      g.beginPath();
      g.moveTo(LEFT, Math.round(y(mark)) + 0.5);
      g.lineTo(width, Math.round(y(mark)) + 0.5);
      g.stroke();
      g.fillText(short(format(mark)), LEFT - 6, y(mark));
    }
    g.textBaseline = "alphabetic";
    g.textAlign = "left";
    g.fillText(`${minutes} min ago`, LEFT, HEIGHT - 3);
    g.textAlign = "right";
    g.fillText("now", width, HEIGHT - 3);
  }

  function drawLine(g, line, x, y) {
    g.strokeStyle = colour(line.colour);
    g.lineWidth = 1.5;
    g.beginPath();
    let last = null;
    for (const p of points) {
      const value = p[line.key];
      if (value === null) {
        last = null;
        continue;
      }
      if (last !== null && p.time - last < GAP_MS) {
        g.lineTo(x(p.time), y(value));
      } else {
        g.moveTo(x(p.time), y(value));
        g.lineTo(x(p.time) + 1, y(value));
      }
      last = p.time;
    }
    g.stroke();
  }

  function draw() {
    const width = canvas.parentElement.clientWidth - 24;
    if (width <= LEFT) {
      return;
    }
    const g = fitCanvas(canvas, width, HEIGHT);
    if (!points.length) {
      drawGrid(g, width, scale(HEIGHT), SPANS_MIN[0]);
      return;
    }
    const end = points.at(-1).time;
    const age = (end - points[0].time) / 60_000;
    const minutes = SPANS_MIN.find((span) => age <= span) ?? SPANS_MIN.at(-1);
    const x = (t) => LEFT + (width - LEFT) * (1 - (end - t) / (minutes * 60_000));
    const axes = scale(HEIGHT);
    drawGrid(g, width, axes, minutes);
    lines.forEach((line) => drawLine(g, line, x, axes.y));
    let at = points.at(-1);
    if (hover !== null) {
      const far = (p) => Math.abs(x(p.time) - hover);
      at = points.reduce((a, b) => far(b) < far(a) ? b : a);
      g.fillStyle = colour("--muted");
      g.fillRect(Math.round(x(at.time)), TOP, 1, HEIGHT - TOP - BOTTOM);
    }
    time.textContent = hover === null ? "" : clock(at.time);
    lines.forEach((line, i) => {
      values[i].textContent = at[line.key] === null ? "–" : format(at[line.key]);
    });
    canvas.setAttribute("aria-label",
      `${title}: ${lines.map((line, i) => `${line.name} ${values[i].textContent}`).join(", ")}`);
  }

  return {box, show(all) { points = all; draw(); }};
}
