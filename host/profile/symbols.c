/* symbols.c - the program's symbols from its file, others' from the dynamic linker. */
/* SPDX-License-Identifier: MIT */
#include "profile/symbols.h"

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdlib.h>
#include <unistd.h>

/* More than this is no program of ours. */
enum { SECTION_MAX = 64 << 20 };

struct function {
    uint64_t address, size;
    uint32_t name; /* offset in names */
    bool is_of_luajit;
};

struct known {
    uint64_t address;
    uint32_t name; /* offset in known_names */
};

/* -- The program's file -------------------------------------------------------------------------
 */

/* By lseek and read, which the wall of the process allows. */
static bool read_part(int file, uint64_t offset, uint64_t size, struct buf *to)
{
    buf_clear(to);
    if (size > SECTION_MAX || lseek(file, (off_t)offset, SEEK_SET) < 0)
        return false;
    char *at = buf_extend(to, size);
    for (ssize_t got; size; at += got, size -= (uint64_t)got)
        if ((got = read(file, at, size)) <= 0)
            return false;
    return true;
}

static const ElfW(Shdr) * find_section(const struct buf *sections, uint32_t type)
{
    const ElfW(Shdr) *all = (const ElfW(Shdr) *)sections->at;

    for (size_t i = 0; i < sections->len / sizeof(*all); i++)
        if (all[i].sh_type == type && all[i].sh_link < sections->len / sizeof(*all))
            return &all[i];
    return NULL;
}

static int compare_functions(const void *a, const void *b)
{
    const struct function *f = a, *g = b;

    return (f->address > g->address) - (f->address < g->address);
}

static bool is_of_luajit(const char *name)
{
    static const char *const prefixes[] = {"lj_", "lua_", "luaL_", "luaJIT_"};

    for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
        if (str_starts(str_of(name), str_of(prefixes[i])))
            return true;
    return false;
}

/* Some in assembler say 0: then it ends with its section, or where the next one begins. */
static uint64_t size_of(const ElfW(Sym) * symbol, const struct buf *sections)
{
    const ElfW(Shdr) *all = (const ElfW(Shdr) *)sections->at;

    if (symbol->st_size || symbol->st_shndx >= sections->len / sizeof(*all))
        return symbol->st_size;
    const ElfW(Shdr) *its = &all[symbol->st_shndx];
    return its->sh_addr + its->sh_size - symbol->st_value;
}

/* A source file's name comes before the functions that only this file knows. LuaJIT's are in one
 * file, and many of them have no prefix. */
static void take_functions(struct symbols *s, const struct buf *table, const struct buf *sections)
{
    const ElfW(Sym) *all = (const ElfW(Sym) *)table->at;
    bool is_luajits_file = false;

    for (size_t i = 0; i < table->len / sizeof(*all); i++) {
        if (all[i].st_name >= s->names.len)
            continue;
        const char *name = s->names.at + all[i].st_name;
        bool is_local = ELF64_ST_BIND(all[i].st_info) == STB_LOCAL;
        const struct function f = {all[i].st_value, size_of(&all[i], sections), all[i].st_name,
                                   (is_local && is_luajits_file) || is_of_luajit(name)};
        if (ELF64_ST_TYPE(all[i].st_info) == STT_FILE)
            is_luajits_file = str_starts(str_of(name), STR("ljamalg."));
        if (ELF64_ST_TYPE(all[i].st_info) == STT_FUNC && all[i].st_shndx != SHN_UNDEF)
            buf_put(&s->functions, &f, sizeof(f));
    }
    if (s->functions.len)
        qsort(s->functions.at, s->functions.len / sizeof(struct function), sizeof(struct function),
              compare_functions);
}

static void read_file(struct symbols *s)
{
    struct buf head = {0}, sections = {0}, table = {0};

    if (!read_part(s->file, 0, sizeof(ElfW(Ehdr)), &head))
        goto out;
    const ElfW(Ehdr) *elf = (const ElfW(Ehdr) *)head.at;
    if (memcmp(elf->e_ident, ELFMAG, SELFMAG) != 0 || elf->e_shentsize != sizeof(ElfW(Shdr)) ||
        !read_part(s->file, elf->e_shoff, elf->e_shnum * sizeof(ElfW(Shdr)), &sections))
        goto out;
    const ElfW(Shdr) *symbols = find_section(&sections, SHT_SYMTAB);
    if (!symbols)
        symbols = find_section(&sections, SHT_DYNSYM);
    if (!symbols)
        goto out;
    const ElfW(Shdr) *names = (const ElfW(Shdr) *)sections.at + symbols->sh_link;
    if (read_part(s->file, symbols->sh_offset, symbols->sh_size, &table) &&
        read_part(s->file, names->sh_offset, names->sh_size, &s->names)) {
        buf_put(&s->names, "", 1);
        take_functions(s, &table, &sections);
    }
out:
    buf_fini(&head);
    buf_fini(&sections);
    buf_fini(&table);
}

