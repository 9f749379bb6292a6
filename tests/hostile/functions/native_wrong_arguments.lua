-- expect: 500 function_error
return function(params, ctx)
  for _, name in ipairs({"fib", "gzip", "matrix", "mutex", "random", "regex", "sha256", "sieve", "sort"}) do
    for _, fn in pairs(require(name)) do
      for _, value in ipairs({-1, 1e300, 0 / 0, "", "x", {}, {{}}, print, true}) do
        pcall(fn, value)
        pcall(fn, value, value)
        pcall(fn, value, value, value)
      end
    end
  end
  error("all survived")
end
