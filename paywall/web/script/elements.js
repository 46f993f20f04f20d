/* ---- The elements that a page can use ---- */

for (const [name, part] of Object.entries({ Gate, Credits, Meter, Offers, Return, Subscription }))
  customElements.define(`paywall-${name.toLowerCase()}`, part);
