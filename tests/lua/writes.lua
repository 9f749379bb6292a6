io.write("loading")

return {
  description = "Writes lines in pieces, and leaves the last one unfinished",
  timeout_ms = 300,
  handler = function(params)
    io.write("a number ", 12, "\na ")
    io.stdout:write("line"):write("\n")
    io.stderr:write("a warning")
    io.write("printed")
    print(" after")
    io.write("the ", "end")
    while params.ending == "never" do
      params.seen = true
    end
    return params.ending == "raise" and error("raised") or "written"
  end,
}
