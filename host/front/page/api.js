// api.js - requests to the server, the token they may need, and what came of them.
// SPDX-License-Identifier: MIT
import {el} from "./dom.js";

const KEY = "faas-token";
let kept = null; // where sessionStorage is switched off
let asking = null; // one dialog for all requests that wait for it

// -- Token --------------------------------------------------------------------------------------

function token() {
  try {
    return sessionStorage.getItem(KEY) || kept;
  } catch {
    return kept;
  }
}

function keep(value) {
  kept = value;
  try {
    if (value) {
      sessionStorage.setItem(KEY, value);
    } else {
      sessionStorage.removeItem(KEY);
    }
  } catch {
    // It is kept in memory.
  }
  document.getElementById("forget").hidden = !value;
}

export function initToken() {
  const forget = document.getElementById("forget");
  forget.hidden = !token();
  forget.addEventListener("click", () => keep(null));
  document.getElementById("token-cancel").addEventListener("click",
    () => document.getElementById("token-dialog").close());
}

/// Resolves to true once there is another token to try.
function askToken(why = "a token is needed") {
  asking ||= new Promise((resolve) => {
    const dialog = document.getElementById("token-dialog");
    const form = document.getElementById("token-form");
    const input = document.getElementById("token");
    document.getElementById("token-why").textContent =
      (token() ? "The token that was sent does not fit. " : "") + `The server says: ${why}.`;
    input.value = "";
    let given = false;
    form.onsubmit = (event) => {
      event.preventDefault();
      keep(input.value.trim());
      given = true;
      dialog.close();
    };
    dialog.onclose = () => {
      asking = null;
      input.value = "";
      resolve(given);
    };
    dialog.showModal();
    input.focus();
  });
  return asking;
}

// -- Requests -----------------------------------------------------------------------------------

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

async function send(method, path, {body, headers = {}, signal}) {
  const shown = token();
  const started = performance.now();
  try {
    const reply = await fetch(path, {
      method, body, signal, cache: "no-store",
      headers: shown ? {...headers, Authorization: `Bearer ${shown}`} : headers,
    });
    const text = await reply.text();
    return {ok: reply.ok, status: reply.status, headers: reply.headers, text,
      data: parsed(text), ms: performance.now() - started};
  } catch (error) {
    const aborted = error.name === "AbortError";
    return {ok: false, status: 0, aborted, headers: new Headers(), text: "", data: {
      code: aborted ? "stopped" : "no_answer",
      error: aborted ? "stopped before its answer came" : "the server does not answer",
    }, ms: performance.now() - started};
  }
}

/// Functions may choose status 401, too; only the server's own names a scheme.
function needsToken(reply) {
  return reply.status === 401 && reply.headers.has("www-authenticate");
}

/// {ok, status, headers, text, data, ms}; never fails. Without an answer the status is 0. Asks for
/// a token where one is needed, unless `quiet`: then nobody has asked for anything.
export async function request(method, path, options = {}) {
  let reply = await send(method, path, options);
  while (needsToken(reply) && !options.quiet && await askToken(reply.data?.error)) {
    reply = await send(method, path, options);
  }
  return reply;
}

export function get(path, options) {
  return request("GET", path, options);
}

// -- Errors -------------------------------------------------------------------------------------

const advice = {
  bad_json: "The parameters have to be one JSON object.",
  bad_params: "The function declares what it takes; see the hints beside the fields.",
  unauthorized: "Try again to be asked for the token.",
  forbidden: "Without an admin token the server lets only pages from localhost do this.",
  not_found: "This server may be older than the page, or the thing may be switched off.",
  unknown_function: "Its file may have been removed meanwhile.",
  too_large: "Send less, or start the server with a larger --body-max.",
  function_busy: "As many calls of it as it allows run already.",
  function_error: "The function raised an error; where is below.",
  memory_limit: "It wanted more memory than its memory_mb.",
  bad_result: "What it returned cannot be written as JSON, or is too much.",
  method_not_allowed: "This server may be older than the page.",
  bad_request: "See the fields beside the parameters.",
  internal: "A fault of the server's own; its log says more.",
  cancelled: "It was ended because nobody waited for it any more.",
  worker_crashed: "The process that ran it died and has been replaced; other calls go on.",
  queue_full: "More calls wait than the server lets wait.",
  queue_timeout: "It waited too long for a worker.",
  draining: "The server is stopping; try its successor.",
  function_broken: "Its file does not load, or it crashed too often; its log says more.",
  deadline: "It ran longer than it may and was ended.",
  no_answer: "It may have been stopped, or the network is down.",
};

/// Details are a traceback, or any JSON that the function gave.
const textOf = (details) =>
  typeof details === "string" ? details : JSON.stringify(details, null, 2);

/// An error in words: what the server says, what that means, and what it knows beyond.
export function errorBox(reply, told = reply.data) {
  const code = told?.code ?? "unknown";
  const sentence = told?.error ?? `answered with ${reply.status}, and without a reason`;
  const retry = reply.headers.get("retry-after");
  const facts = [reply.status || null, code, told?.function,
    told?.call_id && `call ${told.call_id}`, retry && `try again in ${retry} s`].filter(Boolean);
  return el("div", {class: "error", role: "alert", "data-code": code},
    el("p", {class: "sentence"}, sentence),
    advice[code] ? el("p", {}, advice[code]) : null,
    el("p", {class: "facts"}, facts.join(" · ")),
    told?.details === undefined ? null : el("pre", {}, textOf(told.details)),
    told?.traceback ? el("pre", {}, told.traceback) : null);
}

/// Shows the error of `reply`, or nothing when that is well; the same one is not told again.
export function showTrouble(box, reply) {
  const key = reply && !reply.ok ? `${reply.status} ${reply.data?.error}` : "";
  if (box.dataset.trouble !== key) {
    box.dataset.trouble = key;
    box.replaceChildren(...(key ? [errorBox(reply)] : []));
  }
}
