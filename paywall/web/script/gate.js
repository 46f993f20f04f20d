/* ---- Under a preview ---- */

/** The text for readers who are not signed in, by the article's policy. */
const LEADS = { metered: "sign_in_first", premium: "opens_with", subscribers: "subscribers_only" };

const BATCH_ARTICLES_MAX = 100;
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
    return undefined; // The browser reports why to the site; bodies cannot be shown then.
  }
}

let batch;

/** The decision on an article. All gates that ask at this moment ask together; rejects with RequestError. */
async function fetchDecision(part, article) {
  batch ??= collectBatch(part);
  batch.articles.add(article);
  const decision = (await batch.decisions).get(article);
  if (decision instanceof RequestError) throw decision;
  return decision;
}

function collectBatch(part) {
  const articles = new Set();
  const decisions = new Promise((done) => setTimeout(done)).then(async () => {
    batch = undefined;
    return new Map(await fetchDecisions(part, [...articles]));
  });
  return { articles, decisions };
}

/** By halves where there are too many for one question, or where one is no article's id. */
async function fetchDecisions(part, articles) {
  const half = articles.length >> 1;
  if (articles.length <= BATCH_ARTICLES_MAX) {
    try {
      const question = { article_ids: articles };
      const { decisions } = await request(part, "POST", "v1/me/access/check-batch", question);
      return decisions.map((decision) => [decision.article_id, decision]);
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      if (!half || ![400, 422].includes(error.problem.status)) return articles.map((article) => [article, error]);
    }
  }
  return [...(await fetchDecisions(part, articles.slice(0, half))), ...(await fetchDecisions(part, articles.slice(half)))];
}

let turn = Promise.resolve();

/** Bodies that no click waits for come one after the other. */
function inTurn(act) {
  const done = turn.then(act);
  turn = done.catch(() => {}); // The caller of `act` handles the error.
  return done;
}

/** Under a preview: what the reader can do. Once it is theirs, the body takes the preview's place. */
class Gate extends PaywallElement {
  get article() {
    return this.getAttribute("article");
  }

