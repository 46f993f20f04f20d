/**
 * The reader's parts of a page. Its elements, and the data-paywall-… settings on any element around
 * them, are described in the README. The service is where this script came from.
 */

const SERVICE = new URL("../../", import.meta.url);
const FEW_CREDITS = 2;
const WAIT_MS = 15_000;
const HOLD_MS = 500;
const POLL_MS = 1_500;
const OUTAGE_PAUSE_MS_MAX = 300_000;
const CHECKOUT = "paywall-checkout";
const SIGNED_OUT = "signed out";
const BOUGHT = "paywall-bought";
const RECEIPT = "paywall-receipt";

/** Why something did not work: "unreachable", "signed_out", "refused", or the code of a problem. */
class RequestError extends Error {
  constructor(code, problem = {}) {
    super(code);
    Object.assign(this, { code, problem });
  }
}

/** What an object has of its own: ids such as "constructor" are nobody's but the site's. */
const own = (object, name) => (Object.hasOwn(object ?? {}, name) ? object[name] : undefined);

/* ---- Addresses ---- */

/** An address as the browser reads it, if it is one of the web; javascript: is none. */
function webAddress(address) {
  if (!address) return;
  try {
    const url = new URL(address, document.baseURI);
    return ["http:", "https:"].includes(url.protocol) ? url : undefined;
  } catch {
    return;
  }
}

/** The address of a page of this origin; undefined for any other. */
function pageHere(address) {
  const url = webAddress(address);
  return url?.origin === location.origin ? url.href : undefined;
}

function refuse(name, address, what) {
  console.error(`paywall.js: data-paywall-${name}="${address}" has to be ${what}`);
}

/* ---- The service ---- */

async function send(url, options) {
  let answer;
  try {
    answer = await fetch(url, {
      cache: "no-store",
      referrerPolicy: "no-referrer",
      signal: AbortSignal.timeout(WAIT_MS),
      ...options,
    });
  } catch (cause) {
    throw new RequestError("unreachable", { cause });
  }
  if (answer.status >= 500 || answer.status === 429) throw new RequestError("unreachable");
  return answer;
}

async function read(answer) {
  const body = await answer.json().catch(() => {
    throw new RequestError("unreachable");
  });
  if (!answer.ok) throw new RequestError(String(body.type).split("/").pop(), body);
  return body;
}

const NOBODY = { ends: 0 };
let tokenPromise = Promise.resolve(NOBODY);
/** How far the service's clock is ahead of this machine's. */
let aheadMs = 0;
const now = () => Date.now() + aheadMs;
/** Whose page this is: the subject of its first token; null where nobody is signed in. */
let reader;

/** The page's one token; a new one where it has ended, or where it was `refused`. */
function tokenFor(part, refused) {
  const isValid = ({ token, ends }) => ends > Date.now() && (!refused || token !== refused);
  tokenPromise = tokenPromise.then((one) => (isValid(one) ? one : fetchToken(part.setting("token"))));
  return tokenPromise;
}

/** A token, or none where nobody is signed in, or the error, which is for all that wait at this moment. */
const fetchToken = (address) => askForToken(address).catch((error) => ({ error, ends: Date.now() + 100 }));

async function askForToken(address) {
  const nobody = { ends: Date.now() + 1_000 };
  if (!address) return nobody;
  const url = pageHere(address);
  if (!url) {
    refuse("token", address, "of this page's origin");
    return nobody;
  }
  const answer = await send(url, { method: "POST", credentials: "same-origin" });
  if ([204, 401].includes(answer.status)) {
    tabs.postMessage(SIGNED_OUT);
    clearItems();
    reader ??= null;
    return nobody;
  }
  // Not to be taken for nobody: who is signed in must not be asked to sign in.
  if (!answer.ok) throw new RequestError("refused");
  const { token, expires_at } = await read(answer);
  const { sub, iat } = claimsOf(token);
  aheadMs = iat * 1_000 - Date.now();
  belongsTo(sub);
  return { token, ends: Date.parse(expires_at) - 10_000 };
}

/** What a token says. It is only compared: whether the token holds is the service's to say. */
function claimsOf(token) {
  try {
    return JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")));
  } catch (cause) {
    throw new RequestError("token_unreadable", { cause });
  }
}

/** A page is one reader's: where somebody else is signed in by now, it is loaded anew, and asks nothing for them. */
function belongsTo(subject) {
  if (reader && reader !== subject) {
    reload();
    throw new RequestError("signed_out");
  }
  reader = subject;
}

let isReloading = false;

/**
 * Reload once: tabs that sign each other out would otherwise abort their reloads for ever. No
 * question stays open meanwhile, but the one that was just answered.
 */
function reload(isAnswered) {
  if (isReloading) return;
  isReloading = true;
  setTimeout(() => { isReloading = false; }, WAIT_MS);
  if (!isAnswered) for (const box of document.querySelectorAll(".paywall-dialog")) box.close();
  location.reload();
}

