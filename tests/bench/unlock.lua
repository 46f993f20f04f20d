-- Unlocks one article after another, for each reader in turn, and counts the new unlocks.
-- Arguments: a file of reader tokens and a file of article ids, one a line.

dofile("figures.lua")

local function lines(path)
  local found = {}
  for line in io.lines(path) do
    found[#found + 1] = line
  end
  return found
end

function init(words)
  tokens, articles = lines(words[1]), lines(words[2])
  asked, created = 0, 0
end

function request()
  local token = tokens[asked % #tokens + 1]
  local article = articles[math.floor(asked / #tokens) % #articles + 1]
  asked = asked + 1
  local headers = { ["Content-Type"] = "application/json", ["Authorization"] = "Bearer " .. token }
  return wrk.format("POST", nil, headers, string.format('{"article_id":"%s"}', article))
end

function response(status)
  if status == 201 then
    created = created + 1
  end
end
