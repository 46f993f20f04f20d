/* ---- What is left ---- */

/** A number that is not known is left out: the page says elsewhere why it is not. */
class Count extends Part {
  fail() {
    this.replaceChildren();
  }
}

/** How many are left, and the way to more, or to pay what is late; `lapsing`: until when, too. */
class Credits extends Count {
  async load() {
    const { unlocks_left: count, grants, subscriptions } = await me(this);
    const account = this.address("account");
    if (this.hasAttribute("lapsing")) {
      const ends = new Map();
      for (const { expires_at: at, remaining } of grants) ends.set(at, (ends.get(at) ?? 0) + remaining);
      const lines = [...ends].map((some) => h("li", {}, this.lasting(...some)));
      const list = grants.some((grant) => grant.expires_at) && h("ul", {}, ...lines);
      return this.put(h("p", {}, h("b", {}, this.have(count))), list, faint(this.say("credit_is")));
    }
    const text = this.credits(count);
    if (!account) return this.put(text);
    const isLow = count <= FEW_CREDITS && !subscriptions.some((one) => one.opens_all);
    const hint = subscriptions.some(hasFailed) ? "failed_payment" : isLow && "buy_credits";
    const href = (hint === "buy_credits" && this.address("shop")) || account;
    this.put(h("a", { href: account }, text), hint && h("a", { href, class: "paywall-low" }, this.say(hint)));
  }

  lasting(at, count) {
    if (!at) return this.say("credits_last", { count });
    return this.say("credits_lapse", { credits: this.credits(count), date: this.words.moment(at) });
  }
}

/** The free articles of the month: a visitor's by attributes, a reader's by asking; none to whom all is open. */
class Meter extends Count {
  async load() {
    const { meter: told, subscriptions } = this.hasAttribute("used")
      ? { meter: { used: Number(this.getAttribute("used")), limit: Number(this.getAttribute("limit")) }, subscriptions: [] }
      : await me(this);
    if (subscriptions.some((one) => one.opens_all)) return this.replaceChildren();
    const max = Math.max(told.limit, 1);
    const bar = h("progress", { max, value: told.used, "aria-label": this.say("meter", told) });
    this.put(bar, h("span", { "aria-hidden": "true" }, this.say("meter", told)));
  }
}
