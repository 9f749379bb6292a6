local random = require("random")

local function build_rows(size)
  local ids = random.uuids(size)
  local rows = {}
  for i = 0, size - 1 do
    rows[i + 1] = {
      id = ids[i + 1],
      value = math.random(0, 1000),
      label = "item-" .. i,
      tags = {"a", "b", "c-" .. (i % 10)},
    }
  end
  return rows
end

local function count_above(rows, bound)
  local count = 0
  for _, row in ipairs(rows) do
    if row.value > bound then
      count = count + 1
    end
  end
  return count
end

return {
  description = "Builds rows of data and counts those with a value above 500",
  params = {
    size = {type = "integer", default = 5000, min = 0, max = 1000000, description = "how many rows"},
  },
  memory_mb = 640,
  handler = function(params)
    local rows = build_rows(params.size)
    return {processed = #rows, filtered = count_above(rows, 500)}
  end,
}
