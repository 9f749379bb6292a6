/* folder.h - one functions folder: its files and modules as they were last read, and its watches.
 */
/* SPDX-License-Identifier: MIT */
#pragma once

#include "front/file.h"
#include "front/func.h"

enum { LIB_WATCHES = 64 };

struct folder {
    const char *path;
    int inotify;
    int watch; /* -1: the folder is not there, or cannot be watched */
    dev_t device;
    ino_t inode; /* of what `watch` is on: the path may come to lead to another */
    bool polled; /* it has links to folders or to nothing, or too many folders to watch */
    int lib_watches[LIB_WATCHES];
    size_t lib_watch_count;
    struct files files, modules;
    uint64_t modules_serial;
    struct blob *modules_blob;
    size_t file_max;
};

void folder_init(struct folder *folder, const char *path, int inotify, size_t file_max);
void folder_fini(struct folder *folder);

/* Watches the folder and reads what changed. Files being written are left for later: `*again_ns` is
 * when to come back, 0 for never. False when the folder is not there, or cannot be opened for want
 * of descriptors or memory: what is known of it then stays. */
bool folder_scan(struct folder *folder, uint64_t *again_ns);

/* Takes note of an inotify event; true when the folder is to be scanned for it. */
struct inotify_event;
bool folder_note(struct folder *folder, const struct inotify_event *event);

/* Has it changed in a way that brings no event? */
bool folder_is_stale(const struct folder *folder);

struct file *folder_find(struct folder *folder, struct str name);
