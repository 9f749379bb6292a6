/* folder.c - reading and watching a functions folder. */
/* SPDX-License-Identifier: MIT */
#include "front/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "wire/message.h"

enum { LIB_DEPTH_MAX = 8, MODULES_MAX_BYTES = 8 << 20, WRITING_MS = 100, FILES_MAX = 4096 };
enum {
    WATCHED = IN_CLOSE_WRITE | IN_MODIFY | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO |
              IN_DELETE_SELF | IN_MOVE_SELF | IN_ATTRIB
};

static uint64_t last_serial;

void folder_init(struct folder *folder, const char *path, int inotify, size_t file_max)
{
    *folder = (struct folder){.path = path,
                              .inotify = inotify,
                              .watch = -1,
                              .modules_blob = blob_open(),
                              .file_max = file_max};
}

static void free_file(struct file *file)
{
    free(file->name);
    free(file->error);
    buf_fini(&file->text);
    free(file);
}

static void free_files(struct file **list)
{
    while (*list) {
        struct file *next = (*list)->next;

        free_file(*list);
        *list = next;
    }
}

void folder_fini(struct folder *folder)
{
    free_files(&folder->files);
    free_files(&folder->modules);
    blob_unref(folder->modules_blob);
}

static struct file *find(struct file *list, struct str name)
{
    while (list && !str_equal(str_of(list->name), name))
        list = list->next;
    return list;
}

struct file *folder_find(struct folder *folder, struct str name)
{
    struct file *file = find(folder->files, name);

    return file && (file->read || file->error) ? file : NULL;
}

static struct file *find_or_add(struct file **list, struct str name)
{
    struct file *file = find(*list, name);

    if (file)
        return file;
    file = calloc(1, sizeof(*file));
    if (!file || !(file->name = strndup(name.at, name.len)))
        abort();
    file->next = *list;
    *list = file;
    return file;
}

/* -- Reading --------------------------------------------------------------------------------- */

static struct file_mark mark_of(const struct stat *s)
{
    return (struct file_mark){s->st_dev, s->st_ino, s->st_size,
                              (int64_t)s->st_mtim.tv_sec * (int64_t)NS_PER_S + s->st_mtim.tv_nsec,
                              (int64_t)s->st_ctim.tv_sec * (int64_t)NS_PER_S + s->st_ctim.tv_nsec};
}

static bool same_mark(const struct file_mark *a, const struct file_mark *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->modified_ns == b->modified_ns && a->changed_ns == b->changed_ns;
}

static bool read_text(int fd, size_t most, struct buf *text, struct err *err)
{
    struct stat s;

    if (fstat(fd, &s) != 0)
        return err_set_errno(err, "fstat");
    if (!S_ISREG(s.st_mode))
        return err_set(err, ERR_FUNCTION_ERROR, "it is no regular file");
    for (;;) {
        size_t before = text->len;
        ssize_t n = read(fd, buf_extend(text, 16384), 16384);

        text->len = before + (n > 0 ? (size_t)n : 0);
        if (n < 0)
            return err_set_errno(err, "it cannot be read");
        if (n == 0)
            return true;
        if (text->len > most)
            return err_set(err, ERR_FUNCTION_ERROR, "it is more than %zu bytes", most);
    }
}

/* True when the content, or the reason that there is none, has changed. */
static bool read_file(struct file *file, const char *path, size_t most)
{
    struct buf text = {0};
    struct err err = {ERR_NONE, ""};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0)
        err_set_errno(&err, "it cannot be opened");
    bool ok = fd >= 0 && read_text(fd, most, &text, &err);
    if (fd >= 0)
        close(fd);
    bool same = ok ? file->read && str_equal(buf_str(&file->text), buf_str(&text))
                   : file->error && strcmp(file->error, err.text) == 0;
    buf_fini(&file->text);
    free(file->error);
    file->text = text;
    file->read = ok;
    file->error = ok ? NULL : strdup(err.text);
    return !same;
}

