/* ---- What a reader chose in the shop, for the next page or visit ---- */

const CHOSEN = "paywall-chosen";
const CHOSEN_MS_MAX = 30 * 60_000;
const CURRENCY = "paywall-currency";

/**
 * What a visitor chose to buy, taken up once by the page after signing in. It is not cleared with the
 * other items: the pages between are pages on which nobody is signed in.
 */
let chosen = loadItem(CHOSEN);
if (!(Date.now() - chosen.at < CHOSEN_MS_MAX)) forgetChoice();

function forgetChoice() {
  chosen = {};
  saveItem(CHOSEN);
}

let chosenCurrency = loadCurrency();

function loadCurrency() {
  try {
    return localStorage.getItem(CURRENCY);
  } catch {
    return;
  }
}

function chooseCurrency(currency) {
  chosenCurrency = currency;
  try {
    localStorage.setItem(CURRENCY, currency);
  } catch {
    // Then the choice is for this page alone.
  }
}

/** The currency among those of some prices that the reader has chosen, else the site's; undefined where it is none of them. */
const currencyOf = (part, prices) =>
  [chosenCurrency, part.setting("currency")?.toLowerCase()].find((wanted) => prices.some(({ currency }) => currency === wanted));
