/* ---- What is asked of a reader: decisions on articles, and what they have ---- */

const BATCH_ARTICLES_MAX = 100;

let batch;

/** All that is asked at this moment goes together: what the reader has, and the decisions of all gates. */
function joinBatch(part) {
  if (!batch) {
    const asked = { articles: new Set() };
    asked.answer = new Promise((done) => setTimeout(done)).then(() => {
      batch = undefined;
      return fetchBatch(part, asked);
    });
    batch = asked;
  }
  return batch;
}

async function fetchBatch(part, { articles, withMe }) {
  const ids = [...articles];
  if (withMe && ids.length && ids.length <= BATCH_ARTICLES_MAX) {
    try {
      const { me, decisions } = await request(part, "POST", "v1/me/page", { article_ids: ids });
      return { me, decisions: byArticle(decisions) };
    } catch (error) {
      // One that is no article's id spoils nothing for the others.
      if (![400, 422].includes(error.problem?.status)) throw error;
    }
  }
  const mine = withMe && request(part, "GET", "v1/me");
  const [me, decisions] = await Promise.all([mine, fetchDecisions(part, ids)]);
  return { me, decisions: new Map(decisions) };
}

const byArticle = (decisions) => new Map(decisions.map((decision) => [decision.article_id, decision]));

/** What the reader has, asked once for all parts of the page. */
const fetchMe = (part) =>
  fetchOnce("me", async () => {
    const asked = joinBatch(part);
    asked.withMe = true;
    return (await asked.answer).me;
  });

/** The decision on an article; rejects with RequestError. */
async function fetchDecision(part, article) {
  const asked = joinBatch(part);
  asked.articles.add(article);
  const decision = (await asked.answer).decisions.get(article);
  if (decision instanceof RequestError) throw decision;
  return decision;
}

/** By halves where there are too many for one question, or where one is no article's id. */
async function fetchDecisions(part, articles) {
  if (!articles.length) return [];
  const half = articles.length >> 1;
  if (articles.length <= BATCH_ARTICLES_MAX) {
    try {
      const { decisions } = await request(part, "POST", "v1/me/access/check-batch", { article_ids: articles });
      return [...byArticle(decisions)];
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      if (!half || ![400, 422].includes(error.problem.status)) return articles.map((article) => [article, error]);
    }
  }
  return [...(await fetchDecisions(part, articles.slice(0, half))), ...(await fetchDecisions(part, articles.slice(half)))];
}

let turn = Promise.resolve();

/** Bodies that no click waits for come one after the other. */
function inTurn(act) {
  const done = turn.then(act);
  turn = done.catch(() => {}); // The caller of `act` handles the error.
  return done;
}
