// format.js - numbers, times and JSON for people.
// SPDX-License-Identifier: MIT

const whole = new Intl.NumberFormat("en", {maximumFractionDigits: 0});

function three(value) {
  const size = Math.abs(value);
  return size >= 100 ? whole.format(value) : value.toFixed(size >= 10 ? 1 : 2);
}

/// 1234567 is "1,234,567"; 3.14159 is "3.14".
export function number(value) {
  return Number.isInteger(value) ? whole.format(value) : three(value);
}

const times = [[1e9, "s"], [1e6, "ms"], [1e3, "µs"]];

export function nanoseconds(ns) {
  const [size, unit] = times.find(([least]) => Math.abs(ns) >= least) || [1, "ns"];
  return ns === 0 ? "0" : `${three(ns / size)} ${unit}`;
}

export function milliseconds(ms) {
  return nanoseconds(ms * 1e6);
}

const sizes = [[2 ** 30, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"]];

export function bytes(count) {
  const [size, unit] = sizes.find(([least]) => Math.abs(count) >= least) || [1, "B"];
  return size === 1 ? `${number(Math.round(count * 10) / 10)} B` : `${three(count / size)} ${unit}`;
}

export function amount(value, unit) {
  return unit === "bytes" ? bytes(value) : nanoseconds(value);
}

export function percent(part, whole_) {
  const share = whole_ ? 100 * part / whole_ : 0;
  return `${share >= 10 || share === 0 ? share.toFixed(0) : share.toFixed(share >= 1 ? 1 : 2)} %`;
}

export function clock(time) {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? String(time) : date.toLocaleTimeString("en-GB");
}

/// JSON with line breaks. Its numbers and texts stay as the server wrote them, which parsing and
/// writing anew would not do.
export function pretty(text) {
  let depth = 0;
  const line = () => `\n${"  ".repeat(depth)}`;
  return text.replace(/"(?:[^"\\]|\\.)*"|\s+|[{[]\s*[}\]]|[{}[\],:]/g, (token) => {
    switch (token[0]) {
    case "\"":
      return token;
    case "{": case "[":
      if (token.length > 1) {
        return token[0] + token[token.length - 1];
      }
      depth++;
      return token + line();
    case "}": case "]":
      depth--;
      return line() + token;
    case ",":
      return token + line();
    case ":":
      return ": ";
    default:
      return "";
    }
  });
}

/// For a shell.
export function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
