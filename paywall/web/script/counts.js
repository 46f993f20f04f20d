/* ---- What is left ---- */

/** A number that is not known is left out: the page says elsewhere why it is not. */
class Count extends Part {
  fail() {
    this.replaceChildren();
  }
}

/** How many unlocks are left, and the way to more when they run low. */
class Credits extends Count {
  async load() {
    const { unlocks_left: count } = await me(this);
    const account = this.setting("account");
    const text = this.say("unlocks_left", { count });
    const low = account && count <= FEW_CREDITS;
    this.put(
      account ? h("a", { href: account }, text) : text,
      low && h("a", { href: account, class: "paywall-low" }, this.say("buy_credits")),
    );
  }
}

/** "2 of 5 free articles this month": of a visitor by attributes, of a reader by asking. */
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
