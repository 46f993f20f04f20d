/* ---- The subscription ---- */

/** What opens everything until when; to cancel it in two clicks, and to take that back. */
class Subscription extends Part {
  async load() {
    const { subscriptions } = await me(this);
    const running = subscriptions.filter(({ status: state }) => state !== "canceled");
    const lines = running.map((one) => this.line(one));
    this.said ??= h("p", { role: "status", class: "paywall-status", tabindex: "-1" });
    this.put(...(lines.length ? lines : [h("p", {}, this.say("no_subscription"))]), this.said);
  }

  line(one) {
    const date = one.access_until && this.words.moment(one.access_until);
    const ends = one.cancel_at_period_end ? "ends_on" : "access_until";
    const text = date ? this.say(one.next_payment ? "renews_on" : ends, { date }) : this.say("renewing");
    const act = one.cancel_at_period_end
      ? button(this.say("resume"), (event) => this.resume(event.target, one.id))
      : button(this.say("cancel"), (event) => this.cancel(event.target, one.id));
    return h("div", {}, h("p", {}, text), act);
  }

  async attempt(element, act) {
    await busy(element, this.say("waiting"), async () => {
      try {
        await act();
      } catch (error) {
        if (!(error instanceof Trouble)) throw error;
        this.said.textContent = this.explain(error);
      }
    });
  }

  resume(element, subscription_id) {
    return this.attempt(element, async () => {
      await ask(this, "POST", "v1/me/subscription/resume", { subscription_id }, newKey());
      happened(this);
      await this.load();
      this.said.textContent = this.say("resumed");
      this.said.focus();
    });
  }

  cancel(element, subscription_id) {
    const path = "v1/me/subscription/cancel";
    return this.attempt(element, async () => {
      const order = { subscription_id, when: "period_end" };
      const follows = await ask(this, "POST", path, { ...order, dry_run: true });
      const name = `paywall-${newKey()}`;
      const choice = (value, text) => {
        const input = h("input", { type: "radio", name, value });
        input.checked = value === order.when;
        return h("label", {}, input, h("span", {}, text));
      };
      const keys = { period_end: newKey(), now: newKey() };
      const date = this.words.moment(follows.access_until);
      question(this, {
        title: this.say("cancel_question"),
        details: [
          h(
            "fieldset",
            {},
            h("legend", {}, this.say("when_to_end")),
            choice("period_end", this.say("at_period_end", { date })),
            choice("now", this.say("at_once")),
          ),
          ...follows.credits.map((some) => h("p", {}, this.lapsing(some))),
        ],
        yes: this.say("cancel_confirm"),
        working: this.say("cancelling"),
        no: this.say("resume"),
        act: async (box) => {
          const when = box.querySelector("input:checked").value;
          const done = await ask(this, "POST", path, { subscription_id, when }, keys[when]);
          happened(this);
          await this.load();
          this.said.replaceChildren(...this.receipt(done));
          box.close();
          this.said.focus();
          return false;
        },
      });
    });
  }

  lapsing({ amount, expires_at: at }) {
    const credits = this.credits(amount);
    return at
      ? this.say("credits_stay_until", { credits, date: this.words.moment(at) })
      : this.say("credits_stay", { credits });
  }

  receipt({ when, access_until: until, receipt: { id, at } }) {
    const date = this.words.moment(until);
    const said = when === "now" ? this.say("cancelled_now") : this.say("cancelled", { date });
    const receipt = this.say("receipt", { id, date: this.words.moment(at) });
    const file = new Blob([`${said}\n${receipt}\n`], { type: "text/plain" });
    const save = h("a", { href: URL.createObjectURL(file), download: `${id}.txt` }, this.say("save_receipt"));
    return [`${said} ${receipt}. `, save];
  }
}
