/* ---- Buying ---- */

const KINDS = { plan: "plans", pass: "passes", pack: "packs" };

/** What anyone can buy, by kind, the smallest first. */
const fetchOffers = () =>
  fetchOnce("offers", () => send(new URL("v1/offers", SERVICE), { cache: "default" }).then(read));

/** What was bought is called so while it is for sale; after that its kind has a name still. */
async function fetchTitles(part) {
  const catalogue = await fetchOffers().catch(() => ({ plans: [], passes: [], packs: [] }));
  return (thing) => {
    for (const [kind, list] of Object.entries(KINDS)) {
      const found = catalogue[list].find(({ id }) => id === thing[`${kind}_id`]);
      if (found) return part.words.title(kind, found);
    }
    return;
  };
}

/** One price, or one in each currency, with its rhythm: "$4 or 16,000 riel a month". */
function priced(part, { interval, interval_count: count }, ...prices) {
  const price = prices.map((some) => part.words.money(some)).reduce((price, other) => part.t("either", { price, other }));
  return interval ? part.t(`price_${interval}`, { price, count }) : price;
}

/** The kinds that a shop is asked for; ids such as "constructor" are none. */
const kindsOf = (part) => (part.getAttribute("kinds") ?? "plan pass pack").split(" ").filter((kind) => own(KINDS, kind));

/** The free days of a plan: any plan's are for readers who had none yet. */
const trialDays = ({ mine }, { trial_days: days }) => (!mine || mine.trial_available) && days;

/** How often a plan is paid, as one text to compare. */
const periodOf = ({ interval, interval_count: count }) => `${interval} ${count}`;

const distinct = (values) => [...new Set(values)];

const priceIn = ({ prices }, currency) => prices.find((price) => price.currency === currency);

/** What can be bought: all of it, or the kinds "plan", "pass" and "pack" that are named. */
class Offers extends PaywallElement {
  async load() {
    const [catalogue, mine] = await Promise.all([fetchOffers(), this.reader()]);
    this.mine = mine;
    const kinds = kindsOf(this);
    this.hasPlans = kinds.includes("plan") && catalogue.plans[0];
    this.groups = kinds
      .map((kind) => ({ kind, products: catalogue[KINDS[kind]], why: [], ...this.terms(kind) }))
      .filter(({ products }) => products[0]);
    const sold = this.groups.flatMap(({ isSold, products }) => (isSold ? products : []));
    const isSignedIn = Boolean(mine?.reader_id);
    if (this.hasAttribute("chosen") && !isSignedIn) return this.replaceChildren();
    const above = this.takesUpChoice && isSignedIn ? await this.takeUpChoice() : [];
    const shop = this.hasAttribute("chosen") && this.address("shop");
    this.shelf = h("div", { class: "paywall-shop" });
    const isEmpty = !this.groups[0] && !mine?.subscriptions[0];
    // Above an article the shop is a link, and what is said there stays.
    if (shop) above[0] && this.put(...above, link(this.t("buy_page"), shop));
    else {
      // A choice that was taken up has asked for it.
      if (!above[0]) this.consent = undefined;
      this.put(
        ...above,
        isEmpty && status(this.t("nothing_for_sale")),
        mine?.pending?.[0] && h("p", {}, this.t("bank_working")),
        sold[0] && !this.consent && this.agreement(),
        ...this.switches(sold),
        this.shelf,
      );
      this.fill();
    }
    (this.isOpened ? this.querySelector("h2") : above[0])?.focus();
    this.isOpened = false;
  }

  /** Undefined where nobody is signed in; nothing is known of a reader while that cannot be asked. */
  reader() {
    return fetchMe(this).catch(({ code }) => (code === "signed_out" ? undefined : { subscriptions: [] }));
  }

  /** The consent to immediate access, where the site asks for it. */
  agreement() {
    if (this.setting("consent") === undefined || !this.mine) return null;
    this.consent = h("input", { type: "checkbox" });
    return h("label", { class: "paywall-consent" }, this.consent, this.t("consent"));
  }

