-- expect: 503 function_broken
return require("file_requires_itself")
