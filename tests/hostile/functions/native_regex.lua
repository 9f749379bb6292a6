-- expect: 500 function_error
-- Backtracks without an end; pcre2 has a limit.
return function(params, ctx)
  return {found = require("regex").matches("(a+)+$", ("a"):rep(100) .. "b")}
end
