local while_loading = math.random(0, 2 ^ 31 - 1)

return function()
  return {loading = while_loading, calling = {math.random(0, 2 ^ 31 - 1), math.random(0, 2 ^ 31 - 1)}}
end
