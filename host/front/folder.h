/* folder.h - one functions folder: its files and modules as they were last read, and its watches.
 */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"
#include "front/func.h"

/* What tells a changed file without reading it. */
struct file_mark {
    dev_t device;
    ino_t inode;
    off_t size;
    int64_t modified_ns, changed_ns;
};

struct file {
    char *name; /* "hash" of hash.lua, "text.words" of lib/text/words.lua */
    struct file_mark mark;
    bool told; /* written in place: the mark may be the same */
    bool seen; /* by the scan under way */
    bool read; /* `text` is its content; else `error` says why not */
    struct buf text;
    char *error;
    uint64_t serial;     /* of the content; a new one for each change */
    uint64_t busy_until; /* somebody is writing it: not looked at before, clock_now_ns */
    struct file *next;
};

struct folder {
    const char *path;
    int inotify;
    int watch; /* -1: the folder is not there, or cannot be watched */
    int lib_watches[64];
    size_t lib_watch_count;
    struct file *files, *modules;
    uint64_t modules_serial;
    struct blob *modules_blob;
    size_t file_max;
};

void folder_init(struct folder *folder, const char *path, int inotify, size_t file_max);
void folder_fini(struct folder *folder);

/* Watches the folder and reads what changed. Files being written are left for later: `*again_ns` is
 * when to come back, 0 for never. False when the folder is not there. */
bool folder_scan(struct folder *folder, uint64_t *again_ns);

/* Takes note of an inotify event; false when it is of another folder. */
struct inotify_event;
bool folder_note(struct folder *folder, const struct inotify_event *event);

struct file *folder_find(struct folder *folder, struct str name);
