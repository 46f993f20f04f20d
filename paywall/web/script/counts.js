/* ---- What is left ---- */

/** A number that is not known is left out: the page says elsewhere why it is not. */
class Count extends PaywallElement {
  fail() {
    this.replaceChildren();
  }
}

/** How many are left, and the way to more, or to pay what is late; `lapsing`: until when, too. */
class Credits extends Count {
  async load() {
    const { unlocks_left: count, grants, subscriptions } = await fetchMe(this);
    const account = this.address("account");
    if (this.hasAttribute("lapsing")) {
      const ends = new Map();
      for (const { expires_at: at, remaining } of grants) ends.set(at, (ends.get(at) ?? 0) + remaining);
      const lines = [...ends].map((some) => h("li", {}, this.lasting(...some)));
      const list = grants.some((grant) => grant.expires_at) && h("ul", {}, ...lines);
      return this.put(h("p", {}, h("b", {}, this.have(count))), list, small(this.t("credit_is")));
    }
    const isOpen = subscriptions.some((one) => one.opens_all);
    const text = isOpen && !count ? this.t("full_access") : this.credits(count);
    if (!account) return this.put(text);
    const isLow = count <= FEW_CREDITS && !isOpen;
    const hint = subscriptions.some(isLate) ? "failed_payment" : isLow && "buy_credits";
    const href = (hint === "buy_credits" && this.address("shop")) || account;
    this.put(h("a", { href: account }, text), hint && h("a", { href, class: "paywall-low" }, this.t(hint)));
  }

  lasting(at, count) {
    if (!at) return this.t("credits_last", { count });
    return this.t("credits_lapse", { credits: this.credits(count), date: this.words.end(at) });
  }
}

/** The free articles of the month: a visitor's by attributes, a reader's by asking; none to whom all is open. */
class Meter extends Count {
  async load() {
    const { meter, subscriptions } = this.hasAttribute("used")
      ? { meter: { used: Number(this.getAttribute("used")), limit: Number(this.getAttribute("limit")) }, subscriptions: [] }
      : await fetchMe(this);
    if (subscriptions.some((one) => one.opens_all)) return this.replaceChildren();
    const max = Math.max(meter.limit, 1);
    const bar = h("progress", { max, value: meter.used, "aria-label": this.t("meter", meter) });
    this.put(bar, h("span", { "aria-hidden": "true" }, this.t("meter", meter)));
  }
}
