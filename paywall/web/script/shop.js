/* ---- Buying ---- */

const KINDS = { plan: "plans", pass: "passes", pack: "packs" };

/** What anyone can buy, by kind, the smallest first. */
const fetchOffers = () =>
  fetchOnce("offers", () => send(new URL("v1/offers", SERVICE), { credentials: "omit" }).then(read));

/** What was bought is called so while it is for sale; after that its kind has a name still. */
async function fetchTitles(part) {
  const catalogue = await fetchOffers().catch(() => ({ plans: [], passes: [], packs: [] }));
  return (thing) => {
    for (const [kind, list] of Object.entries(KINDS)) {
      const found = catalogue[list].find(({ id }) => id === thing[`${kind}_id`]);
      if (found) return part.words.title(kind, found);
    }
    return undefined;
  };
}

/** A price with its rhythm: "$4 a month". */
function priced(part, { interval, interval_count: count }, price) {
  const amount = part.words.money(price);
  return interval ? part.translate(`price_${interval}`, { price: amount, count }) : amount;
}

/** What can be bought: all of it, or the kinds "plan", "pass" and "pack" that are named. */
class Offers extends PaywallElement {
  async load() {
    const [catalogue, mine] = await Promise.all([fetchOffers(), this.reader()]);
    this.mine = mine;
    // Any plan's trial is for readers who had none yet.
    this.hasTrial = !mine || mine.trial_available;
    const kinds = (this.getAttribute("kinds") ?? "plan pass pack").split(" ").filter((kind) => own(KINDS, kind));
    this.hasPlans = kinds.includes("plan") && catalogue.plans.length > 0;
    const lists = kinds.map((kind) => this.list(kind, catalogue[KINDS[kind]])).filter(Boolean);
    const isSold = lists.some((list) => list.querySelector("li"));
    const first = lists.length || this.mine?.subscriptions.length ? isSold && this.agreement() : status(this.translate("nothing_for_sale"));
    this.put(first, ...lists);
  }

  /** Undefined where nobody is signed in; nothing is known of a reader while that cannot be asked. */
  reader() {
    return fetchMe(this).catch(({ code }) => (code === "signed_out" ? undefined : { subscriptions: [] }));
  }

  /** The consent to immediate access, where the site asks for it. */
  agreement() {
    this.consent = undefined;
    if (this.setting("consent") === undefined || !this.mine) return null;
    this.consent = h("input", { type: "checkbox" });
    return h("label", { class: "paywall-consent" }, this.consent, h("span", {}, this.translate("consent")));
  }

  list(kind, products) {
    if (!products.length) return null;
    const { why = [], isSold } = this.terms(kind);
    // The element of the subscription says it already, and has the buttons.
    const shown = isSold || !document.querySelector("paywall-subscription") ? why : [];
    if (!isSold && !shown.length) return null;
    const title = h("p", { class: "paywall-kind" }, this.translate(KINDS[kind]));
    const items = isSold ? products.map((product) => this.item(kind, product)) : [];
    return h("div", {}, title, ...shown, isSold && h("ul", { class: "paywall-offers" }, ...items));
  }

  /** Whether this kind is sold, and what the reader sees first: what becomes of the days that are theirs already. */
  terms(kind) {
    const mine = this.mine?.subscriptions ?? [];
    const isOpen = mine.some((one) => one.opens_all);
    const until = this.mine?.access_until;
    const date = until && this.words.end(until);
    const sold = (word, date) => ({ why: isOpen ? [h("p", {}, this.translate(word, { date }))] : [], isSold: true });
    // A reader who may read everything needs no credits yet.
    if (kind === "pack") return date ? sold("access_until", date) : { isSold: true };
    const barring = (action) => mine.filter((one) => !allows(one, action));
    if (kind === "pass" && !barring("buy_pass").length) return mine.some(renews) ? sold("pass_waits") : sold("pass_follows", until && this.words.start(until));
    if (kind === "pass" && this.hasPlans) return {};
    const barringPlans = barring("subscribe");
    if (kind === "plan" && !barringPlans.length) return sold(mine.some(isPrepaid) ? "plan_keeps" : "open_already", date);
    return { why: this.instead(barringPlans, date) };
  }

  /** What to do in the place of buying a plan, because of these subscriptions. */
  instead(barring, date) {
    const cancelled = barring.find((one) => one.phase === "ending" && one.kind === "stripe" && allows(one, "resume"));
    const resume = cancelled && this.resumption(cancelled);
    const notice = (text, ...buttons) => [h("p", {}, text), h("div", { class: "paywall-actions" }, ...buttons)];
    if (barring.some(hasFailed)) return notice(this.translate("payment_failed"), resume, this.billing());
    if (barring.some((one) => allows(one, "cancel"))) return notice(this.translate("subscribed_already"), this.billing());
    if (!cancelled) return [h("p", {}, this.translate("access_until", { date }))];
    const costs = resumeCosts(this, cancelled);
    const end = this.words.end(cancelled.access_until);
    return notice([this.translate("resume_instead", { date: end }), costs].filter(Boolean).join(" "), resume);
  }