/* Looks at one file; true when its content has changed. */
static bool look_at(struct file *file, const char *path, size_t most, uint64_t *again_ns)
{
    struct stat s;

    file->seen = true;
    if (file->busy_until > clock_now_ns()) {
        if (*again_ns == 0 || file->busy_until < *again_ns)
            *again_ns = file->busy_until;
        return false;
    }
    if (stat(path, &s) != 0) {
        file->seen = false;
        return false;
    }
    struct file_mark mark = mark_of(&s);
    if (!file->told && (file->read || file->error) && same_mark(&file->mark, &mark))
        return false;
    file->mark = mark;
    file->told = false;
    if (!read_file(file, path, most))
        return false;
    file->serial = ++last_serial;
    return true;
}

/* Drops what a scan did not see; true when there was any. */
static bool drop_unseen(struct file **list)
{
    bool any = false;

    while (*list) {
        struct file *file = *list;

        if (file->seen) {
            file->seen = false;
            list = &file->next;
            continue;
        }
        any |= file->read;
        *list = file->next;
        free_file(file);
    }
    return any;
}

/* "name.lua" gives "name"; what editors leave beside a file, and other files, give nothing. */
static struct str lua_stem(const char *entry)
{
    size_t len = strlen(entry);

    if (entry[0] == '.' || len <= 4 || strcmp(entry + len - 4, ".lua") != 0)
        return (struct str){NULL, 0};
    return (struct str){entry, len - 4};
}

/* -- Modules --------------------------------------------------------------------------------- */

struct lib_scan {
    struct folder *folder;
    uint64_t *again_ns;
    bool changed;
};

static void watch_lib(struct folder *folder, const char *path)
{
    int watch =
        folder->inotify < 0 ? -1 : inotify_add_watch(folder->inotify, path, WATCHED | IN_ONLYDIR);

    for (size_t i = 0; i < folder->lib_watch_count; i++)
        if (folder->lib_watches[i] == watch)
            return;
    if (watch >= 0 &&
        folder->lib_watch_count < sizeof(folder->lib_watches) / sizeof(*folder->lib_watches))
        folder->lib_watches[folder->lib_watch_count++] = watch;
}

static void scan_lib(struct lib_scan *scan, const char *path, const char *prefix, int depth);

static void scan_lib_entry(struct lib_scan *scan, const char *path, const char *prefix,
                           const struct dirent *entry, int depth)
{
    char full[PATH_MAX], name[256];
    struct str stem = lua_stem(entry->d_name);
    struct stat s;

    if ((size_t)snprintf(full, sizeof(full), "%s/%s", path, entry->d_name) >= sizeof(full) ||
        stat(full, &s) != 0)
        return;
    if (S_ISDIR(s.st_mode)) {
        if ((size_t)snprintf(name, sizeof(name), "%s%s.", prefix, entry->d_name) < sizeof(name))
            scan_lib(scan, full, name, depth + 1);
        return;
    }
    int len = snprintf(name, sizeof(name), "%s%.*s", prefix, STR_ARG(stem));
    if (stem.len == 0 || (size_t)len >= sizeof(name))
        return;
    struct file *file = find_or_add(&scan->folder->modules, str_of(name));
    scan->changed |= look_at(file, full, scan->folder->file_max, scan->again_ns);
}

static void scan_lib(struct lib_scan *scan, const char *path, const char *prefix, int depth)
{
    DIR *dir = depth <= LIB_DEPTH_MAX ? opendir(path) : NULL;
    struct dirent *entry;

    if (!dir)
        return;
    watch_lib(scan->folder, path);
    while ((entry = readdir(dir)))
        if (entry->d_name[0] != '.')
            scan_lib_entry(scan, path, prefix, entry, depth);
    closedir(dir);
}

