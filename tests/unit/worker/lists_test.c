/* lists_test.c - table.sort and table.insert do what LuaJIT's do, and refuse what those refuse. */
/* SPDX-License-Identifier: MIT */
#include "vm_rows.h"

/* Lists of several kinds and lengths; it says what is wrong with one. */
static const char *const random_lists =
    "(function()\n"
    "  local kinds = {\n"
    "    function(n) return math.random(n) end, function() return math.random() end,\n"
    "    function() return math.random(3) end, function(n, i) return i end,\n"
    "    function(n, i) return n - i end, function(n, i) return i % 10 end,\n"
    "    function(n, i) return math.abs(n / 2 - i) end,\n"
    "    function(n) return 'k' .. math.random(n) end,\n"
    "  }\n"
    "  local orders = {false, function(a, b) return a > b end}\n"
    "  for n = 0, 300 do for k, make in ipairs(kinds) do for _, order in ipairs(orders) do\n"
    "    local list, count = {}, {}\n"
    "    for i = 1, n do\n"
    "      list[i] = make(n, i)\n"
    "      count[list[i]] = (count[list[i]] or 0) + 1\n"
    "    end\n"
    "    table.sort(list, order or nil)\n"
    "    if #list ~= n then return 'length ' .. n end\n"
    "    for i, item in ipairs(list) do\n"
    "      count[item] = count[item] - 1\n"
    "      if count[item] < 0 then return 'doubled in kind ' .. k end\n"
    "      local before = list[i - 1]\n"
    "      if before and (order and order(item, before) or not order and item < before) then\n"
    "        return 'order of kind ' .. k .. ' at ' .. i .. ' of ' .. n\n"
    "      end\n"
    "    end\n"
    "  end end end\n"
    "  return 'all in order'\n"
    "end)()";

static void lists_are_sorted(void **state)
{
    const struct row rows[] = {
        {random_lists, "all in order"},
        {"select('#', table.sort({2, 1}))", "0"},
        {"(function() local mt = {} mt.__lt = function(a, b) return a[1] < b[1] end local t = {} "
         "for i "
         "= 1, 50 do t[i] = setmetatable({i * 7 % 50}, mt) end table.sort(t) for i = 1, 50 do if "
         "t[i][1] ~= i - 1 then return i end end return 'sorted' end)()",
         "sorted"},
    };

    (void)state;
    EXPECT_VALUES(rows);
}

static void what_has_no_order_is_refused(void **state)
{
    static const struct row rows[] = {
        {"(table.sort())", "bad argument #1 to 'sort' (table expected, got no value)"},
        {"(table.sort('x'))", "bad argument #1 to 'sort' (table expected, got string)"},
        {"(table.sort({}, 1))", "bad argument #2 to 'sort' (function expected, got number)"},
        {"table.sort({1, 'x'})", "attempt to compare"},
        {"table.sort({{}, {}})", "attempt to compare two table values"},
        {"table.sort({1, 2, 3, 4, 5}, function() return true end)",
         "invalid order function for sorting"},
        {"table.sort({5, 4, 3, 2, 1, 6, 7}, function(a, b) return a <= b or a > 0 end)",
         "invalid order function for sorting"},
        {"table.sort({1, 2, 3}, function() error('mine') end)", "mine"},
    };

    (void)state;
    EXPECT_ERRORS(rows);
}

static void items_are_inserted(void **state)
{
    static const struct row rows[] = {
        {"(function() local t = {1, 2, 4} table.insert(t, 3, 3) table.insert(t, 5) "
         "table.insert(t, '1', 0) return table.concat(t, ' ') end)()",
         "0 1 2 3 4 5"},
        {"(function() local t = {} for i = 1, 1e5 do t[i] = i end table.insert(t, 1, 0) for i = 1, "
         "1e5 + 1 do if t[i] ~= i - 1 then return i end end return #t end)()",
         "100001"},
        {"(function() local t = {} for i = 1, 1e5 do t[i] = i end table.insert(t, 20000.9, 'x') "
         "return t[19999] .. t[20000] .. t[20001] .. t[100001] end)()",
         "19999x20000100000"},
        {"(function() local t = {1} table.insert(t, -70000, 'x') return t[-70000] .. t[2] end)()",
         "x1"},
    };

    (void)state;
    EXPECT_VALUES(rows);
}

static void wrong_inserts_are_refused(void **state)
{
    static const struct row rows[] = {
        {"(table.insert())", "bad argument #1 to 'insert' (table expected, got no value)"},
        {"(table.insert({}))", "wrong number of arguments to 'insert'"},
        {"(table.insert({}, 1, 2, 3))", "wrong number of arguments to 'insert'"},
        {"(table.insert({}, 'x', 2))", "bad argument #2 to 'insert' (number expected, got string)"},
        {"(table.insert(1, 1, 2))", "bad argument #1 to 'insert' (table expected, got number)"},
    };

    (void)state;
    EXPECT_ERRORS(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_sorted),
        cmocka_unit_test(what_has_no_order_is_refused),
        cmocka_unit_test(items_are_inserted),
        cmocka_unit_test(wrong_inserts_are_refused),
    };

    return RUN_VM_TESTS(tests);
}