  /** Whether this kind is sold, and what the reader sees first: what becomes of the days that are theirs already. */
  terms(kind) {
    const mine = this.mine?.subscriptions ?? [];
    this.isOpen = mine.some((one) => one.opens_all);
    const until = this.mine?.access_until;
    const date = until && this.words.end(until);
    const sold = (word, date) => ({ why: this.isOpen ? [h("p", {}, this.t(word, { date }))] : [], isSold: true });
    // A reader who may read everything needs no credits yet.
    if (kind === "pack") return sold("packs_later");
    const barring = (action) => mine.filter((one) => !allows(one, action));
    if (kind === "pass" && !barring("buy_pass")[0]) return mine.some(renews) ? sold("pass_waits") : sold("pass_follows", until && this.words.start(until));
    if (kind === "pass" && this.hasPlans) return {};
    const barringPlans = barring("subscribe");
    if (kind === "plan" && !barringPlans[0]) return sold(mine.some(isPrepaid) ? "plan_keeps" : "open_already", date);
    return { why: this.instead(barringPlans, date) };
  }

  /** What to do in the place of buying a plan, because of these subscriptions. */
  instead(barring, date) {
    const cancelled = barring.find((one) => one.phase === "ending" && one.kind === "stripe" && allows(one, "resume"));
    const resume = cancelled && this.resumption(cancelled);
    const beside = (text, ...buttons) => [h("p", {}, text), h("div", { class: "paywall-actions" }, ...buttons)];
    if (barring.some(isLate)) return beside(this.t("payment_failed"), resume, this.billing("fix_payment", true));
    if (barring.some((one) => allows(one, "cancel"))) return beside(this.t("subscribed_already"), this.billing());
    if (!cancelled) return [h("p", {}, this.t("access_until", { date }))];
    const costs = resumeCosts(this, cancelled);
    return beside(joined(this.t("resume_instead", { date: this.words.end(cancelled.access_until) }), costs), resume);
  }

  /** Resuming a subscription that is marked to end costs nothing today; a second one would. */
  resumption(one) {
    return resumption(this, one, async () => {
      announce(this);
      await this.load();
      const said = notice(this.t("resumed"));
      this.firstElementChild.prepend(said);
      said.focus();
    });
  }

  /** Currencies and periods to choose from, where there are several. */
  switches(sold) {
    const plans = sold.filter(({ interval }) => interval);
    const prices = sold.flatMap(({ prices }) => prices);
    const currencies = distinct(prices.map(({ currency }) => currency));
    const periods = distinct(plans.map(periodOf));
    this.currency = currencyOf(this, prices) ?? currencies[0];
    if (!periods.includes(this.period)) this.period = periodOf(plans.find(({ recommended }) => recommended) ?? plans[0] ?? {});
    const rhythm = (period) => {
      const { interval, interval_count: count, prices, savings } = plans.find((one) => periodOf(one) === period);
      const text = this.t(`every_${interval}`, { count });
      // True in each currency.
      const percent = Math.min(...savings.map((saving) => saving.percent));
      return savings.length < prices.length ? text : this.t("saving_period", { text, percent });
    };
    return [this.switch("period", periods, rhythm), this.switch("currency", currencies, (currency) => this.words.withCurrency("", currency))];
  }

  /** One choice of several, kept as a property of this name; it changes what the cards show. */
  switch(name, values, label) {
    if (values.length < 2) return null;
    const group = newKey();
    const option = (value) => {
      const change = () => {
        this[name] = value;
        if (name === "currency") chooseCurrency(value);
        this.fill();
      };
      const input = h("input", { type: "radio", name: group, value, change });
      input.checked = value === this[name];
      return h("label", {}, input, label(value));
    };
    return h("fieldset", { class: "paywall-switch" }, h("legend", {}, this.t(name)), ...values.map(option));
  }

  /** The cards, for the currency and the period that are chosen. */
  fill() {
    const shown = this.groups.flatMap((group) => this.shown(group));
    this.lead = shown.find(({ recommended }) => recommended) ?? shown[0];
    this.shelf.replaceChildren(...this.groups.map((group) => this.section(group)).filter(Boolean));
  }

