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
    const buy = button(this.say("buy"), () =>
      busy(buy, this.say("opening_payment"), () => this.pay(kind, product.id)),
    );
    buy.setAttribute("aria-label", this.say("buy_this", { title: product.title }));
    const prices = product.prices.map((price) => this.price(product, this.words.money(price)));
    const price = prices.reduce((one, other) => this.say("or_price", { one, other }));
    return h(
      "li",
      {},
      h("b", {}, product.title),
      h("span", {}, this.what(kind, product)),
      h("span", { class: "paywall-price" }, price),
      buy,
    );
  }

  price({ interval, interval_count: count }, price) {
    return interval ? this.say(`price_${interval}`, { price, count }) : price;
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

  async pay(kind, id) {
    const back = new URL(this.setting("return") ?? location.pathname, location.href).href;
    try {
      const order = { [`${kind}_id`]: id, return_url: back };
      const checkout = await ask(this, "POST", "v1/me/checkout", order, newKey());
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
    for (let polls = 0; this.isConnected; polls += 1) {
      const checkout = await ask(this, "GET", `v1/me/checkout/${encodeURIComponent(id)}`);
      if (checkout.status === "paid") return this.leave(said, "paid", `${from}#paywall-unlock`);
      if (checkout.status === "expired") return this.leave(said, "not_paid", from);
      if (polls === POLLS_BEFORE_LONG) said.textContent = this.say("confirming_long");
      await new Promise((done) => setTimeout(done, POLL_MS));
    }
  }

  leave(said, word, address) {
    sessionStorage.removeItem(CHECKOUT);
    happened(this);
    said.textContent = this.say(word);
    const back = link(this.say("back"), address, true);
    said.after(back);
    if (word === "paid") location.replace(address);
  }
}