static void build_blob(struct folder *folder)
{
    struct blob *blob = blob_open();

    for (struct file *m = folder->modules; m; m = m->next) {
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
    folder->modules_serial = ++last_serial;
}

static void scan_modules(struct folder *folder, uint64_t *again_ns)
{
    struct lib_scan scan = {folder, again_ns, false};
    char path[PATH_MAX];

    if ((size_t)snprintf(path, sizeof(path), "%s/lib", folder->path) >= sizeof(path))
        return;
    scan_lib(&scan, path, "", 0);
    if (drop_unseen(&folder->modules) || scan.changed)
        build_blob(folder);
}

/* -- Functions ------------------------------------------------------------------------------- */

static bool has_room(struct folder *folder)
{
    size_t count = 0;

    for (struct file *f = folder->files; f; f = f->next)
        count++;
    return count < FILES_MAX;
}

static void scan_entry(struct folder *folder, const struct dirent *entry, uint64_t *again_ns)
{
    struct str stem = lua_stem(entry->d_name);
    struct file *file = stem.len ? find(folder->files, stem) : NULL;
    char path[PATH_MAX];

    if (stem.len == 0 ||
        (size_t)snprintf(path, sizeof(path), "%s/%s", folder->path, entry->d_name) >= sizeof(path))
        return;
    if (!file && !has_room(folder))
        return;
    bool allowed = func_name_is_valid(stem);
    if (!allowed && !file)
        log_line(LOG_WARN, "file is no function: a name is [a-z0-9][a-z0-9_-]{0,63} file=%s",
                 log_quoted(str_of(path)));
    file = find_or_add(&folder->files, stem);
    if (allowed)
        look_at(file, path, folder->file_max, again_ns);
    else
        file->seen = true; /* remembered, so that it is told once */
}

/* Watches before reading: what changes meanwhile brings an event, and another scan. */
bool folder_scan(struct folder *folder, uint64_t *again_ns)
{
    struct dirent *entry;

    if (folder->inotify >= 0 && folder->watch < 0)
        folder->watch = inotify_add_watch(folder->inotify, folder->path, WATCHED | IN_ONLYDIR);
    DIR *dir = opendir(folder->path);
    while (dir && (entry = readdir(dir)))
        scan_entry(folder, entry, again_ns);
    if (dir)
        closedir(dir);
    drop_unseen(&folder->files);
    scan_modules(folder, again_ns);
    return dir != NULL;
}

/* -- Events ---------------------------------------------------------------------------------- */

static void note(struct file *file, uint32_t mask)
{
    if (mask & (IN_CREATE | IN_MODIFY))
        file->busy_until = clock_now_ns() + WRITING_MS * NS_PER_MS;
    if (mask & (IN_CLOSE_WRITE | IN_MOVED_TO))
        file->busy_until = 0;
    file->told = true;
}

static void note_file(struct folder *folder, const struct inotify_event *event)
{
    struct str stem = lua_stem(event->name);
    struct file *file = stem.len ? find(folder->files, stem) : NULL;

    if (!file && stem.len && func_name_is_valid(stem) && (event->mask & IN_CREATE) &&
        has_room(folder))
        file = find_or_add(&folder->files, stem);
    if (file)
        note(file, event->mask);
}

/* The event has no folder: every module with this file name is meant. */
static void note_modules(struct folder *folder, const struct inotify_event *event)
{
    struct str stem = lua_stem(event->len ? event->name : "");

    for (struct file *m = folder->modules; m && stem.len; m = m->next) {
        const char *dot = strrchr(m->name, '.');

        if (str_equal(str_of(dot ? dot + 1 : m->name), stem))
            note(m, event->mask);
    }
}

bool folder_note(struct folder *folder, const struct inotify_event *event)
{
    if (folder->watch == event->wd) {
        if (event->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED)) {
            if (!(event->mask & IN_IGNORED))
                inotify_rm_watch(folder->inotify, folder->watch);
            folder->watch = -1;
        } else if (event->len) {
            note_file(folder, event);
        }
        return true;
    }
    for (size_t i = 0; i < folder->lib_watch_count; i++)
        if (folder->lib_watches[i] == event->wd) {
            if (event->mask & (IN_DELETE_SELF | IN_IGNORED))
                folder->lib_watches[i] = folder->lib_watches[--folder->lib_watch_count];
            else
                note_modules(folder, event);
            return true;
        }
    return false;
}
