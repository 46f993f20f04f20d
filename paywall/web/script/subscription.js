/* ---- The subscription ---- */

const NEVER_BEGAN = ["incomplete", "incomplete_expired"];
const RENEWS = ["active", "trialing"];

/** It opens everything, or is to do so again. */
const isRunning = ({ status: state }) => state !== "canceled" && !NEVER_BEGAN.includes(state);

/** A second one would be refused. */
const isBilled = (one) => one.kind === "stripe" && isRunning(one) && !one.cancel_at_period_end;

/** Its last payment did not go through; another means of payment mends that. */
const hasFailed = ({ status: state }) => ["past_due", "unpaid"].includes(state);

/** It is paid for until its end; to go on with it costs nothing today. */
const isEnding = (one) =>
  one.kind === "stripe" && one.cancel_at_period_end && [...RENEWS, "past_due"].includes(one.status);

/** Takes a cancellation back; `done` says what follows then. */
function resumption(part, { id: subscription_id }, done) {
  const resume = confirming(part.say("resume"), () =>
    part.attempt(resume, "waiting", async () => {
      await ask(part, "POST", "v1/me/subscription/resume", { subscription_id }, newKey());
      await done();
    }),
  );
  return resume;
}

/** What going on with it costs, if that is known. */
const resumeCosts = (part, { price }) => price && part.say("resume_for", { price: part.words.money(price) });

/** What opens everything until when; to cancel it in two clicks, and to take that back. */
class Subscription extends Part {
  async load() {
    const [mine, titled] = await Promise.all([me(this), titles(this)]);
    const { subscriptions } = mine;
    Object.assign(this, { mine, titled });
    const isShown = (one) => one.opens_all || isRunning(one);
    const running = subscriptions.filter(isShown).map((one) => this.line(one));
    const over = subscriptions.filter((one) => !isShown(one) && !NEVER_BEGAN.includes(one.status));
    this.said ??= h("p", { role: "status", class: "paywall-status", tabindex: "-1" });
    this.put(
      this.said,
      ...(running.length ? running : [h("p", {}, this.say("no_subscription"))]),
      over.length > 0 && this.past(over),
    );
  }

  past(over) {
    const summary = h("summary", {}, this.say("ended_subscriptions"));
    const folded = h("details", {}, summary, ...over.map((one) => this.line(one)));
    folded.open = Boolean(this.said.textContent);
    return folded;
  }

  line(one) {
    const title = this.titled(one) ?? this.say(`kind_${one.kind}`);
    const type = one.payment_type;
    const paid = type && this.label("payment_type", this.words.words[`type_${type}`] ?? type);
    return h(
      "div",
      { class: "paywall-subscription" },
      h("p", {}, h("b", {}, title)),
      h("p", {}, this.until(one)),
      paid && faint(paid),
      ...one.receipts.map((receipt) => this.receipt(title, one, receipt)),
      one.status !== "canceled" && h("div", { class: "paywall-actions" }, ...this.actions(one)),
    );
  }

  /** Until when it opens everything, in a sentence. */
  until(one) {
    const { status: state, access_until: until, next_payment: next } = one;
    const date = until && this.words.moment(until);
    if (state === "canceled" && !one.opens_all) return this.say("ended_on", { date });
    if (hasFailed(one) && date) return this.late(one, date);
    if (state === "canceled") return this.say("ends_on", { date });
    if (one.cancel_at_period_end) return [this.say("ends_on", { date }), resumeCosts(this, one)].filter(Boolean).join(" ");
    if (one.is_renewing || !until) return this.say("renewing");
    if (one.kind === "stripe" && !RENEWS.includes(state)) return this.label("status", this.say(`status_${state}`));
    if (!next) return this.say("access_until", { date });
    const renews = this.say("renews_on", { date: this.words.day(next) });
    return one.price ? `${renews} ${this.say("renews_for", { price: this.words.money(one.price) })}` : renews;
  }

  late({ cancel_at_period_end: isCancelled, opens_all: isOpen }, date) {
    if (!isCancelled) return this.say(isOpen ? "payment_late" : "payment_failed", { date });
    const open = isOpen ? ` ${this.say("access_until", { date })}` : "";
    return this.say("cancelled_late") + open;
  }

  actions(one) {
    const cancel = button(this.say("cancel"), () => this.cancel(cancel, one));
    if (one.cancel_at_period_end) {
      const resume = resumption(this, one, () => this.done("resumed"));
      // While a payment is late, only an end at once stops it.
      return one.kind === "stripe" ? [resume, hasFailed(one) && cancel, this.billing()] : [resume];
    }
    // What never renews ends by itself: to cancel it would only throw away what was paid.
    return one.kind === "stripe" ? [cancel, this.billing()] : [];
  }

  async done(word) {
    happened(this);
    this.said.textContent = this.say(word);
    await this.load();
    this.said.focus();
  }

  cancel(element, one) {
    const subscription_id = one.id;
    const path = "v1/me/subscription/cancel";
    return this.attempt(element, "waiting", async () => {
      const order = { subscription_id, when: "period_end" };
      const follows = await ask(this, "POST", path, { ...order, dry_run: true });
      const keys = { period_end: newKey(), now: newKey() };
      question(this, {
        title: this.say("cancel_question"),
        details: [this.choices(follows, one), ...this.keeping(follows.credits)],
        yes: this.say("cancel_confirm"),
        working: this.say("cancelling"),
        no: this.say("keep"),
        act: async (box) => {
          const when = box.querySelector("input:checked").value;
          await ask(this, "POST", path, { subscription_id, when }, keys[when]);
          await this.done(when === "now" ? "cancelled_now" : hasFailed(one) ? "cancelled_late" : "cancelled");
          box.close();
          this.said.focus();
          return false;
        },
      });
    });
  }

  choices({ access_until: until }, one) {
    const name = `paywall-${newKey()}`;
    const choice = (value, text) => {
      const input = h("input", { type: "radio", name, value });
      input.checked = value === "period_end";
      return h("label", {}, input, h("span", {}, text));
    };
    return h(
      "fieldset",
      {},
      h("legend", {}, this.say("when_to_end")),
      choice("period_end", this.say(hasFailed(one) ? "at_period_end_late" : "at_period_end", { date: this.words.moment(until) })),
      choice("now", this.say("at_once")),
    );
  }

  /** One sentence for all the credits, with each part of them that lapses. */
  keeping(credits) {
    const count = credits.reduce((sum, { amount }) => sum + amount, 0);
    if (!count) return [];
    const [{ expires_at: at }, ...others] = credits;
    if (at && !others.length) return [h("p", {}, this.say("credits_stay_until", { count, date: this.words.moment(at) }))];
    const lapses = ({ amount, expires_at }) =>
      this.say("credits_of_these", { count: amount, date: this.words.moment(expires_at) });
    const parts = credits.filter((some) => some.expires_at).map(lapses).join("");
    return [h("p", {}, this.say("credits_stay", { count, parts }))];
  }

  receipt(title, one, { id, at, when, access_until: until, withdrawn_at: back }) {
    const receipt = this.say("receipt", { id, date: this.words.moment(at) });
    const said = this.say(when === "now" ? "ended_on" : "ends_on", { date: this.words.moment(until) });
    const resumed = back && this.say("resumed_on", { date: this.words.moment(back) });
    const money = !resumed && when !== "now" && this.say(hasFailed(one) ? "cancelled_late" : "cancelled");
    const save = receiptToSave(this, this.mine, id, [title, receipt, said, money, resumed]);
    return faint([receipt, resumed].filter(Boolean).join(" · "), " ", save);
  }
}