  /** Resuming a subscription that is marked to end costs nothing today; a second one would. */
  resumption(one) {
    return resumption(this, one, async () => {
      announceChange(this);
      await this.load();
      const said = status(this.translate("resumed"));
      said.tabIndex = -1;
      this.firstElementChild.prepend(said);
      said.focus();
    });
  }

  item(kind, product) {
    const title = this.words.title(kind, product);
    const prices = product.prices.map((price) => this.buy(kind, product, price, title));
    return h("li", {}, h("b", {}, title), h("span", {}, this.what(kind, product)), ...prices);
  }

  /** A button for each currency; who is not signed in is led to do that first. */
  buy(kind, product, price, title) {
    const word = kind === "plan" ? "subscribe_for" : "buy_for";
    const text = this.translate(word, { price: priced(this, product, price) });
    const order = { [`${kind}_id`]: product.id, currency: price.currency };
    const bought = { kind, count: product.credits ?? product.days };
    const login = !this.mine && this.address("login");
    const act = () => this.attempt(buy, "opening_payment", () => this.pay(order, bought));
    const buy = login ? link(text, login) : confirmButton(text, () => this.agreed() && act());
    buy.setAttribute("aria-label", this.translate("labelled", { label: text, text: title }));
    return buy;
  }

  what(kind, product) {
    const said = (name, count) => count && this.translate(name, { count });
    const lapse = product.credits_expire === "period_end";
    const of = {
      plan: () => [
        this.translate("plan_opens"),
        this.translate("plan_renews"),
        said(lapse ? "plan_credits_lapse" : "plan_credits", product.credits),
        said("trial", this.hasTrial && product.trial_days),
      ],
      pass: () => [said("pass_opens", product.days)],
      pack: () => [said("pack_opens", product.credits), said("pack_lapses", product.expires_after_days)],
    };
    return of[kind]().filter(Boolean).join(" ");
  }

  agreed() {
    if (!this.consent || this.consent.checked) return true;
    this.showMessage(this.consent.parentElement, this.translate("consent_needed"));
    return false;
  }

  async pay(order, bought) {
    const page = this.address("return");
    const return_url = this.pageAfterPaying(page);
    const checkout = { ...order, return_url, consent: Boolean(this.consent) };
    const { id, url } = await request(this, "POST", "v1/me/checkout", checkout, newKey());
    // The whole address: by itself a path such as //elsewhere/ would lead there.
    saveItem(CHECKOUT, { id, bought, from: location.href, back: page ? undefined : return_url });
    await navigate(url);
  }
}

/** The page after paying: waits until the purchase is true, and leads back to where it began. */
class Return extends PaywallElement {
  async load() {
    if (this.isWaiting) return;
    const began = loadItem(CHECKOUT);
    const id = began.id ?? new URLSearchParams(location.search).get("checkout");
    const from = pageHere(began.from) ?? this.address("account") ?? "/";
    if (!id) return this.put(link(this.translate("back"), from, true));
    const said = status(this.translate("confirming"));
    this.put(said);
    this.isWaiting = true;
    const back = link(this.translate("back"), from, true);
    while (this.isConnected) {
      const checkout = await request(this, "GET", `v1/me/checkout/${encodeURIComponent(id)}`);
      if (checkout.status === "paid") return this.goBack(said, from, began.bought);
      said.textContent = this.translate(checkout.status === "processing" ? "bank_working" : "not_paid");
      said.after(back);
      if (checkout.status === "expired") return;
      await new Promise((done) => setTimeout(done, POLL_MS));
    }
  }

  /** Say so, here and on the page where the reader wanted to read. */
  goBack(said, from, bought) {
    saveItem(CHECKOUT);
    saveItem(BOUGHT, bought ?? { kind: "unknown" });
    announceChange(this);
    said.textContent = this.translate("paid");
    location.replace(from);
  }
}

/** What was bought on the way to this page, and whether the unlock's question still waits. */
const bought = loadItem(BOUGHT);
saveItem(BOUGHT);
bought.isWaiting = Boolean(bought.kind);

const THANKS = { plan: "thanks_plan", pass: "thanks_pass", pack: "thanks_pack" };
const thanks = (part) => part.translate(own(THANKS, bought.kind) ?? "paid", { count: bought.count });

/** Thanks for what was bought, until it is closed or the page is left. */
class Thanks extends PaywallElement {
  async load() {
    if (!bought.kind) return;
    const said = h("span", { role: "status" });
    const close = () => {
      bought.kind = undefined;
      this.replaceChildren();
    };
    const dismiss = h("button", { type: "button", class: "paywall-close", "aria-label": this.translate("close"), click: close }, "×");
    this.put(h("p", { class: "paywall-note" }, said, dismiss));
    // A screen reader announces changes of a status, not its first content.
    await new Promise(requestAnimationFrame);
    said.textContent = thanks(this);
  }
}
