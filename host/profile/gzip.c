/* gzip.c - zlib's gzip in one go. */
/* SPDX-License-Identifier: MIT */
#include "profile/gzip.h"

#include <zlib.h>

#include "base/err.h"

enum { WINDOW = 15 + 16 /* gzip, not zlib */, MEMORY = 8 };

bool gzip_put(struct str bytes, enum gzip_level level, struct buf *body, struct err *err)
{
    z_stream z = {.next_in = (Bytef *)bytes.at, .avail_in = (uInt)bytes.len};

    if (deflateInit2(&z, (int)level, Z_DEFLATED, WINDOW, MEMORY, Z_DEFAULT_STRATEGY) != Z_OK)
        return err_set(err, ERR_INTERNAL, "no memory to compress a profile");
    size_t most = deflateBound(&z, bytes.len);
    z.next_out = (Bytef *)buf_extend(body, most);
    z.avail_out = (uInt)most;
    deflate(&z, Z_FINISH); /* ends: there is room */
    body->len = most - z.avail_out;
    deflateEnd(&z);
    return true;
}
