/* settings_fuzz.c - any words, one a line, as the flags that the server is started with. */
/* SPDX-License-Identifier: MIT */
#include "ranges.h"

#include <getopt.h>

enum { WORDS_MOST = 80 };

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
