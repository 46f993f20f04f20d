/* ---- Words ---- */

const catalogues = new Map();
const WORDS_TRIES_MAX = 5;

const NEAR_MS = 172_800_000;
const isNear = (at) => Math.abs(new Date(at) - now()) < NEAR_MS;

class Words {
  constructor({ zone, ...texts }) {
    Object.assign(this, texts);
    this.plural = new Intl.PluralRules(this.language);
    this.numbers = new Intl.DateTimeFormat("en", {
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "2-digit",
      minute: "2-digit",
      hourCycle: "h23",
      timeZone: zone,
      timeZoneName: "shortOffset",
    });
  }

  t(name, values = {}) {
    let text = own(this.words, name) ?? name;
    if (typeof text !== "string") text = text[values.count] ?? text[this.plural.select(values.count)] ?? text.other;
    return this.fill(text, values);
  }

  fill(text, values) {
    return text.replace(/\{(\w+)\}/g, (_, key) => (typeof values[key] === "number" ? this.write(values[key]) : own(values, key)));
  }

  write(number, decimals = 0) {
    const [whole, ...rest] = number.toFixed(decimals).split(".");
    return [whole.replace(new RegExp(`\\B(?=(\\d{${this.group_size}})*\\d{3}$)`, "g"), this.group), ...rest].join(this.point);
  }

  /** The site's own in this language, else the catalogue's. */
  title(kind, { id, title }) {
    return own(this.titles[kind], id) ?? title;
  }

  /** In the site's zone. Dates and numbers are written as on the service's own pages, whatever the browser knows. */
  day(at) {
    const { day, month, year } = this.parts(at);
    return this.fill(this.date, { day, month: this.months[month - 1], number: month, year });
  }

  moment(at) {
    const { hour, minute, timeZoneName } = this.parts(at);
    const offset = timeZoneName.slice(3).replace(/^\+0$/, "");
    return this.t("moment", { day: this.day(at), time: `${hour}:${minute} ${this.gmt}${offset}`.trim() });
  }

  /** When something begins: the day, or the moment if that is less than two days away. */
  start(at) {
    return isNear(at) ? this.moment(at) : this.day(at);
  }

  /** Until when something lasts: what ends at midnight lasts until the day before. */
  end(at) {
    return isNear(at) ? this.moment(at) : this.day(new Date(at) - 1);
  }

  parts(at) {
    const parts = this.numbers.formatToParts(new Date(at));
    return Object.fromEntries(parts.map(({ type, value }) => [type, value]));
  }

  money({ amount, currency }) {
    const decimals = this.decimals[currency] ?? 2;
    const value = amount / 10 ** decimals;
    return this.withCurrency(this.write(value, Number.isInteger(value) ? 0 : decimals), currency);
  }

  /** A number with its currency, or the currency alone; a code or an abbreviation is kept apart from the number. */
  withCurrency(amount, currency) {
    const sign = this.signs[currency] ?? currency.toUpperCase();
    const text = this.fill(this.words[`currency_${currency}`] ?? this.price, { amount, sign });
    return text.trim().replace(/(\p{L})(\d)|(\d)(\p{L})/u, "$1$3\u00a0$2$4");
  }
}

/** Without words nothing works, so they are asked for again, a few times. Throws RequestError. */
async function fetchWords(url) {
  for (let tries = 0; ; tries += 1) {
    try {
      return new Words(await read(await send(url, { cache: "default" })));
    } catch (error) {
      if (!(error instanceof RequestError) || tries === WORDS_TRIES_MAX) throw error;
      await new Promise((done) => setTimeout(done, 1_000 << tries));
    }
  }
}

function wordsFor(wanted) {
  const tags = wanted.slice(0, 8).join(",");
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
