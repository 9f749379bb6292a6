/* access.c - tokens, and requests that a browser sends for another site. */
/* SPDX-License-Identifier: MIT */
#include "front/access.h"

#include <arpa/inet.h>
#include <openssl/crypto.h>
#include <strings.h>

#include "base/tokens.h"

/* -- Tokens ---------------------------------------------------------------------------------- */

/* What stands behind "Bearer". */
static struct str shown(const struct exchange *ex)
{
    static const struct str scheme = {"Bearer ", 7};
    struct str value = exchange_asked(ex, STR("authorization"));

    if (value.len < scheme.len || strncasecmp(value.at, scheme.at, scheme.len) != 0)
        return (struct str){NULL, 0};
    return str_trim((struct str){value.at + scheme.len, value.len - scheme.len});
}

/* Takes the same time whatever the token is, and however long. */
static bool fits(struct str text, enum token token)
{
    char padded[TOKEN_LEN_MAX + 1] = {0};

    if (text.len == 0 || text.len > TOKEN_LEN_MAX || !tokens_has(token))
        return false;
    memcpy(padded, text.at, text.len);
    return CRYPTO_memcmp(padded, tokens_padded(token), sizeof(padded)) == 0;
}

static bool needs(const struct exchange *ex, bool invoke_is_enough, struct err *err)
{
    struct str text = shown(ex);

    if (fits(text, TOKEN_ADMIN) || (invoke_is_enough && fits(text, TOKEN_INVOKE)))
        return true;
    return err_set(err, ERR_UNAUTHORIZED, "this needs the header Authorization: Bearer with the %s",
                   invoke_is_enough ? "invoke token (FAAS_INVOKE_TOKEN)"
                                    : "admin token (FAAS_ADMIN_TOKEN)");
}

/* -- Other sites ----------------------------------------------------------------------------- */

/* "localhost" of "localhost:8088", "::1" of "[::1]:8088". */
static struct str host_of(struct str authority)
{
    const char *end;

    if (authority.len && authority.at[0] == '[') {
        end = memchr(authority.at, ']', authority.len);
        return (struct str){authority.at + 1, end ? (size_t)(end - authority.at) - 1 : 0};
    }
    end = memchr(authority.at, ':', authority.len);
    return (struct str){authority.at, end ? (size_t)(end - authority.at) : authority.len};
}

static bool is_loopback(struct str host)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr v6;
    struct in_addr v4;

    if (host.len >= sizeof(text))
        return false;
    memcpy(text, host.at, host.len);
    text[host.len] = '\0';
    if (inet_pton(AF_INET, text, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == IN_LOOPBACKNET;
    if (inet_pton(AF_INET6, text, &v6) == 1)
        return IN6_IS_ADDR_LOOPBACK(&v6);
    return strcasecmp(text, "localhost") == 0;
}

/* "localhost:8088" of "http://localhost:8088"; as it is without a scheme. */
static struct str behind_scheme(struct str origin)
{
    const char *end = memmem(origin.at, origin.len, "://", 3);

    return end ? (struct str){end + 3, (size_t)(origin.at + origin.len - end) - 3} : origin;
}

/* A page of any site can make its reader's browser send requests to this machine: by a name of its
 * own that leads here, which Host tells, or from another origin, which Origin tells. */
static bool is_from_here(const struct exchange *ex, struct err *err)
{
    struct str authority = exchange_authority(ex);
    struct str origin = exchange_asked(ex, STR("origin"));

    if (authority.len && !is_loopback(host_of(authority)))
        return err_set(err, ERR_FORBIDDEN,
                       "without an admin token this is for localhost, not for \"%.*s\"",
                       (int)(authority.len < 100 ? authority.len : 100), authority.at);
    if (origin.at && !str_equal(behind_scheme(origin), authority))
        return err_set(err, ERR_FORBIDDEN,
                       "without an admin token this is not for pages of other sites");
    return true;
}

bool access_allows(const struct exchange *ex, enum access access, struct err *err)
{
    if (access == ACCESS_OPEN || (access == ACCESS_INVOKE && !tokens_has(TOKEN_INVOKE)))
        return true;
    if (access == ACCESS_INVOKE)
        return needs(ex, true, err);
    return tokens_has(TOKEN_ADMIN) ? needs(ex, false, err) : is_from_here(ex, err);
}
