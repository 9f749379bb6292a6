// form.js - a form from what a function declares. It hints at what is wrong; the server decides.
// SPDX-License-Identifier: MIT
import {el, field, segments, select} from "./dom.js";
import {number} from "./format.js";

const JSON_TYPES = ["object", "array", "any"];
const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?$/;

// -- Hints --------------------------------------------------------------------------------------

const units = {string: " bytes", array: " items"};

function bounds({type, min, max}) {
  const unit = units[type] ?? "";
  if (min !== undefined && max !== undefined) {
    return `${number(min)} to ${number(max)}${unit}`;
  }
  if (max !== undefined) {
    return `at most ${number(max)}${unit}`;
  }
  return min === undefined ? null : `at least ${number(min)}${unit}`;
}

function hint(param) {
  return [param.description, bounds(param),
    param.default === undefined ? null : `default ${JSON.stringify(param.default)}`]
    .filter(Boolean).join("; ");
}

function outside({type, min, max}, size) {
  return size < (min ?? -Infinity) || size > (max ?? Infinity)
    ? `outside ${bounds({type, min, max})}` : "";
}

function jsonProblem(param, text) {
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    return "this is not JSON yet";
  }
  if (param.type === "array") {
    return Array.isArray(value) ? outside(param, value.length) : "a list is wanted: [ ... ]";
  }
  const isObject = value !== null && typeof value === "object" && !Array.isArray(value);
  return param.type === "object" && !isObject ? "an object is wanted: { ... }" : "";
}

/// What seems wrong with it, or "".
export function problem(param, text) {
  if (text === "") {
    return param.required ? "required" : "";
  }
  switch (param.type) {
  case "integer":
    return /^-?\d+$/.test(text) ? outside(param, Number(text)) : "a whole number is wanted";
  case "number":
    return NUMBER.test(text) ? outside(param, Number(text)) : "a number is wanted";
  case "string":
    return outside(param, new TextEncoder().encode(text).length);
  case "boolean":
    return "";
  default:
    return jsonProblem(param, text);
  }
}

// -- The body -----------------------------------------------------------------------------------

/// As typed: what is no JSON makes a body that is none, and the server says so.
function jsonOf(param, text) {
  if (JSON_TYPES.includes(param.type) || param.type === "boolean") {
    return text;
  }
  return param.type !== "string" && NUMBER.test(text) ? text : JSON.stringify(text);
}

/// The request's body; fields that are empty are left out.
export function body(params, state) {
  if (state.mode === "json") {
    return state.json.trim();
  }
  const given = Object.entries(params).filter(([name]) => state.values[name]);
  return given.length ? `{${given.map(([name, param]) =>
    `${JSON.stringify(name)}:${jsonOf(param, state.values[name])}`).join(",")}}` : "";
}

// -- The form -----------------------------------------------------------------------------------

function control(param, value, change) {
  const on = {input: (event) => change(event.target.value)};
  const placeholder = param.default === undefined ? null : JSON.stringify(param.default);
  if (param.type === "boolean") {
    return select([["", "as the function likes"], ["true", "true"], ["false", "false"]],
      value, change);
  }
  if (JSON_TYPES.includes(param.type) || (param.type === "string" && (param.max ?? 0) > 1000)) {
    return el("textarea", {rows: 2, spellcheck: "false", placeholder, value, on});
  }
  const numeric = param.type === "integer" || param.type === "number";
  return el("input", {type: "text", inputmode: numeric ? "decimal" : null, autocomplete: "off",
    spellcheck: "false", placeholder, value, on});
}

function row(name, param, state, changed) {
  const words = el("p", {class: "problem", "aria-live": "polite"});
  const input = control(param, state.values[name] ?? "", (text) => {
    state.values[name] = text;
    check();
    changed();
  });
  input.dataset.param = name;

  function check() {
    const text = state.values[name] ?? "";
    words.textContent = text === "" ? "" : problem(param, text);
    input.setAttribute("aria-invalid", String(words.textContent !== ""));
  }

  check();
  const label = [name, el("span", {class: "type"},
    ` ${param.type ?? "any"}${param.required ? ", required" : ""}`)];
  const box = field(label, input, hint(param) || null);
  box.append(words);
  return box;
}

/// `state` is {mode: "form" or "json", values: {}, json: ""}; `changed` is called at each change.
export function paramForm(params, state, changed) {
  const box = el("div", {class: "params"});
  const names = Object.keys(params);

  function fields() {
    if (state.mode === "json") {
      return [field("Parameters as JSON", el("textarea", {
        rows: 6, class: "code", spellcheck: "false", value: state.json, "data-param": "",
        placeholder: "{}", on: {input: (event) => { state.json = event.target.value; changed(); }},
      }), "one object, sent as it is; what the function does not declare passes")];
    }
    return names.length ? names.map((name) => row(name, params[name], state, changed))
      : [el("p", {class: "hint"}, "It declares no parameters; JSON takes any.")];
  }

  function show() {
    box.replaceChildren(segments("How to give parameters", [["form", "Form"], ["json", "JSON"]],
      state.mode, (mode) => {
        if (mode === "json") {
          state.json = body(params, state) || state.json;
        }
        state.mode = mode;
        show();
        box.querySelector(`[data-value="${mode}"]`).focus();
        changed();
      }), ...fields());
  }

  show();
  return box;
}
