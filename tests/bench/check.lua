-- Asks whether a reader, taken at random, may read an article, taken at random.
-- Arguments: a site token, the number of readers, the number of articles.

dofile("figures.lua")

function init(words)
  math.randomseed(os.time())
  readers, articles = tonumber(words[2]), tonumber(words[3])
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
  wrk.headers["Authorization"] = "Bearer " .. words[1]
end

function request()
  return wrk.format(nil, nil, nil, string.format(
    '{"article_id":"a%d","reader_id":"r%d"}', math.random(0, articles - 1), math.random(0, readers - 1)))
end
