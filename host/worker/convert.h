/* convert.h - numbers to integers, with what each processor makes of those that do not fit. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* LuaJIT's C code leaves the conversion to the processor: x86-64 gives the smallest integer, 64-bit
 * ARM the nearest one, and 0 for NaN. What stands in for LuaJIT's functions does the same. */
#ifdef __aarch64__
static const bool convert_to_nearest = true;
#else
static const bool convert_to_nearest = false;
#endif

static inline int32_t convert_int32(double number)
{
    if (number > INT32_MIN - 1.0 && number < INT32_MAX + 1.0)
        return (int32_t)number;
    if (!convert_to_nearest || number < 0)
        return INT32_MIN;
    return number > 0 ? INT32_MAX : 0;
}

static inline int64_t convert_int64(double number)
{
    if (number >= -0x1p63 && number < 0x1p63)
        return (int64_t)number;
    if (!convert_to_nearest || number < 0)
        return INT64_MIN;
    return number > 0 ? INT64_MAX : 0;
}
