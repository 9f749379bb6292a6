/* settings_fuzz.c - any words, one a line, as the flags that the server is started with. */
/* SPDX-License-Identifier: MIT */
#include "fuzz.h"

#include <getopt.h>

#include "base/settings.h"

enum { WORDS_MOST = 80 };

static void expect_ranges(const struct settings *s)
{
#define X(field, flag, env, def, least, most, help) MUST(s->field >= least && s->field <= most);
    SETTINGS_NUMBERS(X)
#undef X
    MUST(memchr(s->host, '\0', sizeof(s->host)));
    MUST(s->functions_count <= 64);
    for (size_t i = 0; i < s->functions_count; i++)
        MUST(s->functions[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1), *argv[WORDS_MOST + 2] = {(char *)"faas-server"};
    enum settings_action action;
    struct settings s;
    struct err err = {.code = ERR_NONE};
    int argc = 1;

    MUST(text);
    opterr = 0; /* what getopt says of unknown flags would be most of the output */
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    for (char *word = text, *end; word && argc <= WORDS_MOST; word = end) {
        end = strchr(word, '\n');
        if (end)
            *end++ = '\0';
        argv[argc++] = word;
    }
    if (settings_read(&s, argc, argv, "builtin", &action, &err))
        expect_ranges(&s);
    else
        MUST(err.code == ERR_BAD_REQUEST && err.text[0]);
    settings_fini(&s);
    free(text);
    return 0;
}
