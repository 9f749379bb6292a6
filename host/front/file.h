/* file.h - one file of a functions folder as it was last read, and lists of them by name. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"

/* What tells a changed file without reading it. */
struct file_mark {
    dev_t device;
    ino_t inode;
    off_t size;
    int64_t modified_ns, changed_ns;
};

struct file {
    char *name; /* "hash" of hash.lua, "text.words" of lib/text/words.lua */
    char *path; /* where it was last seen */
    struct file_mark mark;
    bool told; /* written in place: the mark may be the same */
    bool seen; /* by the scan under way */
    bool link; /* symbolic: no event tells that what it points to has changed */
    bool read; /* `text` is its content; else `error` says why not */
    struct buf text;
    char *error;
    uint64_t serial;     /* of the content; a new one for each change */
    uint64_t busy_until; /* somebody is writing it: not looked at before, clock_now_ns */
    uint64_t open_since; /* when it was first left for later because of that; 0: it was not */
};

/* Sorted by name; zeroed is empty. */
struct files {
    struct file **at;
    size_t count, room;
    bool full; /* there are more than may be added */
};

struct file *files_find(const struct files *files, struct str name);
struct file *files_find_or_add(struct files *files, struct str name);
void files_fini(struct files *files);

/* Drops what a scan did not see, and begins the next one; true when any of that had been read. */
bool files_drop_unseen(struct files *files);

/* Is this errno one of the process's own want, of descriptors or memory? It says nothing about what
 * was to be opened. */
bool file_is_want(int error);

/* Reads the file at `path` when it has changed; true when its content is another now. While anybody
 * has it open for writing it is left for later, and `*again_ns` is made no later than that; where
 * that cannot be known, for 100 ms after it was written to; and when it cannot be opened for want
 * of descriptors. A file of more than `most` bytes is not read. */
bool file_look_at(struct file *file, const char *path, size_t most, uint64_t *again_ns);

/* Has the file changed since it was looked at? Reads nothing. */
bool file_is_stale(const struct file *file);

/* Takes note of an inotify event of it. */
void file_note(struct file *file, uint32_t mask);

/* Never the same twice. */
uint64_t file_next_serial(void);
