/* ---- Words ---- */

const catalogues = new Map();
const WORDS_PAUSES_MS = [1_000, 2_000, 4_000, 8_000, 16_000];
const NUMBERS = {
  year: "numeric",
  month: "numeric",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
  timeZoneName: "shortOffset",
};

class Words {
  constructor({ language, words, titles, months, zone, gmt, sign_last: isSignLast, decimals }) {
    Object.assign(this, { language, words, titles, months, gmt, isSignLast, decimals });
    this.isKnown = Intl.DateTimeFormat.supportedLocalesOf(language).length > 0;
    // Else the browser writes as its own language does.
    this.locale = this.isKnown ? language : "en";
    this.plural = new Intl.PluralRules(this.locale);
    this.number = new Intl.NumberFormat(this.locale);
    this.days = new Intl.DateTimeFormat(language, { dateStyle: "long", timeZone: zone });
    this.numbers = new Intl.DateTimeFormat("en", { ...NUMBERS, timeZone: zone });
  }

  translate(name, values = {}) {
    let text = own(this.words, name) ?? name;
    if (typeof text !== "string") text = text[values.count] ?? text[this.plural.select(values.count)] ?? text.other;
    return text.replace(/\{(\w+)\}/g, (_, key) =>
      typeof values[key] === "number" ? this.number.format(values[key]) : own(values, key),
    );
  }

  /** The site's own in this language, else the catalogue's. */
  title(kind, { id, title }) {
    return own(own(this.titles, kind), id) ?? title;
  }

  /** Some browsers lack some languages, Khmer among them, and would write the month in English. */
  day(at) {
    if (this.isKnown) return this.days.format(new Date(at));
    const { day, month, year } = this.parts(at);
    return `${day} ${this.months[month - 1]} ${year}`;
  }

  /** In the site's zone, as the service's own pages write it. */
  moment(at) {
    const { hour, minute, timeZoneName } = this.parts(at);
    const offset = timeZoneName.slice(3).replace(/^\+0$/, "");
    return this.translate("moment", { day: this.day(at), time: `${hour}:${minute} ${this.gmt}${offset}`.trim() });
  }

  parts(at) {
    const parts = this.numbers.formatToParts(new Date(at));
    return Object.fromEntries(parts.map(({ type, value }) => [type, value]));
  }

  /** Where this language only has the currency's code, its own sign is written. */
  money(price) {
    const text = this.priced(price, "symbol");
    return text.includes(price.currency.toUpperCase()) ? this.priced(price, "narrowSymbol") : text;
  }

  priced({ amount, currency }, currencyDisplay) {
    const decimals = own(this.decimals, currency) ?? 2;
    const value = amount / 10 ** decimals;
    const shown = Number.isInteger(value) ? 0 : decimals;
    const digits = { minimumFractionDigits: shown, maximumFractionDigits: shown };
    const format = new Intl.NumberFormat(this.locale, { style: "currency", currency, currencyDisplay, ...digits });
    if (this.isKnown || !this.isSignLast) return format.format(value);
    const parts = format.formatToParts(value).filter(({ type }) => type !== "literal");
    parts.sort((a, b) => (a.type === "currency") - (b.type === "currency"));
    return parts.map(({ value: text }) => text).join("");
  }
}

/** Without words nothing works, so they are asked for again, a few times. Throws RequestError. */
async function fetchWords(url) {
  for (let tries = 0; ; tries += 1) {
    try {
      return new Words(await read(await send(url, { cache: "default", credentials: "omit" })));
    } catch (error) {
      if (!(error instanceof RequestError) || tries === WORDS_PAUSES_MS.length) throw error;
      await new Promise((done) => setTimeout(done, WORDS_PAUSES_MS[tries]));
    }
  }
}

function wordsFor(tags) {
  if (!catalogues.has(tags)) {
    const url = new URL(`words.json?languages=${encodeURIComponent(tags)}`, import.meta.url);
    const found = fetchWords(url).catch((error) => {
      catalogues.delete(tags);
      throw error;
    });
    catalogues.set(tags, found);
  }
  return catalogues.get(tags);
}
