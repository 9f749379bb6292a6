local matrix = require("matrix")

return {
  description = "Multiplies two random matrices of doubles",
  params = {
    dim = {type = "integer", default = 120, min = 1, max = 1024, description = "rows and columns"},
  },
  handler = function(params)
    local product = matrix.multiply(matrix.random(params.dim), matrix.random(params.dim))
    return {dim = params.dim, checksum = matrix.get(product, 1, 1)}
  end,
}
