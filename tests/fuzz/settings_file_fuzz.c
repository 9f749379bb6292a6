/* settings_file_fuzz.c - any bytes as the settings file. */
/* SPDX-License-Identifier: MIT */
#include "ranges.h"

#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    char path[64], *argv[] = {(char *)"faas-server", (char *)"--settings", path, NULL};
    enum settings_action action;
    struct settings s;
    struct err err = {.code = ERR_NONE};

    if (fd < 0)
        fd = memfd_create("settings", MFD_CLOEXEC);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    MUST(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
    if (settings_read(&s, 3, argv, "builtin", &action, &err))
        expect_ranges(&s);
    else
        MUST(err.code == ERR_BAD_REQUEST && err.text[0]);
    MUST(action == SETTINGS_RUN);
    for (size_t i = 1; i < s.functions_count; i++)
        MUST(strlen(s.functions[i]) < size);
    settings_fini(&s);
    return 0;
}
