/* ---- After buying: receipts, the way to withdraw, and why a reader cancelled ---- */

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

/** Leads to a receipt, which can be printed and saved there; whoever comes back goes on at this button. */
function openReceipt(part, receipt, number) {
  const click = () =>
    part.attempt(open, "waiting", () => {
      saveItem(RECEIPT, { receipt });
      return openPage(part, { page: "receipt", receipt });
    });
  const open = h("button", { type: "button", class: "paywall-link", click }, part.t("open_receipt", { number }));
  if (loadItem(RECEIPT).receipt === receipt)
    setTimeout(() => {
      saveItem(RECEIPT);
      open.focus();
    });
  return open;
}

const radio = (name, value, text, checked) => h("label", {}, h("input", { type: "radio", name, value, checked }), text);

/** Asked after the cancellation, which is done by then; to close it is to skip it. */
function askWhy(part, { receipt }) {
  if (!receipt) return;
  const name = newKey();
  const comment = h("textarea", { rows: 3, maxlength: COMMENT_CHARS_MAX });
  const title = part.t("why_question");
  const box = openDialog(part, {
    title,
    details: [
      h("p", {}, part.t("why_optional")),
      h("fieldset", { "aria-label": title }, ...REASONS.map((value) => radio(name, value, part.t(`why_${value}`)))),
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

/** What a payment's line shows of the right of withdrawal: the way to the page that asks, or the receipt of its use. */
function withdrawal(part, paid, title) {
  const { withdrawal: done, withdrawable_until: end } = paid;
  if (done) return small(part.t("withdrawn_on", { date: part.words.day(done.at) }), " ", openReceipt(part, done.id, done.number));
  if (!end || new Date(end) <= now()) return null;
  const label = part.t("withdraw");
  const ask = button(label, () => part.attempt(ask, "waiting", () => openPage(part, { page: "withdraw", purchase_id: paid.id })));
  // The same button stands in several lines.
  ask.ariaLabel = part.t("labelled", { label, text: `${title}, ${paid.receipt_number}` });
  return h("div", {}, small(part.t("withdraw_by", { date: part.words.end(end) })), ask);
}
