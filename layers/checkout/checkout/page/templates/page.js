{# The page works without this script. The script formats and checks what is typed, handles lost
connections, and shows changes without a reload. The syntax is old, because it has to run on old phones. #}
(function () {
"use strict";
var d = document, w = window;
{# Browsers that have this have all else that requests need. Others send the forms themselves. #}
var modern = w.AbortController;
var SLOW = 15000, GIVEN_UP = 40000, LONGEST_POLL = 30;
var ticker, poller, slow, loadedAt, busy, submitting, lost, lastSeconds, quietUntil = 0;

function find(selector, within) { return (within || d).querySelector(selector); }
function each(selector, act) { Array.prototype.forEach.call(d.querySelectorAll(selector), act); }
function main() { return find("main"); }
function data(name, element) { return (element || main()).getAttribute("data-" + name); }
function show(selector, shown) { var e = find(selector); if (e) e.hidden = !shown; return e; }
function readOut(words) { find("#live-region").textContent = words; }
{# Gives a button another text, and reads it out. #}
function relabel(button, name) { readOut(button.textContent = data(name, button)); }
function digits(typed) { return typed.replace(/\D/g, ""); }

{# ---- typing #}
function brandOf(input) {
  var figures = digits(input.value), all = data("brands", input).split(";");
  for (var i = 0; i < all.length; i++) {
    var brand = all[i].split(":");
    if (new RegExp("^(?:" + brand[1] + ")").test(figures)) return brand[0];
  }
  return "";
}
function codeLength() { return brandOf(find("#number")) === "American Express" ? 4 : 3; }
{% if session and "mobile_money" in session.methods %}
{# The number in its local form, as the server reads it. #}
function localPhone(typed) {
  var figures = digits(typed);
  if (figures.length > 10) figures = figures.replace(/^(00)?233/, "");
  return figures && figures.charAt(0) !== "0" ? "0" + figures : figures;
}
function networkOf(input) {
  var prefix = localPhone(input.value).slice(0, 3), all = data("prefixes", input).split(";");
  for (var i = 0; prefix.length === 3 && i < all.length; i++)
    if (all[i].split(":")[1].split(",").indexOf(prefix) >= 0) return all[i].split(":")[0];
  return "";
}
{% endif %}
{# The cursor stays behind the same digit. #}
function setValue(input, typed) {
  if (typed === input.value) return;
  var at = input.selectionStart, atEnd = at === input.value.length, before = digits(input.value.slice(0, at || 0)).length, i = 0;
  input.value = typed;
  if (d.activeElement !== input || at === null) return;
  if (atEnd) i = typed.length;
  while (!atEnd && before > 0 && i < typed.length) if (/\d/.test(typed.charAt(i++))) before--;
  input.setSelectionRange(i, i);
}
{# "1/40" and "2040-01" become "01 / 40". A text that begins with 20 waits for its month. #}
function dateOf(typed) {
  var figures = digits(typed);
  if (/^20\d{4}$/.test(figures)) figures = figures.slice(4) + figures.slice(2, 4);
  else if (/^20/.test(figures)) return typed;
  else if (/^\s*\d\s*\D|^[3-9]|^2[1-9]/.test(typed)) figures = "0" + figures;
  if (figures.length === 6) figures = figures.slice(0, 2) + figures.slice(4);
  return figures.length > 2 ? figures.slice(0, 2) + " / " + figures.slice(2, 6) : figures;
}
function format(input) {
  var figures = digits(input.value).slice(0, 19);
  if (input.name === "number") {
    setValue(input, /^3[47]/.test(figures)
      ? figures.replace(/^(.{4})(.{1,6})?(.+)?/, function (_, a, b, c) { return a + (b ? " " + b : "") + (c ? " " + c : ""); })
      : figures.replace(/(.{4})(?=.)/g, "$1 "));
    find(".chip").textContent = brandOf(input);
    find("#code").maxLength = figures ? codeLength() : 4;
  } else if (input.name === "expiry") {
    setValue(input, dateOf(input.value));
{% if session and "mobile_money" in session.methods %}
  } else if (input.name === "phone") {
    var network = find("#network");
    if (!data("chosen", network)) network.value = networkOf(input);
{% endif %}
  }
}

{# ---- checks #}
function passesLuhn(figures) {
  for (var sum = 0, i = 0; i < figures.length; i++) {
    var digit = +figures.charAt(figures.length - 1 - i) * (i % 2 + 1);
    sum += digit > 9 ? digit - 9 : digit;
  }
  return figures.length > 11 && sum % 10 === 0;
}
var CHECKS = {
  number: function (typed) { return passesLuhn(digits(typed)); },
  expiry: function (typed) {
    var found = /^(0[1-9]|1[0-2])\s\/\s(\d\d)$/.exec(typed);
    return found && new Date(2000 + +found[2], +found[1]) > new Date();
  },
  code: function (typed) { return /^\d+$/.test(typed) && typed.length === codeLength(); },
{% if session and "mobile_money" in session.methods %}
  phone: function (typed) { return /^0[25]\d{8}$/.test(localPhone(typed)); },
{% endif %}
  email: function (typed) { return /^\S+@\S+\.\S+$/.test(typed); }
};
function isFine(input) { return !input.value || !CHECKS[input.name] || CHECKS[input.name](input.value.trim()); }
function mark(input, wrong) {
  var error = find("#" + input.id + "-error");
  if (!error) return;
  if (wrong) {
    input.setAttribute("aria-invalid", "true");
    error.textContent = data("mistake", input);
  } else input.removeAttribute("aria-invalid");
  error.hidden = !wrong;
}

{# ---- requests #}
{# How long to leave the server alone, in milliseconds. A server that is too busy says so. #}
function pause() { return quietUntil - Date.now(); }
function read(response) {
  var seconds = response.headers.get("retry-after");
  if (seconds || response.status === 429) quietUntil = Date.now() + 1000 * (+seconds || LONGEST_POLL);
  return response.text().then(function (html) { return { url: response.url, html: html }; });
}
function get(url) { return fetch(url, { cache: "no-store" }).then(read); }
function token() { var t = find("[name=token]", main()); return t && t.value; }
var TYPED = "main [autocomplete], #network, #receipt";
function inputValues() {
  var values = {};
  each(TYPED, function (input) { values[input.id] = input.checked || input.value; });
  return values;
}
function restore(values) {
  for (var id in values) {
    var input = find("#" + id);
    if (input && values[id] === true) input.checked = true;
    else if (input && !input.value) { input.value = values[id]; format(input); }
  }
}
function render(response) {
  {# The style is left out, because it has the nonce of the other response. #}
  var url = response.url, html = response.html.replace(/<style[\s\S]*?<\/style>/, "");
  var parsed = new DOMParser().parseFromString(html, "text/html"), fresh = find("main", parsed);
  {# The response came from another page, for example a wallet's. #}
  if (url && url.split("?")[0] !== location.href.split(/[?#]/)[0]) return location.assign(url);
  if (!fresh || !fresh.hasAttribute("data-state")) return onFailure();
  {# The screen has a processor's script, which the policy of this page does not allow. #}
  if (url && find("[data-own-page]", fresh)) return location.assign(url);
  var values = inputValues(), oldToken = token(), wasLost = lost, chosen = find("main [name=method]:checked");
  clearTimeout(slow);
  busy = submitting = lost = false;
  main().parentNode.replaceChild(d.importNode(fresh, true), main());
  freeze("footer", false);
  d.title = parsed.title;
  if (url) history.replaceState(null, "", url);
  if (data("state") === "open") {
    {# After an attempt the code is typed again. #}
    if (oldToken !== token()) delete values.code;
    restore(values);
    if (wasLost && oldToken === token()) {
      show("[data-not-charged]", true);
      show("[data-failure]", false);
      if (chosen && (chosen = find("#" + chosen.id))) chosen.checked = true;
    }
  }
  readOut(data("title"));
  var first = find("[aria-invalid=true]") || find("[data-focus]");
  if (first) first.focus();
  start();
}
function onFailure() {
  clearTimeout(slow);
  busy = false;
  var still = show("[data-still-lost]", lost);
  if (lost && still) readOut(still.textContent);
  lost = lost || submitting;
  if (lost && show("[data-lost]", true)) {
    find("[data-check-now]").disabled = false;
    find("[data-lost] h2").focus();
  } else show("[data-offline]", pause() <= 0);
  schedulePoll();
}
{# Nothing can be pressed while something is being sent. #}
function freeze(part, frozen) {
  each(part + " button, " + part + " [name]", function (control) { control.disabled = frozen; });
  each(part + " a", function (link) { link.setAttribute("aria-disabled", frozen); });
}
function submit(form) {
  if (busy || lost) return;
  var button = find("button:not([type=button])", form), aborter = new AbortController();
  {# What belongs to another method stays in the browser. #}
  each(".method > input:not(:checked) ~ .fields [name]", function (control) { control.disabled = true; });
  var body = new URLSearchParams(new FormData(form));
  busy = submitting = true;
  freeze("body", true);
  relabel(button, "progress");
  slow = setTimeout(function () {
    relabel(button, "slow");
    slow = setTimeout(function () { aborter.abort(); onFailure(); }, GIVEN_UP - SLOW);
  }, SLOW);
  {# A server that is too busy has stored nothing, and the form's token starts one payment at most. #}
  function send() {
    if (lost || !submitting) return;
    fetch(form.action, { method: "POST", body: body, signal: aborter.signal }).then(read).then(function (response) {
      if (pause() > 0) setTimeout(send, pause());
      else render(response);
    }, function () { if (busy) onFailure(); });
  }
  send();
}
function load(url) {
  if (busy) return;
  busy = true;
  get(url).then(render, onFailure);
}
function latest() { return location.pathname + "?attempt=latest"; }

{# ---- waiting #}
function poll() {
  if (busy || d.hidden || pause() > 0) return schedulePoll();
  get(data("poll-url")).then(function (response) {
    show("[data-offline]", false);
    if (busy || pause() > 0) return schedulePoll();
    if (lost) load(latest());
    else if (JSON.parse(response.html).state !== data("state")) load(location.href);
    else schedulePoll();
  }).then(null, function () { if (busy) schedulePoll(); else onFailure(); });
}
{# The longer a screen is open, the less often it asks. #}
function schedulePoll() {
  clearTimeout(poller);
  if (!main() || !data("poll")) return;
  var seconds = Math.min(LONGEST_POLL, +data("poll") + (Date.now() - loadedAt) / 60000);
  poller = setTimeout(modern ? poll : function () { location.reload(); }, Math.max(seconds * 1000, pause()));
}
function twoDigits(count) { return (count < 10 ? "0" : "") + count; }
function tick() {
  var passed = Math.floor((Date.now() - loadedAt) / 1000), clock = find("[data-seconds]");
  if (clock) {
    var left = Math.max(0, data("seconds", clock) - passed), minutes = Math.floor(left / 60), s = left % 60;
    var from = data("from", clock.parentNode), shown = !from || left <= +from;
    clock.textContent = (minutes < 60 ? minutes : Math.floor(minutes / 60) + ":" + twoDigits(minutes % 60)) + ":" + twoDigits(s);
    clock.parentNode.hidden = !shown;
    var status = data("status", clock);
    if (shown && status && s === 0 && left && left !== lastSeconds) readOut(status.replace("#", minutes));
    lastSeconds = left;
  }
  var reload = data("reload");
  if (reload && passed >= reload && !busy && !lost) {
    main().setAttribute("data-reload", passed + 5);
    {# What is shown can't be paid any more, even if the next screen can't be loaded. #}
    if (data("state") === "open") freeze("main", true);
    {# The next screen may have to be loaded as a page of its own. #}
    if (modern && !data("reload-as-page")) load(location.pathname);
    else location.replace(data("reload-as-page") || location.pathname);
  }
}
{% if session and session.billing_collection == "always" %}
{# All regions that the browser has a name for, apart from those that are no countries. #}
var NO_COUNTRY = /^(AC|C[PQ]|DG|E[AUZ]|IC|QO|TA|UN|X.|ZZ)$/;
function addCountries(select) {
  if (!w.Intl || !Intl.DisplayNames) return;
  var names = new Intl.DisplayNames(d.documentElement.lang, { type: "region", fallback: "none" }), others = [], known = {};
  for (var i = 0; i < select.length; i++) known[names.of(select[i].value)] = true;
  for (i = 0; i < 676; i++) {
    var code = String.fromCharCode(65 + i / 26, 65 + i % 26), name = names.of(code);
    if (!name || known[name] || NO_COUNTRY.test(code)) continue;
    known[name] = true;
    others.push([name, code]);
  }
  others.sort(function (a, b) { return a[0].localeCompare(b[0]); }).forEach(function (other) { select.add(new Option(other[0], other[1])); });
}
{% endif %}
function start() {
  clearInterval(ticker);
  if (!main() || !main().hasAttribute("data-state")) return;
  if (data("redirect")) return location.replace(data("redirect"));
  loadedAt = Date.now();
  each("[data-copy]", function (button) { button.hidden = !(navigator.clipboard && navigator.clipboard.writeText); });
{% if session and session.billing_collection == "always" %}
  each("#country", addCountries);
{% endif %}
  each("[data-print]", function (button) { button.hidden = false; });
  each("#network", function (select) { if (select.value) select.setAttribute("data-chosen", "1"); });
  each(TYPED, format);
  if (w.matchMedia && matchMedia("(min-width:60rem)").matches) each(".items", function (items) { items.open = true; });
  ticker = setInterval(tick, 1000);
  schedulePoll();
}

function onInput(event) {
  var input = event.target;
  {# A text that is being composed is not touched. #}
  if (event.isComposing || !input.name) return;
  format(input);
  if (input.id === "network") { input.setAttribute("data-chosen", "1"); mark(input, false); }
  if (input.getAttribute("aria-invalid") && input.value && isFine(input)) mark(input, false);
}
d.addEventListener("input", onInput);
d.addEventListener("compositionend", onInput);
d.addEventListener("focusout", function (event) {
  var input = event.target;
  {# An error text moves the button below it, so a press that is under way must end first. #}
  setTimeout(function () {
    if (CHECKS[input.name] && !busy && input.value && input !== d.activeElement && input.isConnected !== false) mark(input, !isFine(input));
  }, 200);
});
d.addEventListener("submit", function (event) {
  var form = event.target;
  if (!modern || !form.hasAttribute("data-pay") || find("[data-native]:checked", form)) return;
  event.preventDefault();
  submit(form);
});
d.addEventListener("click", function (event) {
  {# Leaving the page would not stop the payment that is being sent. #}
  if (modern && event.target.closest("[aria-disabled=true]")) event.preventDefault();
  var button = modern && event.target.closest("button");
  if (!button) return;
  if (button.hasAttribute("data-check-now")) load(latest());
  if (button.hasAttribute("data-print")) w.print();
  if (button.hasAttribute("data-copy"))
    navigator.clipboard.writeText(data("copy", button)).then(function () { relabel(button, "copied"); }, function () {});
});
{# An image that can't be loaded is hidden, and what is behind it is shown. #}
d.addEventListener("error", function (event) {
  if (event.target.tagName === "IMG") event.target.hidden = true;
}, true);
d.addEventListener("visibilitychange", function () {
  if (!d.hidden && main() && data("state")) { tick(); if (data("poll") && modern) poll(); }
});
w.addEventListener("online", function () { if (lost) load(latest()); });
{# A browser keeps what was typed for "Back". A card is not kept. #}
w.addEventListener("pagehide", function () {
  each("#number, #expiry, #code", function (input) { input.value = ""; });
});
w.addEventListener("pageshow", function (event) { if (event.persisted) location.reload(); });
start();
})();
