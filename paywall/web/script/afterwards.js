/* ---- After buying: receipts, withdrawing, and why a reader cancelled ---- */

const REASONS = ["too_expensive", "not_reading_enough", "missing_content", "technical_problems", "other"];
const COMMENT_CHARS_MAX = 500;

/** A page of the service, by a form: an address would keep the token. */
async function openPage(part, fields) {
  const { token, error } = await tokenFor(part);
  if (error) throw error;
  if (!token) throw new RequestError("signed_out");
  const name = part.setting("name") ?? "";
  const values = { token, name, language: part.words.language, back: location.href, ...fields };
  const inputs = Object.entries(values).map(([key, value]) => h("input", { type: "hidden", name: key, value }));
  const form = h("form", { method: "post", action: new URL("account/enter", SERVICE).href }, ...inputs);
  document.body.append(form);
  form.submit();
  form.remove();
  return new Promise((done) => setTimeout(done, WAIT_MS));
}

/** Leads to a receipt, which can be printed and saved there. */
function openReceipt(part, receipt, ...about) {
  const text = part.t("open_receipt");
  const act = () => part.attempt(open, "waiting", () => openPage(part, { page: "receipt", receipt }));
  const open = h("button", { type: "button", class: "paywall-link", click: act }, text);
  return named(part, open, ...about);
}

/** The same button in several lines, with what it is about for those who only hear it. */
function named(part, element, ...about) {
  const label = element.textContent;
  element.ariaLabel = part.t("labelled", { label, text: about.join(", ") });
  return element;
}

/** Asked after the cancellation, which is done by then; to close it is to skip it. */
function askWhy(part, { receipt }) {
  if (!receipt) return;
  const name = newKey();
  const choice = (value) =>
    h("label", {}, h("input", { type: "radio", name, value }), part.t(`why_${value}`));
  const comment = h("textarea", { rows: 3, maxlength: COMMENT_CHARS_MAX });
  const title = part.t("why_question");
  const box = openDialog(part, {
    title,
    details: [
      h("p", {}, part.t("why_optional")),
      h("fieldset", { "aria-label": title }, ...REASONS.map(choice)),
      h("label", { class: "paywall-comment" }, part.t("why_comment"), comment),
    ],
    yes: part.t("why_send"),
    working: part.t("waiting"),
    no: part.t("why_skip"),
    act: async () => {
      const reason = box.querySelector("input:checked")?.value;
      if (!reason && !comment.value) return true;
      const answer = { receipt_id: receipt.id, reason: reason ?? "other", comment: comment.value };
      await request(part, "POST", "v1/me/cancellation-feedback", answer, newKey());
      part.said.textContent = part.t("why_thanks");
      return true;
    },
  });
  box.addEventListener("close", () => part.said.focus());
}

/** What a payment's line shows of the right of withdrawal: the button, or the receipt of its use. */
function withdrawal(part, paid, title, payment) {
  const { withdrawal: done, withdrawable_until: end } = paid;
  if (done) {
    const text = part.t("withdrawn_on", { date: part.words.day(done.at) });
    return small(text, " ", openReceipt(part, done.id, title, text));
  }
  if (!end || new Date(end) <= now()) return null;
  const ask = button(part.t("withdraw"), () => part.attempt(ask, "waiting", () => withdraw(part, paid, title)));
  return h("div", {}, small(part.t("withdraw_by", { date: part.words.end(end) })), h("div", { class: "paywall-actions" }, named(part, ask, title, payment)));
}

/** One confirming step; a lost right is explained in its place. */
async function withdraw(part, { id: purchase_id }, title) {
  const path = "v1/me/withdrawals";
  const follows = await request(part, "POST", path, { purchase_id, dry_run: true });
  const price = part.words.money(follows);
  const key = newKey();
  const lost = (what, count) => count && h("p", {}, part.t(`withdraw_${what}`, { count }));
  openDialog(part, {
    title: part.t("withdraw_question"),
    details: [
      h("p", {}, h("b", {}, title)),
      h("p", {}, part.t("withdraw_effect", { price })),
      lost("credits", follows.credits_lost),
      lost("articles", follows.articles_lost),
    ],
    yes: part.t("withdraw_confirm"),
    working: part.t("waiting"),
    no: part.t("withdraw_keep"),
    act: async (box) => {
      const done = await request(part, "POST", path, { purchase_id }, key);
      announce(part);
      await part.load();
      const word = done.is_returned ? "withdrawal_returned" : "withdrawal_pending";
      const said = h("p", { role: "status", tabindex: "-1" }, `${part.t("withdrawn")} ${part.t(word, { price })}`);
      part.firstElementChild.prepend(said);
      box.close();
      said.focus();
      return false;
    },
  });
}
