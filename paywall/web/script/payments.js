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
    const { currency, refunded } = paid;
    const money = (amount) => this.words.money({ amount, currency });
    const title = this.titled(paid);
    const payment = this.t("payment", { date: this.words.day(paid.created_at), price: money(paid.amount_paid) });
    const receipt = small(payment, " · ", openReceipt(this, `payment-${paid.id}`, paid.receipt_number));
    return h("li", {}, h("b", {}, title), receipt, refunded > 0 && small(this.t("purchase_refunded", { price: money(refunded) })), withdrawal(this, paid, title));
  }
}
