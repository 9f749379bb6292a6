std = "luajit"
max_line_length = 120
files["lua/prelude.lua"] = {globals = {"coroutine"}}
