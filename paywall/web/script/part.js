/* ---- Elements ---- */

function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== undefined && value !== null) element.setAttribute(name, value);
  }
  element.append(...children.filter(Boolean));
  return element;
}

const buttonClass = (first) => `paywall-button${first ? " paywall-first" : ""}`;

const button = (text, click, first) => h("button", { type: "button", class: buttonClass(first), click }, text);

/**
 * A button that spends, buys or cancels. It ignores clicks that may be accidental: repeats of a held
 * key, the second click of a double click, and clicks just after it appeared.
 */
function confirmButton(text, click, first) {
  let seen = Infinity;
  const element = button(text, ({ detail, timeStamp }) => detail < 2 && timeStamp - seen >= HOLD_MS && click(), first);
  element.addEventListener("keydown", (event) => {
    if (event.repeat && ["Enter", " "].includes(event.key)) event.preventDefault();
  });
  /** Ignore clicks for a moment, because the button now has another meaning. */
  element.holdOff = () => {
    seen = Infinity;
    element.ariaDisabled = "true";
    requestAnimationFrame(() => {
      seen = performance.now();
      setTimeout(() => (element.ariaDisabled = "false"), HOLD_MS);
    });
  };
  element.holdOff();
  return element;
}

const link = (text, href, first) => h("a", { class: buttonClass(first), href }, text);

const status = (...text) => h("p", { role: "status", class: "paywall-status" }, ...text);

/** A status that a script can lead to. */
const notice = (text) => {
  const said = status(text);
  said.tabIndex = -1;
  return said;
};

/** Those of them that there are, in one line. */
const joined = (...texts) => texts.flat().filter(Boolean).join(" ");

const small = (...text) => h("p", { class: "paywall-left" }, ...text);

/** While `act` runs the button says so, and further clicks do nothing. */
async function busy(element, text, act) {
  if (element.ariaBusy === "true") return;
  const before = element.textContent;
  element.ariaBusy = element.ariaDisabled = "true";
  element.textContent = text;
  try {
    await act();
  } finally {
    element.ariaBusy = element.ariaDisabled = "false";
    if (element.textContent === text) element.textContent = before;
  }
}

class PaywallElement extends HTMLElement {
  async connectedCallback() {
    parts.add(this);
    await this.draw();
  }

  disconnectedCallback() {
    parts.delete(this);
    waiting.delete(this);
  }

  /** Show what is true now, or why that is not known. */
  async draw() {
    try {
      this.words ??= await this.findWords();
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      return; // Without words the site's own content stays, which works without this script.
    }
    if (!this.isConnected) return;
    waiting.delete(this);
    try {
      await this.load();
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      // The elements of an account share one message.
      (this.parentElement?.closest("paywall-account") ?? this).fail(error);
      if (error.code === "unreachable") retry(this);
    }
  }

  /** In the page's language, so that a page can preload them; in the browser's where it names none. */
  findWords() {
    const language = this.setting("language") || this.closest("[lang]")?.lang;
    return wordsFor(language ? [language] : navigator.languages);
  }

  fail(error) {
    this.isWaiting = false;
    if (error.code === "signed_out") this.replaceChildren();
    else this.put(status(this.trouble(error)), this.remedy(error));
  }

  /** Why this part shows nothing else. */
  trouble(error) {
    return error.code === "unreachable" ? this.t("outage") : this.explain(error);
  }

  /** A page that the site refuses may be an old copy from a cache. */
  remedy({ code }, first) {
    if (code === "refused") return button(this.t("reload"), () => location.reload(), first);
    const again = button(this.t("try_again"), () => busy(again, this.t("waiting"), () => this.draw()), first);
    return again;
  }

  put(...children) {
    // A question that is open stays: a refresh must not close it.
    for (const old of [...this.childNodes]) if (old.localName !== "dialog") old.remove();
    this.prepend(h("div", { lang: this.words.language, class: "paywall-part" }, ...children));
  }

