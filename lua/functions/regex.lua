local regex = require("regex")

local EMAIL = [[[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}]]
local DOTTED_QUAD = [[\d{1,3}(?:\.\d{1,3}){3}]]

local function build_candidates(count)
  local candidates = {}
  for i = 0, count - 1 do
    if i % 3 == 0 then
      candidates[i + 1] = "user" .. i .. "@example.com"
    else
      candidates[i + 1] = "not-an-email-" .. math.random(0, 999999999)
    end
  end
  return candidates
end

return {
  description = "Counts which of many strings are e-mail addresses or dotted quads",
  params = {
    count = {type = "integer", default = 5000, min = 0, max = 1000000, description = "how many strings"},
  },
  memory_mb = 192,
  handler = function(params)
    local candidates = build_candidates(params.count)
    return {tested = #candidates, matches = regex.count(EMAIL .. "|" .. DOTTED_QUAD, candidates)}
  end,
}
