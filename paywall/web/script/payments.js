/* ---- What was paid ---- */

/** Each payment with what was bought: those on their way, the newest, and older ones for the asking. */
class Payments extends List {
  path = PURCHASES;

  async load() {
    const [mine, titled, { items, next_cursor }] = await Promise.all([fetchMe(this), fetchTitles(this), this.page()]);
    const { pending } = mine;
    this.mine = mine;
    if (!items.length && !pending.length) return this.put(h("p", {}, this.t("no_purchases")));
    this.titled = (thing) => titled(thing) ?? this.t(thing.pack_id ? "packs" : thing.pass_id ? "kind_pass" : "kind_stripe");
    const lines = [...pending.map((one) => this.due(one)), ...items.map((paid) => this.line(paid))];
    this.list = h("ul", { class: "paywall-rows" }, ...lines);
    this.put(this.list, next_cursor && this.more(next_cursor));
  }

  due(one) {
    return h("li", {}, h("b", {}, this.titled(one)), small(this.t("on_its_way", { date: this.words.day(one.since) })));
  }

  line(paid) {
    const { id, currency, refunded, created_at: at } = paid;
    const money = (amount) => this.words.money({ amount, currency });
    const title = this.titled(paid);
    const price = money(paid.amount_paid);
    const payment = (date) => this.t("payment", { date, price });
    const moment = payment(this.words.moment(at));
    const receipt = small(openReceipt(this, `payment-${id}`, title, moment));
    return h("li", {}, h("b", {}, title), small(payment(this.words.day(at))), refunded > 0 && small(this.t("purchase_refunded", { price: money(refunded) })), receipt, withdrawal(this, paid, title, moment));
  }
}
