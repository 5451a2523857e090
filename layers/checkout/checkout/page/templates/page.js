{# The page works without this. With it: typing helps, a failed connection is told apart from a
failed payment, and what happens elsewhere shows by itself. Old syntax, for old phones. #}
(function () {
"use strict";
var d = document, w = window;
var able = w.fetch && w.Promise && w.DOMParser && w.FormData && w.URLSearchParams && d.body.closest;
var timer, poller, started, sending, paying, lost, seen;

function find(selector, within) { return (within || d).querySelector(selector); }
function main() { return find("main"); }
function told(name) { return main().getAttribute("data-" + name); }
function show(selector, shown) { var e = find(selector); if (e) e.hidden = !shown; return e; }
function speak(text) { find("#say").textContent = text; }
function digits(text) { return text.replace(/\D/g, ""); }

{# ---- typing #}
var BRANDS = [[/^4/, "Visa"], [/^(5[1-5]|2[2-7])/, "Mastercard"], [/^3[47]/, "American Express"],
  [/^35/, "JCB"], [/^62/, "UnionPay"], [/^(6011|65|64[4-9])/, "Discover"], [/^50[67]/, "Verve"]];

function named(input, name) {
  var chip = find(".brand", input.parentNode);
  if (chip && chip.textContent !== name) chip.textContent = name;
}
function brandOf(number) {
  for (var i = 0; i < BRANDS.length; i++) if (BRANDS[i][0].test(number)) return BRANDS[i][1];
  return "";
}
function networkOf(input) {
  var number = digits(input.value).replace(/^(00)?233/, "0").slice(0, 3);
  var all = input.getAttribute("data-networks").split(";");
  for (var i = 0; number.length === 3 && i < all.length; i++)
    if (all[i].split(":")[1].split(",").indexOf(number) >= 0) return all[i].split(":")[0];
  return "";
}
function rewrite(input, text) {
  if (text === input.value) return;
  var at = input.selectionStart, ended = at === input.value.length, before = digits(input.value.slice(0, at || 0)).length, i = 0;
  input.value = text;
  if (d.activeElement !== input || at === null) return;
  if (ended) i = text.length;
  while (!ended && before > 0 && i < text.length) if (/\d/.test(text.charAt(i++))) before--;
  input.setSelectionRange(i, i);
}
function typed(input) {
  var number = digits(input.value);
  if (input.name === "number") {
    rewrite(input, /^3[47]/.test(number)
      ? number.replace(/^(.{4})(.{1,6})?(.+)?/, function (_, a, b, c) { return a + (b ? " " + b : "") + (c ? " " + c : ""); })
      : number.replace(/(.{4})(?=.)/g, "$1 "));
    named(input, brandOf(number));
  } else if (input.name === "expiry") {
    if (/^[2-9]/.test(number)) number = "0" + number;
    if (number.length === 6) number = number.slice(0, 2) + number.slice(4);
    rewrite(input, number.length > 2 ? number.slice(0, 2) + " / " + number.slice(2, 6) : number);
  } else if (input.name === "phone") {
    named(input, networkOf(input));
  }
}

{# ---- paying #}
function read(answer) {
  return answer.text().then(function (html) { return { url: answer.url, html: html }; });
}
function token() { var t = find("[name=token]"); return t && t.value; }
function kept() {
  var values = {}, all = d.querySelectorAll("main input:not([type=hidden])");
  for (var i = 0; i < all.length; i++) values[all[i].id] = all[i].value;
  return values;
}
function restore(values) {
  for (var id in values) {
    var input = d.getElementById(id);
    if (input && !input.value) { input.value = values[id]; typed(input); }
  }
}
function arrive(answer) {
  {# Without its style, which has another page's nonce. #}
  var html = answer.html.replace(/<style[\s\S]*?<\/style>/, "");
  var parsed = new DOMParser().parseFromString(html, "text/html"), fresh = find("main", parsed);
  {# Elsewhere, as a wallet is, whose page is none of ours. #}
  if (answer.url && answer.url.split("?")[0] !== location.href.split(/[?#]/)[0]) return location.assign(answer.url);
  if (!fresh || !fresh.hasAttribute("data-state")) return fail();
  {# A screen with a processor's script, which only a page of its own loads. #}
  if (answer.url && find("[data-alone]", fresh)) return location.assign(answer.url);
  var values = kept(), before = token(), was = lost, chosen = find("main details[open]") && find("main details[open] [name=method]").value;
  sending = paying = lost = false;
  main().parentNode.replaceChild(d.importNode(fresh, true), main());
  d.title = parsed.title;
  if (answer.url && history.replaceState) history.replaceState(null, "", answer.url);
  if (told("state") === "open" && before === token()) {
    restore(values);
    if (was) {
      show("[data-unpaid]", true);
      show("[data-failure]", false);
      var m = find("details [value=" + chosen + "]");
      if (m) m.closest("details").open = true;
    }
  }
  speak(told("say"));
  var first = find("[aria-invalid=true]") || find("[data-focus]");
  if (first) first.focus();
  begin();
}
function fail() {
  sending = false;
  lost = lost || paying;
  if (lost) {
    show("[data-lost]", true);
    find("[data-lost] h2").focus();
  } else show("[data-offline]", true);
  later();
}
function send(form) {
  if (sending || lost) return;
  var button = find("[type=submit]", form);
  sending = paying = true;
  button.disabled = true;
  button.textContent = button.getAttribute("data-busy");
  speak(button.textContent);
  fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) })
    .then(read).then(arrive, fail);
}
function look(url) {
  if (sending) return;
  sending = true;
  fetch(url, { cache: "no-store" }).then(read).then(arrive, fail);
}
function latest() { return told("page") + "?attempt=latest"; }

{# ---- waiting #}
function poll() {
  if (sending) return later();
  fetch(told("look"), { cache: "no-store" }).then(function (answer) { return answer.json(); }).then(function (now) {
    show("[data-offline]", false);
    if (now.state !== told("state")) look(location.href); else later();
  }).then(null, fail);
}
function later() {
  clearTimeout(poller);
  if (main() && told("poll")) poller = setTimeout(able ? poll : function () { location.reload(); }, told("poll") * 1000);
}
function tick() {
  var passed = Math.floor((Date.now() - started) / 1000), clock = find("[data-left]");
  if (clock) {
    var left = Math.max(0, clock.getAttribute("data-left") - passed), s = left % 60;
    clock.textContent = Math.floor(left / 60) + ":" + (s < 10 ? "0" : "") + s;
    var spoken = clock.getAttribute("data-spoken");
    if (spoken && s === 0 && left && left !== seen) speak(spoken.replace("#", left / 60));
    seen = left;
  }
  var lapse = told("lapse");
  if (lapse && passed >= lapse && !sending && !lost) {
    main().setAttribute("data-lapse", passed + 5);
    if (able) look(told("page")); else location.replace(told("page"));
  }
}
function begin() {
  var copies = d.querySelectorAll("[data-copy]"), inputs = d.querySelectorAll("main input:not([type=hidden])"), i;
  clearInterval(timer);
  if (!main() || !main().hasAttribute("data-state")) return;
  if (told("go")) return location.replace(told("go"));
  started = Date.now();
  for (i = 0; i < copies.length; i++) copies[i].hidden = !(navigator.clipboard && navigator.clipboard.writeText);
  for (i = 0; i < inputs.length; i++) typed(inputs[i]);
  {# Then an empty field too is told of beside it, in the page's language. #}
  for (i = 0; able && i < d.forms.length; i++) d.forms[i].noValidate = true;
  timer = setInterval(tick, 1000);
  later();
}

d.addEventListener("input", function (event) { typed(event.target); });
d.addEventListener("submit", function (event) {
  if (able && event.target.hasAttribute("data-pay")) { event.preventDefault(); send(event.target); }
});
d.addEventListener("click", function (event) {
  var button = able && event.target.closest("button");
  if (!button) return;
  if (button.hasAttribute("data-look-now")) look(latest());
  if (button.hasAttribute("data-copy"))
    navigator.clipboard.writeText(button.getAttribute("data-copy")).then(function () {
      button.textContent = button.getAttribute("data-copied");
      speak(button.textContent);
    }, function () {});
});
{# A picture that can't be had leaves its stand-in. #}
d.addEventListener("error", function (event) {
  if (event.target.tagName === "IMG") event.target.hidden = true;
}, true);
d.addEventListener("visibilitychange", function () {
  if (!d.hidden && main() && told("state")) { tick(); if (told("poll") && able) poll(); }
});
w.addEventListener("online", function () { if (lost) look(latest()); });
w.addEventListener("pageshow", function (event) { if (event.persisted) location.reload(); });
begin();
})();
