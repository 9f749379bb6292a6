local gzip = require("gzip")
local random = require("random")

--- Per cent saved, rounded to two decimals.
local function saved(before, after)
  if before == 0 then
    return 0
  end
  return math.floor((1 - after / before) * 10000 + 0.5) / 100
end

return {
  description = "Compresses random capital letters with gzip",
  params = {
    size = {type = "integer", default = 50000, min = 0, max = 67108864, description = "how many letters"},
  },
  memory_mb = 320,
  handler = function(params)
    local compressed = gzip.compress(random.letters(params.size))
    return {
      input_bytes = params.size,
      compressed_bytes = #compressed,
      ratio = saved(params.size, #compressed),
    }
  end,
}