/** Ask as the reader; a token that has ended is renewed once. Throws RequestError. */
async function request(part, method, path, body, key) {
  let refused;
  for (;;) {
    const { token, error } = await tokenFor(part, refused);
    if (error) throw error;
    if (!token) throw new RequestError("signed_out");
    const answer = await send(new URL(path, SERVICE), {
      method,
      credentials: "omit",
      body: body && JSON.stringify(body),
      headers: {
        Authorization: `Bearer ${token}`,
        ...(body && { "Content-Type": "application/json" }),
        ...(key && { "Idempotency-Key": key }),
      },
    });
    if (answer.status !== 401) return read(answer);
    if (refused) throw new RequestError("refused");
    refused = token;
  }
}

const newKey = () => crypto.getRandomValues(new Uint32Array(4)).join("-");

/* ---- What is known, until it changes in this tab or in another ---- */

const parts = new Set();
const tabs = new BroadcastChannel("paywall");
const known = new Map();

/** Asked once for all parts of the page. */
function fetchOnce(name, find) {
  if (!known.has(name)) {
    const found = find().catch((error) => {
      known.delete(name);
      throw error;
    });
    known.set(name, found);
  }
  return known.get(name);
}

function refresh(but) {
  known.clear();
  return Promise.all([...parts].filter((part) => part !== but).map((part) => part.draw()));
}

const waiting = new Set();
let outages = 0;
let outageTimer;

/** Parts that reach nobody ask again by themselves: later each time, and not in all browsers at once. */
function retry(part) {
  waiting.add(part);
  if (outageTimer) return;
  const pause = Math.min(5_000 * 3 ** outages, OUTAGE_PAUSE_MS_MAX);
  outages += 1;
  outageTimer = setTimeout(async () => {
    outageTimer = undefined;
    await Promise.all([...waiting].map((one) => one.draw()));
    if (!waiting.size) outages = 0;
  }, pause * (1 + Math.random() / 2));
}

/** However often it is asked for, `act` runs once at a time, and once more if it was asked for meanwhile. */
function serial(act) {
  let isRunning = false;
  let isWanted = false;
  return async () => {
    isWanted = true;
    if (isRunning) return;
    isRunning = true;
    try {
      while (isWanted) {
        isWanted = false;
        // An element that waits for a payment must not hold up the others.
        await Promise.race([act(), new Promise((done) => setTimeout(done, WAIT_MS))]);
      }
    } finally {
      isRunning = false;
    }
  };
}

/** Something was unlocked, bought or cancelled here: every other part, in any tab, looks again. */
function announce(part) {
  tabs.postMessage("changed");
  refresh(part);
}

const withToken = () => document.querySelector("[data-paywall-token]");

/** Somebody signed out elsewhere, or came back to this page: of another reader nothing stays here, whoever wrote it. */
async function checkReader() {
  if (!withToken() || isReloading) return;
  await tokenPromise;
  // Nothing here has asked yet, so nobody knows whose page this is.
  if (reader === undefined) return reload();
  if (reader === null) return;
  tokenPromise = fetchToken(withToken().dataset.paywallToken);
  const { token, error } = await tokenPromise;
  if (token) refresh();
  else if (!error || error.code === "refused") reload();
  // The parts say what is wrong.
  else if (error.code !== "signed_out") refresh();
}

const refreshAgain = serial(() => refresh());
const checkAgain = serial(checkReader);

tabs.onmessage = ({ data }) => (data === SIGNED_OUT ? checkAgain() : refreshAgain());
addEventListener("online", refreshAgain);
addEventListener("pageshow", ({ persisted }) => {
  if (!persisted) return;
  if (reader === null) {
    // Somebody may have signed in meanwhile: ask again, though the last answer is not a second old.
    tokenPromise = Promise.resolve(NOBODY);
    refreshAgain();
  } else checkAgain();
});
// Whoever signs out comes to a page like this one, and is signed out in every tab.
if (!withToken()) {
  tabs.postMessage(SIGNED_OUT);
  clearItems();
}

/* ---- What this tab remembers on the way to pay and back; a browser may forbid it to ---- */

function loadItem(name) {
  try {
    return JSON.parse(sessionStorage.getItem(name)) ?? {};
  } catch {
    return {};
  }
}

function saveItem(name, value) {
  try {
    if (value) sessionStorage.setItem(name, JSON.stringify(value));
    else sessionStorage.removeItem(name);
  } catch {
    // Then the return page leads to the account, and thanks without saying for what.
  }
}

/** Nothing of what a reader was about to buy stays for the next one. */
function clearItems() {
  saveItem(CHECKOUT);
  saveItem(BOUGHT);
  saveItem(RECEIPT);
}

/** Away from this page; until it is gone, what led away waits. */
function navigate(address) {
  if (!webAddress(address)) throw new RequestError("failed");
  location.assign(address);
  return new Promise((done) => setTimeout(done, WAIT_MS));
}