/* -- Names --------------------------------------------------------------------------------------
 */

/* The last function that begins at or before `address` and reaches it. */
static const struct function *own_function(const struct symbols *s, uint64_t address)
{
    const struct function *all = (const struct function *)s->functions.at;
    size_t from = 0, to = s->functions.len / sizeof(*all);

    while (from < to) {
        size_t middle = from + (to - from) / 2;

        if (all[middle].address <= address)
            from = middle + 1;
        else
            to = middle;
    }
    if (!from)
        return NULL;
    const struct function *f = &all[from - 1];
    return address - f->address < f->size ? f : NULL;
}

/* Without what a compiler adds to the names of parts and copies: ".cold", ".isra.0". */
static void put_own(const struct symbols *s, const struct function *f, struct buf *to)
{
    struct str rest = str_of(s->names.at + f->name);

    if (f->is_of_luajit)
        buf_put_str(to, STR("[luajit] "));
    buf_put_str(to, str_cut(&rest, '.'));
}

static void put_name(struct symbols *s, uint64_t address, struct buf *to)
{
    const struct function *own = own_function(s, address - s->bias);
    Dl_info info;

    if (own) {
        put_own(s, own, to);
    } else if (!dladdr((const void *)(uintptr_t)address, &info) || !info.dli_fname) {
        buf_put_str(to, STR("[JIT trace]"));
    } else if (info.dli_sname) {
        buf_put_str(to, str_of(info.dli_sname));
    } else {
        const char *slash = strrchr(info.dli_fname, '/');

        buf_format(to, "[%s]", slash ? slash + 1 : info.dli_fname);
    }
}

static int take_bias(struct dl_phdr_info *first, size_t size, void *bias)
{
    (void)size;
    *(uint64_t *)bias = first->dlpi_addr;
    return 1; /* the program comes first */
}

void symbols_init(struct symbols *s)
{
    *s = (struct symbols){.file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC)};
    dl_iterate_phdr(take_bias, &s->bias);
}

void symbols_fini(struct symbols *s)
{
    if (s->file >= 0)
        close(s->file);
    buf_fini(&s->functions);
    buf_fini(&s->names);
    index_fini(&s->by_address);
    buf_fini(&s->known);
    buf_fini(&s->known_names);
    *s = (struct symbols){.file = -1};
}

/* A number in `known`. */
static uint32_t find_known(const struct symbols *s, uint32_t hash, uint64_t address)
{
    size_t at = 0;
    uint32_t i;

    while ((i = index_next(&s->by_address, hash, &at)) != INDEX_NONE)
        if (((const struct known *)s->known.at)[i].address == address)
            break;
    return i;
}

static uint32_t add_known(struct symbols *s, uint32_t hash, uint64_t address)
{
    if (s->known.len == SYMBOLS_KNOWN_MAX * sizeof(struct known)) {
        index_clear(&s->by_address);
        buf_clear(&s->known);
        buf_clear(&s->known_names);
    }
    const struct known new = {address, (uint32_t)s->known_names.len};
    uint32_t number = (uint32_t)(s->known.len / sizeof(new));
    put_name(s, address, &s->known_names);
    if (s->known_names.len > new.name + SYMBOLS_NAME_MAX)
        s->known_names.len = new.name + SYMBOLS_NAME_MAX;
    buf_put(&s->known_names, "", 1);
    buf_put(&s->known, &new, sizeof(new));
    index_add(&s->by_address, hash, number);
    return number;
}

struct str symbols_name(struct symbols *s, uint64_t address)
{
    uint32_t hash = index_hash(&address, sizeof(address));

    if (!s->is_read && s->file >= 0)
        read_file(s);
    s->is_read = true;
    uint32_t number = find_known(s, hash, address);
    if (number == INDEX_NONE)
        number = add_known(s, hash, address);
    return str_of(s->known_names.at + ((const struct known *)s->known.at)[number].name);
}
