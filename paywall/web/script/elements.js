/* ---- The elements that a page can use ---- */

const ELEMENTS = { Gate, Credits, Meter, Offers, Return, Subscription, Payments, Thanks };
for (const [name, part] of Object.entries(ELEMENTS)) customElements.define(`paywall-${name.toLowerCase()}`, part);

if (bought.kind && !document.querySelector("paywall-thanks"))
  (document.querySelector("main") ?? document.body).prepend(h("paywall-thanks", {}));
