/* replaced.c - reads in libh2o's relocations which functions it calls. */
/* SPDX-License-Identifier: MIT */
#include "front/replaced.h"

#include <dlfcn.h>
#include <link.h>
#include <stdint.h>
#include <string.h>

#include "front/chunks.h"
#include "front/http2.h"

/* A library whose calls of a symbol can be replaced has a relocation that names the symbol; the
 * dynamic linker writes the address it found into the relocation's slot. A library linked with
 * -Bsymbolic-functions calls its own function, and has no such relocation. */

struct library {
    const char *name;
    ElfW(Addr) base;
    const ElfW(Sym) * symbols;
    const char *names;
    const ElfW(Rela) * tables[2]; /* of data, of calls */
    size_t sizes[2];              /* in bytes */
};

/* glibc puts addresses into most dynamic sections; other places have offsets. */
static const void *address_of(const struct link_map *map, ElfW(Addr) value)
{
    return (const void *)(value < map->l_addr ? map->l_addr + value : value);
}

static struct library library_of(const struct link_map *map)
{
    const char *slash = strrchr(map->l_name, '/');
    struct library l = {.name = slash ? slash + 1 : map->l_name, .base = map->l_addr};

    for (const ElfW(Dyn) *d = map->l_ld; d->d_tag != DT_NULL; d++) {
        if (d->d_tag == DT_SYMTAB)
            l.symbols = address_of(map, d->d_un.d_ptr);
        else if (d->d_tag == DT_STRTAB)
            l.names = address_of(map, d->d_un.d_ptr);
        else if (d->d_tag == DT_RELA)
            l.tables[0] = address_of(map, d->d_un.d_ptr);
        else if (d->d_tag == DT_RELASZ)
            l.sizes[0] = d->d_un.d_val;
        else if (d->d_tag == DT_JMPREL)
            l.tables[1] = address_of(map, d->d_un.d_ptr);
        else if (d->d_tag == DT_PLTRELSZ)
            l.sizes[1] = d->d_un.d_val;
    }
    return l;
}

/* A slot that is not bound yet leads back into the library. The first call binds it, to the
 * definition that RTLD_DEFAULT finds. */
static bool leads_to(const void *slot, const char *symbol, const void *ours, const void *theirs)
{
    Dl_info there, library;

    if (slot == ours || slot == theirs)
        return slot == ours;
    return dladdr(slot, &there) && dladdr(theirs, &library) &&
           there.dli_fbase == library.dli_fbase && dlsym(RTLD_DEFAULT, symbol) == ours;
}

static const void *slot_of(const struct library *l, const ElfW(Rela) * relocation)
{
    const void *slot;

    memcpy(&slot, (const char *)l->base + relocation->r_offset, sizeof(slot));
    return slot;
}

/* Every slot must lead to `ours`, and there must be one. */
static bool calls(const struct library *l, const char *symbol, const void *ours, const void *theirs)
{
    size_t slots = 0;

    if (!l->symbols || !l->names)
        return false;
    for (size_t t = 0; t < 2; t++)
        for (size_t i = 0; l->tables[t] && i < l->sizes[t] / sizeof(*l->tables[t]); i++) {
            const ElfW(Rela) *r = &l->tables[t][i];

            if (strcmp(l->names + l->symbols[ELF64_R_SYM(r->r_info)].st_name, symbol) != 0)
                continue;
            if (!leads_to(slot_of(l, r), symbol, ours, theirs))
                return false;
            slots++;
        }
    return slots > 0;
}

bool replaced_check(const char *symbol, const void *ours, struct err *err)
{
    const void *theirs = dlsym(RTLD_NEXT, symbol);
    struct link_map *map;
    Dl_info info;

    if (!theirs || !dladdr1(theirs, &info, (void **)&map, RTLD_DL_LINKMAP))
        return err_set(err, ERR_INTERNAL,
                       "no library has a function %s that the server could replace: it needs "
                       "libh2o 2.2 as Debian 12 builds it",
                       symbol);
    struct library l = library_of(map);
    return calls(&l, symbol, ours, theirs) ||
           err_set(err, ERR_INTERNAL,
                   "%s calls its own %s, not the server's (linked with -Bsymbolic-functions?): "
                   "the server needs libh2o 2.2 as Debian 12 builds it",
                   l.name, symbol);
}

bool replaced_check_all(struct err *err)
{
    return replaced_check("phr_decode_chunked", (const void *)phr_decode_chunked, err) &&
           replaced_check("h2o_http2_handle_upgrade", (const void *)h2o_http2_handle_upgrade, err);
}
