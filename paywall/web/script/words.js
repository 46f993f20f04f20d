/* ---- Words ---- */

const catalogues = new Map();

class Words {
  constructor({ language, words }) {
    Object.assign(this, { language, words });
    this.plural = new Intl.PluralRules(language);
    this.number = new Intl.NumberFormat(language);
  }

  say(name, values = {}) {
    let text = this.words[name];
    if (typeof text !== "string") text = text[this.plural.select(values.count)] ?? text.other;
    return text.replace(/\{(\w+)\}/g, (_, key) =>
      typeof values[key] === "number" ? this.number.format(values[key]) : values[key],
    );
  }

  moment(at) {
    const style = { dateStyle: "long", timeStyle: "short" };
    return new Intl.DateTimeFormat(this.language, style).format(new Date(at));
  }

  money({ amount, currency }) {
    const style = { style: "currency", currency, trailingZeroDisplay: "stripIfInteger" };
    const format = new Intl.NumberFormat(this.language, style);
    return format.format(amount / 10 ** format.resolvedOptions().maximumFractionDigits);
  }
}

function wordsFor(tags) {
  if (!catalogues.has(tags)) {
    const url = new URL(`words.json?languages=${encodeURIComponent(tags)}`, import.meta.url);
    const told = send(url, { cache: "default", credentials: "omit" }).then(read);
    catalogues.set(tags, told.then((catalogue) => new Words(catalogue)));
  }
  return catalogues.get(tags);
}
