/* program_text.c - expressions and statements, at random. */
/* SPDX-License-Identifier: MIT */
#include "program_text.h"

#include <stdarg.h>
#include <stdio.h>

enum { NESTING_MAX = 4, VARIABLES = 8 };

void script_init(struct script *s, const uint8_t *data, size_t size)
{
    s->at = data;
    s->end = data + size;
    s->random = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < size; i++)
        s->random = (s->random ^ data[i]) * UINT64_C(0x100000001b3);
    s->len = 0;
    s->left = 0;
}

static unsigned pick(struct script *s, unsigned count)
{
    unsigned next = s->at < s->end ? *s->at++ : 0;

    s->random = s->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (next + (unsigned)(s->random >> 33)) % count;
}

void put(struct script *s, const char *format, ...)
{
    size_t room = sizeof(s->text) - s->len;
    va_list args;

    va_start(args, format);
    int len = vsnprintf(s->text + s->len, room, format, args);
    va_end(args);
    s->len += len > 0 && (size_t)len < room ? (size_t)len : 0;
}

#define PICK(s, list) (list)[pick(s, sizeof(list) / sizeof(*(list)))]

static void put_expression(struct script *s, int depth);
static void put_block(struct script *s, int depth);

/* -- Expressions ----------------------------------------------------------------------------- */

static void put_literal(struct script *s)
{
    static const char *const literals[] = {
        "nil",
        "true",
        "false",
        "0",
        "1",
        "-1",
        "2",
        "7",
        "100",
        "0.5",
        "-0.0",
        "2^31",
        "-2^31",
        "2^53",
        "1e308",
        "0/0",
        "1/0",
        "-1/0",
        "''",
        "'x'",
        "'abc'",
        "'10'",
        "'0x1p4'",
        "'a\\0b'",
        "'%'",
        "'%d %s %q'",
        "('xy'):rep(40)",
        "'é\\255'",
        "{}",
        "{1, 2, 3}",
        "{3, 'b', x = 1}",
        "{{}, {{}}}",
        "json.null",
        "json.array()",
        "print",
        "string.rep",
        "coroutine.create(function(...) return ... "
        "end)",
        "coroutine.wrap(function(...) for i = 1, 5 do coroutine.yield(i, ...) end end)",
        "function(...) return ... end",
        "function(x) return x end",
        "function() error('e', 0) end",
        "function() error({code = 'c'}) end",
        "function(p, q) return p < q end",
        "function(...) return coroutine.yield(...) end",
        "function(x) return tostring(x) .. 'z' end"};

    put(s, "%s", PICK(s, literals));
}

static void put_variable(struct script *s)
{
    put(s, "v%u", pick(s, VARIABLES) + 1);
}

static void put_pattern(struct script *s)
{
    static const char *const parts[] = {".", "%a", "%d", "[^x]", "[a-c]",  "x",  "(",
                                        ")", "()", "%1", "%bxy", "%f[%w]", "*",  "+",
                                        "-", "?",  "$",  "^",    "%s",     "%z", "%"};

    put(s, "'");
    for (unsigned count = pick(s, 6); count > 0; count--)
        put(s, "%s", PICK(s, parts));
    put(s, "'");
}

static void put_list(struct script *s, int depth)
{
    for (unsigned count = pick(s, 5); count > 0; count--) {
        put_expression(s, depth + 1);
        put(s, ", ");
    }
}

static void put_operation(struct script *s, int depth)
{
    static const char *const operators[] = {
        "+", "-", "*", "/", "%", "^", "..", "==", "~=", "<", "<=", ">", ">=", "and", "or"};
    static const char *const unary[] = {"- ", "not ", "#"};
    const char *begin = pick(s, 4) ? "number(" : "("; /* few values can be calculated with */

    put(s, "(");
    if (pick(s, 5) == 0) {
        put(s, "%s", PICK(s, unary));
    } else {
        put(s, "%s", begin);
        put_expression(s, depth + 1);
        put(s, ") %s ", PICK(s, operators));
    }
    put(s, "%s", begin);
    put_expression(s, depth + 1);
    put(s, "))");
}

/* Any function that is reachable, or one of those whose arguments matter. */
static void put_call(struct script *s, int depth)
{
    static const char *const calls[] = {"string.find(text(%s), ",
                                        "string.match(text(%s), ",
                                        "string.gsub(text(%s), ",
                                        "string.gmatch(text(%s), ",
                                        "string.format(text(%s), ",
                                        "string.sub(text(%s), ",
                                        "string.byte(text(%s), ",
                                        "table.concat(list(%s), ",
                                        "table.insert(list(%s), ",
                                        "table.remove(list(%s), ",
                                        "table.sort(list(%s), ",
                                        "unpack(list(%s), ",
                                        "select(%s, ",
                                        "setmetatable(list(%s), ",
                                        "rawset(list(%s), ",
                                        "rawget(list(%s), ",
                                        "next(list(%s), ",
                                        "json.encode(%s, ",
                                        "json.decode(text(%s), ",
                                        "pcall(callable(%s), ",
                                        "xpcall(callable(%s), ",
                                        "coroutine.resume(create(callable(%s)), ",
                                        "coroutine.resume(%s, ",
                                        "coroutine.wrap(callable(%s), ",
                                        "tostring(%s, ",
                                        "tonumber(%s, ",
                                        "bit.bxor(%s, ",
                                        "load('return ' .. text(%s), ",
                                        "call(callable(%s), ",
                                        "keep(%s, "};
    char variable[8];
    unsigned kind = pick(s, 3);

    if (kind == 0) {
        put(s, "any(%u, ", pick(s, 1000));
        put_list(s, depth);
        put(s, "nil)");
        return;
    }
    snprintf(variable, sizeof(variable), "v%u", pick(s, VARIABLES) + 1);
    const char *call = PICK(s, calls);
    for (const char *at = call; *at; at++)
        if (at[0] == '%' && at[1] == 's') {
            put(s, "%s", variable);
            at++;
        } else {
            put(s, "%c", *at);
        }
    if (kind == 1)
        put_pattern(s);
    else
        put_expression(s, depth + 1);
    if (pick(s, 2)) {
        put(s, ", ");
        put_expression(s, depth + 1);
    }
    put(s, ")");
}

