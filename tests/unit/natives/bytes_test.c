/* bytes_test.c - the natives that make and change bytes: gzip, random and sha256. */
/* SPDX-License-Identifier: MIT */
#include "lua_rows.h"

/* -- sha256 -------------------------------------------------------------------------------- */

/* The first five are examples of FIPS 180-4 and of NIST's test vectors. */
static void sha256_gives_the_known_digests(void **state)
{
    static const struct lua_row rows[] = {
        {"sha256.iterate('abc', 1)",
         "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"sha256.iterate('', 1)",
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"sha256.iterate('abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq', 1)",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"sha256.iterate(('a'):rep(1000000), 1)",
         "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
        {"sha256.iterate('\\189', 1)",
         "68325720aabd7c82f30f554b313d0570c95accbb7dc4b5aae11204c08ffe732b"},
        {"sha256.iterate('a\\0b', 1)",
         "59b271ae1bbcb1d31d41929817f4b16fb439eb4f31520b5ad1d5ce98920a7138"},
        {"sha256.iterate('abc', 2)",
         "4f8b42c22dd3729b519ba6f68d2da7cc5b2d606d05daed5ad5128cc03e6c6358"},
        {"sha256.iterate('hello', 2)",
         "9595c9df90075148eb06860365df33584b75bff782a510c6cd4883a419833d50"},
        {"sha256.iterate('abc', 1000)",
         "fc8a6b86a13f71cd9a67f558ab6fd82a3dd89186163a017ed8051acf6d3f8f99"},
        {"sha256.iterate('', 10000)",
         "4808f48cc972177e4e7d4f916bedc508f3e3846e009ac0b8635ae0dd6aa9dae5"},
    };
    ASSERT_VALUES(*state, rows);
}

static void sha256_without_rounds_gives_the_input_in_hex(void **state)
{
    static const struct lua_row rows[] = {
        {"sha256.iterate('', 0)", ""},
        {"sha256.iterate('abc', 0)", "616263"},
        {"sha256.iterate('\\0\\15\\240\\255', 0)", "000ff0ff"},
        {"#sha256.iterate(('x'):rep(100000), 0)", "200000"},
    };
    ASSERT_VALUES(*state, rows);
}

static void sha256_takes_its_largest_rounds(void **state)
{
    static const struct lua_row rows[] = {{"#sha256.iterate('', 10000000)", "64"}};
    ASSERT_VALUES(*state, rows);
}

static void sha256_refuses_other_arguments(void **state)
{
    static const struct lua_row rows[] = {
        {"sha256.iterate('', -1)", "integer from 0 to 10000000 expected, got -1"},
        {"sha256.iterate('', 10000001)",
         "bad argument #2 to 'iterate' (integer from 0 to 10000000 expected, got 10000001)"},
        {"sha256.iterate('', 0.5)", "integer from 0 to 10000000 expected, got 0.5"},
        {"sha256.iterate('')", "number expected, got no value"},
        {"sha256.iterate({}, 1)", "string expected, got table"},
    };
    ASSERT_ERRORS(*state, rows);
}

/* -- gzip ---------------------------------------------------------------------------------- */

/* What gzip(1) makes of "hello" and of nothing. */
#define HELLO_GZ                                                                                   \
    "'\\31\\139\\8\\0\\0\\0\\0\\0\\0\\3\\203\\72\\205\\201\\201\\7\\0\\134\\166\\16\\54\\5\\0\\0"  \
    "\\0'"
#define EMPTY_GZ "'\\31\\139\\8\\0\\0\\0\\0\\0\\0\\3\\3\\0\\0\\0\\0\\0\\0\\0\\0\\0'"

static void gzip_reads_and_writes_what_gzip_does(void **state)
{
    static const struct lua_row rows[] = {
        {"gzip.decompress(" HELLO_GZ ", 100)", "hello"},
        {"gzip.decompress(" HELLO_GZ ", 5)", "hello"},
        {"#gzip.decompress(" EMPTY_GZ ", 0)", "0"},
        {"gzip.decompress(" HELLO_GZ " .. ('\\0'):rep(1000), 5)", "hello"},
        {"gzip.decompress(" HELLO_GZ " .. " HELLO_GZ ", 10)", "hellohello"},
        {"gzip.decompress(" EMPTY_GZ " .. " HELLO_GZ " .. " EMPTY_GZ ", 5)", "hello"},
        {"gzip.decompress((" HELLO_GZ "):rep(1000), 5000) == ('hello'):rep(1000)", "true"},
        {"gzip.compress('hello') == " HELLO_GZ, "true"},
        {"gzip.compress('') == " EMPTY_GZ, "true"},
    };
    ASSERT_VALUES(*state, rows);
}

static void gzip_gives_back_what_it_took(void **state)
{
    lua_State *L = *state;
    lua_run(L, "local data = {'', 'x', ('x'):rep(100000), random.letters(300000), 'a\\0b\\255',"
               "              random.uuid() .. ('\\0'):rep(70000) .. random.uuid()}\n"
               "for i, text in ipairs(data) do for level = 0, 9 do"
               "  local packed = gzip.compress(text, level)"
               "  assert(gzip.decompress(packed, #text) == text, i .. ' at ' .. level)"
               "end assert(gzip.compress(text) == gzip.compress(text, 6)) end "
               "assert(#gzip.compress(data[3]) < 500) assert(#gzip.compress(data[3], 0) > 100000)");
}

/* Its last member states a length that is not that of the whole. */
static void gzip_reads_members_of_any_length(void **state)
{
    lua_State *L = *state;
    lua_run(L, "local texts = {'', 'x', random.letters(300000), ('ab'):rep(2000000), 'end', ''}\n"
               "local packed, plain = {}, table.concat(texts)\n"
               "for i, text in ipairs(texts) do packed[i] = gzip.compress(text) end "
               "packed = table.concat(packed)"
               "assert(gzip.decompress(packed, #plain) == plain)"
               "assert(gzip.decompress(packed, 2 ^ 30) == plain)"
               "local done, message = pcall(gzip.decompress, packed, #plain - 1)"
               "assert(not done and message:find('larger than ' .. #plain - 1, 1, true), message)");
}

/* Each is told from the others at every place. */
static void gzip_tells_truncated_from_corrupt(void **state)
{
    lua_State *L = *state;
    lua_run(L, "local text = random.letters(200) local packed = gzip.compress(text)"
               "local function why(data, max)"
               "  local done, message = pcall(gzip.decompress, data, max or 1000)"
               "  return done and 'read' or message end\n"
               "local function expect(data, reason)"
               "  assert(why(data):find(reason, 1, true), why(data)) end\n"
               "for i = 0, #packed - 1 do expect(packed:sub(1, i), 'is truncated')"
               "  if i > 0 then expect(packed .. packed:sub(1, i), 'is truncated') end end "
               "for _, more in ipairs({'x', '\\0x', '\\31x', packed:sub(2)}) do"
               "  expect(packed .. more, 'bytes follow the last member') end "
               "expect('x' .. packed, 'not gzip, or is corrupt')"
               "expect(packed:sub(1, -9) .. '\\1\\2\\3\\4' .. packed:sub(-4), 'is corrupt')"
               "expect(packed:sub(1, -5) .. '\\255\\255\\255\\255', 'is corrupt')"
               "assert(why(packed:sub(1, -9), 10):find('larger than 10 bytes', 1, true))");
}

static void gzip_stays_within_its_bound(void **state)
{
    lua_State *L = *state;
    lua_run(L, "for _, size in ipairs({0, 1, 1000, 65535, 65536, 1048576}) do"
               "  local text = ('ab'):rep(size / 2) .. ('c'):rep(size % 2)"
               "  local packed = gzip.compress(text)"
               "  assert(gzip.decompress(packed, size) == text)"
               "  if size > 0 then"
               "    local done, message = pcall(gzip.decompress, packed, size - 1)"
               "    assert(not done)"
               "    assert(message:find('larger than ' .. size - 1 .. ' bytes', 1, true), message)"
               "  end end");
}

/* The text flag (lowest bit of byte 4), time, packer and system (bytes 5 to 10) mean nothing, and
 * neither do the bits after the last block, in the byte before the trailer. A changed code that no
 * letter uses leaves the text as it was. */
static void gzip_refuses_what_is_corrupt(void **state)
{
    lua_State *L = *state;
    lua_run(L, "local text = random.letters(200) local packed = gzip.compress(text)"
               "local function refused(data)"
               "  local done, message = pcall(gzip.decompress, data, 1000)"
               "  return not done and message:find('gzip: ', 1, true) end\n"
               "for i = 0, #packed - 1 do assert(refused(packed:sub(1, i)), 'cut at ' .. i) end "
               "for i = 1, #packed do if (i < 5 or i > 10) and i ~= #packed - 8 then for bit_set = "
               "i == 4 and 1 or 0, 7 do"
               "  local byte = string.char(bit.bxor(packed:byte(i), 2 ^ bit_set))"
               "  local changed = packed:sub(1, i - 1) .. byte .. packed:sub(i + 1)"
               "  assert(refused(changed) or gzip.decompress(changed, 1000) == text,"
               "         'byte ' .. i .. ' bit ' .. bit_set)"
               "end end end "
               "assert(refused(packed .. 'x'))");
}

static void gzip_refuses_other_arguments(void **state)
{
    static const struct lua_row rows[] = {
        {"gzip.compress({})", "string expected, got table"},
        {"gzip.compress('', -1)", "integer from 0 to 9 expected, got -1"},
        {"gzip.compress('', 10)",
         "bad argument #2 to 'compress' (integer from 0 to 9 expected, got 10)"},
        {"gzip.compress('', 1.5)", "integer from 0 to 9 expected, got 1.5"},
        {"gzip.decompress(" HELLO_GZ ")", "number expected, got no value"},
        {"gzip.decompress(" HELLO_GZ ", -1)", "integer from 0 to 1073741824 expected, got -1"},
        {"gzip.decompress(" HELLO_GZ ", 1073741825)",
         "integer from 0 to 1073741824 expected, got 1073741825"},
        {"gzip.decompress(" HELLO_GZ ", 4)", "gzip: the content is larger than 4 bytes"},
        {"gzip.decompress('', 4)", "gzip: the data is truncated: it ends within a member"},
        {"gzip.decompress(('x'):rep(14) .. '\\0\\0\\0\\0', 4)",
         "gzip: the data is not gzip, or is corrupt"},
    };
    ASSERT_ERRORS(*state, rows);
}

static void gzip_takes_its_largest_bound(void **state)
{
    static const struct lua_row rows[] = {
        {"gzip.decompress(" HELLO_GZ ", 1073741824)", "hello"},
    };
    ASSERT_VALUES(*state, rows);
}

/* -- random -------------------------------------------------------------------------------- */

static void random_uuids_are_of_version_4_and_all_different(void **state)
{
    lua_State *L = *state;
    lua_run(L, "local x = '%x'\n"
               "local form = '^' .. x:rep(8) .. '%-' .. x:rep(4) .. '%-4' .. x:rep(3) ..'%-[89ab]' "
               "             .. x:rep(3) .. '%-' .. x:rep(12) .. '$'\n"
               "local seen = {}"
               "local function check(id)"
               "  assert(id:find(form) and id == id:lower(), id)"
               "  assert(not seen[id]) seen[id] = true end\n"
               "for _ = 1, 100 do check(random.uuid()) end "
               "for _, n in ipairs({0, 1, 255, 256, 257, 10000}) do"
               "  local ids = random.uuids(n) assert(#ids == n)"
               "  for _, id in ipairs(ids) do check(id) end end");
}

static void random_letters_are_as_many_as_asked_for(void **state)
{
    static const struct lua_row rows[] = {
        {"#random.letters(0)", "0"},
        {"#random.letters(1)", "1"},
        {"#random.letters(13)", "13"},
        {"#random.letters(14)", "14"},
        {"random.letters(1000):find('^[A-Z]+$')", "1"},
        {"random.letters(20) == random.letters(20)", "false"},
        {"#random.letters(67108864)", "67108864"},
        {"#random.uuids(1000000)", "1000000"},
    };
    ASSERT_VALUES(*state, rows);
}

/* Chi square of 25 degrees of freedom goes over 90 about once in a hundred million runs. */
static void random_letters_are_equally_likely(void **state)
{
    lua_State *L = *state;
    lua_run(L, "local n, counts, sum = 1300000, {}, 0 "
               "for letter in random.letters(n):gmatch('.') do"
               "  counts[letter] = (counts[letter] or 0) + 1 end "
               "for c = 65, 90 do sum = sum + (counts[string.char(c)] - n / 26) ^ 2 / (n / 26) end "
               "assert(sum < 90, sum)");
}

static void random_refuses_other_arguments(void **state)
{
    static const struct lua_row rows[] = {
        {"random.letters(-1)", "integer from 0 to 67108864 expected, got -1"},
        {"random.letters(67108865)", "integer from 0 to 67108864 expected, got 67108865"},
        {"random.letters(1.5)", "integer from 0 to 67108864 expected, got 1.5"},
        {"random.uuids(-1)", "integer from 0 to 1000000 expected, got -1"},
        {"random.uuids(1000001)", "integer from 0 to 1000000 expected, got 1000001"},
        {"random.uuids()", "number expected, got no value"},
    };
    ASSERT_ERRORS(*state, rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LUA_TEST(sha256_gives_the_known_digests),
        LUA_TEST(sha256_without_rounds_gives_the_input_in_hex),
        LUA_TEST(sha256_takes_its_largest_rounds),
        LUA_TEST(sha256_refuses_other_arguments),
        LUA_TEST(gzip_reads_and_writes_what_gzip_does),
        LUA_TEST(gzip_gives_back_what_it_took),
        LUA_TEST(gzip_reads_members_of_any_length),
        LUA_TEST(gzip_tells_truncated_from_corrupt),
        LUA_TEST(gzip_stays_within_its_bound),
        LUA_TEST(gzip_takes_its_largest_bound),
        LUA_TEST(gzip_refuses_what_is_corrupt),
        LUA_TEST(gzip_refuses_other_arguments),
        LUA_TEST(random_uuids_are_of_version_4_and_all_different),
        LUA_TEST(random_letters_are_as_many_as_asked_for),
        LUA_TEST(random_letters_are_equally_likely),
        LUA_TEST(random_refuses_other_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
