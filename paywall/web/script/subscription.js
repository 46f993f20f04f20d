/* ---- The subscription ---- */

/** The service decides what a reader can do with a subscription. */
const allows = ({ actions }, action) => actions.includes(action);

const isLate = (one) => allows(one, "fix_payment");

const isWaiting = ({ phase }) => phase === "waiting";

/** Bought once, with days left: they are used while nothing else covers the reader. */
const isPrepaid = ({ kind, phase }) => ["pass", "prepaid"].includes(kind) && phase !== "ended";

/** As long as a subscription renews, nobody knows when what waits for it is used. */
const renews = ({ next_payment: next }) => Boolean(next);

/** Takes a cancellation or a set end back; `done` says what follows then. */
function resumption(part, { id: subscription_id, cancels_at: end }, done) {
  const text = end ? part.t("go_on_after", { date: part.words.end(end) }) : part.t("resume");
  const resume = confirmButton(text, () =>
    part.attempt(resume, "waiting", async () => {
      await request(part, "POST", "v1/me/subscription/resume", { subscription_id }, newKey());
      await done();
    }),
  );
  return resume;
}

/** What going on with it costs, if that is known. */
const resumeCosts = (part, { next_charge: price }) => price && part.t("resume_for", { price: part.words.money(price) });

/** What opens everything until when; to cancel it in two clicks, and to take that back. */
class Subscription extends PaywallElement {
  async load() {
    const [mine, titled] = await Promise.all([fetchMe(this), fetchTitles(this)]);
    const { subscriptions } = mine;
    Object.assign(this, { mine, titled });
    const over = subscriptions.filter(({ phase }) => phase === "ended");
    const running = subscriptions
      .filter(({ phase }) => !["ended", "not_started"].includes(phase))
      // A failed payment comes first, and what waits last, in the order in which it is used.
      .sort((a, b) => isLate(b) - isLate(a) || isWaiting(a) - isWaiting(b) || new Date(a.starts_at) - new Date(b.starts_at))
      .map((one) => this.line(one));
    const total = !subscriptions.some(renews) && subscriptions.some(isWaiting) && mine.access_until;
    // What was just done is said until the next look.
    this.said ??= notice("");
    this.said.textContent = this.news;
    this.news = null;
    this.put(
      this.said,
      total && h("p", {}, this.t("access_until", { date: this.words.end(total) })),
      ...(running[0] ? running : [h("p", { class: "paywall-state" }, this.t("no_subscription"))]),
      over[0] && this.past(over),
    );
  }

  past(over) {
    const summary = h("summary", {}, this.t("ended_subscriptions"));
    const folded = h("details", {}, summary, ...over.map((one) => this.line(one)));
    folded.open = this.said.textContent;
    return folded;
  }

  line(one) {
    const title = this.titled(one) ?? this.t(`kind_${one.kind}`);
    const actions = this.actions(one).filter(Boolean);
    const [lead, ...more] = this.until(one);
    return h(
      "div",
      { class: `paywall-subscription${isLate(one) ? " paywall-late" : ""}` },
      h("p", {}, h("b", {}, title)),
      h("p", {}, h("span", { class: "paywall-state" }, lead), " ", joined(more)),
      one.payment_type && small(this.label("payment_type", this.means(one))),
      ...one.receipts.map((receipt) => this.receipt(receipt)),
      actions[0] && h("div", { class: "paywall-actions" }, ...actions),
    );
  }

  /** The card that is charged, or the kind of payment. */
  means({ card, payment_type: type }) {
    const { words } = this.words;
    if (!card) return words[`type_${type}`] ?? type;
    return this.t("card", { brand: words[`brand_${card.brand}`] ?? card.brand, last4: card.last4 });
  }

  /** What was not paid, when it is tried again, and what the reader has until then. */
  unpaid(one, word, date) {
    const failed = this.failed(one);
    if (!failed) return this.t(word, { date });
    return [...failed, one.opens_all ? this.t("access_until", { date }) : this.t("failed_locked")];
  }

  /** The amount, and when which card is charged again: after a change it is the new one. */
  failed({ failed_payment: failed, ...one }) {
    if (!failed) return;
    const { next_attempt_at: again, has_new_method: isNew } = failed;
    const word = one.card ? (isNew ? "failed_retry_new" : "failed_retry_card") : "failed_retry";
    return [
      this.t("failed_sum", { price: this.words.money(failed) }),
      again && this.t(word, { date: this.words.day(again), card: this.means(one) }),
    ];
  }

  /** Until when it opens everything, in a sentence, and what follows from it in others. */
  until(one) {
    const { access_until: until, reader_access_until: all, next_payment: next, status: state } = one;
    const date = until && this.words.end(until);
    const whole = all && this.words.end(all);
    // Something else that the reader has follows it.
    const isFollowed = until && all && until !== all;
    const sentences = {
      active: () => (next ? this.renewal(one) : this.lasting(one, isFollowed, date)),
      waiting: () => this.start(one, date),
      ending: () => this.cancelled(one, isFollowed, date, whole ?? date),
      ended: () => this.t("ended_on", { date }),
      payment_pending: () => this.t("renewing"),
      payment_failed: () => this.unpaid(one, "payment_late", whole ?? date),
      lapsed: () => this.unpaid(one, "payment_failed"),
      paused: () => this.label("status", this.t(`status_${state}`)),
    };
    const sentence = (sentences[one.phase] ?? sentences.active)();
    const end = one.cancels_at && this.t("set_to_end", { date: this.words.end(one.cancels_at) });
    return [sentence, end].flat();
  }

