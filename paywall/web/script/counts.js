/* ---- What is left ---- */

/** How many unlocks are left, and that they run low. */
class Credits extends Part {
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
class Meter extends Part {
  async load() {
    const told = this.hasAttribute("used")
      ? { used: Number(this.getAttribute("used")), limit: Number(this.getAttribute("limit")) }
      : (await me(this)).meter;
    const max = Math.max(told.limit, 1);
    const bar = h("progress", { max, value: told.used, "aria-label": this.say("meter", told) });
    this.put(bar, h("span", { "aria-hidden": "true" }, this.say("meter", told)));
  }
}
