{# Mounts Stripe's card fields and has Stripe confirm the payment. The page then shows the outcome,
which the server looks up at Stripe. #}
(function () {
"use strict";
var d = document, root = d.getElementById("card-entry"), form = root.querySelector("form");
var button = form.querySelector("button"), error = d.getElementById("card-error");
if (!window.Stripe) {
  d.getElementById("card-unreachable").hidden = false;
  return;
}
var stripe = window.Stripe(root.getAttribute("data-key"), { locale: d.documentElement.lang }), label = button.textContent;
var card = stripe.elements().create("card", {
  hidePostalCode: true,
  style: { base: { color: getComputedStyle(form).color, fontSize: getComputedStyle(form).fontSize } }
});

function setEnabled(enabled) {
  button.disabled = !enabled;
  button.textContent = enabled ? label : button.getAttribute("data-progress");
}
function showOutcome() { location.replace(root.getAttribute("data-return")); }

card.mount("#card-fields");
setEnabled(true);
form.addEventListener("submit", function (event) {
  event.preventDefault();
  setEnabled(false);
  error.hidden = true;
  stripe.confirmCardPayment(root.getAttribute("data-secret"), { payment_method: { card: card } })
    .then(function (result) {
      if (!result.error || result.error.type !== "validation_error") return showOutcome();
      {# Nothing was sent yet. The shopper has to correct the marked fields. #}
      error.textContent = result.error.message;
      error.hidden = false;
      setEnabled(true);
    }, showOutcome);
});
})();
