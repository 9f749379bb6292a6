-- expect: 200 {"escaped":false}
return function(params, ctx)
  for i = 1, 3 do
    if i == 2 then goto continue end
    ::continue::
  end
  return {escaped = false}
end
