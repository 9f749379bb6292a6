return {
  description = "Raises what it is told to",
  params = {message = {type = "string", default = "raised"}, as_table = {type = "boolean", default = false}},
  handler = function(params)
    if params.as_table then
      error({error = params.message})
    end
    error(params.message)
  end,
}