  /** What a group sells, paid in the period that is chosen. */
  shown({ kind, products, isSold }) {
    return isSold ? products.filter((one) => kind !== "plan" || periodOf(one) === this.period) : [];
  }

  section(group) {
    const { kind, why, isSold } = group;
    // The element of the subscription says it already, and has the buttons.
    const notices = isSold || !document.querySelector("paywall-subscription") ? why : [];
    if (!isSold && !notices[0]) return null;
    const cards = h("ul", { class: "paywall-offers" }, ...this.shown(group).map((one) => this.card(kind, one)));
    const title = h("h2", { class: "paywall-kind", tabindex: "-1" }, this.t(KINDS[kind]));
    return h("section", { class: "paywall-group" }, title, ...notices, isSold && cards);
  }

  card(kind, product) {
    const price = priceIn(product, this.currency) ?? product.prices[0];
    const title = this.words.title(kind, product);
    const amount = this.words.money(price);
    const whole = priced(this, product, price);
    const [before, after] = whole.split(amount);
    const saving = product.savings?.find(({ currency }) => currency === price.currency);
    const line = (name, text) => text && h("p", { class: `paywall-${name}` }, text);
    return h(
      "li",
      { class: product.recommended ? "paywall-recommended" : undefined },
      line("badge", product.recommended && this.t("recommended")),
      h("h3", {}, title),
      h("p", { class: "paywall-price" }, before, h("b", {}, amount), after),
      line("saving", kind === "pack" && saving && this.t("saving", { percent: saving.percent })),
      line("saving", trialDays(this, product) && this.t("trial", { count: product.trial_days, price: whole })),
      line("gives", this.gives(kind, product)),
      line("terms", this.conditions(kind, product)),
      this.buy(kind, product, price, title),
    );
  }

  /** The button of a product; who is not signed in is led to do that first. */
  buy(kind, product, price, title, from = location.href) {
    const [word, label] = kind === "plan" ? ["subscribe", "subscribe_for"] : ["buy", "buy_for"];
    const article = kind === "pack" ? this.closest("paywall-gate")?.article : undefined;
    const order = { kind, id: product.id, currency: price.currency, from, article };
    const login = !this.mine && this.address("login");
    const isFirst = product.recommended || product === (this.lead ?? product);
    const act = () => this.attempt(buy, "opening_payment", () => this.pay(order, product));
    const text = this.t(word);
    const buy = login ? link(text, login, isFirst) : confirmButton(text, () => this.agreed() && act(), isFirst);
    if (login) buy.addEventListener("click", () => saveItem(CHOSEN, { ...order, at: Date.now() }));
    const whole = this.t(label, { price: priced(this, product, price) });
    buy.ariaLabel = this.t("labelled", { label: whole, text: title });
    return buy;
  }

  /** What a product gives, in a line. */
  gives(kind, { days, credits, credits_expire: expire }) {
    if (kind === "pass") return this.t("pass_opens", { count: days });
    if (kind === "pack") return this.t("pack_opens", { count: credits });
    const added = expire === "period_end" ? "plan_credits_lapse" : "plan_credits";
    return joined(this.t("plan_opens"), credits && this.t(added, { count: credits }));
  }

  conditions(kind, { expires_after_days: days }) {
    if (kind === "plan") return this.t("plan_renews");
    return days && this.t("pack_lapses", { count: days });
  }

  agreed() {
    if (!this.consent || this.consent.checked) return true;
    this.showMessage(this.consent.parentElement, this.t("consent_needed"));
    return false;
  }

