{# The page works without this script. The script formats what is typed, handles lost connections,
and shows changes without a reload. The syntax is old, because it has to run on old phones. #}
(function () {
"use strict";
var d = document, w = window;
var modern = w.fetch && w.Promise && w.DOMParser && w.FormData && w.URLSearchParams && d.body.closest;
var ticker, poller, loadedAt, busy, submitting, lost, lastSeconds;

function find(selector, within) { return (within || d).querySelector(selector); }
function main() { return find("main"); }
function data(name) { return main().getAttribute("data-" + name); }
function show(selector, shown) { var e = find(selector); if (e) e.hidden = !shown; return e; }
function readOut(text) { find("#live-region").textContent = text; }
function digits(text) { return text.replace(/\D/g, ""); }

{# ---- typing #}
var BRANDS = [[/^4/, "Visa"], [/^(5[1-5]|2[2-7])/, "Mastercard"], [/^3[47]/, "American Express"],
  [/^35/, "JCB"], [/^62/, "UnionPay"], [/^(6011|65|64[4-9])/, "Discover"], [/^50[67]/, "Verve"]];

function setChip(input, name) {
  var chip = find(".chip", input.parentNode);
  if (chip && chip.textContent !== name) chip.textContent = name;
}
function brandOf(number) {
  for (var i = 0; i < BRANDS.length; i++) if (BRANDS[i][0].test(number)) return BRANDS[i][1];
  return "";
}
function networkOf(input) {
  var prefix = digits(input.value).replace(/^(00)?233/, "0").slice(0, 3);
  var all = input.getAttribute("data-networks").split(";");
  for (var i = 0; prefix.length === 3 && i < all.length; i++)
    if (all[i].split(":")[1].split(",").indexOf(prefix) >= 0) return all[i].split(":")[0];
  return "";
}
{# The cursor stays behind the same digit. #}
function setValue(input, text) {
  if (text === input.value) return;
  var at = input.selectionStart, atEnd = at === input.value.length, before = digits(input.value.slice(0, at || 0)).length, i = 0;
  input.value = text;
  if (d.activeElement !== input || at === null) return;
  if (atEnd) i = text.length;
  while (!atEnd && before > 0 && i < text.length) if (/\d/.test(text.charAt(i++))) before--;
  input.setSelectionRange(i, i);
}
function format(input) {
  var number = digits(input.value);
  if (input.name === "number") {
    setValue(input, /^3[47]/.test(number)
      ? number.replace(/^(.{4})(.{1,6})?(.+)?/, function (_, a, b, c) { return a + (b ? " " + b : "") + (c ? " " + c : ""); })
      : number.replace(/(.{4})(?=.)/g, "$1 "));
    setChip(input, brandOf(number));
  } else if (input.name === "expiry") {
    if (/^[2-9]/.test(number)) number = "0" + number;
    if (number.length === 6) number = number.slice(0, 2) + number.slice(4);
    setValue(input, number.length > 2 ? number.slice(0, 2) + " / " + number.slice(2, 6) : number);
  } else if (input.name === "phone") {
    setChip(input, networkOf(input));
  }
}

{# ---- requests #}
function read(response) {
  return response.text().then(function (html) { return { url: response.url, html: html }; });
}
function token() { var t = find("[name=token]"); return t && t.value; }
function inputValues() {
  var values = {}, all = d.querySelectorAll("main input:not([type=hidden])");
  for (var i = 0; i < all.length; i++) values[all[i].id] = all[i].value;
  return values;
}
function restore(values) {
  for (var id in values) {
    var input = d.getElementById(id);
    if (input && !input.value) { input.value = values[id]; format(input); }
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
  var values = inputValues(), oldToken = token(), wasLost = lost, method = find("main details[open]") && find("main details[open] [name=method]").value;
  busy = submitting = lost = false;
  main().parentNode.replaceChild(d.importNode(fresh, true), main());
  d.title = parsed.title;
  if (url && history.replaceState) history.replaceState(null, "", url);
  if (data("state") === "open" && oldToken === token()) {
    restore(values);
    if (wasLost) {
      show("[data-not-charged]", true);
      show("[data-failure]", false);
      var m = find("details [value=" + method + "]");
      if (m) m.closest("details").open = true;
    }
  }
  readOut(data("title"));
  var first = find("[aria-invalid=true]") || find("[data-focus]");
  if (first) first.focus();
  start();
}
function onFailure() {
  busy = false;
  lost = lost || submitting;
  if (lost) {
    show("[data-lost]", true);
    find("[data-lost] h2").focus();
  } else show("[data-offline]", true);
  schedulePoll();
}
function submit(form) {
  if (busy || lost) return;
  var button = find("[type=submit]", form);
  busy = submitting = true;
  button.disabled = true;
  button.textContent = button.getAttribute("data-progress");
  readOut(button.textContent);
  fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) })
    .then(read).then(render, onFailure);
}
function load(url) {
  if (busy) return;
  busy = true;
  fetch(url, { cache: "no-store" }).then(read).then(render, onFailure);
}
function latest() { return data("page") + "?attempt=latest"; }

{# ---- waiting #}
function poll() {
  if (busy) return schedulePoll();
  fetch(data("poll-url"), { cache: "no-store" }).then(function (response) { return response.json(); }).then(function (now) {
    show("[data-offline]", false);
    if (now.state !== data("state")) load(location.href); else schedulePoll();
  }).then(null, onFailure);
}
function schedulePoll() {
  clearTimeout(poller);
  if (main() && data("poll")) poller = setTimeout(modern ? poll : function () { location.reload(); }, data("poll") * 1000);
}
function tick() {
  var passed = Math.floor((Date.now() - loadedAt) / 1000), clock = find("[data-seconds]");
  if (clock) {
    var left = Math.max(0, clock.getAttribute("data-seconds") - passed), s = left % 60;
    clock.textContent = Math.floor(left / 60) + ":" + (s < 10 ? "0" : "") + s;
    var status = clock.getAttribute("data-status");
    if (status && s === 0 && left && left !== lastSeconds) readOut(status.replace("#", left / 60));
    lastSeconds = left;
  }
  var reload = data("reload");
  if (reload && passed >= reload && !busy && !lost) {
    main().setAttribute("data-reload", passed + 5);
    {# The next screen may have to be loaded as a page of its own. #}
    if (modern && !data("reload-as-page")) load(data("page"));
    else location.replace(data("reload-as-page") || data("page"));
  }
}
function start() {
  var copies = d.querySelectorAll("[data-copy]"), inputs = d.querySelectorAll("main input:not([type=hidden])"), i;
  clearInterval(ticker);
  if (!main() || !main().hasAttribute("data-state")) return;
  if (data("redirect")) return location.replace(data("redirect"));
  loadedAt = Date.now();
  for (i = 0; i < copies.length; i++) copies[i].hidden = !(navigator.clipboard && navigator.clipboard.writeText);
  for (i = 0; i < inputs.length; i++) format(inputs[i]);
  {# The browser's messages about empty fields may be in another language than the page. #}
  for (i = 0; modern && i < d.forms.length; i++) d.forms[i].noValidate = true;
  ticker = setInterval(tick, 1000);
  schedulePoll();
}

d.addEventListener("input", function (event) { format(event.target); });
d.addEventListener("submit", function (event) {
  if (modern && event.target.hasAttribute("data-pay")) { event.preventDefault(); submit(event.target); }
});
d.addEventListener("click", function (event) {
  {# Leaving the page would not stop the payment that is being sent. #}
  if (busy && submitting && event.target.closest("a, summary")) event.preventDefault();
  var button = modern && event.target.closest("button");
  if (!button) return;
  if (button.hasAttribute("data-check-now")) load(latest());
  if (button.hasAttribute("data-copy"))
    navigator.clipboard.writeText(button.getAttribute("data-copy")).then(function () {
      button.textContent = button.getAttribute("data-copied");
      readOut(button.textContent);
    }, function () {});
});
{# An image that can't be loaded is hidden, and the placeholder behind it is shown. #}
d.addEventListener("error", function (event) {
  if (event.target.tagName === "IMG") event.target.hidden = true;
}, true);
d.addEventListener("visibilitychange", function () {
  if (!d.hidden && main() && data("state")) { tick(); if (data("poll") && modern) poll(); }
});
w.addEventListener("online", function () { if (lost) load(latest()); });
w.addEventListener("pageshow", function (event) { if (event.persisted) location.reload(); });
start();
})();
