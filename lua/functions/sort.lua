local sort = require("sort")

local function build_items(size)
  local items = {}
  for i = 1, size do
    items[i] = "item-" .. math.random(0, size * 10 - 1)
  end
  return items
end

return {
  description = "Sorts random strings by their bytes",
  params = {
    size = {type = "integer", default = 100000, min = 1, max = 1000000, description = "how many strings"},
  },
  memory_mb = 192,
  handler = function(params)
    local items = sort.strings(build_items(params.size))
    return {sorted = #items, first = items[1]}
  end,
}
