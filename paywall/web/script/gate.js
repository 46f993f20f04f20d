/* ---- Under a preview ---- */

/** The policies of articles that something to buy opens. */
const PAID = ["metered", "premium", "subscribers"];

/** What the actions of buying offer. */
const SOLD = { subscribe: "plan pass", buy_credits: "pack" };

const opensBy = (names) => (names.includes("subscribe") ? "opens_with" : "opens_by_credits");

const GATE_DEPTH_MAX = 3;

/** A page that was loaded anew and has a gate still has it from a cache: once more would not help. */
const isLoadedAnew = performance.getEntriesByType("navigation")[0]?.type === "reload";

/** A site with `require-trusted-types-for` names this policy in `trusted-types`: bodies are its own HTML. */
const policy = createPolicy();

function createPolicy() {
  const rules = { createHTML: (html) => html, createScript: (data) => data };
  try {
    return window.trustedTypes ? window.trustedTypes.createPolicy("paywall", rules) : rules;
  } catch {
    return; // The browser reports why to the site; bodies cannot be shown then.
  }
}

/** Under a preview: what the reader can do. Once it is theirs, the body takes the preview's place. */
class Gate extends PaywallElement {
  /** The box has its place at once, and what it needs is asked for beside the words. */
  async connectedCallback() {
    if (this.isAllowed && !this.isOpen) {
      this.box = this.querySelector(":scope > .paywall-box") ?? h("section", { class: "paywall-box" });
      this.append(this.box);
      this.asked = this.find();
      this.asked.catch(() => {}); // load() handles the error.
    }
    await super.connectedCallback();
  }

  get article() {
    return this.getAttribute("article");
  }

  get policy() {
    return this.getAttribute("policy");
  }

  /** The decision and what else is the reader's; or what is for sale, where nobody is signed in. */
  async find() {
    // Known at once: nobody is signed in without a token's address, and a page that names prices is for who has to buy.
    const early = (!this.setting("token") || this.querySelector(".paywall-prices")) && this.prices();
    const mine = fetchMe(this).catch(() => ({ subscriptions: [] }));
    try {
      const decision = await fetchDecision(this, this.article);
      return { decision, mine: await mine };
    } catch (error) {
      if (error.code !== "signed_out") throw error;
      return { catalogue: await (early || this.prices()) };
    }
  }

  /** What is for sale, where something would open the article; undefined where that is not known. */
  prices() {
    return PAID.includes(this.policy) ? fetchOffers().catch(() => undefined) : undefined;
  }

  /** Whether an action can be done: what it offers is sold, here or in a shop of the site's own. */
  canDo({ on_sale: kinds = [], has_checkout }) {
    this.isSold = has_checkout;
    return (name) => !SOLD[name] || (kinds.some((kind) => SOLD[name].includes(kind)) && (has_checkout || this.address("shop")));
  }

  async load() {
    if (this.isOpen || !this.isAllowed) return;
    this.box.lang = this.words.language;
    this.box.ariaLabel = this.t("go_on_reading");
    if (!this.box.firstChild) this.box.append(status(this.t("waiting")));
    this.describe();
    const asked = this.asked ?? this.find();
    this.asked = undefined;
    const { decision, mine, catalogue } = await asked;
    if (!decision) return this.offerVisitor(catalogue);
    this.headline = decision.title;
    this.mine = mine;
    this.isMine = decision.granted;
    if (!decision.granted) return this.offer(decision);
    // A page of several gates must not use up the meter by itself.
    const gates = document.getElementsByTagName("paywall-gate");
    if (decision.reason === "metered" && gates.length > 1 && !this.isWanted) return this.offerFree(decision.meter);
    if (this.isReloaded && (this.isDenied || !isLoadedAnew)) return this.loadAnew();
    const answer = await inTurn(() => this.body());
    if (answer.decision.granted) return this.openUnasked(answer);
    return this.offer(answer.decision);
  }

