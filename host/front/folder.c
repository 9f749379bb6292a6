/* folder.c - reading and watching a functions folder. */
/* SPDX-License-Identifier: MIT */
#include "front/folder.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "wire/message.h"

enum { LIB_DEPTH_MAX = 8, MODULES_MAX_BYTES = 8 << 20, FILES_MAX = 4096 };
enum {
    WATCHED = IN_CLOSE_WRITE | IN_MODIFY | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO |
              IN_DELETE_SELF | IN_MOVE_SELF | IN_ATTRIB
};

void folder_init(struct folder *folder, const char *path, int inotify, size_t file_max)
{
    *folder = (struct folder){.path = path,
                              .inotify = inotify,
                              .watch = -1,
                              .modules_blob = blob_open(),
                              .file_max = file_max};
}

void folder_fini(struct folder *folder)
{
    files_fini(&folder->files);
    files_fini(&folder->modules);
    blob_unref(folder->modules_blob);
}

struct file *folder_find(struct folder *folder, struct str name)
{
    struct file *file = files_find(&folder->files, name);

    return file && (file->read || file->error) ? file : NULL;
}

/* "name.lua" gives "name"; what editors leave beside a file, and other files, give nothing. */
static struct str lua_stem(const char *entry)
{
    size_t len = strlen(entry);

    if (entry[0] == '.' || len <= 4 || strcmp(entry + len - 4, ".lua") != 0)
        return (struct str){NULL, 0};
    return (struct str){entry, len - 4};
}

/* NULL when the folder has too many already, which is told once. */
static struct file *find_or_add(struct folder *folder, struct files *files, struct str name)
{
    struct file *file = files_find(files, name);

    if (file || files->count < FILES_MAX)
        return file ? file : files_find_or_add(files, name);
    if (!files->full)
        log_line(LOG_WARN, "files are left out: a folder has %d at most folder=%s first=%s",
                 FILES_MAX, log_quoted(str_of(folder->path)), log_quoted(name));
    files->full = true;
    return NULL;
}

/* Where files were left out, others that are gone make room for them. */
static bool drop_unseen(struct files *files, uint64_t *again_ns)
{
    size_t before = files->count;
    bool any = files_drop_unseen(files);

    if (files->full && files->count < before)
        *again_ns = clock_now_ns();
    files->full &= files->count == FILES_MAX;
    return any;
}

/* -- Modules --------------------------------------------------------------------------------- */

struct lib_scan {
    struct folder *folder;
    uint64_t *again_ns;
    bool changed;
    bool cut; /* for want of descriptors: what was not seen may be there */
    int watches[LIB_WATCHES];
    size_t watch_count;
};

/* stat, minding links that lead nowhere yet, and those to folders. */
static bool find_out(struct folder *folder, const char *path, struct stat *s)
{
    struct stat link;

    if (lstat(path, &link) != 0)
        return false;
    bool found = stat(path, s) == 0;
    folder->polled |= S_ISLNK(link.st_mode) && (!found || S_ISDIR(s->st_mode));
    return found;
}

static void watch_lib(struct lib_scan *scan, const char *path)
{
    struct folder *folder = scan->folder;

    if (folder->inotify < 0)
        return;
    int watch = inotify_add_watch(folder->inotify, path, WATCHED | IN_ONLYDIR);
    if (watch >= 0 && scan->watch_count < LIB_WATCHES) {
        scan->watches[scan->watch_count++] = watch;
        return;
    }
    if (watch >= 0)
        inotify_rm_watch(folder->inotify, watch);
    folder->polled = true;
}

static bool has_watch(const int *watches, size_t count, int watch)
{
    for (size_t i = 0; i < count; i++)
        if (watches[i] == watch)
            return true;
    return false;
}

/* The watches of folders that are no longer found go. */
static void keep_watches(const struct lib_scan *scan)
{
    struct folder *folder = scan->folder;

    for (size_t i = 0; i < folder->lib_watch_count; i++)
        if (!has_watch(scan->watches, scan->watch_count, folder->lib_watches[i]))
            inotify_rm_watch(folder->inotify, folder->lib_watches[i]);
    memcpy(folder->lib_watches, scan->watches, scan->watch_count * sizeof(*scan->watches));
    folder->lib_watch_count = scan->watch_count;
}

