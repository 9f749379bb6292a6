/* driver.c - main for fuzz targets without libFuzzer: the corpus, then mutations of it. */
/* SPDX-License-Identifier: MIT */
#include <dirent.h>

#include "fuzz.h"

enum { INPUTS_MOST = 256, INPUT_BYTES = 1 << 16 };

struct input {
    uint8_t *at;
    size_t size;
};

static struct input inputs[INPUTS_MOST];
static size_t input_count;

/* The same numbers in each run (xorshift64*), so that what fails fails again. */
static uint64_t dice = 0x2545F4914F6CDD1DULL;

static size_t below(size_t count)
{
    dice ^= dice >> 12;
    dice ^= dice << 25;
    dice ^= dice >> 27;
    return (size_t)(dice * 0x2545F4914F6CDD1DULL >> 16) % count;
}

static void read_input(const char *path)
{
    FILE *file = fopen(path, "rb");

    if (!file || input_count == INPUTS_MOST)
        exit(2);
    struct input *input = &inputs[input_count++];
    input->at = malloc(INPUT_BYTES);
    MUST(input->at);
    input->size = fread(input->at, 1, INPUT_BYTES, file);
    fclose(file);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void read_corpus(const char *folder)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, NULL, by_name);
    char path[4096];

    for (int i = 0; i < count; i++) {
        if (entries[i]->d_name[0] != '.') {
            snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
            read_input(path);
        }
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
}

/* One small change: a byte, a bit, a number, a piece moved, doubled, taken out or of another. */
static size_t mutate(uint8_t *at, size_t size)
{
    static const uint8_t edges[] = {0, 1, 8, 15, 16, 0x7F, 0x80, 0xFF, '"', '{', '[', '\\'};
    size_t where = size ? below(size) : 0, len = size ? 1 + below(size - where) : 0;
    const struct input *other = &inputs[below(input_count)];

    switch (below(7)) {
    case 0:
        at[where] = (uint8_t)below(256);
        return size ? size : 1;
    case 1:
        at[where] = edges[below(sizeof(edges))];
        return size ? size : 1;
    case 2:
        at[where] ^= (uint8_t)(1 << below(8));
        return size;
    case 3: /* taken out */
        memmove(at + where, at + where + len, size - where - len);
        return size - len;
    case 4: /* doubled */
        if (size + len > INPUT_BYTES)
            return size;
        memmove(at + where + len, at + where, size - where);
        return size + len;
    case 5: /* a piece of another in its place */
        if (!other->size)
            return size;
        len = 1 + below(other->size);
        len = len < INPUT_BYTES - where ? len : INPUT_BYTES - where;
        memcpy(at + where, other->at + below(other->size - len + 1), len);
        return where + len > size ? where + len : size;
    default: /* cut */
        return where;
    }
}

/* driver CORPUS ROUNDS */
int main(int argc, char **argv)
{
    static uint8_t work[INPUT_BYTES];

    if (argc != 3) {
        fprintf(stderr, "usage: %s CORPUS ROUNDS\n", argv[0]);
        return 2;
    }
    read_corpus(argv[1]);
    if (input_count == 0) {
        fprintf(stderr, "%s: nothing in %s\n", argv[0], argv[1]);
        return 2;
    }
    for (size_t i = 0; i < input_count; i++)
        LLVMFuzzerTestOneInput(inputs[i].at, inputs[i].size);
    for (long round = strtol(argv[2], NULL, 10); round > 0; round--) {
        const struct input *input = &inputs[below(input_count)];
        size_t size = input->size;

        memcpy(work, input->at, size);
        for (size_t changes = 1 + below(8); changes > 0; changes--)
            size = mutate(work, size);
        LLVMFuzzerTestOneInput(work, size);
    }
    for (size_t i = 0; i < input_count; i++)
        free(inputs[i].at);
    return 0;
}
