return {
  description = "Logs more than one call may",
  handler = function(_, ctx)
    for i = 1, 100 do
      ctx.log("info", ("line %03d "):format(i) .. ("x"):rep(1015))
    end
  end,
}
