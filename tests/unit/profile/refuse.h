/* refuse.h - zlib without memory: linked with --wrap=deflateInit2_. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <zlib.h>

static bool refuse;

int __real_deflateInit2_(z_stream *z, int level, int method, int window, int memory, int strategy,
                         const char *version, int size);
int __wrap_deflateInit2_(z_stream *z, int level, int method, int window, int memory, int strategy,
                         const char *version, int size);

int __wrap_deflateInit2_(z_stream *z, int level, int method, int window, int memory, int strategy,
                         const char *version, int size)
{
    if (refuse)
        return Z_MEM_ERROR;
    return __real_deflateInit2_(z, level, method, window, memory, strategy, version, size);
}