  renewal({ next_payment: next, next_charge: price, status }) {
    const word = status === "trialing" ? "trial_until" : "renews_on";
    return [this.t(word, { date: this.words.day(next) }), price && this.t("renews_for", { price: this.words.money(price) })];
  }

  lasting(one, isFollowed, date) {
    if (isPrepaid(one) && this.mine.subscriptions.some(renews)) return this.t("rest_after");
    return this.t(isFollowed ? "runs_until" : "access_until", { date });
  }

  start({ starts_at: at }, until) {
    if (this.mine.subscriptions.some(renews)) return this.t("starts_after");
    return this.t("starts_on", { date: this.words.start(at), until });
  }

  cancelled(one, isFollowed, date, whole) {
    if (isLate(one)) return [this.t("cancelled_late"), one.opens_all && this.t("access_until", { date: whole })];
    const costs = allows(one, "resume") && resumeCosts(this, one);
    return [this.t(isFollowed ? "cancelled_until" : "ends_on", { date }), costs];
  }

  actions(one) {
    const pay = one.failed_payment?.has_new_method && webAddress(one.failed_payment.pay_url);
    const cancel = button(this.t("cancel"), () => this.cancel(cancel, one));
    return [
      pay ? link(this.t("pay_now"), pay, true) : isLate(one) && allows(one, "manage_billing") && this.billing("fix_payment", true),
      allows(one, "resume") && resumption(this, one, () => this.done("resumed")),
      allows(one, "cancel") && cancel,
      (pay || !isLate(one)) && allows(one, "manage_billing") && this.billing(),
    ];
  }

  async done(word) {
    announce(this);
    this.news = this.t(word);
    await this.draw();
    this.said.focus();
  }

  /** A response that was lost says nothing about a cancellation: what is on record does. */
  async lookUp(error, id, isNow) {
    if (error.code !== "unreachable") throw error;
    known.clear();
    const { subscriptions } = await fetchMe(this).catch(() => {
      retry(this);
      throw new RequestError("cancel_unknown");
    });
    const one = subscriptions.find((other) => other.id === id);
    if (isNow ? one?.phase !== "ended" : !one?.cancel_at_period_end) throw new RequestError("not_cancelled");
    return one;
  }

  cancel(element, one) {
    const subscription_id = one.id;
    const path = "v1/me/subscription/cancel";
    return this.attempt(element, "waiting", async () => {
      const order = { subscription_id, when: "period_end" };
      const follows = await request(this, "POST", path, { ...order, dry_run: true });
      const keys = { period_end: newKey(), now: newKey() };
      openDialog(this, {
        title: this.t("cancel_question"),
        details: [this.choices(follows, one), ...follows.credits.map((some) => this.keeping(some))],
        yes: this.t("cancel_confirm"),
        working: this.t("cancelling"),
        no: this.t("keep"),
        act: async (box) => {
          const when = box.querySelector("input:checked").value;
          const isNow = when === "now";
          const done = await request(this, "POST", path, { subscription_id, when }, keys[when]).catch((error) =>
            this.lookUp(error, subscription_id, isNow),
          );
          await this.done(isNow ? "cancelled_now" : isLate(one) ? "cancelled_late" : "cancelled");
          box.close();
          this.said.focus();
          askWhy(this, done);
          return false;
        },
      });
    });
  }

  choices({ access_until: until, keeps_access: isKept, period_payment: paid }, one) {
    const name = newKey();
    const loses = (word, at) => this.t(word, { price: this.words.money(paid), date: this.words.end(at) });
    const atEnd = isLate(one) ? [this.t("at_period_end_late"), this.failed(one)].flat() : this.t("at_period_end", { date: this.words.end(until) });
    const atOnce = [
      this.t(isKept ? "at_once_kept" : "at_once"),
      isLate(one) && this.t("at_once_late"),
      paid && loses("at_once_paid", paid.paid_until),
      paid?.withdrawable_until && loses("at_once_withdraw", paid.withdrawable_until),
    ];
    return h(
      "fieldset",
      {},
      h("legend", {}, this.t("when_to_end")),
      radio(name, "period_end", joined(atEnd), ""),
      radio(name, "now", joined(atOnce)),
    );
  }

  /** What is kept of the credits, and until when. */
  keeping({ amount: count, expires_at: at }) {
    return h("p", {}, this.t(at ? "credits_stay_until" : "credits_stay", { count, date: at && this.words.end(at) }));
  }

  receipt({ id, number, when, at, withdrawn_at: back }) {
    const done = this.t(when === "now" ? "ended_at_once" : "cancelled_on", { date: this.words.day(at) });
    return small(joined(done, back && this.t("resumed_on", { date: this.words.day(back) })), " ", openReceipt(this, id, number));
  }
}
