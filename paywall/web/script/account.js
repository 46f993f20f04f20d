/* ---- The account ---- */

const SEARCH_PAUSE_MS = 300;
const SEARCH_CHARS_MAX = 200;
const PURCHASES = "purchases?limit=20";
const UNLOCKS = "unlocks?limit=20";

/** A page of a list of the reader's; the first page is requested once for all parts. */
function fetchList(part, path, cursor) {
  const after = cursor ? `&cursor=${encodeURIComponent(cursor)}` : "";
  const ask = () => request(part, "GET", `v1/me/${path}${after}`);
  return cursor ? ask() : fetchOnce(path, ask);
}

/** A list with a button for older items. A subclass has its `path` and the `line` of an item. */
class List extends PaywallElement {
  page(cursor) {
    return fetchList(this, this.path, cursor);
  }

  lines(items) {
    return items.map((one) => this.line(one));
  }

  more(cursor) {
    const { list } = this;
    const more = button(this.t("older"), () =>
      this.attempt(more, "waiting", async () => {
        const { items, next_cursor } = await this.page(cursor);
        const lines = this.lines(items);
        list.append(...lines);
        lines[0].tabIndex = -1;
        lines[0].focus();
        if (next_cursor) more.after(this.more(next_cursor));
        more.remove();
      }),
    );
    return more;
  }

  /** An article by its title, with a link while it is there. */
  article(one) {
    if (!one.title) return this.t("article_gone");
    return webAddress(one.url) ? h("a", { href: one.url }, one.title) : one.title;
  }
}

/** The articles that were unlocked, newest first; more than one have a search. */
class Unlocks extends List {
  path = UNLOCKS;

  /** A search is sent in the body: addresses are logged. */
  page(cursor) {
    const { sought: title } = this;
    return title ? request(this, "POST", "v1/me/unlocks/search", { title, limit: 20, cursor }) : super.page(cursor);
  }

  async load() {
    const { sought } = this;
    const { items, next_cursor: next } = await this.page();
    // Meanwhile something else was searched for.
    if (sought !== this.sought) return;
    this.list = h("ul", { class: "paywall-rows" }, ...this.lines(items));
    const empty = sought ? status(this.t("none_found")) : h("p", {}, this.t("no_articles"));
    const shown = [items.length ? this.list : empty, next && this.more(next)].filter(Boolean);
    if (this.results?.isConnected) return this.results.replaceChildren(...shown);
    this.results = h("div", {}, ...shown);
    this.put(items[1] && this.search(), this.results);
  }

  search() {
    let timer;
    const label = this.t("search_articles");
    const input = ({ target }) => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        this.sought = target.value.trim();
        this.draw();
      }, SEARCH_PAUSE_MS);
    };
    const about = { type: "search", class: "paywall-search", placeholder: label, "aria-label": label };
    return h("input", { ...about, maxlength: SEARCH_CHARS_MAX, input });
  }

  line(one) {
    const cost = one.payments.reduce((sum, { amount }) => sum + amount, 0);
    const about = [this.words.day(one.unlocked_at), cost && this.credits(cost)].filter(Boolean).join(" · ");
    return h("li", {}, this.article(one), small(about));
  }
}

/** Every change to the credits. Several grants that paid for one article are one change. */
class History extends List {
  path = "ledger?limit=50";

  async load() {
    const [{ lapsed }, { items, next_cursor: next }] = await Promise.all([fetchMe(this), this.page()]);
    // What lapsed is shown at once: its entry is written some minutes later.
    const ended = lapsed.map(({ expires_at: at, remaining: amount }) => ({ at, amount, kind: "expired" }));
    const changes = [...ended, ...items].sort((a, b) => new Date(b.at) - new Date(a.at));
    if (!changes.length) return this.put(h("p", {}, this.t("nothing_happened")));
    this.list = h("ul", { class: "paywall-rows" }, ...this.lines(changes));
    this.put(this.list, next && this.more(next));
  }

  lines(changes) {
    const joined = [];
    for (const { ...change } of changes) {
      const before = joined.at(-1);
      change.amount = Math.abs(change.amount);
      if (change.unlock_id && before?.unlock_id === change.unlock_id && before.kind === change.kind) before.amount += change.amount;
      else joined.push(change);
    }
    return super.lines(joined);
  }

  line({ at, kind, amount, article, source }) {
    const what = this.t(`entry_${kind}`);
    const change = this.t("entry", { date: this.words.day(at), what, credits: this.credits(amount) });
    const reason = article ? this.article(article) : kind === "granted" && this.t(`from_${source}`);
    return h("li", {}, change, ...(reason ? [" (", reason, ")"] : []));
  }
}

/** Everything of a reader's, in the order in which it matters. The elements in it share one message. */
class Account extends PaywallElement {
  async connectedCallback() {
    const skeleton = h("div", { class: "paywall-skeleton", "aria-hidden": "true" }, h("i", {}), h("i", {}), h("i", {}));
    this.prepend(skeleton);
    await super.connectedCallback();
    skeleton.remove();
  }

  async load() {
    // Everything first, so that it all appears at once.
    const [mine] = await Promise.all([fetchMe(this), fetchTitles(this), fetchList(this, UNLOCKS), fetchList(this, PURCHASES)]);
    if (this.notice?.isConnected) return this.notice.replaceChildren();
    this.notice = h("div", {});
    this.put(this.notice, ...this.sections(mine));
  }

  section(word, ...children) {
    return h("section", {}, h("h2", {}, this.t(word)), ...children);
  }

  /** The address of the shop, where it is another page. */
  get elsewhere() {
    const address = this.address("shop");
    return webAddress(address)?.href !== location.href.split("#")[0] && address;
  }

  /** Without a shop readers buy here. */
  sale() {
    return !this.elsewhere && !document.querySelector("paywall-offers") && this.section("buy_page", h("paywall-offers", {}));
  }

  sections({ subscriptions }) {
    const isCovered = subscriptions.some((one) => one.opens_all || isLate(one));
    const shop = this.elsewhere;
    const buy = shop && h("p", {}, link(this.t(isCovered ? "buy_credits" : "buy_page"), shop, !isCovered));
    const history = h("details", { toggle: () => history.open && history.children.length < 2 && history.append(h("paywall-history", {})) });
    history.append(h("summary", {}, this.t("your_ledger")));
    return [
      h("paywall-subscription", {}),
      !isCovered && buy,
      this.section("your_credits", h("paywall-credits", { lapsing: "" }), h("paywall-meter", {}), isCovered && buy),
      this.section("your_articles", h("paywall-unlocks", {})),
      this.section("your_purchases", h("paywall-payments", {})),
      history,
      this.sale(),
    ];
  }

  fail(error) {
    if (error.code === "signed_out") {
      const login = this.address("login");
      return this.put(status(this.t("sign_in_account")), login && link(this.t("sign_in"), login, true), this.sale());
    }
    if (!this.notice?.isConnected) return super.fail(error);
    this.notice.replaceChildren(status(this.trouble(error)), this.remedy(error));
    if (error.code === "unreachable") retry(this);
  }
}