static void scan_lib(struct lib_scan *scan, const char *path, const char *prefix, int depth);

static void scan_lib_entry(struct lib_scan *scan, const char *path, const char *prefix,
                           const struct dirent *entry, int depth)
{
    char full[PATH_MAX], name[256];
    struct str stem = lua_stem(entry->d_name);
    struct stat s;

    if ((size_t)snprintf(full, sizeof(full), "%s/%s", path, entry->d_name) >= sizeof(full) ||
        !find_out(scan->folder, full, &s))
        return;
    if (S_ISDIR(s.st_mode)) {
        if ((size_t)snprintf(name, sizeof(name), "%s%s.", prefix, entry->d_name) < sizeof(name))
            scan_lib(scan, full, name, depth + 1);
        return;
    }
    int len = snprintf(name, sizeof(name), "%s%.*s", prefix, STR_ARG(stem));
    if (stem.len == 0 || (size_t)len >= sizeof(name))
        return;
    struct file *file = find_or_add(scan->folder, &scan->folder->modules, str_of(name));
    if (!file)
        return;
    file->link = entry->d_type != DT_REG;
    scan->changed |= file_look_at(file, full, scan->folder->file_max, scan->again_ns);
}

static void scan_lib(struct lib_scan *scan, const char *path, const char *prefix, int depth)
{
    DIR *dir = depth <= LIB_DEPTH_MAX ? opendir(path) : NULL;
    struct dirent *entry;

    if (!dir) {
        scan->cut |= depth <= LIB_DEPTH_MAX && file_is_want(errno);
        return;
    }
    watch_lib(scan, path);
    while ((entry = readdir(dir)))
        if (entry->d_name[0] != '.')
            scan_lib_entry(scan, path, prefix, entry, depth);
    closedir(dir);
}

static void build_blob(struct folder *folder)
{
    struct blob *blob = blob_open();

    for (size_t i = 0; i < folder->modules.count; i++) {
        const struct file *m = folder->modules.at[i];

        if (m->error)
            log_line(LOG_WARN, "module cannot be read folder=%s module=%s error=%s",
                     log_quoted(str_of(folder->path)), log_quoted(str_of(m->name)),
                     log_quoted(str_of(m->error)));
        if (!m->read)
            continue;
        if (blob->text.len + m->text.len > MODULES_MAX_BYTES) {
            log_line(
                LOG_WARN, "modules are more than %d bytes, one is left out folder=%s module=%s",
                MODULES_MAX_BYTES, log_quoted(str_of(folder->path)), log_quoted(str_of(m->name)));
            continue;
        }
        message_put_module(&blob->text, str_of(m->name), buf_str(&m->text));
    }
    blob_unref(folder->modules_blob);
    folder->modules_blob = blob;
    folder->modules_serial = file_next_serial();
}

/* False when not all could be seen. */
static bool scan_modules(struct folder *folder, uint64_t *again_ns)
{
    struct lib_scan scan = {.folder = folder, .again_ns = again_ns};
    char path[PATH_MAX];
    struct stat s;

    if ((size_t)snprintf(path, sizeof(path), "%s/lib", folder->path) >= sizeof(path))
        return true;
    if (find_out(folder, path, &s))
        scan_lib(&scan, path, "", 0);
    if (scan.cut)
        return false;
    keep_watches(&scan);
    if (drop_unseen(&folder->modules, again_ns) || scan.changed)
        build_blob(folder);
    return true;
}

/* -- Functions ------------------------------------------------------------------------------- */

static void scan_entry(struct folder *folder, const struct dirent *entry, uint64_t *again_ns)
{
    struct str stem = lua_stem(entry->d_name);
    bool allowed = func_name_is_valid(stem), known = files_find(&folder->files, stem) != NULL;
    char path[PATH_MAX];
    struct stat s;

    if (stem.len == 0 ||
        (size_t)snprintf(path, sizeof(path), "%s/%s", folder->path, entry->d_name) >= sizeof(path))
        return;
    struct file *file = find_or_add(folder, &folder->files, stem);
    if (!file)
        return;
    if (!allowed && !known)
        log_line(LOG_WARN, "file is no function: a name is [a-z0-9][a-z0-9_-]{0,63} file=%s",
                 log_quoted(str_of(path)));
    file->link = entry->d_type != DT_REG;
    if (!allowed)
        file->seen = true; /* remembered, so that it is told once */
    else if (!file->link || find_out(folder, path, &s))
        file_look_at(file, path, folder->file_max, again_ns);
}

