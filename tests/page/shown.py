# SPDX-License-Identifier: MIT
"""shown.py - what the page is to show: functions that do well, fail and lie."""

HOSTILE = "<img src=x onerror=\"document.title='taken'\"></script><script>document.title='taken'"

FUNCTIONS = {
    "hostile": f"""
        local text = [[{HOSTILE}]]
        return {{description = text,
          params = {{text = {{type = "string", default = text, description = text}}}},
          handler = function(params, ctx)
            ctx.log("warn", text)
            if params.fail then error(text) end
            return {{[text] = text, list = {{text}}}}
          end}}""",
    "refuses": """return function()
          return nil, {status = 401, code = "no_entry", message = "not you"}
        end""",
    "chatty": """
        return function(params, ctx)
          for i = 1, params.lines or 3 do
            ctx.log(({"debug", "info", "warn", "error"})[i % 4 + 1], "line " .. i)
          end
          return {}
        end""",
    "typed": """
        return {params = {whole = {type = "integer", min = 1, max = 9, required = true},
                          real = {type = "number", default = 0.5},
                          word = {type = "string", max = 5},
                          yes = {type = "boolean"},
                          map = {type = "object"},
                          list = {type = "array", max = 2},
                          some = {type = "any"}},
                handler = function(params) return {got = params} end}""",
    "held": """
        return {max_concurrency = 1, handler = function(params, ctx) ctx.sleep(60000) end}""",
    "eats": """
        return {memory_mb = 4, handler = function()
          local all = {}
          for i = 1, 1e9 do all[i] = ("x"):rep(1000) .. i end
        end}""",
    "unfit": "return function() return {f = print} end",
    "spins": "return function() while true do end end",
    "nothing": "return function(params) return params end",
    "broken": "return function( end",
}