  async load() {
    if (this.isOpen || !this.isAllowed) return;
    if (!this.box) {
      this.describe();
      const label = { class: "paywall-box", "aria-label": this.translate("go_on_reading") };
      this.box = h("section", { ...label, lang: this.words.language }, status(this.translate("waiting")));
      this.append(this.box);
    }
    let decision = await fetchDecision(this, this.article);
    this.headline = decision.title;
    if (decision.granted) {
      if (this.isReloaded && (this.isDenied || !isLoadedAnew)) return this.loadAnew();
      const answer = await inTurn(() => this.body());
      if (answer.decision.granted) return this.openUnasked(answer);
      decision = answer.decision;
    }
    this.offer(decision);
    const { shop } = this;
    const { subscriptions } = await fetchMe(this).catch(() => ({ subscriptions: [] }));
    if (!subscriptions.some(hasFailed)) return;
    shop.before(h("p", { class: "paywall-told" }, this.translate("payment_failed")), this.billing());
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
    if (bought.kind) saveItem(BOUGHT, bought);
    reload(isConfirmed);
    return new Promise((done) => setTimeout(done, TIMEOUT_MS));
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

  fail(error) {
    if (error.code === "signed_out") {
      this.isDenied = true;
      const said = this.wasSignedIn ? "signed_out" : (own(LEADS, this.policy) ?? "sign_in_first");
      const isForSubscribers = said === LEADS.subscribers;
      const cost = this.credits(Number(this.getAttribute("cost") ?? 1));
      // Who only signs in would still not read what is for subscribers.
      this.show(this.translate(said, { cost }), [this.terms()], [
        isForSubscribers && this.action("subscribe", true),
        this.action("login", !isForSubscribers),
      ]);
    } else if (this.failure !== error.code) {
      // What is shown already keeps its focus.
      this.show(this.trouble(error), [], [this.remedy(error, true)]);
      this.failure = error.code;
    }
  }

  get policy() {
    return this.getAttribute("policy");
  }

  /** What it costs to open it, shown before anybody has to click. */
  terms() {
    const box = h("div", {});
    if (own(LEADS, this.policy)) {
      fetchOffers().then(
        (catalogue) => box.append(this.prices(catalogue)),
        () => {}, // The shop says why.
      );
    }
    return box;
  }

  prices({ plans, passes, packs }) {
    const first = { plan: plans[0], pass: passes[0], pack: this.policy !== "subscribers" && packs[0] };
    const lines = Object.entries(first).filter(([, one]) => one);
    const line = ([kind, one]) => {
      const texts = one.prices.map((price) => priced(this, one, price));
      if (kind === "plan") texts.push(this.translate("plan_renews"));
      return this.translate("labelled", { label: this.words.title(kind, one), text: texts.join(" · ") });
    };
    return h("ul", { class: "paywall-left" }, ...lines.map((one) => h("li", {}, line(one))));
  }

  offer(decision) {
    this.wasSignedIn = this.isDenied = true;
    this.decision = decision;
    const { reason, unlock_cost: cost, unlocks_left: left, actions } = decision;
    const leads = {
      unlock_available: () => this.translate("unlock_offer", { cost: this.credits(cost) }),
      credits_required: () =>
        this.translate("credits_needed", { cost: this.credits(cost), balance: this.credits(left) }),
      subscription_required: () => this.translate("subscribers_only"),
      login_required: () => this.translate("sign_in_first"),
    };
    const lead = (own(leads, reason) ?? (() => this.translate("not_to_be_had")))();
    const isShort = ["credits_required", "subscription_required"].includes(reason);
    const details = reason === "unlock_available" ? smallText(this.have(left)) : isShort && this.terms();
    this.show(lead, [details], actions.map((name, place) => this.action(name, place === 0)));
    if (bought.isWaiting && reason === "unlock_available") this.confirm(smallText(thanks(this)));
    bought.isWaiting = false;
  }

  show(lead, details, actions) {
    this.failure = undefined;
    this.shop = h("div", {});
    const next = h("div", { class: "paywall-actions" }, ...actions);
    this.box.replaceChildren(...[status(lead), ...details, next, this.shop].filter(Boolean));
  }

  action(name, first) {
    switch (name) {
      case "login":
        return this.address("login") && link(this.translate("sign_in"), this.address("login"), first);
      case "unlock":
        return button(this.translate("unlock"), () => this.confirm(), first);
      case "buy_credits":
        return button(this.translate("buy_credits"), () => this.sell("pack"), first);
      default:
        return button(this.translate("subscribe"), () => this.sell("plan pass"), first);
    }
  }

  /** What is theirs is asked anew: it may have been bought elsewhere since this page was opened. */
  sell(kinds) {
    known.delete("me");
    this.shop.replaceChildren(h("paywall-offers", { kinds }));
  }

  /** The question, after `thanked` for what was just bought: behind a dialog nothing is read. */
  confirm(thanked) {
    let { unlock_cost: cost } = this.decision;
    let key = newKey();
    const price = h("p", {});
    const left = smallText();
    const about = this.headline && h("p", { lang: this.closest("[lang]")?.lang }, h("b", {}, this.headline));
    const showTerms = () => {
      const { unlocks_left: count } = this.decision;
      price.textContent = this.translate("unlock_cost", { cost: this.credits(cost), count });
      // Of dearer articles fewer can be unlocked than there are credits.
      const word = cost === 1 ? "unlocks_left" : "unlocks_left_here";
      left.textContent = this.translate(word, { count: Math.floor(count / cost), cost: this.credits(cost) });
    };
    showTerms();
    openDialog(this, {
      title: this.translate("unlock_question"),
      details: [about, thanked, price, left].filter(Boolean),
      yes: this.translate("unlock"),
      working: this.translate("unlocking"),
      no: this.translate("not_now"),
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
          announceChange(this);
          return this.loadAnew(true);
        }
        try {
          this.open(await this.body(), true);
        } catch (error) {
          box.close();
          this.reloading("unlocked_not_shown", "reload").focus();
          if (!(error instanceof RequestError)) throw error;
        } finally {
          announceChange(this);
        }
        return true;
      },
    });
  }

  /** The terms changed before the click: nothing was spent, and the reader sees why. */
  async changed(error, box, ask_again) {
    if (error.code === "price_changed") {
      this.decision.unlock_cost = error.problem.unlock_cost;
      ask_again(error.problem.unlock_cost);
      const cost = this.credits(error.problem.unlock_cost);
      box.querySelector("[role=status]").textContent = this.translate("price_changed", { cost });
      return false;
    }
    await this.draw();
    return true;
  }

  openUnasked(answer) {
    try {
      this.open(answer);
    } catch (error) {
      this.reloading("readable", "open_article");
      throw error;
    }
  }

  /** It is the reader's, and the page that the site makes anew has it. */
  reloading(lead, act) {
    const reload = button(this.translate(act), () => location.reload(), true);
    this.show(this.translate(lead), [], [reload]);
    return reload;
  }

  /** The body in the preview's place; after a click the reader goes on from its beginning. */
  open({ body_html: html, decision }, clicked = false) {
    if (this.isOpen) return;
    if (html === null) {
      if (clicked) location.reload();
      else this.reloading("readable", "open_article");
      return;
    }
    const body = h("div", { class: "paywall-body", tabindex: "-1" });
    body.innerHTML = policy ? policy.createHTML(html) : html;
    this.isOpen = true;
    const count = decision.unlocks_left;
    const text = `${this.translate("unlocked")} ${this.few(count) || this.have(count)}`;
    const note = clicked && h("p", { role: "status", class: "paywall-note" }, text);
    this.replaceChildren(...[note, body].filter(Boolean));
    if (clicked) body.focus({ preventScroll: true });
  }
}