  /** Straight on to pay for what was chosen before signing in. Returns what to show above the shop where that cannot be. */
  async takeUpChoice() {
    const order = chosen;
    const { kind, id, currency, from, article } = order;
    if (!kind) return [];
    forgetChoice();
    const { isSold, products = [], why = [] } = this.groups.find((group) => group.kind === kind) ?? {};
    const product = products.find((one) => one.id === id);
    const price = product && priceIn(product, currency);
    if (!price) return [notice(this.t("chosen_gone"))];
    if (!isSold || why[0]) return [notice(why[0]?.textContent ?? this.t("chosen_gone"))];
    // Whether it is open was not known before signing in.
    if (article && (await fetchDecision(this, article)).granted) return [notice(this.t("chosen_open"))];
    const agreement = this.agreement();
    if (agreement) {
      const title = this.words.title(kind, product);
      const text = this.t("chosen", { title, price: priced(this, product, price) });
      return [notice(text), agreement, this.buy(kind, product, price, title, from)];
    }
    this.put(status(this.t("opening_payment")));
    try {
      await this.pay(order, product);
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      return [notice(this.explain(error))];
    }
    return [];
  }

  async pay({ kind, id, currency, from }, product) {
    const trial = trialDays(this, product);
    const thanks = { plan: trial ? "thanks_trial" : "thanks_plan", pass: this.isOpen ? "thanks_waiting" : "thanks_pass", pack: "thanks_pack" };
    const bought = { word: thanks[kind], count: trial || (product.credits ?? product.days) };
    const page = this.address("return");
    const return_url = this.returnPage(page);
    const checkout = { [`${kind}_id`]: id, currency, return_url, consent: Boolean(this.consent) };
    const { id: checkoutId, url, khqr } = await request(this, "POST", "v1/me/checkout", checkout, newKey());
    // The whole address: by itself a path such as //elsewhere/ would lead there.
    saveItem(CHECKOUT, { id: checkoutId, bought, from, back: page ? undefined : return_url });
    await (khqr ? openPage(this, { page: "khqr", khqr: checkoutId }) : navigate(url));
  }
}

/** The page after paying: waits until the purchase is true, and leads back to where it began. */
class Return extends PaywallElement {
  async load() {
    if (this.isWaiting) return;
    const began = loadItem(CHECKOUT);
    const id = began.id ?? new URLSearchParams(location.search).get("checkout");
    const from = pageHere(began.from) ?? this.address("account") ?? "/";
    if (!id) return this.put(status(this.t("no_payment")), link(this.t("back"), from, true));
    const said = notice(this.t("confirming"));
    this.put(said);
    said.focus();
    this.isWaiting = true;
    const back = link(this.t("back"), from, true);
    while (this.isConnected) {
      const checkout = await request(this, "GET", `v1/me/checkout/${encodeURIComponent(id)}`);
      if (checkout.status === "paid") return this.goBack(said, from, began.bought);
      said.textContent = this.t(checkout.status === "processing" ? "bank_working" : "not_paid");
      said.after(back);
      if (checkout.status === "expired") return;
      await new Promise((done) => setTimeout(done, POLL_MS));
    }
  }

  /** Say so, here and on the page where the reader wanted to read. */
  goBack(said, from, bought) {
    saveItem(CHECKOUT);
    saveItem(BOUGHT, bought ?? { word: "paid" });
    announce(this);
    said.textContent = this.t("paid");
    location.replace(from);
  }
}

/** What was bought on the way to this page, and whether the unlock's question still waits. */
const bought = loadItem(BOUGHT);
saveItem(BOUGHT);
bought.isWaiting = Boolean(bought.word);

const thanks = (part) => part.t(bought.word, bought);

/** Thanks for what was bought, until it is closed or the page is left. */
class Thanks extends PaywallElement {
  async load() {
    if (!bought.word) return;
    const said = h("span", { role: "status", tabindex: "-1" });
    const close = () => {
      bought.word = undefined;
      this.replaceChildren();
    };
    const dismiss = h("button", { type: "button", class: "paywall-close", "aria-label": this.t("close"), click: close }, "×");
    this.put(h("p", { class: "paywall-note" }, said, dismiss));
    // A screen reader announces changes of a status, not its first content.
    await new Promise(requestAnimationFrame);
    said.textContent = thanks(this);
    if (!this.isSeen) said.focus();
    this.isSeen = true;
  }
}