static void put_table(struct script *s, int depth)
{
    put(s, "{");
    put_list(s, depth);
    if (pick(s, 2)) {
        put(s, "k%u = ", pick(s, 4));
        put_expression(s, depth + 1);
    }
    put(s, "}");
}

static void put_function(struct script *s, int depth)
{
    put(s, "function(v%u, v%u, ...) burn() ", pick(s, VARIABLES) + 1, pick(s, VARIABLES) + 1);
    put_block(s, depth + 1);
    put(s, " do return ");
    put_expression(s, depth + 1);
    put(s, " end end");
}

static void put_metatable(struct script *s, int depth)
{
    static const char *const names[] = {
        "__index", "__newindex", "__call", "__add",      "__concat", "__len", "__eq",
        "__lt",    "__le",       "__unm",  "__tostring", "__mode",   "__mod", "__metatable"};

    put(s, "setmetatable({1, 2}, {");
    for (unsigned count = 1 + pick(s, 3); count > 0; count--) {
        put(s, "%s = ", PICK(s, names));
        put_expression(s, depth + 1);
        put(s, ", ");
    }
    put(s, "})");
}

static void put_expression(struct script *s, int depth)
{
    if (depth >= NESTING_MAX || s->left-- <= 0) {
        if (pick(s, 2))
            put_literal(s);
        else
            put_variable(s);
        return;
    }
    switch (pick(s, 12)) {
    case 0:
    case 1:
        put_literal(s);
        break;
    case 2:
    case 3:
    case 4:
        put_variable(s);
        break;
    case 5:
    case 6:
        put_operation(s, depth);
        break;
    case 7:
        put_table(s, depth);
        break;
    case 8:
        put_function(s, depth);
        break;
    case 9:
        put_metatable(s, depth);
        break;
    default:
        put_call(s, depth);
        break;
    }
}

/* -- Statements ------------------------------------------------------------------------------ */

static void put_loop(struct script *s, int depth)
{
    static const unsigned rounds[] = {3, 10, 70, 200}; /* a loop is compiled after 56 */
    unsigned variable = pick(s, VARIABLES) + 1;

    switch (pick(s, 4)) {
    case 0:
        put(s, "for _, v%u in pairs(list(v%u)) do burn() ", variable, pick(s, VARIABLES) + 1);
        break;
    case 1:
        put(s, "while burn() and v%u do ", variable);
        break;
    case 2:
        put(s, "for i, v%u in ipairs(list(v%u)) do burn() ", variable, pick(s, VARIABLES) + 1);
        break;
    default:
        put(s, "for v%u = 1, %u do burn() ", variable, PICK(s, rounds));
    }
    put_block(s, depth + 1);
    if (pick(s, 4) == 0) {
        put(s, " if ");
        put_expression(s, depth + 1);
        put(s, " then break end");
    }
    put(s, " end ");
}

static void put_assignment(struct script *s, int depth)
{
    unsigned variable = pick(s, VARIABLES) + 1;

    switch (pick(s, 3)) {
    case 0:
        put(s, "list(v%u)[", variable);
        put_expression(s, depth + 1);
        put(s, "] = ");
        break;
    case 1:
        put(s, "v%u, v%u = ", variable, pick(s, VARIABLES) + 1);
        break;
    default:
        put(s, "v%u = ", variable);
    }
    put_expression(s, depth);
    put(s, " ");
}

void put_statement(struct script *s, int depth)
{
    switch (depth < NESTING_MAX ? pick(s, 8) : 0) {
    case 1:
        put_loop(s, depth);
        break;
    case 2:
        put(s, "if ");
        put_expression(s, depth + 1);
        put(s, " then ");
        put_block(s, depth + 1);
        put(s, " else ");
        put_block(s, depth + 1);
        put(s, " end ");
        break;
    case 3:
        put(s, "try(function(...) ");
        put_block(s, depth + 1);
        put(s, " end) ");
        break;
    case 4:
        put(s, "keep(call(coroutine.wrap(");
        put_function(s, depth + 1);
        put(s, "), ");
        put_expression(s, depth + 1);
        put(s, ")) ");
        break;
    case 5:
        put(s, "keep(");
        put_call(s, depth);
        put(s, ") ");
        break;
    default:
        put_assignment(s, depth);
    }
}

static void put_block(struct script *s, int depth)
{
    for (unsigned count = 1 + pick(s, 3); count > 0 && s->left > 0; count--)
        put_statement(s, depth);
}
