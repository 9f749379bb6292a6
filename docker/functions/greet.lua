-- A function of the demo's own folder: what is dropped beside it can be called at once.
return {
  description = "Greets by name",
  params = {name = {type = "string", default = "world", max = 200}},
  handler = function(params, ctx)
    ctx.log("info", "greeting " .. params.name)
    return {hello = params.name}
  end,
}
