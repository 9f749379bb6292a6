// dom.js - making elements and texts; everything that is shown goes through textContent.
// SPDX-License-Identifier: MIT

/// el("button", {class: "primary", on: {click: f}, disabled: true}, "Invoke")
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name === "on") {
      Object.entries(value).forEach(([event, f]) => node.addEventListener(event, f));
    } else if (name === "value") {
      node.value = value;
    } else if (value === true) {
      node.setAttribute(name, "");
    } else if (value !== false && value !== null && value !== undefined) {
      node.setAttribute(name, value);
    }
  }
  node.append(...present(children));
  return node;
}

function present(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined);
}

export function fill(node, ...children) {
  node.replaceChildren(...present(children));
}

let ids = 0;

/// A label, its control and a hint below; `control` gets an id.
export function field(label, control, hint = null) {
  control.id ||= `field-${++ids}`;
  const parts = [el("label", {for: control.id}, label), control];
  if (hint) {
    const line = el("p", {class: "hint", id: `${control.id}-hint`}, hint);
    control.setAttribute("aria-describedby", line.id);
    parts.push(line);
  }
  return el("div", {class: "field"}, parts);
}

/// choices: [[value, text], ...]
export function select(choices, value, change, props = {}) {
  const node = el("select", {...props, on: {change: () => change(node.value)}},
    choices.map(([key, text]) => el("option", {value: key}, text)));
  node.value = value;
  return node;
}

/// Buttons of which one is pressed.
export function segments(label, choices, value, change) {
  const buttons = choices.map(([key, text]) => el("button", {
    type: "button", "data-value": key, "aria-pressed": String(key === value),
    on: {click: () => {
      buttons.forEach((b) => b.setAttribute("aria-pressed", String(b.dataset.value === key)));
      change(key);
    }},
  }, text));
  return el("div", {class: "segments", role: "group", "aria-label": label}, buttons);
}

/// For those who do not see what changed.
export function say(text) {
  document.getElementById("said").textContent = text;
}

export function copyButton(text) {
  const button = el("button", {type: "button", class: "quiet copy", on: {click: async () => {
    let done = true;
    try {
      await navigator.clipboard.writeText(text());
    } catch {
      done = copyBySelection(text());
    }
    button.textContent = done ? "Copied" : "Select it by hand";
    say(button.textContent);
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  }}}, "Copy");
  return button;
}

/// Without TLS, and on another host than localhost, there is no clipboard to write to.
function copyBySelection(text) {
  const area = el("textarea", {class: "hidden-text", value: text});
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
}

const colours = new Map();
document.addEventListener("themechange", () => colours.clear());

/// What a custom property stands for now, as a canvas takes it.
export function colour(name) {
  if (!colours.has(name)) {
    colours.set(name, resolved(name));
  }
  return colours.get(name);
}

function resolved(name) {
  const probe = el("span", {class: "hidden-text"});
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

/// A canvas of that size in CSS pixels, sharp on any screen.
export function fitCanvas(canvas, width, height) {
  const scale = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const g = canvas.getContext("2d");
  g.setTransform(scale, 0, 0, scale, 0, 0);
  return g;
}
