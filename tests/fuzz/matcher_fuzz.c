/* matcher_fuzz.c - any pattern, replacement and subject: LuaJIT's functions and ours agree. */
/* SPDX-License-Identifier: MIT */
#include "fuzz.h"

#include "../unit/worker/stock_strings.h"

enum { PATTERN_MAX = 64, SUBJECT_MAX = 64 };

static struct str cut(struct str part, size_t most)
{
    return (struct str){part.at, part.len < most ? part.len : most};
}

/* The three stand in lines of their own. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static lua_State *L;
    char *copy = fuzz_copy(data, size);
    struct str rest = {copy, size};
    struct str pattern = cut(str_cut(&rest, '\n'), PATTERN_MAX);
    struct str replacement = cut(str_cut(&rest, '\n'), PATTERN_MAX);
    struct str subject = cut(rest, SUBJECT_MAX);

    if (!L) {
        L = stock_open();
        MUST(L && stock_push_compare(L));
    }
    if (stock_is_quick(pattern, subject)) {
        const char *difference = stock_compare(L, pattern, replacement, subject);

        if (difference)
            fprintf(stderr, "%s\n", difference);
        MUST(!difference);
    }
    free(copy);
    return 0;
}