  /** In an opened body: not the same article once more, and not without an end. */
  get isAllowed() {
    const around = [];
    for (let gate = this; (gate = gate.parentElement?.closest("paywall-gate")); ) around.push(gate.article);
    return around.length < GATE_DEPTH_MAX && !around.includes(this.article);
  }

  body() {
    return request(this, "GET", `v1/me/articles/${encodeURIComponent(this.article)}/body`);
  }

  /** Whether the site shows the body itself, on the page that it makes anew. */
  get isReloaded() {
    return this.setting("after") === "reload";
  }

  /** What is shown stays until then: a shorter page would lose its place. Thanks for what was bought are for the next one. */
  loadAnew(isConfirmed) {
    if (bought.word) saveItem(BOUGHT, bought);
    reload(isConfirmed);
    return new Promise((done) => setTimeout(done, WAIT_MS));
  }

  /** For search engines, where the site has not said it itself. */
  describe() {
    this.classList.add("paywall-content");
    if (!policy || document.querySelector('script[type="application/ld+json"]')) return;
    const part = { "@type": "WebPageElement", isAccessibleForFree: false, cssSelector: ".paywall-content" };
    const article = { "@type": "NewsArticle", headline: document.title, isAccessibleForFree: false, hasPart: part };
    const text = JSON.stringify({ "@context": "https://schema.org", ...article });
    const script = h("script", { type: "application/ld+json" });
    script.text = policy.createScript(text);
    document.head.append(script);
  }

  /** What is shown already keeps its focus. */
  fail(error) {
    if (this.failure === error.code) return;
    this.show(status(this.trouble(error)), [], [this.remedy(error, true)]);
    this.failure = error.code;
  }

  trouble(error) {
    return this.isMine && error.code === "unreachable" ? this.t("not_loaded") : super.trouble(error);
  }

  /** The offer to who is not signed in. */
  offerVisitor(catalogue = {}) {
    this.isDenied = true;
    const { meter } = catalogue;
    const sold = (this.policy === "subscribers" ? ["subscribe"] : ["subscribe", "buy_credits"]).filter(this.canDo(catalogue));
    const isFree = this.policy === "metered" && meter?.limit > 0;
    // Who has something already, or gets something for it, signs in; everybody else has to buy first.
    const lead = this.wasSignedIn ? "signed_out" : isFree ? "meter_sign_in" : !sold[0] ? "sign_in_first" : this.policy === "subscribers" ? "subscribers_only" : opensBy(sold);
    const prices = sold[0] && this.priceList(catalogue);
    if (this.wasSignedIn || isFree || !sold[0]) sold.unshift("login");
    const cost = this.credits(Number(this.getAttribute("cost") ?? 1));
    const login = sold[0] !== "login" && this.address("login");
    this.show(
      this.t(lead, { cost, count: meter?.limit }),
      // Whether this visitor has read any is not known.
      [isFree && this.freeAgain(meter, "meter_restarts"), isFree && prices && small(this.t(opensBy(sold), { cost })), prices],
      sold.map((name, place) => this.action(name, place === 0)),
      login && small(this.t("have_subscription"), " ", h("a", { href: login }, this.t("sign_in"))),
    );
  }

  offerFree({ used, limit }) {
    const open = button(this.t("open_article"), () => {
      this.isWanted = true;
      return busy(open, this.t("waiting"), () => this.draw());
    }, true);
    this.show(this.t("meter_open", { count: limit - used }), [], [open]);
  }

  /** When the meter starts again, which is used up as the word says. */
  freeAgain({ resets_at: at }, word = "meter_over") {
    return small(this.t(word, { date: this.words.day(at) }));
  }

  /** The first of each kind that opens the article, and a plan of another period, with prices in the currency of this page, or in each. */
  priceList({ plans, passes, packs }) {
    const [first] = plans;
    const other = plans.find((one) => periodOf(one) !== periodOf(first));
    const line = (kind, one) => {
      if (!one) return null;
      const wanted = priceIn(one, currencyOf(this, one.prices));
      const price = priced(this, one, ...(wanted ? [wanted] : one.prices));
      const count = trialDays(this, one);
      const text = count ? this.t("trial", { count, price }) : price;
      return h("li", {}, this.words.title(kind, one), h("b", {}, text), one === (other ?? first) && small(this.t("plans_renew")));
    };
    return h("ul", { class: "paywall-prices" }, line("plan", first), line("plan", other), line("pass", passes[0]), this.policy !== "subscribers" && line("pack", packs[0]));
  }

