/* unzip.h - what a gzip holds. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "../base/cases.h"

#include <zlib.h>

#include "base/buf.h"

static inline void unzip(struct str body, struct buf *plain)
{
    z_stream z = {.next_in = (Bytef *)body.at, .avail_in = (uInt)body.len};
    const size_t most = 16 << 20;

    assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
    z.next_out = (Bytef *)buf_extend(plain, most);
    z.avail_out = (uInt)most;
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    assert_int_equal(z.avail_in, 0);
    plain->len = most - z.avail_out;
    inflateEnd(&z);
}
