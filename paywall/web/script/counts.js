/* ---- What is left ---- */

/** A number that is not known is left out: the page says elsewhere why it is not. */
class Count extends Part {
  fail() {
    this.replaceChildren();
  }
}

/** How many unlocks are left, and the way to more when they run low, or to pay what is late; `lapsing`: until when, too. */
class Credits extends Count {
  async load() {
    const { unlocks_left: count, grants, subscriptions } = await me(this);
    const account = this.setting("account");
    const text = this.say("unlocks_left", { count });
    if (this.hasAttribute("lapsing")) {
      const lines = grants.map((grant) => h("li", {}, this.grant(grant)));
      return this.put(h("p", {}, h("b", {}, text)), h("ul", {}, ...lines), faint(this.say("credit_is")));
    }
    if (!account) return this.put(text);
    const isLow = count <= FEW_CREDITS && !subscriptions.some((one) => one.opens_all);
    const hint = subscriptions.some(hasFailed) ? "failed_payment" : isLow && "buy_credits";
    this.put(
      h("a", { href: account }, text),
      hint && h("a", { href: account, class: "paywall-low" }, this.say(hint)),
    );
  }

  grant({ remaining, expires_at: at }) {
    if (!at) return this.say("credits_last", { count: remaining });
    return this.say("credits_lapse", { credits: this.credits(remaining), date: this.words.moment(at) });
  }
}

/** "2 of 5 free articles read this month": of a visitor by attributes, of a reader by asking. */
class Meter extends Count {
  async load() {
    const told = this.hasAttribute("used")
      ? { used: Number(this.getAttribute("used")), limit: Number(this.getAttribute("limit")) }
      : (await me(this)).meter;
    const max = Math.max(told.limit, 1);
    const bar = h("progress", { max, value: told.used, "aria-label": this.say("meter", told) });
    this.put(bar, h("span", { "aria-hidden": "true" }, this.say("meter", told)));
  }
}
