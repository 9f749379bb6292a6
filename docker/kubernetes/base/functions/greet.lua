-- A function from the ConfigMap: a changed one serves as soon as the volume has it.
return {
  description = "Greets by name",
  params = {name = {type = "string", default = "world", max = 200}},
  handler = function(params, ctx)
    ctx.log("info", "greeting " .. params.name)
    return {hello = params.name}
  end,
}
