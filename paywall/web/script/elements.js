/* ---- The elements that a page can use ---- */

const ELEMENTS = [Gate, Credits, Meter, Offers, Return, Subscription, Payments, Thanks, Account, Unlocks, History];
for (const part of ELEMENTS) customElements.define(`paywall-${part.name.toLowerCase()}`, part);

/** At the top of the page, with the settings of the page, which may be on an element inside it. */
function prepend(element) {
  Object.assign(element.dataset, withToken()?.dataset);
  (document.querySelector("main") ?? document.body).prepend(element);
}

if (bought.word && !document.querySelector("paywall-thanks")) prepend(h("paywall-thanks", {}));

// Where the site has no page to come back to after paying, the one that was come back to is it, once.
const { back, ...began } = loadItem(CHECKOUT);
if (webAddress(back)?.pathname === location.pathname && !document.querySelector("paywall-return")) {
  saveItem(CHECKOUT, began);
  prepend(h("paywall-return", {}));
}

// What was chosen before signing in is taken up on the next page of a reader, whichever that is.
if (chosen.kind && withToken()) {
  const shops = [...document.querySelectorAll("paywall-offers")];
  const shop = shops.find((one) => kindsOf(one).includes(chosen.kind)) ?? h("paywall-offers", { chosen: "" });
  shop.takesUpChoice = true;
  if (!shop.isConnected) prepend(shop);
}