  setting(name) {
    return this.closest(`[data-paywall-${name}]`)?.getAttribute(`data-paywall-${name}`);
  }

  /** Where a setting leads to, as it was written; nothing but the web, or it could run as a script. */
  address(name) {
    const address = this.setting(name);
    if (!address || webAddress(address)) return address;
    refuse(name, address, "an http or https address");
    return;
  }

  /** For the processor to lead back to: never an article, for that is reading history. */
  returnPage(address) {
    return new URL(address || pageHere(this.address("account")) || "/", document.baseURI).href;
  }

  t(name, values) {
    return this.words.t(name, values);
  }

  label(name, text) {
    return this.t("labelled", { label: this.t(name), text });
  }

  credits(count) {
    return this.t("credits", { count });
  }

  have(count) {
    return count ? this.t("you_have", { credits: this.credits(count) }) : this.t("no_credits");
  }

  explain({ code }) {
    const words = {
      article_unknown: "not_to_be_had",
      already_subscribed: "subscribed_already",
      subscription_ended: "cancelled_now",
    };
    // Every other problem that has a sentence names it.
    return own(this.words.words, code) ?? this.t(own(words, code) ?? "failed");
  }

  few(count) {
    if (count > FEW_CREDITS) return "";
    return count ? this.t("few_left", { count }) : this.t("none_left");
  }

  /** Why a click did nothing: said beside what was clicked on, and gone to. */
  showMessage(beside, text) {
    this.message?.remove();
    this.message = h("p", { class: "paywall-told", tabindex: "-1" }, text);
    beside.after(this.message);
    this.message.focus();
  }

  /** What a click on `element` does; a refusal is shown below it. */
  attempt(element, working, act) {
    return busy(element, this.t(working), async () => {
      this.message?.remove();
      try {
        await act();
      } catch (error) {
        this.showMessage(element, this.explain(error));
        if (!(error instanceof RequestError)) throw error;
      }
    });
  }

  /** Straight to the page where the processor keeps cards and invoices. */
  billing(word = "billing", first = false) {
    const act = async () => {
      const { url } = await request(this, "POST", "v1/me/billing-portal", { return_url: this.returnPage() });
      await navigate(url);
    };
    const open = button(this.t(word), () => this.attempt(open, "waiting", act), first);
    return open;
  }
}

/** A question; once yes was said, it stays until what follows is known. `act` may throw RequestError, and says whether it is done. */
function openDialog(part, { title, details, yes, working, no, act }) {
  const said = status();
  const isBusy = () => accept.ariaBusy === "true";
  const refuse = button(no, () => isBusy() || box.close());
  const accept = confirmButton(yes, confirm, true);
  const heading = h("h2", { id: newKey(), tabindex: "-1" }, title);
  const about = h("div", { id: newKey(), class: "paywall-details" }, ...details);
  const box = h(
    "dialog",
    {
      class: "paywall-dialog",
      lang: part.words.language,
      "aria-labelledby": heading.id,
      "aria-describedby": about.id,
      close: () => box.remove(),
      cancel: (event) => isBusy() && event.preventDefault(),
    },
    heading,
    about,
    said,
    h("div", { class: "paywall-actions" }, accept, refuse),
  );

  /** Where it still asks afterwards, it asks something else. */
  async function confirm() {
    if (isBusy()) return;
    refuse.ariaDisabled = "true";
    await busy(accept, working, answer);
    refuse.ariaDisabled = "false";
    if (box.open) accept.holdOff();
  }

  async function answer() {
    said.textContent = "";
    try {
      if (await act(box)) box.close();
    } catch (error) {
      said.textContent = part.explain(error);
      if (!(error instanceof RequestError)) throw error;
    }
  }

  part.append(box);
  box.showModal();
  // Not on the button that confirms, which is the first that would have it.
  heading.focus();
  return box;
}
