{# Mounts the processor's card fields and has the payment confirmed there. What became of it, the
page says, which asks the processor itself. #}
(function () {
"use strict";
var d = document, entry = d.getElementById("entry"), form = entry.querySelector("form");
var button = form.querySelector("button"), error = d.getElementById("card-error");
if (!window.Stripe) {
  d.getElementById("card-unreachable").hidden = false;
  return;
}
var stripe = window.Stripe(entry.getAttribute("data-key")), text = button.textContent;
var card = stripe.elements().create("card", {
  hidePostalCode: true,
  style: { base: { color: getComputedStyle(form).color, fontSize: "16px" } }
});

function ready(yes) {
  button.disabled = !yes;
  button.textContent = yes ? text : button.getAttribute("data-busy");
}
function leave() { location.replace(entry.getAttribute("data-back")); }

card.mount("#card-fields");
ready(true);
form.addEventListener("submit", function (event) {
  event.preventDefault();
  ready(false);
  error.hidden = true;
  stripe.confirmCardPayment(entry.getAttribute("data-secret"), { payment_method: { card: card } })
    .then(function (result) {
      var wrong = result.error;
      if (!wrong || wrong.type !== "validation_error") return leave();
      {# Nothing was sent yet: the shopper corrects what is marked. #}
      error.textContent = wrong.message;
      error.hidden = false;
      ready(true);
    }, leave);
});
})();
