/* ---- Words ---- */

const catalogues = new Map();

class Words {
  constructor({ language, words, months }) {
    Object.assign(this, { language, words, months });
    this.isKnown = Intl.DateTimeFormat.supportedLocalesOf(language).length > 0;
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

  /** Some browsers lack some languages, Khmer among them, and would write the month in English. */
  moment(at) {
    const date = new Date(at);
    const style = { dateStyle: "long", timeStyle: "short" };
    if (this.isKnown) return new Intl.DateTimeFormat(this.language, style).format(date);
    const time = [date.getHours(), date.getMinutes()].map((part) => String(part).padStart(2, "0"));
    const day = `${date.getDate()} ${this.months[date.getMonth()]} ${date.getFullYear()}`;
    return `${day}, ${time.join(":")}`;
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