  /** The offer to a reader: what leads on from here first, and at most one other. */
  async offer(decision) {
    this.wasSignedIn = this.isDenied = true;
    this.decision = decision;
    const { reason, actions, unlocks_left: count } = decision;
    const { subscriptions, meter, pending = [] } = this.mine;
    // A second subscription would not repair the first.
    const isOwed = actions.includes("subscribe") && subscriptions.some(isLate);
    const names = isOwed ? ["fix_payment", ...actions.filter((name) => name === "unlock")] : actions.filter(this.canDo(this.mine));
    const isShort = reason === "credits_required";
    const catalogue = !isOwed && (isShort || reason === "subscription_required") && (await fetchOffers().catch(() => undefined));
    const details = [
      pending[0] && actions[0] && small(this.t("bank_working")),
      meter && this.policy === "metered" && actions[0] && this.freeAgain(meter),
      isOwed && names[1] && small(this.leadOf(decision)),
      isShort && small(count ? this.missing(decision) : this.t("no_credits")),
      names[0] && catalogue && this.priceList(catalogue),
    ];
    this.show(isOwed ? this.t("fix_first") : this.leadOf(decision, names), details, names.map((name, place) => this.action(name, place === 0)));
    if (bought.isWaiting && reason === "unlock_available") this.confirm(small(thanks(this)));
    bought.isWaiting = false;
  }

  missing({ unlock_cost: cost, unlocks_left: count }) {
    return `${this.have(count)} ${this.t("credits_short", { count: cost - count })}`;
  }

  leadOf({ reason, unlock_cost: cost, unlocks_left: count }, names) {
    const leads = {
      unlock_available: "unlock_offer",
      subscription_required: "subscribers_only",
      login_required: "sign_in_first",
    };
    if (reason === "credits_required") return this.t(opensBy(names), { cost: this.credits(cost) });
    return this.t(own(leads, reason) ?? "not_to_be_had", { cost, count });
  }

  show(lead, details, actions, last) {
    this.failure = undefined;
    this.lead = lead.tagName ? lead : h("h2", { class: "paywall-status" }, lead);
    this.details = h("div", {}, ...details);
    const next = h("div", { class: "paywall-actions" }, ...actions);
    // A shop that is open stays: a refresh must not close it.
    this.shop ??= h("div", { class: "paywall-shop" });
    for (const old of [...this.box.childNodes]) if (old !== this.shop) old.remove();
    this.box.prepend(...[this.lead, this.details, next, last].filter(Boolean));
    if (!this.shop.isConnected) this.box.append(this.shop);
    this.mark();
  }

  /** Which button has opened the shop, which has all prices. */
  mark() {
    this.details.hidden = Boolean(this.sold);
    for (const one of this.box.querySelectorAll("button[value]")) one.ariaExpanded = one.value === this.sold;
  }

  action(name, first) {
    switch (name) {
      case "login":
        return this.address("login") && link(this.t("sign_in"), this.address("login"), first);
      case "unlock":
        return button(this.t("unlock"), () => this.confirm(), first);
      case "fix_payment":
        return this.billing("fix_payment", first);
      default:
        return this.isSold ? this.opener(SOLD[name], this.t(name), first) : link(this.t(name), this.address("shop"), first);
    }
  }

  /** Opens the shop for these kinds, or closes it. */
  opener(kinds, text, first) {
    const open = button(text, () => {
      // What is the reader's is asked anew: it may have been bought elsewhere since this page was opened.
      known.delete("me");
      this.sold = this.sold === kinds ? undefined : kinds;
      const shop = h("paywall-offers", { kinds });
      shop.isOpened = true;
      this.shop.replaceChildren(...(this.sold ? [shop] : []));
      this.mark();
    }, first);
    open.value = kinds;
    return open;
  }