/* Watches before reading: what changes meanwhile brings an event, and another scan. */
static void watch(struct folder *folder)
{
    struct stat s;

    if (folder->inotify < 0 || stat(folder->path, &s) != 0)
        return;
    if (folder->watch >= 0 && (s.st_dev != folder->device || s.st_ino != folder->inode)) {
        inotify_rm_watch(folder->inotify, folder->watch);
        folder->watch = -1;
    }
    if (folder->watch < 0)
        folder->watch = inotify_add_watch(folder->inotify, folder->path, WATCHED | IN_ONLYDIR);
    folder->device = s.st_dev;
    folder->inode = s.st_ino;
}

bool folder_scan(struct folder *folder, uint64_t *again_ns)
{
    struct dirent *entry;

    watch(folder);
    folder->polled = false;
    DIR *dir = opendir(folder->path);
    if (!dir && file_is_want(errno))
        return false;
    while (dir && (entry = readdir(dir)))
        scan_entry(folder, entry, again_ns);
    if (dir)
        closedir(dir);
    drop_unseen(&folder->files, again_ns);
    return scan_modules(folder, again_ns) && dir;
}

static bool any_stale_link(const struct files *files)
{
    for (size_t i = 0; i < files->count; i++)
        if (files->at[i]->link && file_is_stale(files->at[i]))
            return true;
    return false;
}

bool folder_is_stale(const struct folder *folder)
{
    struct stat s;

    if (folder->watch >= 0 &&
        (stat(folder->path, &s) != 0 || s.st_dev != folder->device || s.st_ino != folder->inode))
        return true;
    return folder->polled || any_stale_link(&folder->files) || any_stale_link(&folder->modules);
}

/* -- Events ---------------------------------------------------------------------------------- */

static void note_file(struct folder *folder, const struct inotify_event *event)
{
    struct str stem = lua_stem(event->name);
    struct file *file = files_find(&folder->files, stem);

    if (!file && func_name_is_valid(stem) && (event->mask & IN_CREATE))
        file = find_or_add(folder, &folder->files, stem);
    if (file)
        file_note(file, event->mask);
}

/* The event has no folder: every module with this file name is meant. */
static void note_modules(struct folder *folder, const struct inotify_event *event)
{
    struct str stem = lua_stem(event->name);

    for (size_t i = 0; i < folder->modules.count && stem.len; i++) {
        struct file *m = folder->modules.at[i];
        const char *dot = strrchr(m->name, '.');

        if (str_equal(str_of(dot ? dot + 1 : m->name), stem))
            file_note(m, event->mask);
    }
}

/* What is written into other files is nobody's business here; but one that comes or goes may be
 * what a link leads to, and a folder may have become readable. */
static bool is_of_interest(const struct inotify_event *event)
{
    const uint32_t writes = IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB;

    if (event->mask & IN_ISDIR)
        return true;
    return event->len && (lua_stem(event->name).len || !(event->mask & writes));
}

static bool note_of_lib(struct folder *folder, const struct inotify_event *event)
{
    for (size_t i = 0; i < folder->lib_watch_count; i++) {
        if (folder->lib_watches[i] != event->wd)
            continue;
        if (event->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED)) {
            folder->lib_watches[i] = folder->lib_watches[--folder->lib_watch_count];
            if (event->mask & IN_MOVE_SELF)
                inotify_rm_watch(folder->inotify, event->wd);
            return true;
        }
        if (event->len)
            note_modules(folder, event);
        return is_of_interest(event);
    }
    return false;
}

bool folder_note(struct folder *folder, const struct inotify_event *event)
{
    if (folder->watch != event->wd)
        return note_of_lib(folder, event);
    if (event->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED)) {
        if (!(event->mask & IN_IGNORED))
            inotify_rm_watch(folder->inotify, folder->watch);
        folder->watch = -1;
        return true;
    }
    if (event->len)
        note_file(folder, event);
    return is_of_interest(event);
}
