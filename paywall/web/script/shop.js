/* ---- Buying ---- */

/** What can be bought: all of it, or the kinds "plan", "pass" and "pack" that are named. */
class Offers extends Part {
  async load() {
    const offers = await send(new URL("v1/offers", SERVICE), { credentials: "omit" }).then(read);
    const kinds = (this.getAttribute("kinds") ?? "plan pass pack").split(" ");
    const lists = kinds.map((kind) => this.list(kind, offers[`${kind === "pass" ? "passe" : kind}s`]));
    this.said = status(lists.some(Boolean) ? "" : this.say("nothing_for_sale"));
    this.put(...lists, this.said);
  }

  list(kind, products) {
    if (!products.length) return null;
    const title = this.say({ plan: "plans", pass: "passes", pack: "packs" }[kind]);
    const items = products.map((product) => this.item(kind, product));
    return h("div", {}, h("p", { class: "paywall-kind" }, title), h("ul", { class: "paywall-offers" }, ...items));
  }

  item(kind, product) {
    const prices = product.prices.map((price) => this.price(kind, product, price));
    return h("li", {}, h("b", {}, product.title), h("span", {}, this.what(kind, product)), ...prices);
  }

  /** A button for each currency: the price is what is clicked on. */
  price(kind, { id, title, interval, interval_count: count }, price) {
    const amount = this.words.money(price);
    const text = interval ? this.say(`price_${interval}`, { price: amount, count }) : amount;
    const order = { [`${kind}_id`]: id, currency: price.currency };
    const buy = button(text, () => busy(buy, this.say("opening_payment"), () => this.pay(order)));
    buy.setAttribute("aria-label", this.say("buy_this", { title, price: text }));
    return buy;
  }

  what(kind, product) {
    const said = (name, count) => count && this.say(name, { count });
    const of = {
      plan: () => [this.say("plan_opens"), said("plan_credits", product.credits), said("trial", product.trial_days)],
      pass: () => [said("pass_opens", product.days)],
      pack: () => [said("pack_opens", product.credits), said("pack_lapses", product.expires_after_days)],
    };
    return of[kind]().filter(Boolean).join(" ");
  }

  async pay(order) {
    const back = new URL(this.setting("return") ?? location.pathname, location.href).href;
    try {
      const wish = { ...order, return_url: back };
      const checkout = await ask(this, "POST", "v1/me/checkout", wish, newKey());
      const from = location.pathname + location.search;
      sessionStorage.setItem(CHECKOUT, JSON.stringify({ id: checkout.id, from }));
      location.assign(checkout.url);
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
      this.said.textContent = this.explain(error);
    }
  }
}

/** The page after paying: waits until the purchase is true, and leads back to where it began. */
class Return extends Part {
  async load() {
    if (this.isWaiting) return;
    const began = JSON.parse(sessionStorage.getItem(CHECKOUT) ?? "{}");
    const id = began.id ?? new URLSearchParams(location.search).get("checkout");
    const from = began.from ?? this.setting("account") ?? "/";
    if (!id) return this.put(link(this.say("back"), from, true));
    const said = status(this.say("confirming"));
    this.put(said);
    this.isWaiting = true;
    const back = link(this.say("back"), from, true);
    for (let polls = 0; this.isConnected; polls += 1) {
      const checkout = await ask(this, "GET", `v1/me/checkout/${encodeURIComponent(id)}`);
      if (checkout.status === "paid") return this.leave(said, `${from}#paywall-unlock`);
      const word = { open: "not_paid", expired: "not_paid" }[checkout.status];
      said.textContent = this.say(word ?? (polls < POLLS_BEFORE_LONG ? "confirming" : "confirming_long"));
      if (word) said.after(back);
      if (checkout.status === "expired") return;
      await new Promise((done) => setTimeout(done, POLL_MS));
    }
  }

  /** It is true by now: say so, and go back to where the reader wanted to read. */
  leave(said, address) {
    sessionStorage.removeItem(CHECKOUT);
    happened(this);
    said.textContent = this.say("paid");
    location.replace(address);
  }
}