  /** The question, after `thanked` for what was just bought: behind a dialog nothing is read. */
  confirm(thanked) {
    let { unlock_cost: cost } = this.decision;
    let key = newKey();
    const price = h("p", {});
    const left = small();
    const about = this.headline && h("p", { lang: this.closest("[lang]")?.lang }, h("b", {}, this.headline));
    const showTerms = () => {
      const { unlocks_left: count } = this.decision;
      price.textContent = this.t("unlock_cost", { cost, count, left: count - cost });
      left.textContent = this.t("unlocks_left", { count });
    };
    showTerms();
    openDialog(this, {
      title: this.t("unlock_question"),
      details: [about, thanked, price, left],
      yes: this.t("unlock"),
      working: this.t("unlocking"),
      no: this.t("not_now"),
      act: async (box) => {
        try {
          const terms = { article_id: this.article, max_cost: cost };
          const { unlocks_left } = await request(this, "POST", "v1/me/unlocks", terms, key);
          this.decision.unlocks_left = unlocks_left;
        } catch (error) {
          if (!["price_changed", "insufficient_credits", "subscription_required"].includes(error.code))
            throw error;
          return this.changed(error, box, (now) => {
            [cost, key] = [now, newKey()];
            showTerms();
          });
        }
        if (this.isReloaded) {
          announce(this);
          return this.loadAnew(true);
        }
        try {
          this.open(await this.body(), true);
        } catch (error) {
          box.close();
          const isLost = error instanceof RequestError;
          this.showOne("unlocked_not_shown", isLost ? this.remedy(error, true) : this.reloading("reload")).focus();
          if (!isLost) throw error;
        } finally {
          announce(this);
        }
        return true;
      },
    });
  }

  /** The terms changed before the click: nothing was spent, and the reader sees why. */
  async changed(error, box, askAgain) {
    const cost = error.problem.unlock_cost;
    const said = error.code === "price_changed" && this.t("price_changed", { cost: this.credits(cost) });
    if (said && cost <= this.decision.unlocks_left) {
      this.decision.unlock_cost = cost;
      askAgain(cost);
      this.lead.textContent = this.leadOf(this.decision);
      box.querySelector("[role=status]").textContent = said;
      return false;
    }
    await this.draw();
    box.close();
    if (said) this.lead.before(h("p", { class: "paywall-told" }, said));
    this.box.querySelector(".paywall-first")?.focus();
    return false;
  }

  openUnasked(answer) {
    try {
      this.open(answer);
    } catch (error) {
      this.showOne("readable", this.reloading("open_article"));
      throw error;
    }
  }

  /** It is the reader's, and the page that the site makes anew has it. */
  reloading(word) {
    return button(this.t(word), () => location.reload(), true);
  }

  showOne(lead, act) {
    this.show(this.t(lead), [], [act]);
    return act;
  }

  /** The body in the preview's place; after a click the reader goes on from its beginning. */
  open({ body_html: html, decision }, clicked = false) {
    if (this.isOpen) return;
    if (html === null) {
      if (clicked) location.reload();
      else this.showOne("readable", this.reloading("open_article"));
      return;
    }
    const body = h("div", { class: "paywall-body", tabindex: "-1" });
    const range = document.createRange();
    range.selectNodeContents(body);
    // Unlike innerHTML, this runs scripts as the page's own would be: where its Content-Security-Policy lets them.
    body.append(range.createContextualFragment(policy ? policy.createHTML(html) : html));
    this.isOpen = true;
    const count = decision.unlocks_left;
    const text = `${this.t("unlocked")} ${this.few(count) || this.have(count)}`;
    const note = clicked && h("p", { role: "status", class: "paywall-note" }, text);
    this.replaceChildren(...[note, body].filter(Boolean));
    if (!clicked) return;
    body.focus({ preventScroll: true });
    note.scrollIntoView({ block: "nearest" });
  }
}
